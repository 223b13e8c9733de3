//! Going through entries: for each row of the manifest exactly its header and its content, and nothing else.

use std::io::Read;
use std::ops::Range;

use super::content::{Content, ContentReader, ContentSource, Entry};
use super::decoded::{Decoded, Known};
use super::head::Head;
use super::layout::{self, Place};
use super::tar::padding;
use super::{Part, ReadArchiveError};
use crate::{EntryKind, Hasher, RelPath, Sha256};

/// What of a file's content is still to come.
struct Pending {
    path: RelPath,
    expected: Sha256,
    left: u64,
    padding: usize,
    hasher: Hasher,
}

/// Reads entries of a run of frames.
pub(super) struct Cursor<R> {
    pub(super) decoded: Decoded<R>,
    /// The frames still to be begun.
    frames: Range<usize>,
    /// The frame being read, and its entries still to come.
    current: Option<(usize, Range<usize>)>,
    pending: Option<Pending>,
    has_failed: bool,
}

impl<R: Read> ContentSource for Cursor<R> {
    fn chunk(&mut self) -> Result<&[u8], ReadArchiveError> {
        if self.has_failed {
            return Err(ReadArchiveError::AfterError);
        }
        // Cleared where everything was right.
        self.has_failed = true;
        if self
            .pending
            .as_ref()
            .is_some_and(|pending| pending.left == 0)
        {
            self.finish_content()?;
        }
        let Some(pending) = &self.pending else {
            self.has_failed = false;
            return Ok(&[]);
        };
        let part = self.decoded.part();
        let left = usize::try_from(pending.left).unwrap_or(usize::MAX);
        let chunk = self.decoded.chunk()?;
        if chunk.is_empty() {
            return Err(ReadArchiveError::TooShort { part });
        }
        self.has_failed = false;
        Ok(&chunk[..chunk.len().min(left)])
    }

    fn consume(&mut self, count: usize) {
        if let Some(pending) = &mut self.pending {
            pending.hasher.update(&self.decoded.seen()[..count]);
            pending.left -= count as u64;
            self.decoded.consume(count);
        }
    }
}

impl<R: Read> Cursor<R> {
    pub(super) fn new(decoded: Decoded<R>, frames: Range<usize>) -> Self {
        Cursor {
            decoded,
            frames,
            current: None,
            pending: None,
            has_failed: false,
        }
    }

    fn finish_content(&mut self) -> Result<(), ReadArchiveError> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        let actual = pending.hasher.sha256();
        if actual != pending.expected {
            return Err(ReadArchiveError::Content {
                path: pending.path,
                expected: pending.expected,
                actual,
            });
        }
        self.decoded.take_zeros(pending.padding)
    }

    /// Goes to the next entry and verifies its header.
    pub(super) fn next(&mut self, head: &Head) -> Result<Option<usize>, ReadArchiveError> {
        if self.has_failed {
            return Err(ReadArchiveError::AfterError);
        }
        let found = self.try_next(head);
        self.has_failed |= found.is_err();
        found
    }

    fn try_next(&mut self, head: &Head) -> Result<Option<usize>, ReadArchiveError> {
        while self.pending.is_some() {
            let count = self.chunk()?.len();
            self.consume(count);
        }
        let index = loop {
            match &mut self.current {
                Some((frame, entries)) => match entries.next() {
                    Some(index) => break index,
                    None => {
                        self.decoded
                            .end(Known::Row(&head.frames().frames[*frame]))?;
                        self.current = None;
                    }
                },
                None => {
                    let Some(frame) = self.frames.next() else {
                        return Ok(None);
                    };
                    let row = Known::Row(&head.frames().frames[frame]);
                    self.decoded.begin(Part::Frame(frame), row)?;
                    self.current = Some((frame, head.entries_of(frame)));
                }
            }
        };
        let header = layout::header(head.manifest(), &head.places, index);
        let entry = &head.manifest().entries[index];
        if !self.decoded.take_equal(&header.bytes)? {
            return Err(ReadArchiveError::Header {
                path: entry.path.clone(),
            });
        }
        if let (EntryKind::File { sha256, .. }, Place::Here) = (&entry.kind, head.places[index]) {
            self.pending = Some(Pending {
                path: entry.path.clone(),
                expected: *sha256,
                left: header.content,
                padding: padding(header.content),
                hasher: Hasher::new(),
            });
        }
        Ok(Some(index))
    }

    pub(super) fn next_entry<'a>(
        &'a mut self,
        head: &'a Head,
    ) -> Result<Option<Entry<'a>>, ReadArchiveError> {
        let Some(index) = self.next(head)? else {
            return Ok(None);
        };
        Ok(Some(Entry {
            index,
            entry: &head.manifest().entries[index],
            content: match head.places[index] {
                Place::Nothing => Content::Nothing,
                Place::Here => Content::Bytes(ContentReader::new(self)),
                Place::HardLink(first) => Content::HardLink(first),
                Place::SameAs(first) => Content::SameAs(first),
            },
        }))
    }
}
