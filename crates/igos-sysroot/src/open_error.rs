//! Why a root cannot be opened.

use igos_format::RelPath;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{RootDir, RootError};

use crate::{ApplyError, DatabaseError, LockError, UnknownRecords};

/// A root cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It has no record.
    #[error("{root} has no record of packages")]
    Unmanaged {
        /// The root.
        root: String,
    },
    /// Its lock cannot be taken.
    #[error("cannot change {root}")]
    Lock {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: LockError,
    },
    /// Its state directory cannot be used.
    #[error("cannot use the record of {root}")]
    State {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: RootError,
    },
    /// It cannot be written to.
    #[error("{root} is on a file system that is mounted read-only")]
    ReadOnly {
        /// The root.
        root: String,
    },
    /// Its database cannot be used.
    #[error("cannot use the database of {root}")]
    Database {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// Records of installed packages cannot be used: going on would forget the packages.
    #[error("cannot change {root} while it is not known what all its packages are")]
    Records {
        /// The root.
        root: String,
        /// The packages.
        #[source]
        unknown: UnknownRecords,
    },
    /// The database has transactions that the history lacks, and whole texts are not as it has them.
    #[error("records and database of {root} contradict each other, first in {}", .texts.first().map_or_else(String::new, ToString::to_string))]
    Contradiction {
        /// The root.
        root: String,
        /// The texts.
        texts: Vec<RelPath>,
    },
    /// An interrupted transaction can neither be finished nor undone.
    #[error("cannot recover the interrupted transaction of {root}")]
    Recover {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: ApplyError,
    },
}

impl Explain for OpenError {
    fn code(&self) -> &'static str {
        match self {
            OpenError::Unmanaged { .. } => "root-unmanaged",
            OpenError::Lock { source, .. } => source.code(),
            OpenError::State { source, .. } => source.code(),
            OpenError::ReadOnly { .. } => "root-read-only",
            OpenError::Database { source, .. } => source.code(),
            OpenError::Recover { source, .. } => source.code(),
            OpenError::Records { unknown, .. } => unknown.code(),
            OpenError::Contradiction { .. } => "record-contradiction",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            OpenError::Unmanaged { .. } => {
                vec![
                    "begin one by installing a package: `pkm --root DIR install ARCHIVE`"
                        .to_owned(),
                ]
            }
            OpenError::Lock { source, .. } => source.hints(),
            OpenError::Database { source, .. } => source.hints(),
            OpenError::Recover { source, .. } => source.hints(),
            OpenError::Records { unknown, .. } => unknown.hints(),
            OpenError::Contradiction { .. } => vec![
                "see what differs: `pkm db check`".to_owned(),
                "go by the records: move var/lib/igos/pkm.db away, then `pkm recover`".to_owned(),
                "go by the database: move the named texts away, then `pkm recover`".to_owned(),
            ],
            OpenError::State { .. } | OpenError::ReadOnly { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            OpenError::Lock { source, .. } => source.exit_code(),
            OpenError::Records { unknown, .. } => unknown.exit_code(),
            OpenError::Contradiction { .. } => 1,
            _ => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = match self {
            OpenError::Records { unknown, .. } => unknown.each(),
            _ => Vec::new(),
        };
        all.push(diagnose(self));
        all
    }
}

pub(crate) fn database_error(root: &RootDir, source: DatabaseError) -> OpenError {
    OpenError::Database {
        root: root.to_string(),
        source,
    }
}

pub(crate) fn state_error(root: &RootDir, source: RootError) -> OpenError {
    OpenError::State {
        root: root.to_string(),
        source,
    }
}
