//! What the two processes say to each other about one request, over a socket of its own.
//!
//! A frame is one byte that says what it is, the length of what follows as a little-endian u32, and that many bytes. The asking
//! side sends one [`Kind::Request`]; the other one [`Kind::Head`], any number of [`Kind::Data`] and one [`Kind::End`],
//! or [`Kind::Failure`] in place of whatever is left. Either may hang up at any time.
//!
//! What comes from the downloader is hostile until proven otherwise: it may have been taken over by a server.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::answer::HEAD_MAX_BYTES;

/// Most bytes of data in a frame.
pub(super) const DATA_MAX_BYTES: usize = 64 * 1024;

/// Most bytes of a JSON value: a head of the largest size with every byte escaped, and some.
const VALUE_MAX_BYTES: usize = 8 * HEAD_MAX_BYTES;

/// Bytes before what a frame holds.
pub(super) const PREFIX_BYTES: usize = 5;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A [`Request`].
    Request,
    /// The head of an answer.
    Head,
    /// A part of a body.
    Data,
    /// The body is at its end.
    End,
    /// Why there is no answer, or no more of it.
    Failure,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) url: String,
    /// The field `Range`.
    pub(super) range: Option<String>,
}

impl Kind {
    fn byte(self) -> u8 {
        match self {
            Kind::Request => b'R',
            Kind::Head => b'H',
            Kind::Data => b'D',
            Kind::End => b'E',
            Kind::Failure => b'F',
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [
            Kind::Request,
            Kind::Head,
            Kind::Data,
            Kind::End,
            Kind::Failure,
        ]
        .into_iter()
        .find(|kind| kind.byte() == byte)
    }

    fn max_bytes(self) -> usize {
        match self {
            Kind::Request | Kind::Head | Kind::Failure => VALUE_MAX_BYTES,
            Kind::Data => DATA_MAX_BYTES,
            Kind::End => 0,
        }
    }
}

/// Returns what stands before the `length` bytes of a frame.
pub(super) fn prefix(kind: Kind, length: usize) -> [u8; PREFIX_BYTES] {
    let length = u32::try_from(length).expect("frames are small");
    let [a, b, c, d] = length.to_le_bytes();
    [kind.byte(), a, b, c, d]
}

/// Sends a frame that holds a JSON value.
pub(super) fn send<T: Serialize>(to: &mut dyn Write, kind: Kind, value: &T) -> io::Result<()> {
    let value = serde_json::to_vec(value)?;
    if value.len() > kind.max_bytes() {
        return Err(io::Error::other("it does not fit into a frame"));
    }
    to.write_all(&[&prefix(kind, value.len()), value.as_slice()].concat())
}

/// Reads what stands before a frame: what it is, and how many bytes it holds.
pub(super) fn receive_prefix(from: &mut dyn Read) -> io::Result<(Kind, usize)> {
    let mut prefix = [0; PREFIX_BYTES];
    from.read_exact(&mut prefix)?;
    let [kind, a, b, c, d] = prefix;
    let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    match Kind::of(kind) {
        Some(kind) if length <= kind.max_bytes() => Ok((kind, length)),
        _ => Err(nonsense()),
    }
}

/// Reads a JSON value of `length` bytes, which is at most what a frame may hold.
pub(super) fn receive_value<T: DeserializeOwned>(
    from: &mut dyn Read,
    length: usize,
) -> io::Result<T> {
    let mut value = vec![0; length];
    from.read_exact(&mut value)?;
    serde_json::from_slice(&value).map_err(|_| nonsense())
}

/// Returns the error of a frame that is none.
pub(super) fn nonsense() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the downloader says what makes no sense",
    )
}
