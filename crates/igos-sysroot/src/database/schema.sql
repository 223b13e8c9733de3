-- The cache of the text records; docs/formats/database.md describes it.
CREATE TABLE packages (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    arch TEXT NOT NULL,
    description TEXT NOT NULL,
    reason TEXT NOT NULL,
    installed INTEGER NOT NULL,
    transaction_number INTEGER NOT NULL,
    seal TEXT NOT NULL,
    trust TEXT NOT NULL,
    repository TEXT,
    is_held INTEGER NOT NULL,
    ownership TEXT NOT NULL,
    is_essential INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    record BLOB NOT NULL
);

-- Every path that is not a directory has one owner; `place` is the path with merged-directory links followed.
-- `target` is where a symbolic link points, NULL for a regular file; `content` is the SHA-256 of a regular
-- file that is no configuration.
CREATE TABLE files (
    place BLOB NOT NULL PRIMARY KEY,
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    path BLOB NOT NULL,
    target BLOB,
    content BLOB
) WITHOUT ROWID;
CREATE INDEX files_by_package ON files (package);
CREATE INDEX files_by_content ON files (content) WHERE content IS NOT NULL;

-- Directories are shared.
CREATE TABLE directories (
    place BLOB NOT NULL,
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    path BLOB NOT NULL,
    is_declared INTEGER NOT NULL,
    PRIMARY KEY (place, package)
) WITHOUT ROWID;
CREATE INDEX directories_by_package ON directories (package);

CREATE TABLE depends (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    dependency TEXT NOT NULL,
    PRIMARY KEY (package, dependency)
) WITHOUT ROWID;

CREATE TABLE conflicts (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    dependency TEXT NOT NULL,
    PRIMARY KEY (package, dependency)
) WITHOUT ROWID;

CREATE TABLE provides (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    provided TEXT NOT NULL,
    PRIMARY KEY (package, provided)
) WITHOUT ROWID;

CREATE TABLE features (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    direction TEXT NOT NULL CHECK (direction IN ('provided', 'required')),
    feature TEXT NOT NULL,
    PRIMARY KEY (package, direction, feature)
) WITHOUT ROWID;

-- `package` gave those of its paths that `taker` has too to `taker`.
CREATE TABLE yields (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    taker TEXT NOT NULL,
    PRIMARY KEY (package, taker)
) WITHOUT ROWID;

-- Configuration files, for the pristine contents that are needed; `digest` is NULL for a symbolic link.
CREATE TABLE configuration (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    path BLOB NOT NULL,
    digest TEXT,
    PRIMARY KEY (package, path)
) WITHOUT ROWID;
CREATE INDEX configuration_by_digest ON configuration (digest);

-- What packages offer to serve: `path` is the link as the manifest has it, `target` the place of the file.
CREATE TABLE alternatives (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    path BLOB NOT NULL,
    target BLOB NOT NULL,
    priority INTEGER NOT NULL,
    PRIMARY KEY (package, path, target)
) WITHOUT ROWID;

-- Triggers of packages; `paths` and `run` are words with line feeds between them.
CREATE TABLE triggers (
    package TEXT NOT NULL REFERENCES packages (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    paths TEXT NOT NULL,
    run TEXT NOT NULL,
    PRIMARY KEY (package, position)
) WITHOUT ROWID;

CREATE TABLE transactions (
    number INTEGER NOT NULL PRIMARY KEY,
    time INTEGER NOT NULL,
    rollback_to INTEGER
);

CREATE TABLE changes (
    transaction_number INTEGER NOT NULL REFERENCES transactions (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    action TEXT NOT NULL,
    name TEXT NOT NULL,
    from_version TEXT,
    to_version TEXT,
    seal TEXT,
    trust TEXT,
    PRIMARY KEY (transaction_number, position)
) WITHOUT ROWID;
CREATE INDEX changes_by_name ON changes (name);
