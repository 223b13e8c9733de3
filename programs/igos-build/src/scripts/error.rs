//! Why scripts could not be run.

use std::io;
use std::path::PathBuf;

use igos_format::manifest::{ManifestError, ManifestRuleError};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_sandbox::SandboxError;

use crate::cache::CacheError;
use crate::source::RecipeFilesError;
use crate::stage::CollectError;

/// Scripts could not be run.
#[derive(Debug, thiserror::Error)]
pub enum ScriptsError {
    /// The order file has errors.
    #[error("the order file {} has {} errors", file.display(), problems.len())]
    Order {
        /// The file.
        file: PathBuf,
        /// All of them.
        problems: Vec<Diagnostic>,
    },
    /// Something cannot be read, written or made.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The directory of the scripts has something that cannot be given to them.
    #[error(transparent)]
    Files(#[from] RecipeFilesError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The sandbox cannot be made.
    #[error("cannot run {script}")]
    Sandbox {
        /// The script.
        script: String,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// A script ended with a failure.
    #[error("script {script} {how}")]
    Failed {
        /// The script.
        script: String,
        /// How it ended.
        how: String,
        /// The last lines it printed.
        tail: Vec<String>,
        /// All it printed.
        log: PathBuf,
    },
    /// A script left what cannot be recorded.
    #[error("script {script} left what cannot be kept")]
    Unkeepable {
        /// The script.
        script: String,
        /// What.
        problems: Vec<Diagnostic>,
    },
    /// What a script left cannot be read.
    #[error("cannot read what a script left")]
    Collect(#[source] CollectError),
    /// A tree has something that no record can hold.
    #[error("a tree cannot be recorded")]
    Rule(#[source] ManifestRuleError),
    /// The record of a tree is not what was written.
    #[error("the record {} is damaged", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// How.
        #[source]
        source: ManifestError,
    },
    /// A recorded file has another content than its name says.
    #[error("the recorded file {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl ScriptsError {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| ScriptsError::Io {
            action,
            path,
            source,
        }
    }
}

impl Explain for ScriptsError {
    fn code(&self) -> &'static str {
        match self {
            ScriptsError::Order { .. } => "order-file-invalid",
            ScriptsError::Io { .. } => "scripts-io",
            ScriptsError::Files(error) => error.code(),
            ScriptsError::Cache(error) => error.code(),
            ScriptsError::Sandbox { source, .. } => source.code(),
            ScriptsError::Failed { .. } => "script-failed",
            ScriptsError::Unkeepable { .. } | ScriptsError::Collect(_) | ScriptsError::Rule(_) => {
                "script-result-refused"
            }
            ScriptsError::Record { .. } | ScriptsError::Damaged { .. } => "scripts-record-damaged",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ScriptsError::Failed { log, .. } => {
                vec![format!("see all it printed: {}", log.display())]
            }
            ScriptsError::Record { path, .. } | ScriptsError::Damaged { path } => vec![format!(
                "delete {} and run the scripts again",
                path.display()
            )],
            ScriptsError::Files(error) => error.hints(),
            ScriptsError::Cache(error) => error.hints(),
            ScriptsError::Sandbox { source, .. } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ScriptsError::Order { .. }
            | ScriptsError::Failed { .. }
            | ScriptsError::Unkeepable { .. }
            | ScriptsError::Rule(_) => 1,
            ScriptsError::Files(error) => error.exit_code(),
            ScriptsError::Cache(error) => error.exit_code(),
            ScriptsError::Sandbox { source, .. } => source.exit_code(),
            _ => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            ScriptsError::Order { problems, .. } => problems.clone(),
            ScriptsError::Unkeepable { problems, .. } => {
                let mut all = problems.clone();
                all.push(diagnose(self));
                all
            }
            ScriptsError::Failed { tail, .. } => {
                let mut told = diagnose(self);
                if !tail.is_empty() {
                    told.because.push(tail.join("\n"));
                }
                vec![told]
            }
            _ => vec![diagnose(self)],
        }
    }
}
