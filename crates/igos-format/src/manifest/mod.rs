//! The manifest: everything a package is, in one text whose bytes depend on nothing else.
//!
//! `docs/formats/manifest.md` is the normative description of the text.

mod contents;
mod error;
mod lines;
mod read;
mod rules;
mod values;
mod write;

pub use contents::contents_digest;
pub use error::{LineProblem, ManifestError, ManifestRule, ManifestRuleError};
pub use read::read;
pub use rules::{is_reserved, normalise, validate};
pub use write::write;

use std::collections::BTreeSet;

use crate::declaration::{
    AlternativeDeclaration, Feature, GroupDeclaration, HookDeclaration, Provided,
    ServiceDeclaration, TriggerDeclaration, UserDeclaration,
};
use crate::{Dependency, FileEntry, PackageId, PackageName, Sha256, Tier};

/// How a package came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Built from source in the sandbox, from nothing but packages.
    Built,
    /// Built from source with something weakened: host mode, no sandbox, unpinned sources; the provenance
    /// says what.
    BuiltWeakened,
    /// Converted from a binary package of another distribution.
    Imported,
}

/// Everything a package is: identity, relations, declarations and every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Name, version, machine.
    pub package: PackageId,
    /// The recipe it is an output of; equals the package's name for a recipe's main output.
    pub recipe: PackageName,
    /// One line, possibly empty.
    pub description: String,
    /// Licence expression as the recipe gives it, possibly empty.
    pub license: String,
    /// Upstream's page, possibly empty.
    pub homepage: String,
    /// The tier, where the recipe has one.
    pub tier: Option<Tier>,
    /// How it came to be.
    pub origin: Origin,
    /// The key of everything that went into the build.
    pub build_key: Sha256,
    /// Seconds since 1970 that all files carry as modification time.
    pub source_date_epoch: u64,
    /// An essential package is only removed with an explicit flag.
    pub is_essential: bool,
    /// Packages needed to run this one.
    pub depends: BTreeSet<Dependency>,
    /// Names it answers to besides its own.
    pub provides: BTreeSet<Provided>,
    /// Packages that cannot be installed beside it.
    pub conflicts: BTreeSet<Dependency>,
    /// Packages whose paths it takes over.
    pub supersedes: BTreeSet<PackageName>,
    /// What its files offer, found by reading them.
    pub features_provided: BTreeSet<Feature>,
    /// What its files need from other packages, found by reading them.
    pub features_required: BTreeSet<Feature>,
    /// Users it needs.
    pub users: BTreeSet<UserDeclaration>,
    /// Groups it needs.
    pub groups: BTreeSet<GroupDeclaration>,
    /// Services it brings.
    pub services: BTreeSet<ServiceDeclaration>,
    /// Paths it can serve.
    pub alternatives: BTreeSet<AlternativeDeclaration>,
    /// Commands to run once after transactions that touch certain paths.
    pub triggers: BTreeSet<TriggerDeclaration>,
    /// Commands to run around transactions that change the package.
    pub hooks: BTreeSet<HookDeclaration>,
    /// Every path, in the order of [`crate::RelPath`]; every parent of a path that the package needs is there too.
    pub entries: Vec<FileEntry>,
}

impl Manifest {
    /// Returns the manifest of a package without entries, relations and declarations, of the recipe of its name.
    #[must_use]
    pub fn new(package: PackageId, origin: Origin, build_key: Sha256) -> Self {
        Manifest {
            recipe: package.name.clone(),
            package,
            description: String::new(),
            license: String::new(),
            homepage: String::new(),
            tier: None,
            origin,
            build_key,
            source_date_epoch: 0,
            is_essential: false,
            depends: BTreeSet::new(),
            provides: BTreeSet::new(),
            conflicts: BTreeSet::new(),
            supersedes: BTreeSet::new(),
            features_provided: BTreeSet::new(),
            features_required: BTreeSet::new(),
            users: BTreeSet::new(),
            groups: BTreeSet::new(),
            services: BTreeSet::new(),
            alternatives: BTreeSet::new(),
            triggers: BTreeSet::new(),
            hooks: BTreeSet::new(),
            entries: Vec::new(),
        }
    }
}

/// The newest version of the text this program writes and reads.
pub const FORMAT: u32 = 2;

/// Longest manifest, in bytes (threats note, X7).
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Most entries of one manifest (threats note, X7): as many as can be planned with within the memory of X9.
pub const MAX_ENTRIES: usize = 1 << 17;
