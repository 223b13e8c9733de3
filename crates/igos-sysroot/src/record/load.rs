//! Reading all records and the whole history of a root.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};
use igos_report::{Diagnostic, diagnose};
use igos_root::{FollowedLinks, RootDir, RootError};
use rayon::prelude::*;

use super::{RECORD_MAX_BYTES, Record, RecordError, UnknownRecords};
use crate::database::Database;
use crate::history::{HISTORY_MAX_BYTES, HistoryEntry};
use crate::open_error::{database_error, state_error};
use crate::{OpenError, layout};

fn names_in(root: &RootDir, path: &RelPath) -> Result<Vec<Vec<u8>>, OpenError> {
    let directory = match root.directory(path) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(source) => return Err(state_error(root, source)),
    };
    let entries = directory.entries().map_err(|source| {
        state_error(
            root,
            RootError::new("read directory", path.to_string(), source),
        )
    })?;
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}

/// Returns the number of the last transaction, 0 for none.
pub(crate) fn last_in_history(root: &RootDir) -> Result<u64, OpenError> {
    Ok(numbers_in_history(root)?.last().copied().unwrap_or(0))
}

fn numbers_in_history(root: &RootDir) -> Result<BTreeSet<u64>, OpenError> {
    let names = names_in(root, &layout::history())?;
    let numbers = names.iter();
    Ok(numbers
        .filter_map(|name| HistoryEntry::parse_file_name(name))
        .collect())
}

/// Returns the place of the text of one transaction.
pub(super) fn history_path(number: u64) -> RelPath {
    layout::history()
        .join(HistoryEntry::file_name(number).as_bytes())
        .expect("a number is a name")
}

/// All that the texts of a root tell.
#[derive(Debug)]
pub(crate) struct RootTexts {
    /// Records that are whole, by name.
    pub(crate) records: Vec<Record>,
    /// Packages that are installed, and whose records cannot be used.
    pub(crate) unknown: UnknownRecords,
    /// Transactions whose texts are whole.
    pub(crate) history: BTreeMap<u64, HistoryEntry>,
    /// Transactions whose texts are damaged.
    pub(crate) damaged: BTreeMap<u64, RecordError>,
}

impl RootTexts {
    /// Reads everything; what is damaged stops nothing else.
    pub(crate) fn load(root: &RootDir) -> Result<Self, OpenError> {
        // The history after the records: a transaction that is carried out meanwhile writes it last.
        let (records, mut unknown) = read_records(root)?;
        let (history, damaged) = read_history(root)?;
        let known: BTreeSet<&PackageName> = records
            .iter()
            .map(|record| &record.manifest.package.name)
            .collect();
        for (name, transaction) in installed_by(history.values()) {
            if !known.contains(&name) && unknown.why(&name).is_none() {
                unknown.missing(name, transaction);
            }
        }
        Ok(RootTexts {
            records,
            unknown,
            history,
            damaged,
        })
    }

    /// Returns the number of the last transaction, 0 for none.
    pub(crate) fn last(&self) -> u64 {
        let numbers = self.history.keys().chain(self.damaged.keys());
        numbers.max().copied().unwrap_or(0)
    }

    /// Returns the version of a package that the history left installed, if it says so.
    pub(super) fn version_of(&self, name: &PackageName) -> Option<String> {
        let mut changes = self.history.values().flat_map(|entry| &entry.changes);
        let last = changes.rfind(|change| change.name == *name);
        last.and_then(|change| change.to.clone())
    }

    /// Fills a database with what is whole; returns what of the history is not, and what contradicts itself.
    pub(crate) fn fill(
        &self,
        root: &RootDir,
        database: &mut Database,
    ) -> Result<Vec<Diagnostic>, OpenError> {
        let damaged = self.damaged.iter();
        let mut notices: Vec<Diagnostic> = damaged
            .map(|(number, error)| diagnose(error).at(history_path(*number).to_string()))
            .collect();
        let links = FollowedLinks::read(root).map_err(|source| state_error(root, source))?;
        let claims = database
            .rebuild(&self.records, self.history.values(), &links)
            .map_err(|source| database_error(root, source))?;
        notices.extend(claims);
        Ok(notices)
    }
}

/// Returns the packages that these transactions, in their order, left installed, each with the last that says so.
fn installed_by<'a>(history: impl Iterator<Item = &'a HistoryEntry>) -> BTreeMap<PackageName, u64> {
    let mut installed = BTreeMap::new();
    for entry in history {
        for change in &entry.changes {
            match change.to {
                Some(_) => installed.insert(change.name.clone(), entry.transaction),
                None => installed.remove(&change.name),
            };
        }
    }
    installed
}

type History = (BTreeMap<u64, HistoryEntry>, BTreeMap<u64, RecordError>);

fn read_history(root: &RootDir) -> Result<History, OpenError> {
    let (mut history, mut damaged) = (BTreeMap::new(), BTreeMap::new());
    for number in numbers_in_history(root)? {
        let bytes = root
            .read_file(&history_path(number), HISTORY_MAX_BYTES)
            .map_err(|source| state_error(root, source))?;
        // What was taken back meanwhile is not there any more.
        match bytes.map(|bytes| HistoryEntry::read(&bytes)) {
            None => {}
            Some(Ok(entry)) if entry.transaction == number => {
                history.insert(number, entry);
            }
            Some(Ok(_)) => {
                let expected = "the number that its name says";
                damaged.insert(number, RecordError::Line { line: 2, expected });
            }
            Some(Err(error)) => {
                damaged.insert(number, error);
            }
        }
    }
    Ok((history, damaged))
}

/// Why a record cannot be used.
enum Unusable {
    Damaged(RecordError),
    Unreadable(RootError),
}

/// Reads the records of all packages, each by itself.
fn read_records(root: &RootDir) -> Result<(Vec<Record>, UnknownRecords), OpenError> {
    let names: BTreeSet<PackageName> = names_in(root, &layout::records())?
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())
        .collect();
    let read: Vec<(PackageName, Option<Result<Record, Unusable>>)> = names
        .into_par_iter()
        .map(|name| {
            let result = match root.read_file(&layout::record(&name), RECORD_MAX_BYTES) {
                // It was removed meanwhile.
                Ok(None) => None,
                Ok(Some(bytes)) => Some(Record::read_of(&name, &bytes).map_err(Unusable::Damaged)),
                Err(error) => Some(Err(unusable(error))),
            };
            (name, result)
        })
        .collect();
    let (mut records, mut unknown) = (Vec::new(), UnknownRecords::default());
    for (name, result) in read {
        match result {
            None => {}
            Some(Ok(record)) => records.push(record),
            Some(Err(Unusable::Damaged(error))) => unknown.damaged(name, &error),
            Some(Err(Unusable::Unreadable(error))) => unknown.unreadable(name, &error),
        }
    }
    Ok((records, unknown))
}

/// A record that is longer than any, or no file, is none; everything else may be read another time.
fn unusable(error: RootError) -> Unusable {
    let is_no_record = error.is_way_blocked() || error.errno().is_none();
    if is_no_record {
        Unusable::Damaged(RecordError::NotARecord)
    } else {
        Unusable::Unreadable(error)
    }
}
