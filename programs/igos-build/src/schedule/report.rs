//! What became of every package of a run.

use std::path::PathBuf;

use igos_format::{PackageName, Sha256};
use igos_report::Diagnostic;
use serde::Serialize;

use crate::plan::KeyChange;
use crate::toolchain::BuiltArchive;

/// What became of one package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageStatus {
    /// It was built.
    Built,
    /// The cache had it.
    Cached,
    /// It would be built, if this were no dry run.
    Planned,
    /// It failed.
    Failed,
    /// It was not tried.
    Skipped,
}

impl PackageStatus {
    /// Returns the word of reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PackageStatus::Built => "built",
            PackageStatus::Cached => "cached",
            PackageStatus::Planned => "planned",
            PackageStatus::Failed => "failed",
            PackageStatus::Skipped => "skipped",
        }
    }
}

/// One archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputReport {
    /// The package.
    pub name: PackageName,
    /// The archive.
    pub archive: PathBuf,
    /// The digest of its seal.
    pub seal: Sha256,
    /// The digest of the file.
    pub sha256: Sha256,
    /// The size of the file.
    #[serde(rename = "size")]
    pub size_bytes: u64,
}

/// One package of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackageReport {
    /// The recipe.
    pub name: PackageName,
    /// Upstream's version.
    pub version: String,
    /// The packager's count.
    pub release: String,
    /// Its archives, the main one first.
    pub outputs: Vec<OutputReport>,
    /// What became of it.
    pub status: PackageStatus,
    /// Why: what changed, what failed, what it waited for.
    pub reason: String,
    /// What differs from the last build; only a preview fills it.
    pub changes: Vec<KeyChange>,
    /// The key of the build, as far as it is known.
    pub key: Option<Sha256>,
    /// The log of the build.
    pub log: Option<PathBuf>,
    /// How long it took.
    pub seconds: f64,
    /// Everything that is wrong, if it failed.
    pub diagnostics: Vec<Diagnostic>,
}

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// Every package, dependencies first.
    pub packages: Vec<PackageReport>,
    /// How many were built.
    pub built: usize,
    /// How many the cache had.
    pub cached: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were not tried.
    pub skipped: usize,
    /// How long all took.
    pub seconds: f64,
    /// The exit code of the first failure by order, 0 without one.
    #[serde(skip)]
    pub exit_code: u8,
}

impl RunReport {
    /// Returns the archives of all packages that are built.
    #[must_use]
    pub fn archives(&self) -> Vec<BuiltArchive> {
        let outputs = self.packages.iter().flat_map(|package| &package.outputs);
        let archives = outputs.map(|output| BuiltArchive {
            path: output.archive.clone(),
            sha256: output.sha256,
            size: output.size_bytes,
        });
        archives.collect()
    }

    /// Returns what is wrong with every package that failed.
    #[must_use]
    pub fn failures(&self) -> Vec<Diagnostic> {
        let failed = self
            .packages
            .iter()
            .filter(|package| package.status == PackageStatus::Failed);
        let told = failed.flat_map(|package| match package.diagnostics.as_slice() {
            [] => vec![Diagnostic::error(
                "package-unbuilt",
                format!("{} was not built: {}", package.name, package.reason),
            )],
            told => told.to_vec(),
        });
        told.collect()
    }

    pub(crate) fn new(packages: Vec<PackageReport>, seconds: f64, exit_code: u8) -> Self {
        let count = |status| {
            packages
                .iter()
                .filter(|package| package.status == status)
                .count()
        };
        RunReport {
            built: count(PackageStatus::Built),
            cached: count(PackageStatus::Cached),
            failed: count(PackageStatus::Failed),
            skipped: count(PackageStatus::Skipped),
            packages,
            seconds,
            exit_code,
        }
    }
}
