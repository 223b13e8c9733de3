//! What became of every phase.

use std::path::PathBuf;

use igos_format::{PackageName, Sha256};
use igos_report::Diagnostic;
use serde::Serialize;

use super::Phase;
use crate::schedule::{PackageReport, PackageStatus};

/// What became of a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseStatus {
    /// It ran, and its check found nothing.
    Done,
    /// It did not have to run.
    Skipped,
    /// It would run, or has to.
    Planned,
    /// It ran, and failed.
    Failed,
    /// It was not reached.
    Waiting,
    /// This program does not have it yet.
    NotThere,
}

impl PhaseStatus {
    /// Returns the word of reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PhaseStatus::Done => "done",
            PhaseStatus::Skipped => "skipped",
            PhaseStatus::Planned => "planned",
            PhaseStatus::Failed => "failed",
            PhaseStatus::Waiting => "waiting",
            PhaseStatus::NotThere => "not-there",
        }
    }
}

/// One package that a phase builds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhasePackage {
    /// The recipe.
    pub name: PackageName,
    /// Its version and release.
    pub version: String,
    /// What became of it.
    pub status: PackageStatus,
    /// Why.
    pub reason: String,
    /// How long it took; for what is planned, how long the last build took, where there was one.
    pub seconds: Option<f64>,
    /// The bytes of its archives.
    pub size: u64,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseReport {
    /// The phase.
    pub phase: Phase,
    /// What became of it.
    pub status: PhaseStatus,
    /// Why it was run or skipped, or what failed.
    pub reason: String,
    /// The digest of its receipt.
    pub receipt: Option<Sha256>,
    /// The packages it builds, dependencies first.
    pub packages: Vec<PhasePackage>,
    /// How long it took; for what is planned, the estimate, where there is one.
    pub seconds: Option<f64>,
    /// Packages that would be built and were never built here: the estimate knows nothing of them.
    pub unknown: usize,
    /// Everything that is wrong, if it failed.
    pub diagnostics: Vec<Diagnostic>,
}

/// A run of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PipelineReport {
    /// The profile.
    pub profile: PackageName,
    /// Where receipts and root are.
    pub directory: PathBuf,
    /// The phases that were asked for, in order.
    pub phases: Vec<PhaseReport>,
    /// How long all took, or would take as far as is known; `None` where nothing is.
    pub seconds: Option<f64>,
    /// Packages that would be built and were never built here: the estimate knows nothing of them.
    pub unknown: usize,
    /// The exit code.
    #[serde(skip)]
    pub exit_code: u8,
}

impl PhaseReport {
    /// Returns the report of a phase that was not reached.
    #[must_use]
    pub fn new(phase: Phase) -> Self {
        PhaseReport {
            phase,
            status: PhaseStatus::Waiting,
            reason: String::new(),
            receipt: None,
            packages: Vec::new(),
            seconds: None,
            unknown: 0,
            diagnostics: Vec::new(),
        }
    }
}

impl From<&PackageReport> for PhasePackage {
    fn from(package: &PackageReport) -> Self {
        let took = matches!(package.status, PackageStatus::Built | PackageStatus::Failed);
        PhasePackage {
            name: package.name.clone(),
            version: format!("{}-{}", package.version, package.release),
            status: package.status,
            reason: package.reason.clone(),
            seconds: took.then_some(package.seconds),
            size: package.outputs.iter().map(|output| output.size_bytes).sum(),
        }
    }
}
