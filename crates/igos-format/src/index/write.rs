//! Writing both files of an index.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::{self, Write};

use super::directory::{FRAME_BYTES, FrameRow, write_directory};
use super::frame::Packer;
use super::header::{DIRECTORY_MAX_BYTES, Header};
use super::rows::rows;
use super::{IndexEntry, IndexKind, Table, WriteIndexError, record};
use crate::{Hasher, PackageId, Sha256};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenIndex {
    /// Digest of the file.
    pub sha256: Sha256,
    /// Its length.
    pub size_bytes: u64,
    /// How many frames it has.
    pub frames: usize,
}

/// Collects packages and writes `packages.index`: equal packages give equal bytes, in whatever order they come.
#[derive(Debug, Default)]
pub struct IndexWriter {
    packages: HashSet<PackageId>,
    records: Vec<String>,
    rows: BTreeMap<Table, BTreeSet<String>>,
}

impl IndexWriter {
    /// Returns a writer of no packages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a package.
    ///
    /// # Errors
    ///
    /// Refuses one that was added before, and what the index cannot say.
    pub fn add(&mut self, entry: &IndexEntry) -> Result<(), WriteIndexError> {
        let package = &entry.package;
        let record = record::write(entry).map_err(|source| WriteIndexError::Package {
            package: package.clone(),
            source,
        })?;
        if !self.packages.insert(package.clone()) {
            return Err(WriteIndexError::Twice {
                package: package.clone(),
            });
        }
        self.records.push(record);
        for (table, rows) in rows(entry) {
            self.rows.entry(table).or_default().extend(rows);
        }
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Those of the output; and there can be too many packages for one index.
    pub fn write(mut self, out: &mut impl Write) -> Result<WrittenIndex, WriteIndexError> {
        self.records.sort_unstable();
        let mut frames = FramesWriter::new(IndexKind::Packages)?;
        frames.table(Table::Packages, &self.records)?;
        for (table, rows) in &self.rows {
            frames.table(*table, rows)?;
        }
        frames.finish(out)
    }
}

/// Divides tables into frames and compresses them.
pub(super) struct FramesWriter {
    kind: IndexKind,
    packer: Packer,
    rows: Vec<FrameRow>,
    stored: Vec<u8>,
}

fn output(source: io::Error) -> WriteIndexError {
    WriteIndexError::Output { source }
}

impl FramesWriter {
    pub(super) fn new(kind: IndexKind) -> Result<Self, WriteIndexError> {
        Ok(FramesWriter {
            kind,
            packer: Packer::new().map_err(output)?,
            rows: Vec::new(),
            stored: Vec::new(),
        })
    }

    /// Adds a table, whose records come in order.
    pub(super) fn table(
        &mut self,
        table: Table,
        records: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<(), WriteIndexError> {
        let mut text = String::with_capacity(FRAME_BYTES);
        let mut count = 0;
        for record in records {
            let record = record.as_ref();
            if count > 0 && text.len() + record.len() > FRAME_BYTES {
                self.frame(table, &text, count)?;
                text.clear();
                count = 0;
            }
            text.push_str(record);
            count += 1;
        }
        if count > 0 {
            self.frame(table, &text, count)?;
        }
        Ok(())
    }

    fn frame(&mut self, table: Table, text: &str, records: usize) -> Result<(), WriteIndexError> {
        let stored = self.packer.pack(text).map_err(output)?;
        self.rows.push(FrameRow {
            table,
            position: self.stored.len() as u64,
            stored: stored.len(),
            length: text.len(),
            records,
            sha256: Sha256::of(&stored),
            key: table.key(text).to_owned(),
        });
        self.stored.extend(stored);
        Ok(())
    }

    pub(super) fn finish(mut self, out: &mut impl Write) -> Result<WrittenIndex, WriteIndexError> {
        let directory = write_directory(self.kind, &self.rows);
        if directory.len() > DIRECTORY_MAX_BYTES {
            return Err(WriteIndexError::TooLarge {
                length: directory.len(),
                limit: DIRECTORY_MAX_BYTES,
            });
        }
        let stored = self.packer.pack(&directory).map_err(output)?;
        let header = Header {
            kind: self.kind,
            stored: stored.len(),
            length: directory.len(),
            sha256: Sha256::of(&stored),
        };
        let mut hasher = Hasher::new();
        let mut size_bytes = 0;
        for bytes in [header.to_bytes(), stored, self.stored] {
            out.write_all(&bytes).map_err(output)?;
            hasher.update(&bytes);
            size_bytes += bytes.len() as u64;
        }
        Ok(WrittenIndex {
            sha256: hasher.sha256(),
            size_bytes,
            frames: self.rows.len(),
        })
    }
}
