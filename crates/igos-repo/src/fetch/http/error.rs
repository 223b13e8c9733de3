//! Why a download failed, and whether trying again may help.

use std::io;

use super::answer::NoAnswer;
use crate::request::LocationError;

/// A status code (RFC 9110, 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u16);

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the server answers {status}")]
    Status { status: Status },
    #[error("the server redirects more than {limit} times")]
    Redirects { limit: u32 },
    #[error("the server redirects from https to {location}, which is not protected")]
    Downgrade { location: String },
    #[error("the server redirects without saying where")]
    Nowhere,
    #[error(transparent)]
    Location(#[from] LocationError),
    #[error("the file has {size}, more than the limit of {limit} bytes")]
    TooLarge { size: String, limit: u64 },
    #[error("the server sends less than {rate} bytes per second")]
    Slow { rate: u64 },
    #[error("the download takes longer than {seconds} s")]
    TooLong { seconds: u64 },
    #[error("the file ends after {found} of {expected} bytes")]
    Truncated { found: u64, expected: u64 },
    #[error("the server continues at another place than asked")]
    Range,
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("there is no downloader: {reason}")]
    Downloader { reason: String },
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("cannot keep what arrives: {0}")]
    Write(io::Error),
    #[error("not asked again: earlier in this run, {reason}")]
    HostGivenUp { reason: String },
}

impl HttpError {
    /// Tells whether the same request may succeed a little later.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            // What the server cannot do now, no time left, wrong range, too many requests.
            HttpError::Status { status } => {
                matches!(status.0, 500..=599 | 408 | 416 | 429)
            }
            HttpError::NoAnswer(failure) => failure.is_transient,
            HttpError::Slow { .. }
            | HttpError::Truncated { .. }
            | HttpError::Range
            | HttpError::Broken(_) => true,
            HttpError::Redirects { .. }
            | HttpError::Downgrade { .. }
            | HttpError::Nowhere
            | HttpError::Location(_)
            | HttpError::TooLarge { .. }
            | HttpError::TooLong { .. }
            | HttpError::Write(_)
            | HttpError::Downloader { .. }
            | HttpError::HostGivenUp { .. } => false,
        }
    }

    /// Tells whether the host itself could not be reached, so that asking it for other files is in vain.
    pub(crate) fn concerns_host(&self) -> bool {
        matches!(self, HttpError::NoAnswer(failure) if failure.concerns_host)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = ureq::http::StatusCode::from_u16(self.0)
            .ok()
            .and_then(|status| status.canonical_reason());
        match reason {
            Some(reason) => write!(f, "{} {reason}", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
