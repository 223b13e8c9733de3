//! Reading the payload: for each row of the manifest exactly its header and its content, and nothing else.

use std::io::{self, Read};
use std::ops::Range;

use super::decoded::{Decoded, Known};
use super::head::{self, Head, read_content};
use super::input::Input;
use super::layout::{self, Place};
use super::tar::{BLOCK, END, padding};
use super::{CompressionFormat, FrameTable, Part, ReadArchiveError, Seal, Signatures, signatures};
use crate::manifest::Manifest;
use crate::{EntryKind, FileEntry, Hasher, RelPath, Sha256};

/// Longest tail frame when decompressed: signatures with header and padding, and the end.
const TAIL_MAX_BYTES: u64 = signatures::MAX_BYTES + 2 * BLOCK as u64 + END.len() as u64;

/// One path of an archive.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The number of its row in the manifest.
    pub index: usize,
    /// Its row of the manifest, with which its tar header was compared.
    pub entry: &'a FileEntry,
    /// What is in it.
    pub content: Content<'a>,
}

/// Where the content of an [`Entry`] is.
#[derive(Debug)]
pub enum Content<'a> {
    /// It has none: a directory or a symbolic link.
    Nothing,
    /// Here. What is not read of it is verified all the same before the next entry is returned.
    Bytes(ContentReader<'a>),
    /// It is a hard link of an earlier path, by the number of its row.
    HardLink(usize),
    /// It is a file of its own with the content of an earlier path, by the number of its row.
    SameAs(usize),
}

/// The content of one file, which ends only after its size and digest were verified.
pub struct ContentReader<'a> {
    source: &'a mut dyn ContentSource,
    /// Bytes of the chunk last returned.
    taken: usize,
}

trait ContentSource {
    fn chunk(&mut self) -> Result<&[u8], ReadArchiveError>;
    fn consume(&mut self, count: usize);
}

impl ContentReader<'_> {
    /// Returns the next bytes, `None` at the end: only then is the content verified.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive; the bytes returned so far must not be used then.
    pub fn next_chunk(&mut self) -> Result<Option<&[u8]>, ReadArchiveError> {
        self.source.consume(std::mem::take(&mut self.taken));
        let chunk = self.source.chunk()?;
        self.taken = chunk.len();
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

impl Drop for ContentReader<'_> {
    fn drop(&mut self) {
        self.source.consume(self.taken);
    }
}

impl Read for ContentReader<'_> {
    /// Reads the next bytes; a [`ReadArchiveError`] is the inner error of the one returned.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.consume(std::mem::take(&mut self.taken));
        let chunk = self
            .source
            .chunk()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        self.source.consume(count);
        Ok(count)
    }
}

impl std::fmt::Debug for ContentReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentReader").finish_non_exhaustive()
    }
}

/// What of a file's content is still to come.
struct Pending {
    path: RelPath,
    expected: Sha256,
    left: u64,
    padding: usize,
    hasher: Hasher,
}

/// Reads entries of a run of frames.
struct Cursor<R> {
    decoded: Decoded<R>,
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
    fn new(decoded: Decoded<R>, frames: Range<usize>) -> Self {
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
    fn next(&mut self, head: &Head) -> Result<Option<usize>, ReadArchiveError> {
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

    fn next_entry<'a>(&'a mut self, head: &'a Head) -> Result<Option<Entry<'a>>, ReadArchiveError> {
        let Some(index) = self.next(head)? else {
            return Ok(None);
        };
        Ok(Some(Entry {
            index,
            entry: &head.manifest().entries[index],
            content: match head.places[index] {
                Place::Nothing => Content::Nothing,
                Place::Here => Content::Bytes(ContentReader {
                    source: self,
                    taken: 0,
                }),
                Place::HardLink(first) => Content::HardLink(first),
                Place::SameAs(first) => Content::SameAs(first),
            },
        }))
    }
}

/// Reads one archive from its first byte to its last.
pub struct ArchiveReader<R> {
    head: Head,
    cursor: Cursor<R>,
}

impl<R> std::fmt::Debug for ArchiveReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArchiveReader")
            .field("package", &self.head.manifest().package)
            .finish_non_exhaustive()
    }
}

impl<R: Read> ArchiveReader<R> {
    /// Reads and verifies the head.
    ///
    /// # Errors
    ///
    /// Refuses everything that is not exactly the head of an archive.
    pub fn open(input: R) -> Result<Self, ReadArchiveError> {
        let (head, decoded) = Head::read_from(Input::new(input))?;
        let frames = 0..head.frames().frames.len();
        Ok(ArchiveReader {
            head,
            cursor: Cursor::new(decoded, frames),
        })
    }

    /// Returns the head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        self.head.manifest()
    }

    /// Returns the manifest's text.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        self.head.manifest_bytes()
    }

    /// Returns how the package came to be: a JSON object.
    #[must_use]
    pub fn provenance(&self) -> &[u8] {
        self.head.provenance()
    }

    /// Returns what signatures sign.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        self.head.seal()
    }

    /// Returns the digest of the seal: the identity of the package.
    #[must_use]
    pub fn seal_digest(&self) -> Sha256 {
        self.head.seal_digest()
    }

    /// Returns the table of payload frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable {
        self.head.frames()
    }

    /// Returns the compressed form of every frame.
    #[must_use]
    pub fn compression(&self) -> CompressionFormat {
        self.head.compression()
    }

    /// Returns the next path, in the order of the manifest; `None` after the last.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive. After an error there are only errors.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadArchiveError> {
        self.cursor.next_entry(&self.head)
    }

    /// Verifies all that was not read, the tail and the end of the input; returns the signatures, unverified.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive.
    pub fn finish(mut self) -> Result<Signatures, ReadArchiveError> {
        while self.cursor.next(&self.head)?.is_some() {}
        let signatures = read_tail(&mut self.cursor.decoded)?;
        let rest = self
            .cursor
            .decoded
            .input
            .peek(1)
            .map_err(|source| ReadArchiveError::Input { source })?;
        if rest.is_empty() {
            Ok(signatures)
        } else {
            Err(ReadArchiveError::TrailingBytes)
        }
    }
}

fn read_tail<R: Read>(decoded: &mut Decoded<R>) -> Result<Signatures, ReadArchiveError> {
    let known = Known::AtMost(TAIL_MAX_BYTES);
    decoded.begin(Part::Tail, known)?;
    let mut block = [0; BLOCK];
    let mut at = 0;
    decoded.take(BLOCK, |bytes| {
        block[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    })?;
    let mut found = Signatures::new();
    let mut zeros = END.len() - BLOCK;
    if block != [0; BLOCK] {
        let limit = signatures::MAX_BYTES;
        let bytes = read_content(decoded, Part::Signatures, head::SIGNATURES, &block, limit)?;
        found = signatures::read(&bytes)?;
        zeros = END.len();
    }
    decoded.take_zeros(zeros)?;
    decoded.end(known)?;
    Ok(found)
}

/// Reads one payload frame by itself, from wherever its bytes came.
pub struct FrameReader<'h, R> {
    head: &'h Head,
    cursor: Cursor<R>,
}

impl<R> std::fmt::Debug for FrameReader<'_, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameReader").finish_non_exhaustive()
    }
}

impl Head {
    /// Returns a reader of one payload frame, where `input` begins with that frame's stored bytes.
    ///
    /// # Errors
    ///
    /// Refuses a frame that does not exist.
    pub fn read_frame<R: Read>(
        &self,
        frame: usize,
        input: R,
    ) -> Result<FrameReader<'_, R>, ReadArchiveError> {
        let count = self.frames().frames.len();
        if frame >= count {
            return Err(ReadArchiveError::NoSuchFrame { frame, count });
        }
        let decoded = Decoded::new(Input::new(input), self.compression());
        Ok(FrameReader {
            head: self,
            cursor: Cursor::new(decoded, frame..frame + 1),
        })
    }
}

impl<R: Read> FrameReader<'_, R> {
    /// Returns the next path of the frame; `None` after the last, when the whole frame is verified.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the frame. After an error there are only errors.
    pub fn next_entry(&mut self) -> Result<Option<Entry<'_>>, ReadArchiveError> {
        self.cursor.next_entry(self.head)
    }
}
