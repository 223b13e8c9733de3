//! The head: everything about a package but its contents, verified from the seal downwards.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::decoded::{Decoded, Known};
use super::input::Input;
use super::layout::{self, Place};
use super::tar::{BLOCK, Header, padding, size_field};
use super::{
    CompressionFormat, FrameTable, Part, ProvenanceError, ReadArchiveError, Seal, Sealed, seal,
};
use crate::manifest::{self, Manifest};
use crate::{EntryKind, RelPath, Sha256};

/// Names of our own members, in their order.
pub(super) const SEAL: &str = ".igos/seal";
pub(super) const MANIFEST: &str = ".igos/manifest";
pub(super) const PROVENANCE: &str = ".igos/provenance.json";
pub(super) const FRAMES: &str = ".igos/frames";
pub(super) const SIGNATURES: &str = ".igos/signatures";

/// Seal, manifest, provenance and frame table together, in bytes; tested before allocating (threats note, X7).
pub const METADATA_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Longest head frame when decompressed: four members with their headers and padding.
const HEAD_MAX_BYTES: u64 = METADATA_MAX_BYTES + 4 * 2 * BLOCK as u64;

/// The verified head of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    seal: Seal,
    // Shared with whoever plans with it: both are large where a package has many files.
    manifest: Arc<Manifest>,
    manifest_bytes: Arc<[u8]>,
    provenance: Vec<u8>,
    frames: FrameTable,
    length: u64,
    pub(super) places: Vec<Place>,
    /// The number of the first entry after each frame.
    ends: Vec<usize>,
}

impl Head {
    /// Reads and verifies the head at the beginning of an archive; may read more of the input than the head has.
    ///
    /// # Errors
    ///
    /// Refuses everything that is not exactly the head of an archive.
    pub fn read(input: impl Read) -> Result<Self, ReadArchiveError> {
        Self::read_from(Input::new(input)).map(|(head, _)| head)
    }

    pub(super) fn read_from<R: Read>(
        mut input: Input<R>,
    ) -> Result<(Self, Decoded<R>), ReadArchiveError> {
        let start = input
            .peek(BLOCK)
            .map_err(|source| ReadArchiveError::Input { source })?;
        let format = CompressionFormat::ALL
            .into_iter()
            .find(|format| start.starts_with(format.magic()))
            .ok_or(ReadArchiveError::NotAnArchive)?;
        let mut decoded = Decoded::new(input, format);
        let known = Known::AtMost(HEAD_MAX_BYTES);
        decoded.begin(Part::Head, known)?;

        let seal_bytes = read_member(&mut decoded, Part::Seal, SEAL, seal::MAX_BYTES)?;
        let seal = Seal::from_bytes(&seal_bytes)?;
        let sizes = [seal.manifest.size, seal.provenance.size, seal.frames.size];
        let mut left = METADATA_MAX_BYTES - seal_bytes.len() as u64;
        for (part, size) in [Part::Manifest, Part::Provenance, Part::Frames]
            .into_iter()
            .zip(sizes)
        {
            left = left.checked_sub(size).ok_or(ReadArchiveError::TooLong {
                part,
                limit: METADATA_MAX_BYTES,
            })?;
        }
        let manifest_bytes = read_sealed(&mut decoded, Part::Manifest, MANIFEST, &seal.manifest)?;
        let provenance = read_sealed(&mut decoded, Part::Provenance, PROVENANCE, &seal.provenance)?;
        let frames = read_sealed(&mut decoded, Part::Frames, FRAMES, &seal.frames)?;
        decoded.end(known)?;

        let manifest = manifest::read(&manifest_bytes)
            .map_err(|source| ReadArchiveError::Manifest { source })?;
        parse_provenance(&provenance).map_err(|source| ReadArchiveError::Provenance { source })?;
        let frames = FrameTable::from_bytes(&frames)?;
        if frames.compression != format {
            return Err(ReadArchiveError::NotCanonical {
                part: Part::Frames,
                line: 2,
            });
        }
        let places = layout::places(&manifest);
        let ends = fit(&frames, &manifest, &places)?;
        let head = Head {
            seal,
            manifest: Arc::new(manifest),
            manifest_bytes: manifest_bytes.into(),
            provenance,
            frames,
            length: decoded.input.position(),
            places,
            ends,
        };
        Ok((head, decoded))
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Returns the manifest's text.
    #[must_use]
    pub fn manifest_bytes(&self) -> &Arc<[u8]> {
        &self.manifest_bytes
    }

    /// Returns how the package came to be: a JSON object.
    #[must_use]
    pub fn provenance(&self) -> &[u8] {
        &self.provenance
    }

    /// Returns what signatures sign.
    #[must_use]
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Returns the digest of the seal: the identity of the package.
    #[must_use]
    pub fn seal_digest(&self) -> Sha256 {
        self.seal.digest()
    }

    /// Returns the table of payload frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable {
        &self.frames
    }

    /// Returns the compressed form of every frame.
    #[must_use]
    pub fn compression(&self) -> CompressionFormat {
        self.frames.compression
    }

    /// Returns the length of the head frame as stored, which is where the first payload frame begins.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns where the tail frame begins in the archive.
    #[must_use]
    pub fn tail_offset(&self) -> u64 {
        self.length.saturating_add(self.frames.stored_length())
    }

    /// Returns where the content of the entry of this number is.
    ///
    /// # Panics
    ///
    /// If the manifest has no such entry.
    #[must_use]
    pub fn place(&self, entry: usize) -> Place {
        self.places[entry]
    }

    /// Returns the payload frame that the entry of this number is in.
    #[must_use]
    pub fn frame_of(&self, entry: usize) -> usize {
        self.ends.partition_point(|end| *end <= entry)
    }

    /// Returns the numbers of the entries that a payload frame holds; empty for a frame that does not exist.
    #[must_use]
    pub fn entries_of(&self, frame: usize) -> std::ops::Range<usize> {
        let end = |frame: usize| self.ends.get(frame).copied();
        match frame.checked_sub(1) {
            None => 0..end(0).unwrap_or(0),
            Some(before) => end(before)
                .zip(end(frame))
                .map_or(0..0, |(start, end)| start..end),
        }
    }

    /// Returns the entry and the frame that hold the content of a regular file: those of another path if the
    /// content is stored once for several; `None` for anything but a regular file of this package.
    #[must_use]
    pub fn locate(&self, path: &RelPath) -> Option<(usize, usize)> {
        let entries = &self.manifest.entries;
        let mut entry = entries
            .binary_search_by(|entry| entry.path.cmp(path))
            .ok()?;
        matches!(entries[entry].kind, EntryKind::File { .. }).then_some(())?;
        while let Place::HardLink(first) | Place::SameAs(first) = self.places[entry] {
            entry = first;
        }
        Some((entry, self.frame_of(entry)))
    }
}

/// Tests that bytes are one JSON object in UTF-8.
pub(super) fn parse_provenance(bytes: &[u8]) -> Result<(), ProvenanceError> {
    // Inside of what it ignores, the JSON reader does not look at the encoding.
    let text = std::str::from_utf8(bytes)?;
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(text)?;
    Ok(())
}

fn read_member<R: Read>(
    decoded: &mut Decoded<R>,
    part: Part,
    name: &str,
    limit: u64,
) -> Result<Vec<u8>, ReadArchiveError> {
    let mut block = [0; BLOCK];
    let mut at = 0;
    decoded.take(BLOCK, |bytes| {
        block[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    })?;
    read_content(decoded, part, name, &block, limit)
}

/// Reads the content of one of our own members whose header block was taken already.
pub(super) fn read_content<R: Read>(
    decoded: &mut Decoded<R>,
    part: Part,
    name: &str,
    block: &[u8; BLOCK],
    limit: u64,
) -> Result<Vec<u8>, ReadArchiveError> {
    let size = size_field(block).ok_or(ReadArchiveError::MemberHeader { part })?;
    if size > limit {
        return Err(ReadArchiveError::TooLong { part, limit });
    }
    if Header::of_member(name, size).bytes != block {
        return Err(ReadArchiveError::MemberHeader { part });
    }
    let mut content = Vec::new();
    decoded.take(size as usize, |bytes| content.extend_from_slice(bytes))?;
    decoded.take_zeros(padding(size))?;
    Ok(content)
}

fn read_sealed<R: Read>(
    decoded: &mut Decoded<R>,
    part: Part,
    name: &str,
    sealed: &Sealed,
) -> Result<Vec<u8>, ReadArchiveError> {
    let content = read_member(decoded, part, name, sealed.size)?;
    let actual = Sha256::of(&content);
    if actual == sealed.sha256 && content.len() as u64 == sealed.size {
        Ok(content)
    } else {
        Err(ReadArchiveError::Digest {
            part,
            expected: sealed.sha256,
            actual,
        })
    }
}

/// Compares the frame table with what the manifest says the frames hold; returns where each frame's entries end.
fn fit(
    frames: &FrameTable,
    manifest: &Manifest,
    places: &[Place],
) -> Result<Vec<usize>, ReadArchiveError> {
    let mut entry = 0_usize;
    let mut ends = Vec::new();
    for (row, frame) in frames.frames.iter().enumerate() {
        let refuse = || ReadArchiveError::FrameRow { row };
        let end = entry
            .checked_add(frame.entries)
            .filter(|end| *end <= places.len())
            .ok_or_else(refuse)?;
        let mut length = 0_u64;
        while entry < end {
            length = layout::header(manifest, places, entry)
                .total()
                .and_then(|total| length.checked_add(total))
                .ok_or_else(refuse)?;
            entry += 1;
        }
        if length != frame.uncompressed {
            return Err(refuse());
        }
        ends.push(end);
    }
    if entry == places.len() {
        Ok(ends)
    } else {
        Err(ReadArchiveError::FrameRow {
            row: frames.frames.len(),
        })
    }
}
