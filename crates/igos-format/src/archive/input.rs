//! Stored bytes: a buffer over the input that never reads on behalf of anybody, so that each frame takes exactly
//! its own bytes.

use std::io::{self, Read};

/// How much is read at once, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

pub(super) struct Input<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    position: u64,
}

impl<R: Read> Input<R> {
    pub(super) fn new(reader: R) -> Self {
        Input {
            reader,
            buffer: vec![0; BUFFER_BYTES].into(),
            start: 0,
            end: 0,
            position: 0,
        }
    }

    /// Returns how many bytes were consumed.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Returns at least `count` bytes of what comes next, or all there is before the end of the input.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            while self.end < count {
                match self.reader.read(&mut self.buffer[self.end..]) {
                    Ok(0) => break,
                    Ok(read) => self.end += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    pub(super) fn consume(&mut self, count: usize) {
        debug_assert!(
            count <= self.end - self.start,
            "only what was seen is consumed"
        );
        self.start += count;
        self.position += count as u64;
    }
}
