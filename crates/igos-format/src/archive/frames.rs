//! The table of payload frames.

use std::fmt::Write as _;

use super::text::{self, Lines};
use super::{CompressionFormat, FORMAT, Part, ReadArchiveError};
use crate::Sha256;

/// One payload frame: independently compressed bytes that hold whole entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where it begins, in bytes after the head frame's end.
    pub offset: u64,
    /// Its length as stored, in bytes.
    pub compressed: u64,
    /// Its length decompressed, in bytes: headers, contents and padding.
    pub uncompressed: u64,
    /// Digest of the stored bytes.
    pub sha256: Sha256,
    /// How many rows of the manifest it holds.
    pub entries: usize,
}

/// All payload frames, in order and without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameTable {
    /// The compressed form of every frame of the archive.
    pub compression: CompressionFormat,
    /// The frames.
    pub frames: Vec<Frame>,
}

impl FrameTable {
    /// Returns the text of the member `.igos/frames`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "igos-frames {FORMAT} {FORMAT}\ncompression {}\n",
            self.compression
        );
        for frame in &self.frames {
            writeln!(
                text,
                "frame {} {} {} {} {}",
                frame.offset, frame.compressed, frame.uncompressed, frame.sha256, frame.entries
            )
            .expect("writing to a string cannot fail");
        }
        text
    }

    /// Returns the table that `bytes` are the text of.
    ///
    /// # Errors
    ///
    /// Refuses everything but what [`FrameTable::to_text`] returns, and frames that do not follow one another.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadArchiveError> {
        let mut lines = Lines::new(Part::Frames, "igos-frames", bytes)?;
        let compression = match lines.next().unwrap_or_default()[..] {
            ["compression", word] => CompressionFormat::ALL
                .into_iter()
                .find(|format| format.as_str() == word),
            _ => None,
        };
        let mut table = FrameTable {
            compression: compression.ok_or_else(|| lines.refuse())?,
            frames: Vec::new(),
        };
        let mut offset = 0_u64;
        while let Some(fields) = lines.next() {
            let frame = frame(&fields).ok_or_else(|| lines.refuse())?;
            let row = ReadArchiveError::FrameRow {
                row: table.frames.len(),
            };
            if frame.offset != offset || frame.compressed == 0 || frame.entries == 0 {
                return Err(row);
            }
            offset = offset.checked_add(frame.compressed).ok_or(row)?;
            table.frames.push(frame);
        }
        text::compare(Part::Frames, &table.to_text(), bytes)?;
        Ok(table)
    }

    /// Returns the length of all payload frames as stored.
    #[must_use]
    pub fn stored_length(&self) -> u64 {
        self.frames
            .last()
            .map_or(0, |frame| frame.offset + frame.compressed)
    }
}

fn frame(fields: &[&str]) -> Option<Frame> {
    let ["frame", offset, compressed, uncompressed, sha256, entries] = fields else {
        return None;
    };
    Some(Frame {
        offset: offset.parse().ok()?,
        compressed: compressed.parse().ok()?,
        uncompressed: uncompressed.parse().ok()?,
        sha256: sha256.parse().ok()?,
        entries: entries.parse().ok()?,
    })
}
