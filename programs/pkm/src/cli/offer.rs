//! What a repository says about a package.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use igos_cli::Size;
use igos_format::archive::Signature;
use igos_format::declaration::{Feature, Provided};
use igos_format::index::{Advisory, ArchiveLocation, SourceLocation};
use igos_format::manifest::Origin;
use igos_format::{Dependency, PackageId, PackageName, Sha256, Tier};
use igos_repo::repository::{Offered, RepositoryName};
use serde::Serialize;

use super::info::{field, list, origin};

/// A package that can be installed, as its repository tells it.
#[derive(Debug, Serialize)]
pub(super) struct Offer {
    package: PackageId,
    repository: RepositoryName,
    /// What else is offered under this name.
    others: Vec<Other>,
    recipe: PackageName,
    description: String,
    license: String,
    homepage: String,
    tier: Option<Tier>,
    origin: Origin,
    is_essential: bool,
    depends: BTreeSet<Dependency>,
    provides: BTreeSet<Provided>,
    conflicts: BTreeSet<Dependency>,
    supersedes: BTreeSet<PackageName>,
    features_provided: BTreeSet<Feature>,
    features_required: BTreeSet<Feature>,
    advisories: BTreeSet<Advisory>,
    size_bytes: u64,
    seal: Sha256,
    signature: Option<String>,
    archive: ArchiveLocation,
    sources: BTreeSet<SourceLocation>,
}

#[derive(Debug, Serialize)]
struct Other {
    package: PackageId,
    repository: RepositoryName,
}

impl Offer {
    /// Returns the newest of these, with the others beside it; `None` if there are none.
    pub(super) fn newest(mut offered: Vec<Offered>) -> Option<Self> {
        offered.sort_by(|a, b| a.entry.package.cmp(&b.entry.package));
        let Offered {
            repository, entry, ..
        } = offered.pop()?;
        let others = offered.into_iter().rev().map(|other| Other {
            package: other.entry.package,
            repository: other.repository,
        });
        Some(Offer {
            others: others.collect(),
            repository,
            package: entry.package,
            recipe: entry.recipe,
            description: entry.description,
            license: entry.license,
            homepage: entry.homepage,
            tier: entry.tier,
            origin: entry.origin,
            is_essential: entry.is_essential,
            depends: entry.depends,
            provides: entry.provides,
            conflicts: entry.conflicts,
            supersedes: entry.supersedes,
            features_provided: entry.features_provided,
            features_required: entry.features_required,
            advisories: entry.advisories,
            size_bytes: entry.installed_bytes,
            seal: entry.seal,
            signature: entry.signature.as_ref().map(Signature::to_string),
            archive: entry.archive,
            sources: entry.sources,
        })
    }

    pub(super) fn render(&self, out: &mut dyn Write) -> fmt::Result {
        writeln!(out, "{}", self.package)?;
        field(out, "description", &self.description)?;
        field(out, "license", &self.license)?;
        field(out, "homepage", &self.homepage)?;
        field(out, "machine", &self.package.arch)?;
        field(out, "repository", &self.repository)?;
        field(out, "recipe", &self.recipe)?;
        field(out, "origin", &origin(self.origin))?;
        let archive = &self.archive;
        field(out, "archive", &self.seal)?;
        field(out, "download", &Size(archive.size_bytes))?;
        field(out, "size", &Size(self.size_bytes))?;
        let essential = if self.is_essential { "yes" } else { "" };
        field(out, "essential", &essential)?;
        list(out, "depends", &self.depends)?;
        list(out, "needs", &self.features_required)?;
        list(out, "provides", &self.provides)?;
        list(out, "offers", &self.features_provided)?;
        list(out, "conflicts", &self.conflicts)?;
        list(out, "supersedes", &self.supersedes)?;
        list(out, "advisories", &self.advisories)?;
        let other =
            |other: &Other| format!("{} ({})", other.package.full_version(), other.repository);
        list(out, "also", self.others.iter().map(other))
    }
}
