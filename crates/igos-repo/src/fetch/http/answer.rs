//! What a server answered, from whichever process talks to it.

use std::fmt;
use std::io::Read;

use serde::{Deserialize, Serialize};

use super::fields;

/// Largest head of an answer, in bytes.
pub(super) const HEAD_MAX_BYTES: usize = 64 * 1024;

/// The head of an answer: what of it matters here, as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// Status code (RFC 9110, 15).
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) content_length: Option<String>,
    pub(super) content_range: Option<String>,
}

/// An answer whose body is read while it arrives.
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) body: Box<dyn Read>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
#[serde(deny_unknown_fields)]
pub(crate) struct NoAnswer {
    /// Why, for people.
    pub(super) message: String,
    /// Whether the same request may succeed a little later.
    pub(super) is_transient: bool,
    /// Whether the host itself could not be reached.
    pub(super) concerns_host: bool,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.status
    }

    /// Returns how many bytes the body is said to have.
    pub(super) fn content_length(&self) -> Option<u64> {
        fields::number(self.head.content_length.as_deref()?)
    }

    /// Returns where a partial answer begins.
    pub(super) fn range_start(&self) -> Option<u64> {
        fields::range_start(self.head.content_range.as_deref()?)
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)
    }
}
