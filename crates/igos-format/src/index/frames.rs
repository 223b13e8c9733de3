//! Reading frames by position, and records in them by their keys.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, PoisonError};

use super::directory::{FrameRow, read_directory};
use super::frame::Unpacker;
use super::header::{HEADER_MAX_BYTES, Header};
use super::{IndexKind, Part, ReadAt, ReadIndexError, Table};
use crate::Sha256;

/// How much text of frames is kept for the next lookup, in bytes.
const KEPT_MAX_BYTES: usize = 128 * 1024 * 1024;

/// A file of an index: its directory, and its frames when they are asked for.
pub(super) struct Frames<R> {
    file: R,
    kind: IndexKind,
    rows: Vec<FrameRow>,
    kept: Mutex<Kept>,
}

/// Texts of frames that were read lately.
struct Kept {
    unpacker: Unpacker,
    texts: BTreeMap<usize, Arc<str>>,
    oldest_first: VecDeque<usize>,
    bytes: usize,
}

impl<R: ReadAt> Frames<R> {
    pub(super) fn open(kind: IndexKind, file: R) -> Result<Self, ReadIndexError> {
        let input = |source| ReadIndexError::Input { source };
        let size = file.size_bytes().map_err(input)?;
        let mut start = [0; HEADER_MAX_BYTES];
        let known = usize::try_from(size).map_or(HEADER_MAX_BYTES, |size| size.min(start.len()));
        file.read_exact_at(&mut start[..known], 0).map_err(input)?;
        let (header, position) = Header::from_bytes(kind, &start[..known])?;
        let end = (position + header.stored) as u64;
        if end > size {
            return Err(ReadIndexError::Length {
                expected: end,
                found: size,
            });
        }
        let mut stored = vec![0; header.stored];
        file.read_exact_at(&mut stored, position as u64)
            .map_err(input)?;
        compare(Part::Directory, header.sha256, &stored)?;
        let mut unpacker = Unpacker::new().map_err(input)?;
        let text = unpacker.unpack(Part::Directory, &stored, header.length)?;
        let rows = read_directory(kind, &text, end)?;
        let expected = rows
            .last()
            .map_or(end, |row| row.position + row.stored as u64);
        if expected != size {
            return Err(ReadIndexError::Length {
                expected,
                found: size,
            });
        }
        Ok(Frames {
            file,
            kind,
            rows,
            kept: Mutex::new(Kept {
                unpacker,
                texts: BTreeMap::new(),
                oldest_first: VecDeque::new(),
                bytes: 0,
            }),
        })
    }

    /// Returns how many records a table has.
    pub(super) fn records(&self, table: Table) -> usize {
        self.rows[self.frames(table)]
            .iter()
            .map(|row| row.records)
            .sum()
    }

    /// Returns the rows of a table.
    pub(super) fn rows(&self, table: Table) -> &[FrameRow] {
        &self.rows[self.frames(table)]
    }

    fn frames(&self, table: Table) -> Range<usize> {
        let start = self.rows.partition_point(|row| row.table < table);
        let end = self.rows.partition_point(|row| row.table <= table);
        start..end
    }

    /// Returns the name of a frame, given by its number in the file, for messages.
    fn part(&self, frame: usize) -> Part {
        let table = self.rows[frame].table;
        Part::Frame(table, frame - self.frames(table).start)
    }

    fn read(&self, frame: usize, unpacker: &mut Unpacker) -> Result<String, ReadIndexError> {
        let (row, part) = (&self.rows[frame], self.part(frame));
        let mut stored = vec![0; row.stored];
        self.file
            .read_exact_at(&mut stored, row.position)
            .map_err(|source| ReadIndexError::Input { source })?;
        compare(part, row.sha256, &stored)?;
        let text = unpacker.unpack(part, &stored, row.length)?;
        let refuse = |reason| ReadIndexError::Frame { part, reason };
        if row.table.key(&text) != row.key {
            return Err(refuse("it does not begin with the key of the directory"));
        }
        if !text.as_bytes().ends_with(row.table.end().as_bytes()) {
            return Err(refuse("its last record has no end"));
        }
        Ok(text)
    }

    fn text(&self, frame: usize) -> Result<Arc<str>, ReadIndexError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = kept.texts.get(&frame) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = self.read(frame, &mut kept.unpacker)?.into();
        kept.bytes += text.len();
        kept.texts.insert(frame, Arc::clone(&text));
        kept.oldest_first.push_back(frame);
        while kept.bytes > KEPT_MAX_BYTES
            && let Some(oldest) = kept.oldest_first.pop_front()
            && let Some(text) = kept.texts.remove(&oldest)
        {
            kept.bytes -= text.len();
        }
        Ok(text)
    }

    /// Gives each record whose key is `from` or comes after it to `visit`, in order.
    pub(super) fn seek(
        &self,
        table: Table,
        from: &str,
        mut visit: impl FnMut(Part, &str) -> Result<ControlFlow<()>, ReadIndexError>,
    ) -> Result<(), ReadIndexError> {
        let frames = self.frames(table);
        let before = self.rows[frames.clone()].partition_point(|row| row.key.as_str() < from);
        // Records of this key can begin in the frame before the first one that begins with it.
        let start = |text: &str| lower_bound(table, text, from);
        for frame in frames.start + before.saturating_sub(1)..frames.end {
            let text = self.text(frame)?;
            for record in records(table, &text[start(&text)..]) {
                if visit(self.part(frame), record)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Gives the text of each frame of a table to `visit`, in order; nothing of it is kept.
    pub(super) fn scan(
        &self,
        table: Table,
        mut visit: impl FnMut(Part, &str) -> Result<ControlFlow<()>, ReadIndexError>,
    ) -> Result<(), ReadIndexError> {
        let mut unpacker = Unpacker::new().map_err(|source| ReadIndexError::Input { source })?;
        for frame in self.frames(table) {
            let text = self.read(frame, &mut unpacker)?;
            if visit(self.part(frame), &text)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl<R> fmt::Debug for Frames<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("kind", &self.kind)
            .field("frames", &self.rows.len())
            .finish_non_exhaustive()
    }
}

fn compare(part: Part, expected: Sha256, stored: &[u8]) -> Result<(), ReadIndexError> {
    let actual = Sha256::of(stored);
    if actual == expected {
        Ok(())
    } else {
        Err(ReadIndexError::Digest {
            part,
            expected,
            actual,
        })
    }
}

/// Returns the records of a text, each with its end.
pub(super) fn records(table: Table, mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        (!rest.is_empty()).then(|| {
            let (record, after) = rest.split_at(record_end(table, rest, 0));
            rest = after;
            record
        })
    })
}

/// Returns where the record that begins at `start` ends.
fn record_end(table: Table, text: &str, start: usize) -> usize {
    let end = table.end();
    text[start..]
        .find(end)
        .map_or(text.len(), |found| start + found + end.len())
}

/// Returns where the first record begins whose key is not before `key`: the length of the text if there is none.
fn lower_bound(table: Table, text: &str, key: &str) -> usize {
    let end = table.end();
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low.midpoint(high);
        let start = text.as_bytes()[low..middle]
            .windows(end.len())
            .rposition(|window| window == end.as_bytes())
            .map_or(low, |found| low + found + end.len());
        let after = record_end(table, text, start);
        if table.key(&text[start..after]) < key {
            low = after;
        } else {
            high = start;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::{Table, lower_bound, records};

    #[test]
    fn seeking_in_a_text_finds_what_walking_through_it_finds() {
        let lines = "a 1\nab 1\nab 2\nb x\nd \u{e9}\n";
        let blocks = "name a\nepoch 0\n\nname b\n\nname b\nepoch 1\n\nname d\n\n";
        for (table, text) in [(Table::Names, lines), (Table::Packages, blocks)] {
            for key in ["", "a", "aa", "ab", "b", "c", "d", "e"] {
                let walked: usize = records(table, text)
                    .take_while(|record| table.key(record) < key)
                    .map(str::len)
                    .sum();
                assert_eq!(lower_bound(table, text, key), walked, "{table} {key:?}");
            }
        }
    }
}
