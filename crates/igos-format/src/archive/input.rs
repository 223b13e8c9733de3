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

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::Input;

    /// Gives these answers in their order, and none after the last.
    struct Answers(std::vec::IntoIter<io::Result<&'static [u8]>>);

    impl Read for Answers {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let answer = self.0.next().expect("nothing more is asked for")?;
            buffer[..answer.len()].copy_from_slice(answer);
            Ok(answer.len())
        }
    }

    fn input(answers: Vec<io::Result<&'static [u8]>>) -> Input<Answers> {
        Input::new(Answers(answers.into_iter()))
    }

    #[test]
    fn no_more_is_asked_for_than_is_wanted() {
        // What comes over a pipe may be all there is for now.
        let mut input = input(vec![Ok(b"ab"), Ok(b"cd"), Ok(b"ef")]);
        assert_eq!(input.peek(4).ok(), Some(&b"abcd"[..]));
        assert_eq!(input.peek(4).ok(), Some(&b"abcd"[..]));
        input.consume(1);
        assert_eq!(input.peek(3).ok(), Some(&b"bcd"[..]));
        assert_eq!(input.peek(4).ok(), Some(&b"bcdef"[..]));
        assert_eq!(input.position(), 1);
    }

    #[test]
    fn interrupted_read_is_repeated_and_every_other_error_is_told() {
        let error = |kind| Err(io::Error::from(kind));
        let interrupted = error(io::ErrorKind::Interrupted);
        let mut repeated = input(vec![Ok(b"a"), interrupted, Ok(b"b")]);
        assert_eq!(repeated.peek(2).ok(), Some(&b"ab"[..]));
        let mut failed = input(vec![error(io::ErrorKind::NotConnected)]);
        let told = failed.peek(1).map_err(|error| error.kind()).err();
        assert_eq!(told, Some(io::ErrorKind::NotConnected));
    }
}
