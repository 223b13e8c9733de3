//! One frame: a text, compressed by itself.

use std::io;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

use super::{Part, ReadIndexError};

/// How hard to try: an index is written once and fetched by everybody.
const LEVEL: i32 = 15;

/// What every zstd frame with data begins with; skippable ones do not.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compresses texts.
pub(super) struct Packer(Compressor<'static>);

impl Packer {
    pub(super) fn new() -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_contentsize(true)?;
        // The directory has a digest of what is stored.
        compressor.include_checksum(false)?;
        Ok(Packer(compressor))
    }

    pub(super) fn pack(&mut self, text: &str) -> io::Result<Vec<u8>> {
        self.0.compress(text.as_bytes())
    }
}

/// Unpacks texts: never more than was asked for.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Decompressor::new().map(Unpacker)
    }

    /// Returns the text of `length` bytes that `stored`, one frame and nothing else, holds.
    pub(super) fn unpack(
        &mut self,
        part: Part,
        stored: &[u8],
        length: usize,
    ) -> Result<String, ReadIndexError> {
        let refuse = |reason: &str| ReadIndexError::Unpack {
            part,
            reason: reason.to_owned(),
        };
        if !stored.starts_with(&MAGIC) || find_frame_compressed_size(stored) != Ok(stored.len()) {
            return Err(refuse("not exactly one zstd frame"));
        }
        let stated = get_frame_content_size(stored).ok().flatten();
        if stated != Some(length as u64) {
            return Err(refuse("it does not state the length that it should have"));
        }
        // Unpacked in one step, so that no window is allocated, whatever the frame asks for.
        let mut text = Vec::with_capacity(length);
        self.0
            .decompress_to_buffer(stored, &mut text)
            .map_err(|error| refuse(&error.to_string()))?;
        if text.len() != length {
            return Err(refuse("it is shorter than it states"));
        }
        String::from_utf8(text).map_err(|_| refuse("it is not UTF-8"))
    }
}
