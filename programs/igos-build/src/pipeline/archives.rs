//! The packages that phases made: in receipts, in the cache, and what of them belongs together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fs_err as fs;
use igos_format::manifest::Manifest;
use igos_format::{PackageName, Sha256};

use igos_sysroot::{Candidate, Vouch};

use super::{Facts, PhaseError};
use crate::cache::{Cache, CacheError};
use crate::schedule::RunReport;

/// Kind of the facts that name a built package.
pub(super) const PACKAGE: &str = "package";

/// One package that a phase made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    /// The key of its build.
    pub(super) key: Sha256,
    /// The digest of its seal.
    pub(super) seal: Sha256,
    /// The digest of its contents.
    pub(super) contents: Sha256,
}

impl Made {
    fn fact(&self) -> String {
        format!("{} {} {}", self.key, self.seal, self.contents)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(' ').map(str::parse);
        let mut next = || fields.next()?.ok();
        Some(Made {
            key: next()?,
            seal: next()?,
            contents: next()?,
        })
    }
}

/// Returns the packages that the recipes `of` made, as facts.
pub(super) fn made_by(cache: &Cache, report: &RunReport, of: &BTreeSet<&PackageName>) -> Facts {
    let mut facts = Facts::default();
    for package in &report.packages {
        let Some(key) = package.key.filter(|_| of.contains(&package.name)) else {
            continue;
        };
        let outputs = cache.receipt(&key).map(|receipt| receipt.outputs);
        for output in outputs.unwrap_or_default() {
            let made = Made {
                key,
                seal: output.seal,
                contents: output.contents,
            };
            facts.add(PACKAGE, output.name, made.fact());
        }
    }
    facts
}

/// Returns the packages that the outputs of a receipt name.
pub(super) fn packages_of(outputs: &Facts) -> BTreeMap<PackageName, Made> {
    outputs
        .of_kind(PACKAGE)
        .filter_map(|(name, value)| Some((name.parse().ok()?, Made::parse(value)?)))
        .collect()
}

/// Returns the archive of a package; `None` if the cache has it no more.
///
/// Its size alone is compared: whoever reads it compares it with its seal.
pub(super) fn archive_of(cache: &Cache, name: &PackageName, made: &Made) -> Option<PathBuf> {
    let receipt = cache.receipt(&made.key)?;
    let output = receipt
        .outputs
        .iter()
        .find(|output| output.name == *name && output.seal == made.seal)?;
    let path = cache.build(&made.key).join(&output.archive);
    let size = fs::metadata(&path).ok()?.len();
    (size == output.size_bytes).then_some(path)
}

/// Packages with their archives, from which a root is chosen.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    packages: BTreeMap<PackageName, OnShelf>,
}

/// One package of a shelf.
#[derive(Debug)]
pub(super) struct OnShelf {
    pub(super) archive: PathBuf,
    pub(super) candidate: Candidate,
}

impl OnShelf {
    /// Returns what the package is.
    pub(super) fn manifest(&self) -> &Manifest {
        self.candidate.manifest()
    }
}

/// A package that nothing makes, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lacking {
    pub(super) name: PackageName,
    pub(super) required_by: Option<PackageName>,
}

impl Shelf {
    /// Reads the heads of all packages; returns the names of those whose archives are gone.
    pub(super) fn read(
        cache: &Cache,
        packages: &BTreeMap<PackageName, Made>,
    ) -> Result<(Self, Vec<PackageName>), PhaseError> {
        let mut shelf = Shelf::default();
        let mut gone = Vec::new();
        for (name, made) in packages {
            let Some(archive) = archive_of(cache, name, made) else {
                gone.push(name.clone());
                continue;
            };
            let file = fs::File::open(&archive)
                .map_err(|error| PhaseError::of(CacheError::io("open", &archive)(error)))?;
            let candidate = Candidate::read(std::io::BufReader::new(file), Vouch::unsigned())
                .map_err(PhaseError::of)?;
            let package = OnShelf { archive, candidate };
            shelf.packages.insert(name.clone(), package);
        }
        Ok((shelf, gone))
    }

    /// Returns a package by its own name.
    pub(super) fn get(&self, name: &PackageName) -> Option<&OnShelf> {
        self.packages.get(name)
    }

    /// Returns these packages and all that they need to run.
    pub(super) fn closure(
        &self,
        requested: &BTreeSet<PackageName>,
    ) -> Result<BTreeSet<PackageName>, Vec<Lacking>> {
        let mut chosen = BTreeSet::new();
        let mut lacking = BTreeSet::new();
        let mut pending: Vec<(PackageName, Option<PackageName>)> =
            requested.iter().map(|name| (name.clone(), None)).collect();
        while let Some((name, required_by)) = pending.pop() {
            let Some((own, package)) = self.answering(&name) else {
                lacking.insert(Lacking { name, required_by });
                continue;
            };
            if chosen.insert(own.clone()) {
                let needed = package.manifest().depends.iter();
                pending.extend(needed.map(|one| (one.name.clone(), Some(own.clone()))));
            }
        }
        if lacking.is_empty() {
            Ok(chosen)
        } else {
            Err(lacking.into_iter().collect())
        }
    }

    /// Returns the package of this name, else the first that provides it.
    fn answering(&self, name: &PackageName) -> Option<(&PackageName, &OnShelf)> {
        let own = self.packages.get_key_value(name);
        own.or_else(|| {
            self.packages.iter().find(|(_, package)| {
                let mut provided = package.manifest().provides.iter();
                provided.any(|one| one.name == *name)
            })
        })
    }
}
