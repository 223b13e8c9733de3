//! What two toolchains have in common, archive by archive: whether a bootstrap makes again what it is made of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fs_err as fs;
use igos_format::archive::{Head, ReadArchiveError};
use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_report::Explain;

use super::{FileError, Toolchain, ToolchainArchive};

/// How alike the archives are that two toolchains have of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    /// They are the same, byte by byte, and so was all that they were made from.
    Identical,
    /// They have the same files and say the same of themselves, and were made from something else: the manifests
    /// differ in the key of the build alone.
    SameContents,
    /// What is in them differs.
    Different {
        /// The digests of their contents.
        contents: [Sha256; 2],
        /// In what they differ.
        difference: Difference,
    },
    /// Only the first toolchain has the package.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
}

/// In what two packages differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// How many paths differ.
    pub paths: usize,
    /// The first of them; without one, only what the packages say of themselves differs.
    pub first: Option<(RelPath, Change)>,
}

/// What became of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Only the second package has it.
    Added,
    /// Only the first package has it.
    Removed,
    /// Both are files, with other bytes.
    Bytes,
    /// It is another kind of thing, leads elsewhere, or has other rights.
    Kind,
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// The package.
    pub name: PackageName,
    /// Its archive's digest in the first toolchain.
    pub first: Option<Sha256>,
    /// Its archive's digest in the second toolchain.
    pub second: Option<Sha256>,
    /// How alike they are.
    pub likeness: Likeness,
}

/// Toolchains cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareToolchainsError {
    /// An archive cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// An archive cannot be read.
    #[error("cannot read archive {}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ReadArchiveError,
    },
}

impl Explain for CompareToolchainsError {
    fn code(&self) -> &'static str {
        match self {
            CompareToolchainsError::File(_) => "toolchain-unreadable",
            CompareToolchainsError::Archive { source, .. } => source.code(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            CompareToolchainsError::File(_) => 4,
            CompareToolchainsError::Archive { source, .. } => source.exit_code(),
        }
    }
}

/// Compares two toolchains; the answer is sorted by name and has every package of both.
///
/// # Errors
///
/// Returns the archive that cannot be read.
pub fn compare(
    first: &Toolchain,
    second: &Toolchain,
) -> Result<Vec<Compared>, CompareToolchainsError> {
    let by_name = |toolchain: &'_ Toolchain| -> BTreeMap<PackageName, ToolchainArchive> {
        let archives = toolchain.archives().iter().cloned();
        archives
            .map(|archive| (archive.name.clone(), archive))
            .collect()
    };
    let (ours, theirs) = (by_name(first), by_name(second));
    let names: BTreeSet<&PackageName> = ours.keys().chain(theirs.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let likeness = match (ours.get(name), theirs.get(name)) {
                (Some(one), Some(other)) if one.sha256 == other.sha256 => Likeness::Identical,
                (Some(one), Some(other)) if one.contents == other.contents => {
                    Likeness::SameContents
                }
                (Some(one), Some(other)) => Likeness::Different {
                    contents: [one.contents, other.contents],
                    difference: difference(
                        &manifest(first.path_of(one))?,
                        &manifest(second.path_of(other))?,
                    ),
                },
                (Some(_), None) => Likeness::OnlyFirst,
                (None, _) => Likeness::OnlySecond,
            };
            Ok(Compared {
                name: name.clone(),
                first: ours.get(name).map(|archive| archive.sha256),
                second: theirs.get(name).map(|archive| archive.sha256),
                likeness,
            })
        })
        .collect()
}

fn manifest(path: PathBuf) -> Result<Manifest, CompareToolchainsError> {
    let file = fs::File::open(&path).map_err(FileError::new("open", &path))?;
    match Head::read(std::io::BufReader::new(file)) {
        Ok(head) => Ok(Manifest::clone(head.manifest())),
        Err(source) => Err(CompareToolchainsError::Archive { path, source }),
    }
}

/// Returns in what the entries of two manifests differ.
fn difference(first: &Manifest, second: &Manifest) -> Difference {
    let by_path = |manifest: &'_ Manifest| -> BTreeMap<RelPath, FileEntry> {
        let entries = manifest.entries.iter().cloned();
        entries.map(|entry| (entry.path.clone(), entry)).collect()
    };
    let (ours, theirs) = (by_path(first), by_path(second));
    let paths: BTreeSet<&RelPath> = ours.keys().chain(theirs.keys()).collect();
    let mut found = Difference::default();
    for path in paths {
        let change = match (ours.get(path), theirs.get(path)) {
            (Some(one), Some(other)) if one == other => continue,
            (Some(one), Some(other)) => change(one, other),
            (Some(_), None) => Change::Removed,
            (None, _) => Change::Added,
        };
        found.paths += 1;
        found.first.get_or_insert((path.clone(), change));
    }
    found
}

fn change(one: &FileEntry, other: &FileEntry) -> Change {
    match (&one.kind, &other.kind) {
        (EntryKind::File { sha256: one, .. }, EntryKind::File { sha256: other, .. })
            if one != other =>
        {
            Change::Bytes
        }
        _ => Change::Kind,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use igos_format::manifest::{Manifest, Origin};
    use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, Sha256};

    use super::{Change, Difference, difference};

    fn manifest(files: &[(&str, &str, u16)]) -> Manifest {
        let package = PackageId {
            name: "tiny".parse().expect("a name"),
            epoch: 0,
            version: "1".parse().expect("a version"),
            release: "1".parse().expect("a release"),
            arch: Arch::Any,
        };
        let entries = files.iter().map(|(path, text, mode)| FileEntry {
            path: path.parse().expect("a path"),
            kind: EntryKind::File {
                sha256: Sha256::of(text.as_bytes()),
                size: text.len() as u64,
                link_group: None,
            },
            mode: *mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        });
        Manifest {
            entries: entries.collect(),
            ..Manifest::new(package, Origin::Built, Sha256::of(b""))
        }
    }

    fn first(of: &Difference) -> Option<(String, Change)> {
        of.first
            .as_ref()
            .map(|(path, change)| (path.to_string(), *change))
    }

    #[test]
    fn first_path_that_differs_is_named_with_what_became_of_it() {
        let old = manifest(&[("usr/a", "1", 0o644), ("usr/b", "1", 0o644)]);
        let told = |new: &[(&str, &str, u16)]| {
            let found = difference(&old, &manifest(new));
            (found.paths, first(&found))
        };
        assert_eq!(
            told(&[("usr/a", "1", 0o644), ("usr/b", "1", 0o644)]),
            (0, None)
        );
        assert_eq!(
            told(&[("usr/a", "2", 0o644), ("usr/b", "2", 0o644)]),
            (2, Some(("usr/a".into(), Change::Bytes)))
        );
        assert_eq!(
            told(&[("usr/a", "1", 0o644), ("usr/b", "1", 0o755)]),
            (1, Some(("usr/b".into(), Change::Kind)))
        );
        assert_eq!(
            told(&[("usr/b", "1", 0o644), ("usr/c", "1", 0o644)]),
            (2, Some(("usr/a".into(), Change::Removed)))
        );
        assert_eq!(
            told(&[
                ("usr/0", "1", 0o644),
                ("usr/a", "1", 0o644),
                ("usr/b", "1", 0o644)
            ]),
            (1, Some(("usr/0".into(), Change::Added)))
        );
    }
}
