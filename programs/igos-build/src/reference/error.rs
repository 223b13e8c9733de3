//! Why a site could not be written.

use std::io;
use std::path::PathBuf;

use igos_report::Explain;

/// A site could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteReferenceError {
    /// The directory has something in it that is not ours.
    #[error("{} is not a site that this program wrote: {reason}", directory.display())]
    Foreign {
        /// The directory.
        directory: PathBuf,
        /// How that is known.
        reason: String,
    },
    /// Something cannot be read, made or moved.
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
}

impl WriteReferenceError {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| WriteReferenceError::Io {
            action,
            path,
            source,
        }
    }
}

impl Explain for WriteReferenceError {
    fn code(&self) -> &'static str {
        match self {
            WriteReferenceError::Foreign { .. } => "reference-foreign",
            WriteReferenceError::Io { .. } => "reference-unwritable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            WriteReferenceError::Foreign { .. } => vec![
                "name a directory that is empty or not there: nothing is deleted that this program did not write".into(),
            ],
            WriteReferenceError::Io { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            WriteReferenceError::Foreign { .. } => 1,
            WriteReferenceError::Io { .. } => 4,
        }
    }
}
