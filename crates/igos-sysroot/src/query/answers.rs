//! What questions are answered with.

use std::collections::BTreeSet;

use igos_format::declaration::{Feature, Provided};
use igos_format::manifest::{Manifest, Origin};
use igos_format::{
    Dependency, EntryKind, FileEntry, PackageId, PackageName, RelPath, installed_bytes,
};
use serde::Serialize;

use crate::database::PackageRow;
use crate::{Exclusions, Installed};

/// One installed package, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The package.
    pub package: PackageId,
    /// One line, possibly empty.
    pub description: String,
    /// `explicit` or `automatic`.
    pub reason: String,
    /// When it was installed, in seconds since 1970.
    pub installed: i64,
    /// The transaction that installed it.
    pub transaction: u64,
    /// The seal digest of its archive.
    pub seal: String,
    /// `unsigned` or `key` and its id.
    pub trust: String,
    /// The repository it came from.
    pub repository: Option<String>,
    /// Whether it stays at its version until it is released.
    pub is_held: bool,
    /// `applied` or `recorded`.
    pub ownership: String,
    /// Whether it is only removed with an explicit flag.
    pub is_essential: bool,
    /// Bytes of its files.
    pub size_bytes: u64,
}

impl From<PackageRow> for Listed {
    fn from(row: PackageRow) -> Self {
        Listed {
            package: row.package,
            description: row.description,
            reason: row.reason,
            installed: row.installed,
            transaction: row.transaction,
            seal: row.seal,
            trust: row.trust,
            repository: row.repository,
            is_held: row.is_held,
            ownership: row.ownership,
            is_essential: row.is_essential,
            size_bytes: row.size_bytes,
        }
    }
}

/// Everything about one installed package but its paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageInfo {
    /// How it came here.
    #[serde(flatten)]
    pub installed: Installed,
    /// What it says of itself.
    #[serde(flatten)]
    pub facts: PackageFacts,
}

/// What a manifest says of its package, but for its paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageFacts {
    /// The recipe it is an output of.
    pub recipe: PackageName,
    /// One line, possibly empty.
    pub description: String,
    /// Licence expression, possibly empty.
    pub license: String,
    /// Upstream's page, possibly empty.
    pub homepage: String,
    /// How the archive came to be.
    pub origin: Origin,
    /// Whether it is only removed with an explicit flag.
    pub is_essential: bool,
    /// What it needs to run.
    pub depends: BTreeSet<Dependency>,
    /// What else it answers to.
    pub provides: BTreeSet<Provided>,
    /// What cannot be installed beside it.
    pub conflicts: BTreeSet<Dependency>,
    /// Whose paths it takes over.
    pub supersedes: BTreeSet<PackageName>,
    /// What its files offer.
    pub features_provided: BTreeSet<Feature>,
    /// What its files need.
    pub features_required: BTreeSet<Feature>,
    /// How many paths it has.
    pub paths: usize,
    /// Bytes of its files, but for those that are left out.
    pub size_bytes: u64,
}

impl PackageFacts {
    /// Returns what a manifest says, in a root that leaves `excluded` out.
    #[must_use]
    pub fn of(manifest: &Manifest, excluded: &Exclusions) -> Self {
        let entries = &manifest.entries;
        let in_root = entries.iter().filter(|entry| !excluded.leaves_out(entry));
        PackageFacts {
            recipe: manifest.recipe.clone(),
            description: manifest.description.clone(),
            license: manifest.license.clone(),
            homepage: manifest.homepage.clone(),
            origin: manifest.origin,
            is_essential: manifest.is_essential,
            depends: manifest.depends.clone(),
            provides: manifest.provides.clone(),
            conflicts: manifest.conflicts.clone(),
            supersedes: manifest.supersedes.clone(),
            features_provided: manifest.features_provided.clone(),
            features_required: manifest.features_required.clone(),
            paths: entries.len(),
            size_bytes: installed_bytes(in_root),
        }
    }
}

/// One path of an installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledFile {
    /// The path.
    pub path: RelPath,
    /// `directory`, `file` or `symlink`.
    pub kind: &'static str,
    /// Permission and special bits, in octal.
    pub mode: String,
    /// `USER:GROUP`.
    pub owner: String,
    /// Length in bytes, for a file.
    pub size: Option<u64>,
    /// Digest of its content, for a file.
    pub sha256: Option<String>,
    /// Where it points, escaped, for a symbolic link.
    pub target: Option<String>,
    /// File capabilities.
    pub capabilities: Option<String>,
    /// Whether local edits are kept.
    pub is_configuration: bool,
}

/// Who has a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// The path that was asked for.
    pub asked: RelPath,
    /// Where it is when recorded and merged-directory links are followed.
    pub place: RelPath,
    /// The packages: one for a file or symbolic link, perhaps several for a directory.
    pub packages: Vec<PackageName>,
}

/// One step from a package to what it needs, or to what needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Dependant {
    /// The package that needs.
    pub package: PackageName,
    /// What it needs: a dependency or a feature.
    pub needs: String,
    /// The installed packages that have it.
    pub satisfied_by: Vec<PackageName>,
}

impl From<&FileEntry> for InstalledFile {
    fn from(entry: &FileEntry) -> Self {
        let (kind, size, sha256, target) = match &entry.kind {
            EntryKind::Directory => ("directory", None, None, None),
            EntryKind::File { sha256, size, .. } => {
                ("file", Some(*size), Some(sha256.to_string()), None)
            }
            EntryKind::Symlink { target } => (
                "symlink",
                None,
                None,
                Some(igos_format::escape::escape(target)),
            ),
        };
        InstalledFile {
            path: entry.path.clone(),
            kind,
            mode: format!("{:04o}", entry.mode),
            owner: format!("{}:{}", entry.owner.user, entry.owner.group),
            size,
            sha256,
            target,
            capabilities: entry.capabilities.map(|found| found.to_string()),
            is_configuration: entry.is_configuration,
        }
    }
}
