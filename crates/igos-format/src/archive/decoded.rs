//! Decompressed bytes of one frame after another, each held to the length and digest it has to have.

use std::io::Read;

use super::decoder::{Decoder, START_BYTES, starts_canonically};
use super::input::Input;
use super::{CompressionFormat, Frame, Part, ReadArchiveError};
use crate::Hasher;

/// How much is decompressed at once, in bytes.
const BUFFER_BYTES: usize = 128 * 1024;

/// What is known about a frame before it is decompressed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// A row of the frame table.
    Row(&'a Frame),
    /// Nothing but how many bytes it may have at most when decompressed.
    AtMost(u64),
}

pub(super) struct Decoded<R> {
    pub(super) input: Input<R>,
    format: CompressionFormat,
    part: Part,
    /// `None` before a frame is begun.
    decoder: Option<Decoder>,
    is_complete: bool,
    /// Stored bytes that the frame still has.
    stored_left: u64,
    stored_limit: u64,
    /// Decompressed bytes that the frame may still have.
    left: u64,
    limit: u64,
    hasher: Option<Hasher>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(input: Input<R>, format: CompressionFormat) -> Self {
        Decoded {
            input,
            format,
            part: Part::Head,
            decoder: None,
            is_complete: true,
            stored_left: 0,
            stored_limit: 0,
            left: 0,
            limit: 0,
            hasher: None,
            buffer: vec![0; BUFFER_BYTES].into(),
            start: 0,
            end: 0,
        }
    }

    pub(super) fn part(&self) -> Part {
        self.part
    }

    /// Begins the next frame.
    pub(super) fn begin(&mut self, part: Part, known: Known<'_>) -> Result<(), ReadArchiveError> {
        self.part = part;
        let (stored, limit, length) = match known {
            Known::Row(frame) => (
                frame.compressed,
                frame.uncompressed,
                Some(frame.uncompressed),
            ),
            // What does not compress grows a little.
            Known::AtMost(limit) => (limit + limit / 8 + 1024, limit, None),
        };
        let start = self
            .input
            .peek(START_BYTES)
            .map_err(|source| ReadArchiveError::Input { source })?;
        if start.is_empty() {
            return Err(ReadArchiveError::Truncated { part });
        }
        if !starts_canonically(self.format, start, length) {
            return Err(ReadArchiveError::FrameStart {
                part,
                expected: self.format,
            });
        }
        self.decoder = Some(
            Decoder::new(self.format)
                .map_err(|source| ReadArchiveError::Decompress { part, source })?,
        );
        self.hasher = matches!(known, Known::Row(_)).then(Hasher::new);
        self.is_complete = false;
        (self.stored_left, self.stored_limit) = (stored, stored);
        (self.left, self.limit) = (limit, limit);
        (self.start, self.end) = (0, 0);
        Ok(())
    }

    /// Returns some of the bytes that come next; none at the end of the frame.
    pub(super) fn chunk(&mut self) -> Result<&[u8], ReadArchiveError> {
        while self.start == self.end && !self.is_complete {
            self.step()?;
        }
        Ok(self.seen())
    }

    /// Returns what [`Self::chunk`] returned last and was not consumed.
    pub(super) fn seen(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(
            count <= self.end - self.start,
            "only what was seen is consumed"
        );
        self.start += count;
    }

    /// Gives `length` bytes to `take`, in pieces.
    pub(super) fn take(
        &mut self,
        mut length: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ReadArchiveError> {
        while length > 0 {
            let part = self.part;
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Err(ReadArchiveError::TooShort { part });
            }
            let count = chunk.len().min(length);
            take(&chunk[..count]);
            self.consume(count);
            length -= count;
        }
        Ok(())
    }

    /// Takes as many bytes as `expected` has and tells whether they are equal.
    pub(super) fn take_equal(&mut self, expected: &[u8]) -> Result<bool, ReadArchiveError> {
        let mut rest = expected;
        let mut is_equal = true;
        self.take(expected.len(), |bytes| {
            let (piece, after) = rest.split_at(bytes.len());
            is_equal &= piece == bytes;
            rest = after;
        })?;
        Ok(is_equal)
    }

    /// Takes `length` bytes that have to be zeros.
    pub(super) fn take_zeros(&mut self, length: usize) -> Result<(), ReadArchiveError> {
        let mut is_zero = true;
        self.take(length, |bytes| {
            is_zero &= bytes.iter().all(|byte| *byte == 0);
        })?;
        if is_zero {
            Ok(())
        } else {
            Err(ReadArchiveError::Padding { part: self.part })
        }
    }

    fn step(&mut self) -> Result<(), ReadArchiveError> {
        let part = self.part;
        let stored = self
            .input
            .peek(1)
            .map_err(|source| ReadArchiveError::Input { source })?;
        if stored.is_empty() {
            return Err(ReadArchiveError::Truncated { part });
        }
        let available = stored
            .len()
            .min(usize::try_from(self.stored_left).unwrap_or(usize::MAX));
        if available == 0 {
            return Err(ReadArchiveError::TooLong {
                part,
                limit: self.stored_limit,
            });
        }
        let decoder = self
            .decoder
            .as_mut()
            .expect("an incomplete frame was begun");
        let step = decoder
            .step(&stored[..available], &mut self.buffer)
            .map_err(|source| ReadArchiveError::Decompress { part, source })?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&stored[..step.consumed]);
        }
        self.input.consume(step.consumed);
        self.stored_left -= step.consumed as u64;
        self.left =
            self.left
                .checked_sub(step.produced as u64)
                .ok_or(ReadArchiveError::TooLong {
                    part,
                    limit: self.limit,
                })?;
        (self.start, self.end) = (0, step.produced);
        self.is_complete = step.is_end;
        Ok(())
    }

    /// Ends the frame: nothing may be left of it, and its stored bytes are the promised ones.
    pub(super) fn end(&mut self, known: Known<'_>) -> Result<(), ReadArchiveError> {
        let part = self.part;
        if !self.chunk()?.is_empty() {
            return Err(ReadArchiveError::TooLong {
                part,
                limit: self.limit - self.left - (self.end - self.start) as u64,
            });
        }
        let (Known::Row(frame), Some(hasher)) = (known, &self.hasher) else {
            return Ok(());
        };
        if self.stored_left > 0 || self.left > 0 {
            return Err(ReadArchiveError::TooShort { part });
        }
        let actual = hasher.sha256();
        if actual == frame.sha256 {
            Ok(())
        } else {
            Err(ReadArchiveError::Digest {
                part,
                expected: frame.sha256,
                actual,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::encoder::Encoder;
    use super::super::{Compression, CompressionFormat, Frame, Part, ReadArchiveError};
    use super::{Decoded, Input, Known};
    use crate::Sha256;

    fn stored(content: &[u8]) -> Vec<u8> {
        let level = Compression::new(CompressionFormat::Gzip, 6).expect("gzip has it");
        let mut encoder = Encoder::new(level, content.len() as u64, Vec::new()).expect("memory");
        encoder.write_all(content).expect("memory");
        encoder.finish().expect("memory")
    }

    fn row(stored: &[u8], uncompressed: u64) -> Frame {
        Frame {
            offset: 0,
            compressed: stored.len() as u64,
            uncompressed,
            sha256: Sha256::of(stored),
            entries: 1,
        }
    }

    fn decoded(stored: &[u8]) -> Decoded<&[u8]> {
        Decoded::new(Input::new(stored), CompressionFormat::Gzip)
    }

    #[test]
    fn frame_with_less_than_its_row_says_is_too_short() {
        let stored = stored(b"content");
        for (says, is_right) in [(7, true), (8, false)] {
            let frame = row(&stored, says);
            let mut decoded = decoded(&stored);
            let part = Part::Frame(0);
            decoded.begin(part, Known::Row(&frame)).expect("it begins");
            decoded.take(7, |_| {}).expect("there are seven");
            let ended = decoded.end(Known::Row(&frame));
            assert_eq!(ended.is_ok(), is_right, "{ended:?}");
            let is_short = matches!(ended, Err(ReadArchiveError::TooShort { .. }));
            assert_eq!(is_short, !is_right);
        }
    }

    #[test]
    fn what_is_left_of_a_frame_is_told_with_where_it_should_have_ended() {
        let stored = stored(b"content");
        let mut decoded = decoded(&stored);
        let known = Known::AtMost(100);
        decoded.begin(Part::Head, known).expect("it begins");
        decoded.take(3, |_| {}).expect("there are seven");
        let ended = decoded.end(known);
        assert!(
            matches!(ended, Err(ReadArchiveError::TooLong { limit: 3, .. })),
            "{ended:?}"
        );
    }

    #[test]
    fn frame_that_gives_nothing_ends_at_the_bytes_that_its_content_can_have() {
        // Blocks of deflate without content (RFC 1951, 3.2.4), without end.
        let mut endless = stored(b"")[..10].to_vec();
        endless.extend([0, 0, 0, 0xff, 0xff].repeat(5000));
        let mut decoded = decoded(&endless);
        decoded
            .begin(Part::Head, Known::AtMost(8000))
            .expect("it begins");
        let found = decoded.chunk().map(<[u8]>::len);
        assert!(
            matches!(found, Err(ReadArchiveError::TooLong { limit: 10_024, .. })),
            "{found:?}"
        );
    }
}
