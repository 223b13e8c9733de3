//! The database: a cache of the text records, for questions that would need all of them.
//!
//! It is opened strictly (docs/formats/database.md): a newer schema is refused, a damaged file is moved aside and
//! made again from the records, and a stale one (its last transaction is not the history's) is made again in place.
//!
//! What is told to be in force is so by the journal and the texts, so no transaction waits for the database. It goes
//! into the write-ahead log, whose frames have checksums: a power cut leaves a whole transaction of it or none. Check
//! points alone, which write into the database file itself, wait for the disk: before, unless the log is known to be there,
//! and after. They happen only where this program asks for one or closes the database.

mod declared;
mod dump;
mod open;
mod read;
mod write;

pub(crate) use open::Opened;
pub(crate) use read::{FileRow, PackageRow};

use std::fs::File;
use std::io;

use igos_report::Explain;
use rusqlite::Connection;

use crate::Durability;

/// `igos` in ASCII: `PRAGMA application_id` of our databases.
const APPLICATION_ID: i32 = 0x6967_6f73;

/// `PRAGMA user_version` of the schema this program knows.
const SCHEMA_VERSION: i32 = 4;

const SCHEMA: &str = include_str!("schema.sql");

/// The open database.
#[derive(Debug)]
pub(crate) struct Database {
    /// Closed before `file` is.
    connection: Connection,
    /// Whether check points wait for the disk.
    durability: Durability,
    /// The file once more, where it was waited for: closing it would let go of the locks that SQLite has.
    file: Option<File>,
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It has a schema of a newer program.
    #[error("the database has schema {found}, this program knows {known}")]
    NewerSchema {
        /// What it has.
        found: i32,
        /// What this program knows.
        known: i32,
    },
    /// It has a schema of an older program.
    #[error("the database has the older schema {found}")]
    OlderSchema {
        /// What it has.
        found: i32,
    },
    /// It is not one of our databases, or it is damaged.
    #[error("the database is damaged: {problem}")]
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
    /// Two records claim one path.
    #[error("{place} is claimed by {package} and by {owner}")]
    Claimed {
        /// The place, escaped.
        place: String,
        /// Who claims it.
        package: String,
        /// Who has it.
        owner: String,
    },
    /// SQLite refused an operation.
    #[error("cannot {operation}")]
    Sqlite {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: rusqlite::Error,
    },
    /// A value in it is not what the schema means.
    #[error("the database holds {value:?} where {expected} should be")]
    Value {
        /// The value.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// Its file cannot be used.
    #[error("cannot use the file of the database")]
    File {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for DatabaseError {
    fn code(&self) -> &'static str {
        match self {
            DatabaseError::NewerSchema { .. } => "database-newer-schema",
            DatabaseError::OlderSchema { .. } => "database-older-schema",
            DatabaseError::Damaged { .. } => "database-damaged",
            DatabaseError::Claimed { .. } => "record-claims-owned-path",
            DatabaseError::Sqlite { .. } => "database-failed",
            DatabaseError::Value { .. } => "database-value",
            DatabaseError::File { .. } => "database-file",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            DatabaseError::NewerSchema { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}

/// Returns what turns an error of SQLite during `operation` into ours.
fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> DatabaseError {
    move |source| DatabaseError::Sqlite { operation, source }
}
