//! Why a package was not built.

use std::path::PathBuf;

use igos_format::PackageName;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_sandbox::{SandboxError, Status};

use super::hint::Symptom;
use super::steps::Step;
use crate::cache::CacheError;
use crate::source::{GatherError, PlaceError, RecipeFilesError};
use crate::stage::StageError;

/// Why a package was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its sources cannot be had.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// Its recipe cannot be read.
    #[error(transparent)]
    RecipeFiles(#[from] RecipeFilesError),
    /// Its sources cannot be given to the build.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// What it installed is no package.
    #[error(transparent)]
    Stage(#[from] StageError),
    /// The sandbox cannot be made.
    #[error("cannot build {package}: step {step} cannot run")]
    Sandbox {
        /// The package.
        package: PackageName,
        /// The step.
        step: Step,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// A step failed.
    #[error("{package} failed to build: step {} {}", .failure.step, ended(.failure))]
    Step {
        /// The package.
        package: PackageName,
        /// How and where to look.
        failure: Box<StepFailure>,
    },
    /// The log cannot be written.
    #[error("cannot write the log {} of {package}", log.display())]
    Log {
        /// The package.
        package: PackageName,
        /// The log.
        log: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file that a step in the sandbox left cannot be read.
    #[error("cannot read what the steps of {package} left at {path}")]
    LeftUnusable {
        /// The package.
        package: PackageName,
        /// The path below the build directory.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file that an alternative wraps is not what the recipe says.
    #[error(
        "the file inside an alternative of source {location} of {package} has digest {actual}, recipe says {expected}"
    )]
    WrongInner {
        /// The package.
        package: PackageName,
        /// The source.
        location: String,
        /// What the recipe says.
        expected: igos_format::Sha256,
        /// What it is.
        actual: igos_format::Sha256,
    },
    /// The user asked to stop.
    #[error("building {package} was interrupted")]
    Interrupted {
        /// The package.
        package: PackageName,
    },
}

/// How a step failed and where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFailure {
    /// The step.
    pub step: Step,
    /// How its program ended; absent for one that said why, see `reason`.
    pub status: Option<Status>,
    /// What a helper said.
    pub reason: Option<String>,
    /// The whole log.
    pub log: PathBuf,
    /// Its last lines.
    pub tail: Vec<String>,
    /// The directory of the build, kept for looking around.
    pub kept: Option<PathBuf>,
    pub(super) symptoms: Vec<Symptom>,
}

fn ended(failure: &StepFailure) -> String {
    match (&failure.status, &failure.reason) {
        (_, Some(reason)) => format!("says: {reason}"),
        (Some(status), None) => status.to_string(),
        (None, None) => "failed".to_owned(),
    }
}

impl BuildError {
    /// Returns the log to look into, if there is one.
    #[must_use]
    pub fn log(&self) -> Option<&std::path::Path> {
        match self {
            BuildError::Step { failure, .. } => Some(&failure.log),
            BuildError::Log { log, .. } => Some(log),
            _ => None,
        }
    }
}

impl Explain for BuildError {
    fn code(&self) -> &'static str {
        match self {
            BuildError::Gather(error) => error.code(),
            BuildError::RecipeFiles(error) => error.code(),
            BuildError::Place(error) => error.code(),
            BuildError::Cache(error) => error.code(),
            BuildError::Stage(error) => error.code(),
            BuildError::Sandbox { source, .. } => source.code(),
            BuildError::Step { failure, .. } => match failure.status {
                Some(Status::Stopped(_)) => "build-limit",
                _ => "build-failed",
            },
            BuildError::Log { .. } => "build-log-unwritable",
            BuildError::LeftUnusable { .. } => "build-directory-unusable",
            BuildError::WrongInner { .. } => "source-digest-mismatch",
            BuildError::Interrupted { .. } => "interrupted",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            BuildError::Sandbox { source, .. } => source.hints(),
            BuildError::Step { package, failure } => {
                let mut hints: Vec<String> = failure
                    .symptoms
                    .iter()
                    .map(|symptom| symptom.hint(package))
                    .collect();
                hints.push(format!(
                    "read the whole log: `less {}`",
                    failure.log.display()
                ));
                if failure.kept.is_some() {
                    hints.push(format!(
                        "look around where it failed: `igos-build shell {package} --failed`"
                    ));
                }
                hints
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            BuildError::Gather(error) => error.exit_code(),
            BuildError::RecipeFiles(error) => error.exit_code(),
            BuildError::Place(error) => error.exit_code(),
            BuildError::Cache(error) => error.exit_code(),
            BuildError::Stage(error) => error.exit_code(),
            BuildError::Sandbox { source, .. } => source.exit_code(),
            BuildError::Step { .. } | BuildError::WrongInner { .. } => 1,
            BuildError::Log { .. } | BuildError::LeftUnusable { .. } => 4,
            BuildError::Interrupted { .. } => 130,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            BuildError::Gather(error) => error.diagnostics(),
            BuildError::Stage(error) => error.diagnostics(),
            BuildError::Step { failure, .. } => {
                let mut diagnostic = diagnose(self).at(failure.log.display().to_string());
                diagnostic.because = failure.symptoms.iter().map(Symptom::cause).collect();
                diagnostic
                    .because
                    .extend(failure.tail.iter().map(|line| format!("| {line}")));
                vec![diagnostic]
            }
            _ => vec![diagnose(self)],
        }
    }
}
