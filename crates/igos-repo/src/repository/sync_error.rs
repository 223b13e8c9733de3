//! Why a repository could not be synchronised.

use igos_report::{Diagnostic, Explain, diagnose};

use super::{FailedCopy, LockError, PlaceError, RepositoryName, RepositorySettingsError};
use crate::trust::{RefreshError, TrustStoreError};

/// A repository cannot be synchronised. What was known of it before still is.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The root that it is trusted by cannot be read.
    #[error(transparent)]
    Settings(#[from] RepositorySettingsError),
    /// The directory of its state cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Another process synchronises it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What is known of it cannot be read or kept.
    #[error("cannot use what is known of repository {repository}")]
    Store {
        /// The repository.
        repository: RepositoryName,
        /// Why.
        #[source]
        source: TrustStoreError,
    },
    /// No copy of it says something that can be believed.
    #[error("no copy of repository {repository} is to be believed")]
    Refused {
        /// The repository.
        repository: RepositoryName,
        /// Why the first copy was not, of those that could be reached if any could.
        #[source]
        source: RefreshError,
        /// What every copy did.
        failed: Vec<FailedCopy>,
    },
    /// The metadata is good, and no copy delivers the index that it names.
    #[error("no copy of repository {repository} delivers its index")]
    NoIndex {
        /// The repository.
        repository: RepositoryName,
        /// What every copy did.
        failed: Vec<FailedCopy>,
    },
    /// The metadata is good and names no index.
    #[error("repository {repository} has no list of packages")]
    NotListed {
        /// The repository.
        repository: RepositoryName,
    },
    /// Index files that are needed no longer cannot be deleted.
    #[error("cannot delete old index files of repository {repository}")]
    Tidy {
        /// The repository.
        repository: RepositoryName,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Explain for SyncError {
    fn code(&self) -> &'static str {
        match self {
            SyncError::Settings(source) => source.code(),
            SyncError::Place(source) => source.code(),
            SyncError::Lock(source) => source.code(),
            SyncError::Store { source, .. } => source.code(),
            SyncError::Refused { source, .. } => source.code(),
            SyncError::NoIndex { .. } => "index-unavailable",
            SyncError::NotListed { .. } => "index-not-listed",
            SyncError::Tidy { .. } => "repository-state-unusable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            SyncError::Settings(source) => source.hints(),
            SyncError::Place(source) => source.hints(),
            SyncError::Lock(source) => source.hints(),
            SyncError::Store { source, .. } => source.hints(),
            SyncError::Refused { source, .. } => source.hints(),
            SyncError::NoIndex { .. } => vec![
                "the copy is being changed, or is damaged: try again later, or name another as `mirrors`"
                    .into(),
            ],
            SyncError::NotListed { .. } => {
                vec!["see whether the address is that of a repository of packages".into()]
            }
            SyncError::Tidy { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            SyncError::Settings(source) => source.exit_code(),
            SyncError::Place(source) => source.exit_code(),
            SyncError::Lock(source) => source.exit_code(),
            SyncError::Store { source, .. } => source.exit_code(),
            SyncError::Refused { source, .. } => source.exit_code(),
            SyncError::NotListed { .. } => 1,
            SyncError::NoIndex { .. } | SyncError::Tidy { .. } => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        match self {
            SyncError::Settings(source) => return source.diagnostics(),
            SyncError::Refused { failed, .. } if failed.len() > 1 => {
                diagnostic
                    .because
                    .extend(failed.iter().map(ToString::to_string));
            }
            SyncError::NoIndex { failed, .. } => {
                diagnostic
                    .because
                    .extend(failed.iter().map(ToString::to_string));
            }
            _ => {}
        }
        vec![diagnostic]
    }
}
