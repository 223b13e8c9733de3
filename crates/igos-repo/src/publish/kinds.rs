//! Paths that are a directory in one package and something else in another: no machine can have both.
//!
//! The published index says of a path who has it and nothing of directories, so a directory that is published empty
//! is not seen here.

use std::collections::{BTreeSet, HashMap};

use igos_format::{EntryKind, FileEntry, RelPath};

/// Directories on the way to other paths that may be symbolic links, which installing follows: `docs/formats/database.md`.
const LINKS: [&[u8]; 6] = [b"bin", b"sbin", b"lib", b"lib64", b"lib32", b"var/run"];

/// What is a directory, and in which new packages, by their place among all.
#[derive(Default)]
pub(super) struct Kinds {
    directories: HashMap<RelPath, BTreeSet<usize>>,
    files: HashMap<RelPath, BTreeSet<usize>>,
    /// The directory of the published path that was looked at last; paths come sorted.
    last: Option<(usize, RelPath)>,
    clashes: BTreeSet<Clash>,
}

/// One path, the package in which it is a directory, and the one in which it is not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clash {
    pub(super) path: RelPath,
    pub(super) directory: usize,
    pub(super) file: usize,
}

impl Kinds {
    /// Looks at the entries of a new package.
    pub(super) fn add_new(&mut self, number: usize, entries: &[FileEntry]) {
        for entry in entries {
            let is_directory = entry.kind == EntryKind::Directory;
            let of = if is_directory {
                &mut self.directories
            } else {
                &mut self.files
            };
            of.entry(entry.path.clone()).or_default().insert(number);
            for above in above(&entry.path) {
                self.directories.entry(above).or_default().insert(number);
            }
        }
    }

    /// Looks at a path of a published package, which is no directory.
    pub(super) fn add_old(&mut self, number: usize, path: &RelPath) {
        self.clash(
            path,
            |kinds| kinds.directories.get(path),
            |other| Clash {
                path: path.clone(),
                directory: other,
                file: number,
            },
        );
        let Some(parent) = path.parent() else { return };
        if self.last.as_ref() == Some(&(number, parent.clone())) {
            return;
        }
        for above in above(path) {
            self.clash(
                &above,
                |kinds| kinds.files.get(&above),
                |other| Clash {
                    path: above.clone(),
                    directory: number,
                    file: other,
                },
            );
        }
        self.last = Some((number, parent));
    }

    fn clash(
        &mut self,
        path: &RelPath,
        others: impl FnOnce(&Self) -> Option<&BTreeSet<usize>>,
        clash: impl Fn(usize) -> Clash,
    ) {
        if LINKS.contains(&path.as_bytes()) {
            return;
        }
        let found: Vec<Clash> = others(self)
            .into_iter()
            .flatten()
            .copied()
            .map(clash)
            .collect();
        self.clashes.extend(found);
    }

    /// Returns everything that cannot be on one machine, once all packages have been looked at.
    pub(super) fn clashes(mut self) -> BTreeSet<Clash> {
        let files = std::mem::take(&mut self.files);
        for (path, owners) in files {
            for file in owners {
                self.clash(
                    &path,
                    |kinds| kinds.directories.get(&path),
                    |directory| Clash {
                        path: path.clone(),
                        directory,
                        file,
                    },
                );
            }
        }
        self.clashes
    }
}

/// Returns the directories that a path is in, the nearest first.
fn above(path: &RelPath) -> impl Iterator<Item = RelPath> {
    std::iter::successors(path.parent(), RelPath::parent)
}
