//! What an index says about one package.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Advisory, FileName};
use crate::archive::{Head, Signature};
use crate::declaration::{Feature, FeatureKind, Provided};
use crate::manifest::Origin;
use crate::{
    Dependency, EntryKind, FileEntry, PackageId, PackageName, RelPath, Sha256, Tier,
    installed_bytes,
};

/// Directories whose files are programs that a shell finds.
pub const PROGRAM_DIRECTORIES: [&str; 4] = ["bin", "sbin", "usr/bin", "usr/sbin"];

/// Where an archive is and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ArchiveLocation {
    /// Its name; published as `archives/DIGEST.NAME`.
    pub file_name: FileName,
    /// Digest of the whole file.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// Digest of its head frame as stored: compared before anything of it is decompressed.
    pub head_sha256: Sha256,
    /// Stored length of its head frame in bytes: as much as must be fetched to plan with it.
    pub head_bytes: u64,
}

/// Where a corresponding source is and what it has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SourceLocation {
    /// Its name; published as `sources/DIGEST.NAME`.
    pub file_name: FileName,
    /// Digest of the file.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size_bytes: u64,
}

/// One package of a repository: what is needed to find it, to choose it and to fetch it, without its file list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// Name, version, machine.
    pub package: PackageId,
    /// The recipe it is an output of.
    pub recipe: PackageName,
    /// One line, possibly empty.
    pub description: String,
    /// Licence expression, possibly empty.
    pub license: String,
    /// Upstream's page, possibly empty.
    pub homepage: String,
    /// The tier, where the recipe has one.
    pub tier: Option<Tier>,
    /// How it came to be.
    pub origin: Origin,
    /// An essential package is only removed with an explicit flag.
    pub is_essential: bool,
    /// What its files take when installed, hard links counted once.
    pub installed_bytes: u64,
    /// Digest of the archive's seal: the identity of the package.
    pub seal: Sha256,
    /// The repository's signature over the bytes of the seal. Nothing here has verified it.
    pub signature: Option<Signature>,
    /// The archive.
    pub archive: ArchiveLocation,
    /// Corresponding sources, where the repository publishes them.
    pub sources: BTreeSet<SourceLocation>,
    /// Packages needed to run this one.
    pub depends: BTreeSet<Dependency>,
    /// Names it answers to besides its own.
    pub provides: BTreeSet<Provided>,
    /// Packages that cannot be installed beside it.
    pub conflicts: BTreeSet<Dependency>,
    /// Packages whose paths it takes over.
    pub supersedes: BTreeSet<PackageName>,
    /// What its files offer.
    pub features_provided: BTreeSet<Feature>,
    /// What its files need from other packages.
    pub features_required: BTreeSet<Feature>,
    /// Those paths that some `path:` feature required in the repository asks for and this package has, spelled as
    /// they are asked for.
    pub paths: BTreeSet<RelPath>,
    /// Names of programs that a shell finds.
    pub programs: BTreeSet<String>,
    /// What is known about this version's safety.
    pub advisories: BTreeSet<Advisory>,
}

impl IndexEntry {
    /// Returns the entry of a package without relations, texts and contents, of the recipe of its name.
    #[must_use]
    pub fn new(package: PackageId, seal: Sha256, archive: ArchiveLocation) -> Self {
        IndexEntry {
            recipe: package.name.clone(),
            package,
            description: String::new(),
            license: String::new(),
            homepage: String::new(),
            tier: None,
            origin: Origin::Built,
            is_essential: false,
            installed_bytes: 0,
            seal,
            signature: None,
            archive,
            sources: BTreeSet::new(),
            depends: BTreeSet::new(),
            provides: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            supersedes: BTreeSet::new(),
            features_provided: BTreeSet::new(),
            features_required: BTreeSet::new(),
            paths: BTreeSet::new(),
            programs: BTreeSet::new(),
            advisories: BTreeSet::new(),
        }
    }

    /// Returns the entry of the archive with this head. What the archive does not say is left empty: signature,
    /// sources, advisories, and `paths`, which depend on what other packages ask for.
    #[must_use]
    pub fn of(head: &Head, archive: ArchiveLocation) -> Self {
        let manifest = head.manifest();
        IndexEntry {
            recipe: manifest.recipe.clone(),
            description: manifest.description.clone(),
            license: manifest.license.clone(),
            homepage: manifest.homepage.clone(),
            tier: manifest.tier,
            origin: manifest.origin,
            is_essential: manifest.is_essential,
            installed_bytes: installed_bytes(&head.manifest().entries),
            depends: manifest.depends.clone(),
            provides: manifest.provides.clone(),
            conflicts: manifest.conflicts.clone(),
            supersedes: manifest.supersedes.clone(),
            features_provided: manifest.features_provided.clone(),
            features_required: manifest.features_required.clone(),
            programs: manifest.entries.iter().filter_map(program).collect(),
            ..IndexEntry::new(manifest.package.clone(), head.seal_digest(), archive)
        }
    }

    /// Tells whether its files offer `feature`, be it by what was found in them or by their paths.
    #[must_use]
    pub fn has_feature(&self, feature: &Feature) -> bool {
        self.features_provided.contains(feature)
            || path_of(feature).is_some_and(|path| self.paths.contains(&path))
    }
}

/// Returns the path that a `path:` feature asks for; `None` for other features and for what is no path.
fn path_of(feature: &Feature) -> Option<RelPath> {
    let path = feature.name.strip_prefix('/')?;
    (feature.kind == FeatureKind::Path).then_some(())?;
    path.parse().ok()
}

/// Returns the name under which a shell finds a path as a program, if it is text.
fn program(entry: &FileEntry) -> Option<String> {
    let is_program = match entry.kind {
        EntryKind::Directory => false,
        EntryKind::File { .. } => entry.mode & 0o111 != 0,
        EntryKind::Symlink { .. } => true,
    };
    let directory = entry.path.parent()?;
    let is_found = PROGRAM_DIRECTORIES
        .iter()
        .any(|known| directory.as_bytes() == known.as_bytes());
    let name = std::str::from_utf8(entry.path.file_name()).ok()?;
    (is_program && is_found && !name.chars().any(char::is_control)).then(|| name.to_owned())
}
