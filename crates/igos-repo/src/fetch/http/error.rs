//! Why a download failed, and whether trying again may help.

use std::io;

use ureq::http::StatusCode;

use crate::request::LocationError;

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("the server answers {status}")]
    Status { status: StatusCode },
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
    #[error("{0}")]
    Transport(ureq::Error),
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
            HttpError::Status { status } => {
                status.is_server_error()
                    || matches!(
                        *status,
                        StatusCode::REQUEST_TIMEOUT
                            | StatusCode::TOO_MANY_REQUESTS
                            | StatusCode::RANGE_NOT_SATISFIABLE
                    )
            }
            HttpError::Transport(ureq::Error::Io(error)) => lookup(error) != Lookup::NoSuchName,
            HttpError::Transport(error) => {
                matches!(
                    error,
                    ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
                )
            }
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
            | HttpError::HostGivenUp { .. } => false,
        }
    }

    /// Tells whether the host itself could not be reached, so that asking it for other files is in vain.
    pub(crate) fn concerns_host(&self) -> bool {
        matches!(
            self,
            HttpError::Transport(
                ureq::Error::HostNotFound
                    | ureq::Error::ConnectionFailed
                    | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect)
            )
        ) || matches!(
            self,
            HttpError::Transport(ureq::Error::Io(error))
                if lookup(error) != Lookup::Succeeded
                    || matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable)
        )
    }
}

/// What an I/O error says about the host's name.
#[derive(Debug, PartialEq, Eq)]
enum Lookup {
    /// The error is about something else.
    Succeeded,
    /// The resolver knows no such name: it asked again itself before it said so.
    NoSuchName,
    /// The resolver could not tell now.
    Failed,
}

/// Tells what an I/O error says about the host's name.
///
/// The standard library gives failures of `getaddrinfo` neither a kind nor a number, only this text around what
/// the C library says; both stable since 1.0.
fn lookup(error: &io::Error) -> Lookup {
    let text = error.to_string();
    match text.split_once("failed to lookup address information: ") {
        None => Lookup::Succeeded,
        // glibc and musl.
        Some((_, "Temporary failure in name resolution" | "Try again")) => Lookup::Failed,
        Some(_) => Lookup::NoSuchName,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::HttpError;

    #[test]
    fn unknown_name_is_not_asked_for_again_and_an_undecided_one_is() {
        let error = |text: &str| {
            let text = format!("failed to lookup address information: {text}");
            HttpError::Transport(ureq::Error::Io(io::Error::other(text)))
        };
        for (text, is_transient) in [
            ("Name or service not known", false),
            ("Name does not resolve", false),
            ("Temporary failure in name resolution", true),
            ("Try again", true),
        ] {
            let error = error(text);
            assert_eq!(error.is_transient(), is_transient, "{text}");
            assert!(error.concerns_host(), "{text}");
        }
        let reset = HttpError::Transport(ureq::Error::Io(io::ErrorKind::ConnectionReset.into()));
        assert!(reset.is_transient() && !reset.concerns_host());
    }
}
