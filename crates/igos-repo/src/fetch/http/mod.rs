//! Downloads over HTTP: resumed, bounded, suspicious of everything but willing to try again.

mod address;
mod error;
mod fields;
mod pace;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Mutex;
use std::time::Instant;

use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::partial::Partial;
use super::proxies::Proxies;
use super::settings::HttpLimits;
use crate::request::test_url;

use address::{host_of, is_downgrade, join};
pub(crate) use error::HttpError;
use pace::Pace;

/// Most connections that are kept open for further requests: as many as are used at once by default.
const IDLE_MAX: usize = 8;

/// Downloads files.
#[derive(Debug)]
pub(crate) struct Http {
    /// For `http://`.
    plain: Agent,
    /// For `https://`, which may have another proxy.
    protected: Agent,
    limits: HttpLimits,
    /// Hosts that could not be reached in this run, and why: a build of a hundred sources does not wait a
    /// hundred times for the same dead host.
    given_up: Mutex<BTreeMap<String, String>>,
}

/// Told how many bytes are there and, where known, how many there will be; an error ends the download.
pub(crate) type Progress<'a> = &'a dyn Fn(u64, Option<u64>) -> io::Result<()>;

/// Takes bytes of a range: where they begin in the file, and what they are.
pub(crate) type TakeRange<'a> = &'a mut dyn FnMut(u64, &[u8]) -> io::Result<()>;

/// How a server answered when it was asked for a part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// With the part.
    Part,
    /// With the file from its beginning, of which the part was taken if it begins there.
    Whole,
}

impl Http {
    pub(crate) fn new(limits: HttpLimits, proxies: &Proxies) -> Self {
        Http {
            plain: agent(&limits, proxies.http()),
            protected: agent(&limits, proxies.https()),
            limits,
            given_up: Mutex::default(),
        }
    }

    /// Downloads `url` into `partial`, going on from what is there, and tries again where that may help.
    ///
    /// The content is not verified here.
    pub(crate) fn download(
        &self,
        url: &str,
        partial: &mut Partial,
        max_bytes: u64,
        progress: Progress<'_>,
    ) -> Result<(), HttpError> {
        self.retry(url, |started| {
            self.download_once(url, partial, max_bytes, started, progress)
        })
    }

    /// Downloads a small file into memory, and tries again where that may help.
    pub(crate) fn read(&self, url: &str, max_bytes: u64) -> Result<Vec<u8>, HttpError> {
        self.retry(url, |started| {
            let response = self.request(url, None)?;
            if response.status() != StatusCode::OK {
                return Err(status(&response));
            }
            let expected = content_length(&response);
            test_size(expected, max_bytes)?;
            let mut bytes = Vec::new();
            let mut pace = Pace::new(&self.limits, started, 0);
            let mut body = response.into_body().into_reader();
            chunks(&mut body, |chunk| {
                if bytes.len() as u64 + chunk.len() as u64 > max_bytes {
                    return Err(endless(max_bytes));
                }
                bytes.extend_from_slice(chunk);
                pace.note(bytes.len() as u64)
            })?;
            test_end(bytes.len() as u64, expected)?;
            Ok(bytes)
        })
    }

    /// Downloads a part of a file, and tries again, from where it stopped, where that may help.
    pub(crate) fn read_range(
        &self,
        url: &str,
        range: Range<u64>,
        take: TakeRange<'_>,
    ) -> Result<Ranged, HttpError> {
        let mut at = range.start;
        self.retry(url, |started| {
            self.read_range_once(url, &range, &mut at, started, take)
        })
    }

    /// Calls `attempt` until it succeeds, the error is one that stays, or the tries are used up.
    fn retry<T>(
        &self,
        url: &str,
        mut attempt: impl FnMut(Instant) -> Result<T, HttpError>,
    ) -> Result<T, HttpError> {
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
            let error = match attempt(started) {
                Ok(value) => return Ok(value),
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

    fn download_once(
        &self,
        url: &str,
        partial: &mut Partial,
        max_bytes: u64,
        started: Instant,
        progress: Progress<'_>,
    ) -> Result<(), HttpError> {
        let offset = partial.length();
        let range = (offset > 0).then(|| format!("bytes={offset}-"));
        let response = self.request(url, range)?;
        match response.status() {
            StatusCode::OK => partial.clear().map_err(HttpError::Write)?,
            StatusCode::PARTIAL_CONTENT => {
                if range_start(&response) != Some(offset) {
                    partial.clear().map_err(HttpError::Write)?;
                    return Err(HttpError::Range);
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE => {
                partial.clear().map_err(HttpError::Write)?;
                return Err(status(&response));
            }
            _ => return Err(status(&response)),
        }
        let expected = content_length(&response).map(|rest| partial.length().saturating_add(rest));
        test_size(expected, max_bytes)?;
        let mut pace = Pace::new(&self.limits, started, partial.length());
        let mut body = response.into_body().into_reader();
        chunks(&mut body, |chunk| {
            if partial.length() + chunk.len() as u64 > max_bytes {
                // An endless file must not stay behind as something to go on from.
                partial.clear().map_err(HttpError::Write)?;
                return Err(endless(max_bytes));
            }
            partial.append(chunk).map_err(HttpError::Write)?;
            progress(partial.length(), expected).map_err(HttpError::Write)?;
            pace.note(partial.length())
        })?;
        test_end(partial.length(), expected)
    }

    fn read_range_once(
        &self,
        url: &str,
        range: &Range<u64>,
        at: &mut u64,
        started: Instant,
        take: TakeRange<'_>,
    ) -> Result<Ranged, HttpError> {
        let response = self.request(url, Some(format!("bytes={at}-{}", range.end - 1)))?;
        let answer = match response.status() {
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(*at) => Ranged::Part,
            StatusCode::PARTIAL_CONTENT => return Err(HttpError::Range),
            StatusCode::OK if range.start > 0 => return Ok(Ranged::Whole),
            StatusCode::OK => {
                *at = 0;
                Ranged::Whole
            }
            _ => return Err(status(&response)),
        };
        let mut pace = Pace::new(&self.limits, started, *at);
        // Whatever else the server sends is not read.
        let wanted = range.end - *at;
        let announced = content_length(&response);
        let mut body = response.into_body().into_reader();
        chunks(&mut body.by_ref().take(wanted), |chunk| {
            take(*at, chunk).map_err(HttpError::Write)?;
            *at += chunk.len() as u64;
            pace.note(*at)
        })?;
        test_end(*at, Some(range.end))?;
        if announced == Some(wanted) {
            // There is no more, and whoever sees the end of an answer keeps its connection for the next one.
            body.read(&mut [0]).map_err(HttpError::Broken)?;
        }
        Ok(answer)
    }

    /// Sends the request and follows redirects, never from https to http.
    fn request(&self, url: &str, range: Option<String>) -> Result<Response<Body>, HttpError> {
        let mut url = url.to_owned();
        for _ in 0..=self.limits.redirects {
            let agent = if url.starts_with("https://") {
                &self.protected
            } else {
                &self.plain
            };
            let mut request = agent.get(&url);
            if let Some(range) = &range {
                request = request.header(header::RANGE, range);
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

fn agent(limits: &HttpLimits, proxy: Option<&Proxy>) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        // Redirects are followed here, one by one, so that none leads from https to http.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .tls_config(tls)
        // Also where there is none: the client would look at the environment by itself.
        .proxy(proxy.cloned())
        .user_agent(concat!("igos/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.silence))
        .timeout_per_read(Some(limits.silence))
        .max_response_header_size(64 * 1024)
        .max_idle_connections(IDLE_MAX)
        .max_idle_connections_per_host(IDLE_MAX)
        .build()
        .new_agent()
}

/// Reads all there is, piece by piece.
fn chunks(
    body: &mut dyn Read,
    mut take: impl FnMut(&[u8]) -> Result<(), HttpError>,
) -> Result<(), HttpError> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match body.read(&mut buffer).map_err(HttpError::Broken)? {
            0 => return Ok(()),
            count => take(&buffer[..count])?,
        }
    }
}

fn status(response: &Response<Body>) -> HttpError {
    HttpError::Status {
        status: response.status(),
    }
}

fn endless(limit: u64) -> HttpError {
    HttpError::TooLarge {
        size: "no end".into(),
        limit,
    }
}

fn test_size(announced: Option<u64>, limit: u64) -> Result<(), HttpError> {
    match announced {
        Some(size) if size > limit => Err(HttpError::TooLarge {
            size: format!("{size} bytes"),
            limit,
        }),
        Some(_) | None => Ok(()),
    }
}

fn test_end(found: u64, expected: Option<u64>) -> Result<(), HttpError> {
    match expected {
        Some(expected) if found != expected => Err(HttpError::Truncated { found, expected }),
        Some(_) | None => Ok(()),
    }
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    let value = response.headers().get(header::CONTENT_LENGTH)?;
    fields::number(value.to_str().ok()?)
}

fn range_start(response: &Response<Body>) -> Option<u64> {
    let value = response.headers().get(header::CONTENT_RANGE)?;
    fields::range_start(value.to_str().ok()?)
}
