//! Why a repository cannot be asked, or not be installed from.

use igos_format::index::ReadIndexError;
use igos_report::Explain;

use crate::repository::{PlaceError, RepositoryName, RepositorySettingsError};
use crate::trust::{ExpiredError, TrustStoreError};

/// What is known of a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Nothing is known of it yet.
    #[error("nothing is known of repository {repository} yet")]
    NeverSynced {
        /// The repository.
        repository: RepositoryName,
    },
    /// The root that it is trusted by cannot be read.
    #[error(transparent)]
    Settings(#[from] RepositorySettingsError),
    /// The directory of its state cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// What is known of it is damaged.
    #[error("cannot use what is known of repository {repository}")]
    Store {
        /// The repository.
        repository: RepositoryName,
        /// Why.
        #[source]
        source: TrustStoreError,
    },
    /// Its index cannot be read.
    #[error("cannot use the index of repository {repository}")]
    Index {
        /// The repository.
        repository: RepositoryName,
        /// Why.
        #[source]
        source: ReadIndexError,
    },
}

impl Explain for CatalogueError {
    fn code(&self) -> &'static str {
        match self {
            CatalogueError::NeverSynced { .. } => "repository-never-synced",
            CatalogueError::Settings(source) => source.code(),
            CatalogueError::Place(source) => source.code(),
            CatalogueError::Store { source, .. } => source.code(),
            CatalogueError::Index { .. } => "index-unusable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            CatalogueError::NeverSynced { .. } => vec!["ask it: `pkm sync`".into()],
            CatalogueError::Settings(source) => source.hints(),
            CatalogueError::Place(source) => source.hints(),
            CatalogueError::Store { source, .. } => source.hints(),
            CatalogueError::Index { .. } => vec!["fetch it again: `pkm sync`".into()],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            CatalogueError::Settings(source) => source.exit_code(),
            CatalogueError::Place(source) => source.exit_code(),
            CatalogueError::Store { source, .. } => source.exit_code(),
            CatalogueError::NeverSynced { .. } | CatalogueError::Index { .. } => 4,
        }
    }
}

/// What is known of a repository has expired, and something was to be installed from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing can be installed from repository {repository}: what is known of it is out of date"
)]
pub struct ExpiredRepositoryError {
    /// The repository.
    pub repository: RepositoryName,
    /// What expired, and when.
    #[source]
    pub source: ExpiredError,
}

impl Explain for ExpiredRepositoryError {
    fn code(&self) -> &'static str {
        self.source.code()
    }

    fn hints(&self) -> Vec<String> {
        self.source.hints()
    }

    fn exit_code(&self) -> u8 {
        self.source.exit_code()
    }
}
