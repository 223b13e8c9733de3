//! What can be undone.

use std::io;

use igos_format::PackageId;
use igos_report::Explain;
use igos_root::{Directory, RootDir, RootError};
use serde::Serialize;

use super::text::{BEFORE_MAX_BYTES, Before};
use crate::history::HistoryEntry;
use crate::layout;

/// Name of the text in the directory of a transaction.
pub(super) const BEFORE: &[u8] = b"before";

/// What is kept of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Undoable {
    /// Its number.
    pub transaction: u64,
    /// Bytes of the contents that are kept.
    pub bytes: u64,
    /// Whether all contents that it took out of the root are still kept.
    pub is_complete: bool,
}

/// A root cannot be brought back to an earlier point of its history.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is no such transaction.
    #[error("there is no transaction {transaction}; the last one is {last}")]
    NoSuchTransaction {
        /// What was asked for.
        transaction: u64,
        /// The last one.
        last: u64,
    },
    /// What was before a transaction is not known any more.
    #[error("what was before transaction {transaction} is not kept any more")]
    Forgotten {
        /// The last transaction on the way back of which nothing is kept.
        transaction: u64,
        /// The first transaction that can be undone, if there is one.
        first: Option<u64>,
    },
    /// Contents are neither in the root nor kept, and no archive of the package is at hand.
    #[error("contents of {} packages are not kept any more: {}", .0.len(), list(.0))]
    Dropped(Vec<PackageId>),
    /// There is no plan.
    #[error("transactions cannot be undone")]
    Plan(#[source] crate::PlanError),
    /// What is kept cannot be read.
    #[error("what is kept of earlier transactions cannot be read")]
    Read {
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn list(packages: &[PackageId]) -> String {
    let packages: Vec<_> = packages.iter().map(ToString::to_string).collect();
    packages.join(", ")
}

impl Explain for UndoError {
    fn code(&self) -> &'static str {
        match self {
            UndoError::NoSuchTransaction { .. } => "transaction-unknown",
            UndoError::Forgotten { .. } => "transaction-forgotten",
            UndoError::Dropped(_) => "contents-dropped",
            UndoError::Plan(source) => source.code(),
            UndoError::Read { .. } => "undo-unreadable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            UndoError::NoSuchTransaction { .. } => vec!["see them: `pkm history`".to_owned()],
            UndoError::Forgotten { first, .. } => match first {
                Some(first) => vec![format!(
                    "the earliest that can be undone: `pkm rollback {first}`"
                )],
                None => Vec::new(),
            },
            UndoError::Dropped(_) => vec![
                "give their archives: `pkm rollback … --archives DIR`".to_owned(),
                "keep more from now on: `undo.bytes` in the settings".to_owned(),
            ],
            UndoError::Plan(source) => source.hints(),
            UndoError::Read { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            UndoError::Plan(source) => source.exit_code(),
            UndoError::Read { .. } => 4,
            _ => 1,
        }
    }

    fn diagnostics(&self) -> Vec<igos_report::Diagnostic> {
        match self {
            UndoError::Plan(source) => source.diagnostics(),
            _ => vec![igos_report::diagnose(self)],
        }
    }
}

pub(super) fn open_if_present(at: &Directory, name: &[u8]) -> io::Result<Option<Directory>> {
    match at.open_directory(name) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the transactions of which something is kept, in order.
pub(super) fn numbers(undo: &Directory) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = undo
        .entries()?
        .iter()
        .filter_map(|entry| HistoryEntry::parse_file_name(&entry.name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Returns what was before a transaction; `None` where that is not known, or damaged, which is as good.
pub(crate) fn before(root: &RootDir, transaction: u64) -> io::Result<Option<Before>> {
    let text = text(root, transaction).map_err(RootError::into_io)?;
    Ok(text
        .and_then(|bytes| Before::read(&bytes).ok())
        .filter(|before| before.transaction == transaction))
}

/// Returns what is kept of a transaction and where, without the records.
pub(super) fn kept(root: &RootDir, transaction: u64) -> Option<Before> {
    // What is kept is not worth more than a text that says so.
    let text = text(root, transaction).ok().flatten()?;
    Before::read_kept(&text).filter(|before| before.transaction == transaction)
}

fn text(root: &RootDir, transaction: u64) -> Result<Option<Vec<u8>>, RootError> {
    let place = layout::undo(transaction)
        .join(BEFORE)
        .expect("our own names are names");
    root.read_file(&place, BEFORE_MAX_BYTES)
}

/// Returns the directories in which contents are kept, those of the last transaction first.
pub(crate) fn kept_directories(root: &RootDir) -> io::Result<Vec<Directory>> {
    let mut directories = Vec::new();
    let undo = match root.directory(&layout::undo_directory()) {
        Ok(undo) => undo,
        Err(error) if error.is_not_found() => return Ok(directories),
        Err(error) => return Err(error.into_io()),
    };
    for number in numbers(&undo)?.into_iter().rev() {
        let name = layout::undo_name(number);
        let elsewhere = kept(root, number).unwrap_or_default().elsewhere;
        let parents = elsewhere.iter().map(|place| root.directory(place));
        for parent in [undo.try_clone()?].into_iter().chain(parents.flatten()) {
            directories.extend(open_if_present(&parent, &name)?);
        }
    }
    Ok(directories)
}

/// Tells what is kept of a transaction.
pub(crate) fn undoable(root: &RootDir, before: &Before) -> Undoable {
    let name = layout::undo_name(before.transaction);
    let own = root.directory(&layout::undo_directory());
    let parents = before.elsewhere.iter().map(|place| root.directory(place));
    let directories: Vec<Directory> = [own]
        .into_iter()
        .chain(parents)
        .flatten()
        .filter_map(|parent| parent.open_directory(&name).ok())
        .collect();
    let is_kept = |digest: &igos_format::Sha256| {
        let digest = digest.to_string();
        directories
            .iter()
            .any(|at| at.metadata(digest.as_bytes()).is_ok())
    };
    let mut kept: Vec<_> = before
        .contents
        .iter()
        .filter(|content| is_kept(&content.sha256))
        .collect();
    let is_complete = kept.len() == before.contents.len();
    kept.sort_by_key(|content| content.sha256);
    kept.dedup_by_key(|content| content.sha256);
    Undoable {
        transaction: before.transaction,
        bytes: kept.iter().map(|content| content.size).sum(),
        is_complete,
    }
}
