//! Reading a whole index, and telling whether a writer could have written it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::directory::FRAME_BYTES;
use super::frames::{Frames, records};
use super::read::entry;
use super::rows::rows;
use super::{IndexReader, Part, ReadAt, ReadIndexError, Table};

impl<R: ReadAt> IndexReader<R> {
    /// Reads everything and compares it with what a writer would have written for these packages.
    ///
    /// A client does not need this, because it has the digest of the whole file from signed metadata.
    ///
    /// # Errors
    ///
    /// Returns the first thing that is not as it should be.
    pub fn verify(&self) -> Result<(), ReadIndexError> {
        let mut derived: BTreeMap<Table, Vec<String>> = BTreeMap::new();
        let mut last = None;
        verify_table(&self.frames, Table::Packages, |part, record| {
            let entry = entry(part, record)?;
            for (table, rows) in rows(&entry) {
                derived.entry(table).or_default().extend(rows);
            }
            let package = Some(entry.package);
            if std::mem::replace(&mut last, package.clone()) == package {
                return Err(ReadIndexError::Frame {
                    part,
                    reason: "a package is there twice",
                });
            }
            Ok(())
        })?;
        for table in [Table::Names, Table::Summaries, Table::Programs] {
            let mut rows = derived.remove(&table).unwrap_or_default();
            rows.sort_unstable();
            rows.dedup();
            let mut expected = rows.iter();
            let disagree = |record: &str| ReadIndexError::Disagree {
                table,
                record: record.chars().take(200).collect(),
            };
            verify_table(&self.frames, table, |_, row| match expected.next() {
                Some(expected) if expected == row => Ok(()),
                Some(expected) => Err(disagree(row.min(expected))),
                None => Err(disagree(row)),
            })?;
            if let Some(missing) = expected.next() {
                return Err(disagree(missing));
            }
        }
        Ok(())
    }
}

/// Gives each record of a table to `visit`, and tests that they are in order and in the frames where a writer puts
/// them.
pub(super) fn verify_table<R: ReadAt>(
    frames: &Frames<R>,
    table: Table,
    mut visit: impl FnMut(Part, &str) -> Result<(), ReadIndexError>,
) -> Result<(), ReadIndexError> {
    let mut rows = frames.rows(table).iter();
    let mut last = String::new();
    let mut filled = FRAME_BYTES;
    frames.scan(table, |part, text| {
        let refuse = |reason| Err(ReadIndexError::Frame { part, reason });
        let first = records(table, text).next().map_or(0, str::len);
        if filled + first <= FRAME_BYTES {
            return refuse("its first record belongs into the frame before it");
        }
        if text.len() > FRAME_BYTES && text.len() > first {
            return refuse("it has more records than fit");
        }
        filled = text.len();
        let count = records(table, text).count();
        if rows.next().is_none_or(|row| row.records != count) {
            return refuse("it has another number of records than the directory says");
        }
        for record in records(table, text) {
            if *last >= *record {
                return refuse("a record is not in order after the one before it, or there twice");
            }
            visit(part, record)?;
            record.clone_into(&mut last);
        }
        Ok(ControlFlow::Continue(()))
    })
}
