//! Reading all records and the whole history of a root.

use std::collections::BTreeSet;
use std::io;

use igos_format::{PackageName, RelPath};
use igos_report::{Diagnostic, diagnose};
use igos_root::{FollowedLinks, RootDir, RootError};
use rayon::prelude::*;

use super::{RECORD_MAX_BYTES, Record, RecordError};
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
    let names = names_in(root, &layout::history())?;
    Ok(names
        .iter()
        .filter_map(|name| HistoryEntry::parse_file_name(name))
        .max()
        .unwrap_or(0))
}

/// Fills a database from records and history; returns what of them is damaged, which stops nothing else.
pub(crate) fn rebuild(
    root: &RootDir,
    database: &mut Database,
) -> Result<Vec<Diagnostic>, OpenError> {
    let mut notices = Vec::new();
    let mut records = Vec::new();
    for (name, result) in read_records(root)? {
        match result {
            Ok(record) => records.push(record),
            Err(diagnostic) => notices.push(diagnostic.at(format!("record of {name}"))),
        }
    }
    let mut history = Vec::new();
    for name in names_in(root, &layout::history())? {
        if HistoryEntry::parse_file_name(&name).is_none() {
            continue;
        }
        let path = layout::history().join(&name).map_err(|error| {
            state_error(
                root,
                RootError::new("read", "history", io::Error::other(error)),
            )
        })?;
        let bytes = root
            .read_file(&path, HISTORY_MAX_BYTES)
            .map_err(|source| state_error(root, source))?;
        match HistoryEntry::read(&bytes.unwrap_or_default()) {
            Ok(entry) => history.push(entry),
            Err(error) => notices.push(diagnose(&error).at(path.to_string())),
        }
    }
    let links = FollowedLinks::read(root).map_err(|source| state_error(root, source))?;
    let claims = database
        .rebuild(&records, &history, &links)
        .map_err(|source| database_error(root, source))?;
    notices.extend(claims);
    Ok(notices)
}

type ReadRecord = (PackageName, Result<Record, Diagnostic>);

/// Reads the records of all packages, each by itself.
fn read_records(root: &RootDir) -> Result<Vec<ReadRecord>, OpenError> {
    let names: BTreeSet<PackageName> = names_in(root, &layout::records())?
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())
        .collect();
    Ok(names
        .into_par_iter()
        .map(|name| {
            let result = match root.read_file(&layout::record(&name), RECORD_MAX_BYTES) {
                Ok(bytes) => Record::read_of(&name, &bytes.unwrap_or_default())
                    .map_err(|error: RecordError| diagnose(&error)),
                Err(error) => Err(diagnose(&error)),
            };
            (name, result)
        })
        .collect())
}
