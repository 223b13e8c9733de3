//! Questions about what is installed.

mod answers;
mod ask;
mod kernels;
mod providers;
mod universe;

pub use answers::{Dependant, InstalledFile, Listed, Owned, PackageFacts, PackageInfo};
pub use kernels::InstalledKernel;

use igos_format::{PackageName, RelPath};
use igos_report::Explain;
use igos_root::RootError;

use crate::{DatabaseError, RecordError, StateTextError, UnknownRecords};

/// A question cannot be answered, or its answer is no.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The package is not installed.
    #[error("{name} is not installed")]
    NotInstalled {
        /// The package.
        name: PackageName,
    },
    /// The answer depends on records that cannot be used.
    #[error("the answer depends on records that cannot be used")]
    Unknown {
        /// The packages.
        #[source]
        unknown: UnknownRecords,
    },
    /// No package has the path.
    #[error("no package has {path}")]
    NotOwned {
        /// The path.
        path: RelPath,
    },
    /// A path is no configuration file of an installed package.
    #[error("{path} is no configuration file of an installed package")]
    NotConfiguration {
        /// The path.
        path: RelPath,
    },
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// A record is damaged.
    #[error("the record of {name} is damaged")]
    Record {
        /// The package.
        name: PackageName,
        /// How.
        #[source]
        source: RecordError,
    },
    /// A text of the root's state cannot be used.
    #[error("a text of the root's state cannot be used")]
    StateText {
        /// Why.
        #[source]
        source: StateTextError,
    },
    /// The root cannot be read.
    #[error("the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
}

impl Explain for QueryError {
    fn code(&self) -> &'static str {
        match self {
            QueryError::NotInstalled { .. } => "not-installed",
            QueryError::Unknown { unknown } => unknown.code(),
            QueryError::NotOwned { .. } => "not-owned",
            QueryError::NotConfiguration { .. } => "not-configuration",
            QueryError::Database { source } => source.code(),
            QueryError::Record { source, .. } => source.code(),
            QueryError::Read { source } => source.code(),
            QueryError::StateText { source } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            QueryError::Unknown { unknown } => unknown.hints(),
            QueryError::StateText { source } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            QueryError::NotInstalled { .. }
            | QueryError::NotOwned { .. }
            | QueryError::NotConfiguration { .. } => 1,
            _ => 4,
        }
    }
}
