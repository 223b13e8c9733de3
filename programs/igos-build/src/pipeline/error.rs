//! Why a phase did not do what it is for.

use igos_report::{Diagnostic, Explain};

use super::Phase;

/// A phase could not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhaseError {
    /// The phase is one of those that this program does not have yet.
    #[error("phase {phase} does not exist yet")]
    NotThere {
        /// The phase.
        phase: Phase,
    },
    /// Its check found something.
    #[error("phase {phase} was refused: {} findings", findings.len())]
    Refused {
        /// The phase.
        phase: Phase,
        /// What was found.
        findings: Vec<Diagnostic>,
    },
    /// A phase that was to be left out has to run first.
    #[error("phase {phase} would have to run first: {reason}")]
    Earlier {
        /// The phase.
        phase: Phase,
        /// Why it would have to run.
        reason: String,
    },
    /// An operation that it consists of failed.
    #[error("{}", causes.first().map_or("it failed", |cause| cause.message.as_str()))]
    Operation {
        /// The exit code of that operation.
        exit_code: u8,
        /// What it said.
        causes: Vec<Diagnostic>,
    },
}

impl PhaseError {
    /// Returns the failure of an operation that a phase consists of.
    pub fn of(error: impl Explain) -> Self {
        PhaseError::Operation {
            exit_code: error.exit_code(),
            causes: error.diagnostics(),
        }
    }

    /// Returns that the check of a phase found one thing.
    #[must_use]
    pub fn refused(phase: Phase, finding: Diagnostic) -> Self {
        PhaseError::Refused {
            phase,
            findings: vec![finding],
        }
    }
}

impl Explain for PhaseError {
    fn code(&self) -> &'static str {
        match self {
            PhaseError::NotThere { .. } => "phase-not-there",
            PhaseError::Refused { .. } => "phase-refused",
            PhaseError::Earlier { .. } => "phase-undone",
            PhaseError::Operation { .. } => "phase-failed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PhaseError::NotThere { .. } => vec![
                "make a root: `igos-build pipeline run --until extra`".into(),
                "see which phases there are: `igos-build pipeline list`".into(),
            ],
            PhaseError::Earlier { phase, .. } => {
                vec![format!(
                    "begin there: `--from {phase}`, or leave `--from` out"
                )]
            }
            PhaseError::Refused { .. } | PhaseError::Operation { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PhaseError::NotThere { .. } => 4,
            PhaseError::Refused { .. } | PhaseError::Earlier { .. } => 1,
            PhaseError::Operation { exit_code, .. } => (*exit_code).max(1),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            PhaseError::Refused { findings, .. } => findings.clone(),
            PhaseError::Operation { causes, .. } => causes.clone(),
            _ => vec![igos_report::diagnose(self)],
        }
    }
}
