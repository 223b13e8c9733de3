//! The packages that phases made: in receipts, in the cache, and what of them belongs together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fs_err as fs;
use igos_format::manifest::{self, Manifest};
use igos_format::{PackageName, Sha256};
use igos_report::Diagnostic;
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
///
/// # Errors
///
/// Returns the build whose receipt cannot be read: what it made is not known.
pub(super) fn made_by(
    cache: &Cache,
    report: &RunReport,
    of: &BTreeSet<&PackageName>,
) -> Result<Facts, PhaseError> {
    let mut facts = Facts::default();
    for package in &report.packages {
        let Some(key) = package.key.filter(|_| of.contains(&package.name)) else {
            continue;
        };
        let Some(receipt) = cache.receipt(&key) else {
            return Err(gone(&package.name));
        };
        for output in receipt.outputs {
            let made = Made {
                key,
                seal: output.seal,
                contents: output.contents,
            };
            facts.add(PACKAGE, output.name, made.fact());
        }
    }
    Ok(facts)
}

/// Returns that the cache lost what a phase made.
fn gone(name: &PackageName) -> PhaseError {
    let message = format!("the archive of {name} is no longer in the cache");
    PhaseError::Operation {
        exit_code: 4,
        causes: vec![
            Diagnostic::error("archive-gone", message)
                .hint("build it again: run the pipeline once more"),
        ],
    }
}

/// Returns the archives of packages.
///
/// # Errors
///
/// Returns the first package whose archive the cache has no more.
pub(super) fn archives_of(
    cache: &Cache,
    packages: &BTreeMap<PackageName, Made>,
) -> Result<Vec<PathBuf>, PhaseError> {
    packages
        .iter()
        .map(|(name, made)| archive_of(cache, name, made).ok_or_else(|| gone(name)))
        .collect()
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

    /// Returns the digest of what it is, apart from what it was made from.
    pub(super) fn contents(&self) -> Sha256 {
        manifest::contents_digest(self.candidate.manifest_bytes())
    }
}

/// A package that nothing makes, and who needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lacking {
    pub(super) name: PackageName,
    pub(super) required_by: Option<PackageName>,
}

impl Shelf {
    /// Reads the heads of all packages.
    pub(super) fn read(
        cache: &Cache,
        packages: &BTreeMap<PackageName, Made>,
    ) -> Result<Self, PhaseError> {
        let mut shelf = Shelf::default();
        for (name, archive) in packages.keys().zip(archives_of(cache, packages)?) {
            let file = fs::File::open(&archive)
                .map_err(|error| PhaseError::of(CacheError::io("open", &archive)(error)))?;
            let candidate = Candidate::read(std::io::BufReader::new(file), Vouch::unsigned())
                .map_err(PhaseError::of)?;
            let package = OnShelf { archive, candidate };
            shelf.packages.insert(name.clone(), package);
        }
        Ok(shelf)
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use igos_format::{PackageName, Sha256};
    use igos_report::Explain as _;

    use super::{Made, archives_of, made_by};
    use crate::cache::Cache;
    use crate::schedule::{PackageReport, PackageStatus, RunReport};

    fn name() -> PackageName {
        "greet".parse().expect("a name")
    }

    #[test]
    fn build_without_a_receipt_made_something_that_nobody_knows_and_not_nothing() {
        let directory = tempfile::tempdir().expect("there is room");
        let cache =
            Cache::open(directory.path(), igos_sandbox::build_identity()).expect("it can be made");
        let package = PackageReport {
            name: name(),
            version: "1".to_owned(),
            release: "1".to_owned(),
            outputs: Vec::new(),
            status: PackageStatus::Built,
            reason: String::new(),
            key: Some(Sha256::of(b"a key")),
            log: None,
            changes: Vec::new(),
            seconds: 0.0,
            diagnostics: Vec::new(),
        };
        let report = RunReport::new(vec![package], 0.0, 0);
        let error = made_by(&cache, &report, &BTreeSet::from([&name()])).expect_err("it is lost");
        assert_eq!(error.diagnostics()[0].code, "archive-gone");
        let nothing = made_by(&cache, &report, &BTreeSet::new()).expect("nobody asks for it");
        assert_eq!(nothing.iter().count(), 0);
    }

    #[test]
    fn archives_that_the_cache_lost_are_not_left_out_of_a_publication() {
        let directory = tempfile::tempdir().expect("there is room");
        let cache =
            Cache::open(directory.path(), igos_sandbox::build_identity()).expect("it can be made");
        let [key, seal, contents] = [b"1", b"2", b"3"].map(|one| Sha256::of(one));
        let made = Made {
            key,
            seal,
            contents,
        };
        let error = archives_of(&cache, &BTreeMap::from([(name(), made)]));
        let error = error.expect_err("it is lost");
        assert_eq!(error.diagnostics()[0].code, "archive-gone");
        assert_eq!(error.exit_code(), 4);
    }
}
