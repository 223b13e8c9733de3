//! What a build left in its destination directory, read through descriptors after every process of it is dead.

use std::collections::BTreeMap;
use std::io;

use igos_format::{RelPath, escape};
use igos_report::Diagnostic;
use igos_root::{Descend, Kind, RootDir, Visit, walk};

/// What is at one path of the destination directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ItemKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// The number its hard links share.
        inode: u64,
    },
    /// A symbolic link.
    Symlink {
        /// What it points at.
        target: Vec<u8>,
    },
}

/// One path of the destination directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// The path.
    pub(crate) path: RelPath,
    /// What is there.
    pub(crate) kind: ItemKind,
    /// Permission, setuid, setgid and sticky bits.
    pub(crate) mode: u16,
}

/// The destination directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path} in the destination directory")]
pub struct CollectError {
    path: String,
    #[source]
    source: io::Error,
}

impl CollectError {
    pub(crate) fn new(path: impl Into<String>, source: io::Error) -> Self {
        CollectError {
            path: path.into(),
            source,
        }
    }
}

/// Everything found, in path order, and what may not be in a package.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// What is there and may be.
    pub(crate) items: Vec<Item>,
    /// What is there and may not be.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Tells whether a file is left out of packages. As KISS does: libtool archives name the build's directories, and
/// `charset.alias` collides between packages. Besides those the index of manuals that `install-info` makes where
/// the toolchain has it: it would collide as well, and it belongs to the system, not to a package.
fn is_left_out(path: &[u8], name: &[u8]) -> bool {
    name.ends_with(b".la") || name == b"charset.alias" || path == b"usr/share/info/dir"
}

/// Deletes what never goes into a package, then lists everything below `root`.
pub(crate) fn collect(root: &RootDir) -> Result<Collected, CollectError> {
    let mut collected = Collected::default();
    let mut names_of_inode: BTreeMap<u64, (u32, u32, RelPath)> = BTreeMap::new();
    let outcome = walk(root.top(), &mut |visit: Visit<'_>| {
        let shown = format!("/{}", escape::escape(visit.path));
        let metadata = match visit.found {
            Ok(metadata) => metadata,
            Err(error) => {
                collected.problems.push(
                    Diagnostic::error("unreadable-output", format!("cannot read {shown}"))
                        .because(error.to_string())
                        .hint("give directories and files owner read permission when installing"),
                );
                return Ok(Descend::Past);
            }
        };
        let path = match RelPath::from_bytes(visit.path) {
            Ok(path) => path,
            Err(error) => {
                collected.problems.push(
                    Diagnostic::error(
                        "refused-name",
                        format!("{shown} cannot be a path of a package"),
                    )
                    .because(error.to_string()),
                );
                return Ok(Descend::Past);
            }
        };
        let kind = match metadata.kind {
            Kind::Directory => ItemKind::Directory,
            Kind::File if is_left_out(visit.path, visit.name) => {
                visit.directory.delete(visit.name)?;
                return Ok(Descend::Past);
            }
            Kind::File => {
                let seen = names_of_inode.entry(metadata.inode).or_insert((
                    0,
                    metadata.links,
                    path.clone(),
                ));
                seen.0 += 1;
                ItemKind::File {
                    inode: metadata.inode,
                }
            }
            Kind::Symlink => ItemKind::Symlink {
                target: visit.directory.read_link(visit.name)?,
            },
            Kind::Special => {
                collected.problems.push(
                    Diagnostic::error("special-file", format!("{shown} is a device, pipe or socket"))
                        .hint("packages hold directories, files and symbolic links; declare a trigger for the rest"),
                );
                return Ok(Descend::Past);
            }
        };
        collected.items.push(Item {
            path,
            kind,
            mode: metadata.mode,
        });
        Ok(Descend::Into)
    });
    outcome.map_err(|source| CollectError::new("/", source))?;
    for (found, links, path) in names_of_inode
        .into_values()
        .filter(|(found, links, _)| found != links)
    {
        collected.problems.push(
            Diagnostic::error(
                "foreign-hard-link",
                format!(
                    "/{path} has {links} names, of which {found} are in the destination directory"
                ),
            )
            .hint("install a copy instead of a hard link"),
        );
    }
    collected.items.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use igos_root::RootDir;

    use super::collect;

    fn found_in(directory: &std::path::Path) -> (Vec<String>, Vec<String>) {
        let root = RootDir::open(directory).expect("the directory exists");
        let collected = collect(&root).expect("it can be read");
        (
            collected
                .items
                .iter()
                .map(|item| item.path.to_string())
                .collect(),
            collected
                .problems
                .into_iter()
                .map(|problem| problem.code)
                .collect(),
        )
    }

    #[test]
    fn libtool_archives_and_shared_indices_are_deleted_and_the_rest_is_in_path_order() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let lib = directory.path().join("usr/lib");
        fs_err::create_dir_all(&lib).expect("made");
        for name in ["libz.la", "libz.so.1", "charset.alias", "a-b"] {
            fs_err::write(lib.join(name), b"x").expect("written");
        }
        symlink("libz.so.1", lib.join("libz.so")).expect("linked");
        let info = directory.path().join("usr/share/info");
        fs_err::create_dir_all(&info).expect("made");
        for name in ["dir", "sed.info"] {
            fs_err::write(info.join(name), b"x").expect("written");
        }
        let (paths, problems) = found_in(directory.path());
        assert_eq!(
            paths,
            [
                "usr",
                "usr/lib",
                "usr/lib/a-b",
                "usr/lib/libz.so",
                "usr/lib/libz.so.1",
                "usr/share",
                "usr/share/info",
                "usr/share/info/sed.info"
            ]
        );
        assert_eq!(problems, [""; 0]);
        assert!(!lib.join("libz.la").exists());
    }

    #[test]
    fn what_no_package_may_hold_is_named() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let pipe = directory.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0)
            .expect("made");
        fs_err::write(directory.path().join("new\nline"), b"x").expect("written");
        let outside = tempfile::tempdir_in(directory.path().parent().expect("it has one"))
            .expect("a directory");
        fs_err::write(outside.path().join("original"), b"x").expect("written");
        fs_err::hard_link(
            outside.path().join("original"),
            directory.path().join("copy"),
        )
        .expect("linked");
        let (paths, mut problems) = found_in(directory.path());
        problems.sort();
        assert_eq!(paths, ["copy"]);
        assert_eq!(
            problems,
            ["foreign-hard-link", "refused-name", "special-file"]
        );
    }
}
