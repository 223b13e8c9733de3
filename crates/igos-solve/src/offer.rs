//! What can be installed, and what packages are to one another.

use std::collections::BTreeSet;
use std::fmt;

use igos_format::declaration::{Feature, FeatureKind, Provided};
use igos_format::{Dependency, PackageId, PackageName, Sha256};
use serde::Serialize;

/// What one package is to the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relations {
    /// What it needs to run.
    pub depends: BTreeSet<Dependency>,
    /// What else it answers to.
    pub provides: BTreeSet<Provided>,
    /// What cannot be installed beside it.
    pub conflicts: BTreeSet<Dependency>,
    /// Whose place, or whose paths, it takes.
    pub supersedes: BTreeSet<PackageName>,
    /// What its files offer.
    pub features_provided: BTreeSet<Feature>,
    /// What its files need.
    pub features_required: BTreeSet<Feature>,
    /// Absolute paths it has, of those that some package may ask for.
    pub paths: BTreeSet<String>,
}

impl Relations {
    /// Tells whether a package of this identity and these relations is what `dependency` asks for, by its name or by
    /// one that it provides.
    #[must_use]
    pub fn satisfies(&self, package: &PackageId, dependency: &Dependency) -> bool {
        let constraint = dependency.constraint.as_ref();
        if package.name == dependency.name
            && constraint.is_none_or(|constraint| constraint.is_satisfied_by(&package.version))
        {
            return true;
        }
        self.provides.iter().any(|provided| {
            provided.name == dependency.name
                && constraint.is_none_or(|constraint| {
                    provided
                        .version
                        .as_ref()
                        .is_some_and(|version| constraint.is_satisfied_by(version))
                })
        })
    }

    /// Tells whether it has `feature`.
    #[must_use]
    pub fn has(&self, feature: &Feature) -> bool {
        self.features_provided.contains(feature)
            || (feature.kind == FeatureKind::Path && self.paths.contains(&feature.name))
    }

    pub(crate) fn provides_name(&self, name: &PackageName) -> bool {
        self.provides.iter().any(|provided| provided.name == *name)
    }
}

/// Where an offer comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Source {
    /// A repository.
    Repository {
        /// Its name in the settings.
        name: String,
        /// Its place among the repositories: names are taken from the highest that has them.
        priority: i32,
    },
    /// An archive that the user named, or one of a directory that the user named.
    Archive,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Repository { name, .. } => write!(f, "repository {name}"),
            Source::Archive => f.write_str("archive"),
        }
    }
}

/// A package that can be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The package.
    pub package: PackageId,
    /// The digest that identifies its archive.
    pub seal: Sha256,
    /// Where it comes from.
    pub source: Source,
    /// What it is to others.
    pub relations: Relations,
    /// Whether it mends something that an advisory names.
    pub is_security: bool,
    /// Bytes of its files.
    pub installed_bytes: u64,
    /// Bytes of its archive, where they are known.
    pub archive_bytes: Option<u64>,
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.package, self.source)
    }
}
