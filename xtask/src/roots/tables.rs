//! What is read, what must not be there, and what is allowed all the same, with reasons.

/// Crates that work on roots.
pub(super) const CRATES: [&str; 5] = [
    "crates/igos-root",
    "crates/igos-sysroot",
    "crates/igos-repo",
    "crates/igos-cli",
    "programs/pkm",
];

/// What of these crates never meets a root, and what it works on instead. The names end where a file or a directory
/// does.
pub(super) const ELSEWHERE: [(&str, &str); 9] = [
    (
        "crates/igos-repo/src/publish/",
        "a repository of the person who publishes, and their keys",
    ),
    (
        "crates/igos-repo/src/debian/",
        "the index of the Debian archive in the cache of the factory",
    ),
    (
        "crates/igos-repo/src/fetch/hunt/",
        "sources in the cache of the factory",
    ),
    (
        "crates/igos-repo/src/fetch/http/confined/",
        "what the downloader sees of the machine, and the certificates that it is given",
    ),
    (
        "crates/igos-repo/src/fetch/git.rs",
        "clones in the cache of the factory",
    ),
    (
        "crates/igos-repo/src/fetch/mirror.rs",
        "copies of sources in directories that the settings of the factory name",
    ),
    (
        "crates/igos-repo/src/store.rs",
        "the store of sources in the cache of the factory",
    ),
    (
        "crates/igos-repo/src/trust/secret.rs",
        "keys of the person who signs",
    ),
    (
        "crates/igos-repo/src/repository/transport.rs",
        "copies of repositories in directories that settings name; nothing is written there",
    ),
];

/// Words of calls that take a path, or that open a root. A word does not begin inside of a longer one.
pub(super) const WORDS: [&str; 73] = [
    "fs_err",
    "std::fs::read",
    "std::fs::write",
    "std::fs::create",
    "std::fs::remove",
    "std::fs::rename",
    "std::fs::copy",
    "std::fs::hard_link",
    "std::fs::soft_link",
    "std::fs::exists",
    "std::fs::canonicalize",
    "std::fs::set_permissions",
    "std::fs::metadata",
    "std::fs::symlink_metadata",
    "std::fs::{",
    "std::fs;",
    "std::fs as",
    "os::unix::fs as",
    "os::unix::fs;",
    "os::unix::fs::*",
    "symlink(",
    "symlink,",
    "symlink}",
    "symlink;",
    "chown(",
    "chown,",
    "chown}",
    "chown;",
    "lchown",
    "chroot(",
    "chroot,",
    "chroot}",
    "chroot;",
    "chmod(",
    "mkfifo",
    "mknod",
    "File::open(",
    "File::create",
    "File::options",
    "OpenOptions",
    "DirBuilder",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".is_symlink()",
    ".metadata()",
    ".symlink_metadata()",
    ".read_link()",
    ".read_dir()",
    ".canonicalize()",
    "Path::exists",
    "Path::try_exists",
    "Path::is_file",
    "Path::is_dir",
    "Path::is_symlink",
    "Path::metadata",
    "Path::symlink_metadata",
    "Path::read_link",
    "Path::read_dir",
    "Path::canonicalize",
    "set_current_dir",
    "libc::",
    "nix::",
    "rustix::fs",
    "rustix::{",
    "rustix as",
    "Connection::open",
    "CWD",
    "\"/proc",
    "RootDir::open",
    "DirectoryBelow::make_at",
    "tempfile",
];

/// What is allowed all the same: the file, the word, and why.
pub(super) const EXCEPTIONS: [(&str, &str, &str); 59] = [
    (
        "crates/igos-root/src/attributes.rs",
        "rustix::fs",
        "attributes of descriptors alone",
    ),
    (
        "crates/igos-root/src/delete.rs",
        "rustix::fs",
        "below open directories; a mode by the magic link of a descriptor",
    ),
    (
        "crates/igos-root/src/delete.rs",
        "\"/proc",
        "the link leads to the descriptor that is held",
    ),
    (
        "crates/igos-root/src/directory.rs",
        "rustix::fs",
        "the one place of openat2 and its siblings",
    ),
    (
        "crates/igos-root/src/lock.rs",
        ".is_file()",
        "of an open file",
    ),
    (
        "crates/igos-root/src/lock.rs",
        ".metadata()",
        "of an open file",
    ),
    (
        "crates/igos-root/src/lock.rs",
        "rustix::fs",
        "a lock of a descriptor",
    ),
    (
        "crates/igos-root/src/metadata.rs",
        "rustix::fs",
        "statx below an open directory",
    ),
    (
        "crates/igos-root/src/private.rs",
        "rustix::fs",
        "lists the descriptors of this process",
    ),
    (
        "crates/igos-root/src/private.rs",
        "\"/proc",
        "lists the descriptors of this process",
    ),
    (
        "crates/igos-root/src/root.rs",
        "rustix::fs",
        "opens the root itself",
    ),
    (
        "crates/igos-root/src/root.rs",
        "CWD",
        "opens the root itself: the one path from outside",
    ),
    (
        "crates/igos-sysroot/src/database/open.rs",
        "\"/proc",
        "SQLite takes paths alone; what it opened is compared by inode",
    ),
    (
        "crates/igos-sysroot/src/database/open.rs",
        "Connection::open",
        "SQLite takes paths alone; what it opened is compared by inode",
    ),
    (
        "crates/igos-sysroot/src/helper/run.rs",
        "\"/proc",
        "names the descriptor of the root for the sandbox",
    ),
    (
        "crates/igos-sysroot/src/confined.rs",
        "RootDir::open",
        "the directories that the user names to unpack into, and what a confined process sees",
    ),
    (
        "crates/igos-sysroot/src/helper/run.rs",
        "RootDir::open",
        "the system that runs, for its accounts, by descriptor",
    ),
    (
        "crates/igos-sysroot/src/hooks/confine.rs",
        "\"/proc",
        "names the descriptor of the root for the sandbox",
    ),
    (
        "crates/igos-sysroot/src/hooks/live.rs",
        "RootDir::open",
        "asks whether the root is that of this process",
    ),
    (
        "programs/pkm/src/archives.rs",
        "fs_err",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/archives.rs",
        "File::open(",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        "fs_err",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        "File::open(",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        ".is_file()",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/apply.rs",
        "fs_err",
        "the plan that the user names",
    ),
    (
        "programs/pkm/src/cli/apply.rs",
        "File::open(",
        "the plan that the user names",
    ),
    (
        "programs/pkm/src/cli/completion.rs",
        "RootDir::open",
        "opens the root of the command line",
    ),
    (
        "programs/pkm/src/cli/context.rs",
        "RootDir::open",
        "opens the root of the command line",
    ),
    (
        "programs/pkm/src/cli/download.rs",
        "fs_err",
        "the directory that the user names",
    ),
    (
        "programs/pkm/src/cli/install.rs",
        ".is_dir()",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/install_helper.rs",
        "\"/proc",
        "names a descriptor without a name in any file system",
    ),
    (
        "programs/pkm/src/cli/kernels.rs",
        "fs_err",
        "the release of the running kernel",
    ),
    (
        "programs/pkm/src/cli/kernels.rs",
        "\"/proc",
        "the release of the running kernel",
    ),
    (
        "programs/pkm/src/cli/repository_add.rs",
        "fs_err",
        "the file of keys that the user names",
    ),
    (
        "programs/pkm/src/cli/restart_services.rs",
        "\"/proc",
        "processes of the running system",
    ),
    (
        "programs/pkm/src/cli/restart_services.rs",
        "RootDir::open",
        "processes of the running system",
    ),
    (
        "programs/pkm/src/remote.rs",
        "fs_err",
        "names an archive in messages; it comes as a descriptor",
    ),
    (
        "programs/pkm/src/cli/repository_changes.rs",
        "tempfile",
        "a directory of its own, for repositories that are not trusted yet",
    ),
    (
        "programs/pkm/src/world/definition.rs",
        "fs_err",
        "the definition and the keys that the user names",
    ),
    (
        "programs/pkm/src/world/definition.rs",
        "File::open(",
        "the definition and the keys that the user names",
    ),
    (
        "crates/igos-cli/src/interrupt.rs",
        "fs_err",
        "signals of this process",
    ),
    (
        "crates/igos-cli/src/interrupt.rs",
        "\"/proc",
        "signals of this process",
    ),
    (
        "crates/igos-cli/src/reporter/log_file.rs",
        "fs_err",
        "the log that the user names",
    ),
    (
        "crates/igos-cli/src/reporter/log_file.rs",
        "File::create",
        "the log that the user names",
    ),
    (
        "crates/igos-cli/src/settings/files.rs",
        "CWD",
        "opens the root of the command line, and strictly below it",
    ),
    (
        "crates/igos-cli/src/settings/files.rs",
        "rustix::fs",
        "opens the root of the command line, and strictly below it",
    ),
    (
        "crates/igos-repo/src/below.rs",
        "RootDir::open",
        "opens the directory that the user or the settings of the factory name",
    ),
    (
        "crates/igos-repo/src/below.rs",
        "fs_err",
        "makes the directory that the user or the settings of the factory name",
    ),
    (
        "crates/igos-repo/src/fetch/partial.rs",
        ".metadata()",
        "of an open file",
    ),
    (
        "crates/igos-repo/src/lock.rs",
        "rustix::fs",
        "opens the lock of a repository that somebody publishes to",
    ),
    (
        "crates/igos-repo/src/repository/cleaning.rs",
        "rustix::fs",
        "a lock of an open file",
    ),
    (
        "crates/igos-repo/src/repository/download/frame_file.rs",
        ".metadata()",
        "of an open file",
    ),
    (
        "crates/igos-repo/src/repository/download/frame_file.rs",
        "rustix::fs",
        "a lock of an open file",
    ),
    (
        "crates/igos-repo/src/repository/places.rs",
        "DirectoryBelow::make_at",
        "the user's own cache",
    ),
    (
        "crates/igos-repo/src/repository/places.rs",
        "RootDir::open",
        "opens the root of the command line",
    ),
    (
        "crates/igos-root/src/delete.rs",
        "chmod(",
        "the mode of a held descriptor, by its magic link",
    ),
    (
        "crates/igos-sysroot/src/hooks/drop_in/attributes.rs",
        ".metadata()",
        "of an open file",
    ),
    (
        "crates/igos-sysroot/src/transaction/contents.rs",
        ".metadata()",
        "of an open file",
    ),
    (
        "programs/pkm/src/cli/download.rs",
        "File::create",
        "the directory that the user names",
    ),
];
