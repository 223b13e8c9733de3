//! Answers out of what a downloader says.

use std::io::{self, Read};

use super::super::answer::{Head, NoAnswer};
use super::wire::{Kind, nonsense, receive_prefix, receive_value};

/// Reads the head of an answer, or why there is none.
pub(super) fn receive_head(from: &mut dyn Read) -> io::Result<Result<Head, NoAnswer>> {
    match receive_prefix(from)? {
        (Kind::Head, length) => Ok(Ok(receive_value(from, length)?)),
        (Kind::Failure, length) => Ok(Err(receive_value(from, length)?)),
        _ => Err(nonsense()),
    }
}

/// The body of an answer, out of frames.
pub(super) struct Body<R> {
    from: R,
    /// How many bytes of the current frame are still to be read.
    left: usize,
    is_over: bool,
}

impl<R: Read> Body<R> {
    pub(super) fn new(from: R) -> Self {
        Body {
            from,
            left: 0,
            is_over: false,
        }
    }

    fn next_frame(&mut self) -> io::Result<()> {
        match receive_prefix(&mut self.from)? {
            (Kind::Data, length) if length > 0 => self.left = length,
            (Kind::End, _) => self.is_over = true,
            (Kind::Failure, length) => {
                let failure: NoAnswer = receive_value(&mut self.from, length)?;
                return Err(io::Error::other(failure));
            }
            _ => return Err(nonsense()),
        }
        Ok(())
    }
}

impl<R: Read> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 && !self.is_over {
            self.next_frame()?;
        }
        if self.is_over {
            return Ok(0);
        }
        let wanted = buffer.len().min(self.left);
        let count = self.from.read(&mut buffer[..wanted])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count;
        Ok(count)
    }
}
