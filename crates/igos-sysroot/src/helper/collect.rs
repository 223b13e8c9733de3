//! What a helper staged, compared with what its manifest says, as entries of a package.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use igos_format::manifest::is_reserved;
use igos_format::{EntryKind, FileEntry, Hasher, Owner, RelPath, Xattrs};
use igos_root::{Descend, Kind, RootDir, RootError, Visit, walk};

use super::manifest::{ENTRIES_MAX, HelperManifest};

/// Where helpers may put files.
const ALLOWED: [&str; 4] = ["etc", "opt", "usr", "var/lib"];

/// Most directories, which the manifest does not list.
const DIRECTORIES_MAX: usize = 2 * ENTRIES_MAX;

/// Returns the entries of the staged tree, sorted; or what is wrong with it.
pub(super) fn collect(
    stage: &RootDir,
    manifest: &HelperManifest,
) -> Result<Vec<FileEntry>, String> {
    let files: BTreeSet<&RelPath> = manifest.files.iter().collect();
    let links: BTreeMap<&RelPath, &str> = manifest
        .symlinks
        .iter()
        .map(|(path, target)| (path, target.as_str()))
        .collect();
    if files.len() + links.len() != manifest.files.len() + manifest.symlinks.len()
        || links.keys().any(|path| files.contains(path))
    {
        return Err("the manifest lists a path twice".to_owned());
    }
    let mut entries = Vec::new();
    let mut directories = 0;
    walk(stage.top(), &mut |visit| {
        let refused = |problem: String| Err(io::Error::other(problem));
        let entry = match entry_of(&visit, &files, &links) {
            Ok(entry) => entry,
            Err(problem) => return refused(problem),
        };
        directories += usize::from(entry.kind == EntryKind::Directory);
        if directories > DIRECTORIES_MAX {
            return refused(format!("it has more than {DIRECTORIES_MAX} directories"));
        }
        entries.push(entry);
        Ok(Descend::Into)
    })
    .map_err(|error| error.to_string())?;
    let found: BTreeSet<&RelPath> = entries.iter().map(|entry| &entry.path).collect();
    let absent = files
        .iter()
        .chain(links.keys())
        .find(|path| !found.contains(**path));
    if let Some(absent) = absent {
        return Err(format!("/{absent} is in the manifest and was not staged"));
    }
    Ok(entries)
}

fn entry_of(
    visit: &Visit<'_>,
    files: &BTreeSet<&RelPath>,
    links: &BTreeMap<&RelPath, &str>,
) -> Result<FileEntry, String> {
    let path = RelPath::from_bytes(visit.path).map_err(|error| error.to_string())?;
    let metadata = match &visit.found {
        Ok(metadata) => metadata,
        Err(error) => return Err(format!("/{path} cannot be read: {error}")),
    };
    if !is_allowed(&path) {
        return Err(format!("/{path} is not below {}", ALLOWED.join(", ")));
    }
    let mut is_configuration = false;
    let (kind, mode) = match metadata.kind {
        Kind::Directory => (EntryKind::Directory, 0o755),
        Kind::File if !files.contains(&path) => {
            return Err(format!("/{path} is a file that the manifest does not list"));
        }
        Kind::File if metadata.mode & 0o7000 != 0 => {
            return Err(format!("/{path} has setuid, setgid or sticky bits"));
        }
        Kind::File if metadata.links > 1 => return Err(format!("/{path} has several names")),
        Kind::File => {
            is_configuration = path.as_bytes().starts_with(b"etc/");
            let mode = if metadata.mode & 0o100 == 0 {
                0o644
            } else {
                0o755
            };
            let file = visit.directory.open_file(visit.name);
            let kind = file
                .and_then(content)
                .map_err(|error| format!("/{path}: {error}"))?;
            (kind, mode)
        }
        Kind::Symlink => {
            let target = visit
                .directory
                .read_link(visit.name)
                .map_err(|error| format!("/{path}: {error}"))?;
            if links
                .get(&path)
                .is_none_or(|listed| listed.as_bytes() != target)
            {
                return Err(format!(
                    "/{path} is a link that the manifest does not list so"
                ));
            }
            (EntryKind::Symlink { target }, 0o777)
        }
        Kind::Special => return Err(format!("/{path} is a device, pipe or socket")),
    };
    Ok(FileEntry {
        path,
        kind,
        mode,
        owner: Owner::root(),
        is_configuration,
        capabilities: None,
        xattrs: Xattrs::new(),
    })
}

/// Tells whether a path is one that helpers may bring, or leads to such.
fn is_allowed(path: &RelPath) -> bool {
    let text = path.as_bytes();
    let below = |directory: &&str| {
        text.strip_prefix(directory.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    !is_reserved(path) && (ALLOWED.iter().any(below) || text == b"var")
}

fn content(mut file: std::fs::File) -> io::Result<EntryKind> {
    let mut hasher = Hasher::new();
    let mut size = 0;
    let mut chunk = vec![0_u8; 64 * 1024];
    loop {
        match io::Read::read(&mut file, &mut chunk)? {
            0 => break,
            count => {
                hasher.update(&chunk[..count]);
                size += count as u64;
            }
        }
    }
    Ok(EntryKind::File {
        sha256: hasher.sha256(),
        size,
        link_group: None,
    })
}

/// Opens the content of an entry again, to be packed.
pub(super) fn open(stage: &RootDir, entry: &FileEntry) -> io::Result<std::fs::File> {
    stage
        .open_file(&entry.path)
        .map_err(RootError::into_io)?
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    use fs_err as fs;
    use igos_format::{EntryKind, RelPath};
    use igos_root::RootDir;

    use super::collect;
    use crate::helper::HelperManifest;

    fn path(text: &str) -> RelPath {
        text.parse().expect("a path")
    }

    /// A staged tree with one file and one link, and the manifest of both.
    fn staged() -> (tempfile::TempDir, HelperManifest) {
        let stage = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(stage.path().join("opt/chat")).expect("made");
        fs::create_dir_all(stage.path().join("usr/bin")).expect("made");
        fs::write(stage.path().join("opt/chat/chat"), "program").expect("written");
        let mode = PermissionsExt::from_mode(0o711);
        fs::set_permissions(stage.path().join("opt/chat/chat"), mode).expect("ours");
        symlink("../../opt/chat/chat", stage.path().join("usr/bin/chat")).expect("linked");
        let manifest = HelperManifest {
            version: "1".parse().expect("a version"),
            description: String::new(),
            license: String::new(),
            homepage: String::new(),
            depends: Vec::new(),
            files: vec![path("opt/chat/chat")],
            symlinks: vec![(path("usr/bin/chat"), "../../opt/chat/chat".to_owned())],
        };
        (stage, manifest)
    }

    fn problem(change: impl FnOnce(&Path, &mut HelperManifest)) -> String {
        let (stage, mut manifest) = staged();
        change(stage.path(), &mut manifest);
        let root = RootDir::open(stage.path()).expect("it is there");
        collect(&root, &manifest).expect_err("it is refused")
    }

    #[test]
    fn staged_files_become_entries_of_root_with_plain_modes() {
        let (stage, manifest) = staged();
        let root = RootDir::open(stage.path()).expect("it is there");
        let entries = collect(&root, &manifest).expect("it is what the manifest says");
        let listed: Vec<(String, u16)> = entries
            .iter()
            .map(|entry| (entry.path.to_string(), entry.mode))
            .collect();
        let expected = [
            ("opt", 0o755),
            ("opt/chat", 0o755),
            ("opt/chat/chat", 0o755),
            ("usr", 0o755),
            ("usr/bin", 0o755),
            ("usr/bin/chat", 0o777),
        ];
        assert_eq!(listed, expected.map(|(path, mode)| (path.to_owned(), mode)));
        assert!(entries.iter().all(|entry| entry.owner.is_root()));
        assert!(matches!(&entries[2].kind, EntryKind::File { size: 7, .. }));
    }

    #[test]
    fn whatever_gives_rights_or_is_not_listed_is_refused() {
        let file = "opt/chat/chat";
        let cases = [
            (
                problem(|at, _| {
                    let mode = PermissionsExt::from_mode(0o4755);
                    fs::set_permissions(at.join(file), mode).expect("ours");
                }),
                "/opt/chat/chat has setuid, setgid or sticky bits",
            ),
            (
                problem(|at, manifest| {
                    fs::hard_link(at.join(file), at.join("opt/again")).expect("linked");
                    manifest.files.push(path("opt/again"));
                }),
                "/opt/again has several names",
            ),
            (
                problem(|at, _| symlink("/etc/shadow", at.join("opt/link")).expect("linked")),
                "/opt/link is a link that the manifest does not list so",
            ),
            (
                problem(|_, manifest| manifest.symlinks[0].1 = "elsewhere".to_owned()),
                "/usr/bin/chat is a link that the manifest does not list so",
            ),
            (
                problem(|at, _| {
                    fs::create_dir_all(at.join("var/lib/igos/packages")).expect("made")
                }),
                "/var/lib/igos is not below etc, opt, usr, var/lib",
            ),
            (
                problem(|at, _| fs::create_dir_all(at.join("var/spool")).expect("made")),
                "/var/spool is not below etc, opt, usr, var/lib",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(found, expected);
        }
    }
}
