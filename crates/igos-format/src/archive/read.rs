//! Reading an archive from front to back, or one frame of it.

use std::io::Read;

use super::content::Entry;
use super::cursor::Cursor;
use super::decoded::{Decoded, Known};
use super::head::{self, Head, read_content};
use super::input::Input;
use super::tar::{BLOCK, END};
use super::{CompressionFormat, FrameTable, Part, ReadArchiveError, Seal, Signatures, signatures};
use crate::Sha256;
use crate::manifest::Manifest;

/// Longest tail frame when decompressed: signatures with header and padding, and the end.
const TAIL_MAX_BYTES: u64 = signatures::MAX_BYTES + 2 * BLOCK as u64 + END.len() as u64;

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
