//! The directory: the frames of every table, each with its length, its digest and its first key.

use std::fmt::Write as _;

use super::{IndexKind, ReadIndexError, Table};
use crate::Sha256;

/// Length of the text of a frame beyond which no further record is put in, in bytes.
///
/// The measured compromise (`benches/index.rs`): one lookup unpacks one frame, and larger ones save little.
pub(super) const FRAME_BYTES: usize = 64 * 1024;

/// Longest record, in bytes; a record that is longer than [`FRAME_BYTES`] has a frame of its own.
pub(super) const RECORD_MAX_BYTES: usize = 1024 * 1024;

/// One frame of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameRow {
    /// The table it is a part of.
    pub(super) table: Table,
    /// Where it begins in the file.
    pub(super) position: u64,
    /// Its length as stored.
    pub(super) stored: usize,
    /// The length of its text.
    pub(super) length: usize,
    /// How many records it has.
    pub(super) records: usize,
    /// Digest of what is stored.
    pub(super) sha256: Sha256,
    /// The key of its first record.
    pub(super) key: String,
}

/// Writes the text of the directory of a file of this kind.
pub(super) fn write_directory(kind: IndexKind, rows: &[FrameRow]) -> String {
    let mut text = String::new();
    for table in kind.tables() {
        writeln!(text, "table {table}").expect("writing to a string cannot fail");
        for row in rows.iter().filter(|row| row.table == *table) {
            writeln!(
                text,
                "frame {} {} {} {} {}",
                row.stored, row.length, row.records, row.sha256, row.key
            )
            .expect("writing to a string cannot fail");
        }
    }
    text
}

/// Reads the text of the directory of a file of this kind, whose first frame begins at `position`.
pub(super) fn read_directory(
    kind: IndexKind,
    text: &str,
    mut position: u64,
) -> Result<Vec<FrameRow>, ReadIndexError> {
    let mut rows: Vec<FrameRow> = Vec::new();
    let mut tables = kind.tables().iter();
    let mut table = None;
    for (line, content) in (1..).zip(text.lines()) {
        let refuse = || ReadIndexError::Directory { line };
        if let Some(name) = content.strip_prefix("table ") {
            table = tables.next().filter(|known| known.as_str() == name);
            table.ok_or_else(refuse)?;
            continue;
        }
        let table = *table.ok_or_else(refuse)?;
        let row = row(table, position, content).ok_or_else(refuse)?;
        let is_bounded = (1..=RECORD_MAX_BYTES).contains(&row.length)
            && (1..=row.length).contains(&row.records)
            // What does not compress grows a little.
            && (1..=row.length + 1024).contains(&row.stored);
        let is_sorted = rows
            .last()
            .is_none_or(|before| before.table != table || before.key <= row.key);
        if !is_bounded || !is_sorted {
            return Err(refuse());
        }
        position = position.checked_add(row.stored as u64).ok_or_else(refuse)?;
        rows.push(row);
    }
    let line = text.lines().count();
    if tables.next().is_some() || write_directory(kind, &rows) != text {
        return Err(ReadIndexError::Directory { line });
    }
    Ok(rows)
}

fn row(table: Table, position: u64, line: &str) -> Option<FrameRow> {
    let mut fields = line.splitn(6, ' ');
    (fields.next()? == "frame").then_some(())?;
    Some(FrameRow {
        table,
        position,
        stored: fields.next()?.parse().ok()?,
        length: fields.next()?.parse().ok()?,
        records: fields.next()?.parse().ok()?,
        sha256: fields.next()?.parse().ok()?,
        key: fields
            .next()
            .filter(|key| !key.is_empty() && !key.contains(' '))?
            .to_owned(),
    })
}
