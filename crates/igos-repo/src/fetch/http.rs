//! Downloads over HTTP: resumed, bounded, suspicious of everything but willing to try again.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Mutex;
use std::time::Instant;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::partial::Partial;
use super::settings::HttpLimits;
use crate::request::{LocationError, test_url};

/// Why a download failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
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
    fn is_transient(&self) -> bool {
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
    fn concerns_host(&self) -> bool {
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

/// Downloads files.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    limits: HttpLimits,
    /// Hosts that could not be reached in this run, and why: a build of a hundred sources does not wait a
    /// hundred times for the same dead host.
    given_up: Mutex<BTreeMap<String, String>>,
}

/// Told how many bytes are there and, where known, how many there will be.
pub(super) type Progress<'a> = &'a dyn Fn(u64, Option<u64>);

impl Http {
    pub(super) fn new(limits: HttpLimits) -> Self {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            // Redirects are followed here, one by one, so that none leads from https to http.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .tls_config(tls)
            .user_agent(concat!("igos/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(limits.connect))
            .timeout_connect(Some(limits.connect))
            .timeout_recv_response(Some(limits.silence))
            .timeout_per_read(Some(limits.silence))
            .max_response_header_size(64 * 1024)
            .build();
        Http {
            agent: config.new_agent(),
            limits,
            given_up: Mutex::default(),
        }
    }

    /// Downloads `url` into `partial`, going on from what is there, and tries again where that may help.
    ///
    /// The content is not verified here.
    pub(super) fn download(
        &self,
        url: &str,
        partial: &mut Partial,
        progress: Progress<'_>,
    ) -> Result<(), HttpError> {
        test_url(url)?;
        let host = host_of(url);
        if let Some(reason) = self.given_up().get(host) {
            return Err(HttpError::HostGivenUp {
                reason: reason.clone(),
            });
        }
        let started = Instant::now();
        let mut pause = self.limits.backoff;
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.try_once(url, partial, started, progress) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if tries >= self.limits.tries || !error.is_transient() {
                if error.concerns_host() {
                    self.given_up().insert(host.to_owned(), error.to_string());
                }
                return Err(error);
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    fn given_up(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, String>> {
        self.given_up
            .lock()
            .expect("no thread panics while it holds this lock")
    }

    fn try_once(
        &self,
        url: &str,
        partial: &mut Partial,
        started: Instant,
        progress: Progress<'_>,
    ) -> Result<(), HttpError> {
        let response = self.request(url, partial.length())?;
        match response.status() {
            StatusCode::OK => partial.clear().map_err(HttpError::Write)?,
            StatusCode::PARTIAL_CONTENT => {
                if range_start(&response) != Some(partial.length()) {
                    partial.clear().map_err(HttpError::Write)?;
                    return Err(HttpError::Range);
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                partial.clear().map_err(HttpError::Write)?;
                return Err(HttpError::Status {
                    status: response.status(),
                });
            }
            status => return Err(HttpError::Status { status }),
        }
        let expected = content_length(&response).map(|rest| partial.length().saturating_add(rest));
        if let Some(size) = expected
            && size > self.limits.max_bytes
        {
            return Err(HttpError::TooLarge {
                size: format!("{size} bytes"),
                limit: self.limits.max_bytes,
            });
        }
        let mut body = response.into_body().into_reader();
        self.collect(&mut body, partial, expected, started, progress)
    }

    fn collect(
        &self,
        body: &mut dyn Read,
        partial: &mut Partial,
        expected: Option<u64>,
        started: Instant,
        progress: Progress<'_>,
    ) -> Result<(), HttpError> {
        let mut buffer = vec![0; 64 * 1024];
        let mut window = (Instant::now(), partial.length());
        loop {
            let count = body.read(&mut buffer).map_err(HttpError::Broken)?;
            if count == 0 {
                break;
            }
            if partial.length() + count as u64 > self.limits.max_bytes {
                // An endless file must not stay behind as something to go on from.
                partial.clear().map_err(HttpError::Write)?;
                return Err(HttpError::TooLarge {
                    size: "no end".into(),
                    limit: self.limits.max_bytes,
                });
            }
            partial.append(&buffer[..count]).map_err(HttpError::Write)?;
            progress(partial.length(), expected);
            if started.elapsed() > self.limits.total {
                return Err(HttpError::TooLong {
                    seconds: self.limits.total.as_secs(),
                });
            }
            let elapsed = window.0.elapsed();
            if elapsed >= self.limits.silence {
                let received = partial.length() - window.1;
                if u128::from(received) * 1000
                    < u128::from(self.limits.min_rate) * elapsed.as_millis()
                {
                    return Err(HttpError::Slow {
                        rate: self.limits.min_rate,
                    });
                }
                window = (Instant::now(), partial.length());
            }
        }
        match expected {
            Some(expected) if partial.length() != expected => Err(HttpError::Truncated {
                found: partial.length(),
                expected,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Sends the request and follows redirects, never from https to http.
    fn request(&self, url: &str, offset: u64) -> Result<Response<Body>, HttpError> {
        let mut url = url.to_owned();
        for _ in 0..=self.limits.redirects {
            let mut request = self.agent.get(&url);
            if offset > 0 {
                request = request.header(header::RANGE, format!("bytes={offset}-"));
            }
            let response = request.call().map_err(HttpError::Transport)?;
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED
            {
                return Ok(response);
            }
            let target = response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                .ok_or(HttpError::Nowhere)?;
            let target = join(&url, target);
            test_url(&target)?;
            if is_downgrade(&url, &target) {
                return Err(HttpError::Downgrade { location: target });
            }
            url = target;
        }
        Err(HttpError::Redirects {
            limit: self.limits.redirects,
        })
    }
}

/// Tells whether a redirect gives up the protection of https.
fn is_downgrade(from: &str, to: &str) -> bool {
    from.starts_with("https://") && !to.starts_with("https://")
}

fn host_of(url: &str) -> &str {
    let rest = url.find("://").map_or(0, |at| at + 3);
    let end = url[rest..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| rest + at);
    &url[..end]
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    let value = response.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.parse().ok()
}

/// Returns where a partial answer begins: `Content-Range: bytes START-END/TOTAL` (RFC 9110, 14.4).
fn range_start(response: &Response<Body>) -> Option<u64> {
    let value = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    value
        .strip_prefix("bytes ")?
        .split_once('-')?
        .0
        .parse()
        .ok()
}

/// Returns what a redirect from `base` to `target` means (RFC 3986, 5.2, without dot segments, which servers
/// resolve themselves).
fn join(base: &str, target: &str) -> String {
    if target.contains("://") {
        return target.to_owned();
    }
    let host = host_of(base);
    if let Some(rest) = target.strip_prefix("//") {
        let scheme = base.split("://").next().unwrap_or_default();
        return format!("{scheme}://{rest}");
    }
    if target.starts_with('/') {
        return format!("{host}{target}");
    }
    let path = &base[host.len()..];
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    if target.starts_with('?') {
        return format!("{host}{path}{target}");
    }
    let directory = path.rfind('/').map_or("/", |at| &path[..=at]);
    format!("{host}{directory}{target}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::{Duration, Instant};

    use super::{Http, HttpError, host_of, is_downgrade, join};
    use crate::fetch::partial::Partial;
    use crate::fetch::settings::HttpLimits;

    /// Collects endless data under these limits.
    fn collect(limits: HttpLimits) -> HttpError {
        let directory = tempfile::tempdir().expect("there is room");
        let partial = Partial::open(directory.path().join("a.part"));
        let mut partial = partial.expect("it can be made");
        let result = Http::new(limits).collect(
            &mut io::repeat(b'x'),
            &mut partial,
            None,
            Instant::now(),
            &|_, _| {},
        );
        result.expect_err("the data never end")
    }

    #[test]
    fn rate_and_time_of_a_download_are_limited() {
        let slow = collect(HttpLimits {
            silence: Duration::from_millis(1),
            // Nothing is faster than this.
            min_rate: u64::MAX,
            ..HttpLimits::default()
        });
        assert!(matches!(slow, HttpError::Slow { .. }), "{slow}");
        let long = collect(HttpLimits {
            total: Duration::ZERO,
            ..HttpLimits::default()
        });
        assert!(matches!(long, HttpError::TooLong { .. }), "{long}");
    }

    #[test]
    fn redirect_targets_are_resolved_against_the_address() {
        let base = "https://h:8/a/b.tar.gz?x=/1";
        assert_eq!(host_of(base), "https://h:8");
        assert_eq!(join(base, "http://g/c"), "http://g/c");
        assert_eq!(join(base, "//g/c"), "https://g/c");
        assert_eq!(join(base, "/c"), "https://h:8/c");
        assert_eq!(join(base, "c"), "https://h:8/a/c");
        assert_eq!(join(base, "?y"), "https://h:8/a/b.tar.gz?y");
        assert_eq!(join("https://h", "c"), "https://h/c");
    }

    #[test]
    fn redirects_never_leave_https() {
        assert!(is_downgrade("https://h/a", "http://h/a"));
        assert!(!is_downgrade("https://h/a", "https://g/a"));
        assert!(!is_downgrade("http://h/a", "https://h/a"));
        assert!(!is_downgrade("http://h/a", "http://g/a"));
    }

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
