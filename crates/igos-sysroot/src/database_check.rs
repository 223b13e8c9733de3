//! The database against what it is made from.

use std::collections::BTreeSet;

use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::RootDir;
use serde::Serialize;

use crate::database::Database;
use crate::open_error::database_error;
use crate::record::RootTexts;
use crate::sysroot::{has_record, state_directory};
use crate::{DatabaseError, OpenError, layout};

/// What comparing the database with records and history found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseCheck {
    /// Why the database cannot be used at all.
    pub problem: Option<String>,
    /// What differs, by table.
    pub differences: Vec<DatabaseDifference>,
    /// Records and transactions that are damaged or contradict others.
    pub damaged: Vec<Diagnostic>,
}

impl DatabaseCheck {
    /// Tells whether everything agrees.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problem.is_none() && self.differences.is_empty() && self.damaged.is_empty()
    }
}

/// One row that only one side has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DatabaseDifference {
    /// The table.
    pub table: String,
    /// Who has the row.
    pub only_in: Side,
    /// The row, as text.
    pub row: String,
}

/// A side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The database, but not the records and the history.
    Database,
    /// The records and the history, but not the database.
    Records,
}

/// Compares the database of a root with its records and history; changes nothing.
///
/// # Errors
///
/// Returns that the root has no record, or why it cannot be read.
pub fn check_database(root: &RootDir) -> Result<DatabaseCheck, OpenError> {
    let failed = |source| database_error(root, source);
    let is_managed = match state_directory(root)? {
        Some(state) => has_record(&state, root)?,
        None => false,
    };
    if !is_managed {
        return Err(OpenError::Unmanaged {
            root: root.to_string(),
        });
    }
    let texts = RootTexts::load(root)?;
    if texts.unknown.exit_code() == 4 {
        return Err(OpenError::Records {
            root: root.to_string(),
            unknown: texts.unknown,
        });
    }
    let mut expected = Database::in_memory().map_err(failed)?;
    let mut damaged = texts.unknown.each();
    damaged.extend(texts.fill(root, &mut expected)?);
    damaged.extend(gaps(&expected).map_err(failed)?);
    let found = Database::open_read_only(root).and_then(|database| match database {
        Some(database) => database.dump().map(Some),
        None => Ok(None),
    });
    let (problem, found) = match found {
        Ok(Some(rows)) => (None, rows),
        Ok(None) => (Some("it is missing".to_owned()), BTreeSet::new()),
        Err(source @ DatabaseError::NewerSchema { .. }) => return Err(failed(source)),
        Err(error) => (Some(diagnose(&error).message), BTreeSet::new()),
    };
    let expected = expected.dump().map_err(failed)?;
    let mut differences: Vec<DatabaseDifference> = Vec::new();
    if problem.is_none() {
        let mut note = |rows: Vec<&(String, String)>, only_in| {
            differences.extend(rows.into_iter().map(|(table, row)| DatabaseDifference {
                table: table.clone(),
                only_in,
                row: row.clone(),
            }));
        };
        note(found.difference(&expected).collect(), Side::Database);
        note(expected.difference(&found).collect(), Side::Records);
        differences.sort();
    }
    Ok(DatabaseCheck {
        problem,
        differences,
        damaged,
    })
}

/// Names the transactions that the history lacks: none is ever deleted.
fn gaps(expected: &Database) -> Result<Vec<Diagnostic>, DatabaseError> {
    let known: BTreeSet<u64> = expected
        .history(None)?
        .iter()
        .map(|entry| entry.transaction)
        .collect();
    let last = known.last().copied().unwrap_or(0);
    Ok((1..=last)
        .filter(|number| !known.contains(number))
        .map(|number| {
            Diagnostic::warning(
                "history-gap",
                format!("transaction {number} is not in the history"),
            )
            .at(layout::history().to_string())
        })
        .collect())
}
