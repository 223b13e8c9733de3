//! Downloads over HTTP: resumed, bounded, suspicious of everything but willing to try again.

mod address;
mod answer;
mod confined;
mod direct;
mod error;
mod fields;
mod pace;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Mutex;
use std::time::Instant;

use super::partial::Partial;
use super::proxies::Proxies;
use super::settings::{Downloader, HttpLimits};
use crate::request::test_url;

use address::{host_of, is_downgrade, join};
use answer::Answer;
use confined::Confined;
pub use confined::{Certificates, DOWNLOAD_HELPER, download_helper};
use direct::Direct;
pub(crate) use error::{HttpError, Status};
use pace::Pace;

/// Downloads files.
#[derive(Debug)]
pub(crate) struct Http {
    requests: Requests,
    limits: HttpLimits,
    /// Hosts that could not be reached in this run, and why: a build of a hundred sources does not wait a
    /// hundred times for the same dead host.
    given_up: Mutex<BTreeMap<String, String>>,
}

/// Status codes that mean something here (RFC 9110, 15).
const OK: u16 = 200;
const PARTIAL_CONTENT: u16 = 206;
const NOT_MODIFIED: u16 = 304;
const RANGE_NOT_SATISFIABLE: u16 = 416;

/// Who sends requests.
#[derive(Debug)]
enum Requests {
    /// This process.
    Direct(Direct),
    /// A confined one.
    Confined(Confined),
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
    pub(crate) fn new(limits: HttpLimits, proxies: &Proxies, downloader: &Downloader) -> Self {
        let requests = match downloader {
            Downloader::Unconfined => Requests::Direct(Direct::new(&limits, proxies)),
            Downloader::Confined(certificates) => {
                Requests::Confined(Confined::new(&limits, proxies, certificates.clone()))
            }
        };
        Http {
            requests,
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
            let answer = self.request(url, None)?;
            if answer.status() != OK {
                return Err(status(&answer));
            }
            let expected = answer.content_length();
            test_size(expected, max_bytes)?;
            let mut bytes = Vec::new();
            let mut pace = Pace::new(&self.limits, started, 0);
            let mut body = answer.body;
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
        let answer = self.request(url, range)?;
        match answer.status() {
            OK => partial.clear().map_err(HttpError::Write)?,
            PARTIAL_CONTENT => {
                if answer.range_start() != Some(offset) {
                    partial.clear().map_err(HttpError::Write)?;
                    return Err(HttpError::Range);
                }
            }
            RANGE_NOT_SATISFIABLE => {
                partial.clear().map_err(HttpError::Write)?;
                return Err(status(&answer));
            }
            _ => return Err(status(&answer)),
        }
        let expected = answer
            .content_length()
            .map(|rest| partial.length().saturating_add(rest));
        test_size(expected, max_bytes)?;
        let mut pace = Pace::new(&self.limits, started, partial.length());
        let mut body = answer.body;
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
        let answer = self.request(url, Some(format!("bytes={at}-{}", range.end - 1)))?;
        let ranged = match answer.status() {
            PARTIAL_CONTENT if answer.range_start() == Some(*at) => Ranged::Part,
            PARTIAL_CONTENT => return Err(HttpError::Range),
            OK if range.start > 0 => return Ok(Ranged::Whole),
            OK => {
                *at = 0;
                Ranged::Whole
            }
            _ => return Err(status(&answer)),
        };
        let mut pace = Pace::new(&self.limits, started, *at);
        // Whatever else the server sends is not read.
        let wanted = range.end - *at;
        let announced = answer.content_length();
        let mut body = answer.body;
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
        Ok(ranged)
    }

    /// Sends the request and follows redirects, never from https to http.
    fn request(&self, url: &str, range: Option<String>) -> Result<Answer, HttpError> {
        let mut url = url.to_owned();
        for _ in 0..=self.limits.redirects {
            let answer = match &self.requests {
                Requests::Direct(direct) => direct.get(&url, range.as_deref())?,
                Requests::Confined(confined) => confined.get(&url, range.as_deref())?,
            };
            if !matches!(answer.status(), 300..=399) || answer.status() == NOT_MODIFIED {
                return Ok(answer);
            }
            let target = answer.head.location.as_deref();
            let target = join(&url, target.ok_or(HttpError::Nowhere)?);
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

fn status(answer: &Answer) -> HttpError {
    HttpError::Status {
        status: Status(answer.status()),
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
