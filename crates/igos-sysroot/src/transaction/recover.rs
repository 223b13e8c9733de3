//! What an interrupted transaction left, and what becomes of it.

use std::io;

use igos_root::RootDir;

use super::ApplyError;
use super::apply::Closing;
use super::journal::Journal;
use super::staging::{self, Staging};
use super::steps::{Stepper, shown};
use crate::database::Database;
use crate::layout;

/// What opening a root for changes found and did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Recovery {
    /// There was no journal; the last transaction was finished and settled, or never committed.
    Nothing,
    /// A committed transaction was finished.
    Finished {
        /// Its number.
        transaction: u64,
    },
    /// A committed transaction could not be finished and was undone.
    Undone {
        /// Its number.
        transaction: u64,
        /// Where finishing it failed.
        path: String,
        /// Why.
        problem: String,
    },
}

/// Reads the journal of this name, if there is one.
pub(super) fn read_journal(root: &RootDir, name: &[u8]) -> Result<Option<Journal>, ApplyError> {
    let place = layout::state()
        .join(name)
        .map_err(|error| ApplyError::State {
            operation: "name the journal",
            source: io::Error::other(error),
        })?;
    let bytes = root
        .read_file(&place, layout::JOURNAL_MAX_BYTES)
        .map_err(|source| ApplyError::Read { source })?;
    bytes
        .map(|bytes| Journal::read(&bytes).map_err(|source| ApplyError::Journal { source }))
        .transpose()
}

/// Finishes what a journal tells of; where that fails, undoes it. Without a journal, empties the staging directories.
///
/// It can be interrupted anywhere and begun again: each step is looked at before it is done.
pub(crate) fn recover(closing: &Closing<'_>) -> Result<Recovery, ApplyError> {
    let Closing {
        root,
        state,
        mutations,
        ..
    } = *closing;
    let cannot = |operation| move |source| ApplyError::State { operation, source };
    closing.finish_kept()?;
    let Some(journal) = read_journal(root, layout::JOURNAL)? else {
        let clean = || -> io::Result<()> {
            if state.metadata_if_present(layout::JOURNAL_NEW)?.is_some() {
                mutations.delete(state, layout::JOURNAL_NEW)?;
            }
            staging::clear(root, state, mutations)
        };
        clean().map_err(cannot("clean up"))?;
        return Ok(Recovery::Nothing);
    };
    let transaction = journal.transaction;
    let staging = Staging::reopen(root, state, mutations, &journal.staging)
        .map_err(cannot("open the staging directory"))?;
    let mut stepper = Stepper::new(root, &staging, mutations);
    let mut failure = None;
    for step in &journal.steps {
        if let Err(source) = stepper.repeat(step) {
            failure = Some((shown(step), source));
            break;
        }
    }
    let recovery = match failure {
        None => Recovery::Finished { transaction },
        Some((path, source)) => {
            for step in journal.steps.iter().rev() {
                stepper
                    .take_back(step)
                    .map_err(|undo| ApplyError::Interrupted {
                        path: path.clone(),
                        source: undo,
                    })?;
            }
            // While the journal is there: without it, a database that knows more means that texts were lost.
            Database::forget(root, transaction)
                .map_err(|source| ApplyError::Database { source })?;
            Recovery::Undone {
                transaction,
                path,
                problem: source.to_string(),
            }
        }
    };
    let closed = match recovery {
        Recovery::Undone { .. } => closing.close(&staging),
        _ => closing.close_kept(transaction, &staging),
    };
    closed.map_err(|source| ApplyError::Settle { source })?;
    Ok(recovery)
}
