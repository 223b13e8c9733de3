//! Bytes from one copy of a repository, on a web server or in a directory: the same three questions for both.

use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::RepositoryAddress;
use crate::fetch::http::{Http, HttpError, Progress, Ranged, Status, TakeRange};
use crate::fetch::mirror::encode;
use crate::fetch::partial::Partial;
use crate::fetch::{Downloader, HttpLimits, Network, Proxies};
use crate::store::open_regular;

/// How much of a file is read at once, in bytes.
const BUFFER_BYTES: usize = 128 * 1024;

/// Asks copies of repositories for bytes.
pub(crate) struct Transport {
    http: Http,
    network: Network,
    /// Set when the user asks to stop.
    interrupted: Arc<AtomicBool>,
    /// Set when nobody wants the answers any more.
    stopped: AtomicBool,
}

/// Why a copy of a repository did not deliver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// The copy has no such file.
    #[error("it has no such file")]
    NotThere,
    /// It is on the network, which is not to be used.
    #[error("not asked: offline")]
    Offline,
    /// Downloading failed.
    #[error(transparent)]
    Http(HttpError),
    /// A file of the directory cannot be read.
    #[error("cannot read it: {0}")]
    Read(io::Error),
    /// What arrives cannot be kept.
    #[error("cannot keep what arrives: {0}")]
    Write(io::Error),
    /// The file is larger than signed data, or a limit of ours, say.
    #[error("it has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// What it has.
        size: u64,
        /// What it may have.
        limit: u64,
    },
    /// The file ends before what was asked for.
    #[error("it ends after {size} bytes")]
    Short {
        /// What it has.
        size: u64,
    },
    /// Nobody wants the answer any more.
    #[error("stopped")]
    Stopped,
}

impl TransportError {
    /// Tells whether another copy cannot do better: the trouble is on our side.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(
            self,
            TransportError::Write(_)
                | TransportError::Stopped
                | TransportError::Http(HttpError::Write(_) | HttpError::Downloader { .. })
        )
    }

    fn of(error: HttpError) -> Self {
        match error {
            HttpError::Status {
                status: Status(404 | 410),
            } => TransportError::NotThere,
            other => TransportError::Http(other),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("network", &self.network)
            .finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(
        limits: HttpLimits,
        proxies: &Proxies,
        downloader: &Downloader,
        network: Network,
        interrupted: Arc<AtomicBool>,
    ) -> Self {
        Transport {
            http: Http::new(limits, proxies, downloader),
            network,
            interrupted,
            stopped: AtomicBool::new(false),
        }
    }

    /// Reads a whole small file.
    pub(crate) fn read(
        &self,
        copy: &RepositoryAddress,
        path: &str,
        max_bytes: u64,
    ) -> Result<Vec<u8>, TransportError> {
        match self.place(copy, path)? {
            Place::Web(url) => {
                let read = self.http.read(&url, max_bytes);
                read.map_err(TransportError::of)
            }
            Place::File(path) => {
                let mut bytes = Vec::new();
                let file = open(path)?;
                let read = file.take(max_bytes + 1).read_to_end(&mut bytes);
                let size = read.map_err(TransportError::Read)? as u64;
                if size > max_bytes {
                    return Err(TransportError::TooLarge {
                        size,
                        limit: max_bytes,
                    });
                }
                Ok(bytes)
            }
        }
    }

    /// Reads a file of at most `max_bytes` into `partial`, going on from what is there.
    pub(crate) fn download(
        &self,
        copy: &RepositoryAddress,
        path: &str,
        partial: &mut Partial,
        max_bytes: u64,
        progress: Progress<'_>,
    ) -> Result<(), TransportError> {
        match self.place(copy, path)? {
            Place::Web(url) => {
                let progress = |done, total| {
                    self.test_stop()?;
                    progress(done, total)
                };
                let download = self.http.download(&url, partial, max_bytes, &progress);
                download.map_err(TransportError::of)
            }
            Place::File(path) => {
                let mut file = open(path)?;
                let size = file.metadata().map_err(TransportError::Read)?.len();
                if size > max_bytes {
                    return Err(TransportError::TooLarge {
                        size,
                        limit: max_bytes,
                    });
                }
                if partial.length() > size {
                    partial.clear().map_err(TransportError::Write)?;
                }
                let start = file.seek(SeekFrom::Start(partial.length()));
                start.map_err(TransportError::Read)?;
                self.each_chunk(&mut file, &mut |chunk| {
                    partial.append(chunk)?;
                    progress(partial.length(), Some(size))
                })
            }
        }
    }

    /// Reads a part of a file.
    pub(crate) fn read_range(
        &self,
        copy: &RepositoryAddress,
        path: &str,
        range: Range<u64>,
        take: TakeRange<'_>,
    ) -> Result<Ranged, TransportError> {
        match self.place(copy, path)? {
            Place::Web(url) => {
                let mut take = |at: u64, chunk: &[u8]| {
                    self.test_stop()?;
                    take(at, chunk)
                };
                let read = self.http.read_range(&url, range, &mut take);
                read.map_err(TransportError::of)
            }
            Place::File(path) => {
                let mut file = open(path)?;
                let start = file.seek(SeekFrom::Start(range.start));
                start.map_err(TransportError::Read)?;
                let mut at = range.start;
                let mut part = file.take(range.end - range.start);
                self.each_chunk(&mut part, &mut |chunk| {
                    take(at, chunk)?;
                    at += chunk.len() as u64;
                    Ok(())
                })?;
                if at < range.end {
                    return Err(TransportError::Short { size: at });
                }
                Ok(Ranged::Part)
            }
        }
    }

    /// Stops what is running, as soon as its next bytes arrive, and everything after it until it may go on.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Lets fetching go on after a stop.
    pub(crate) fn go_on(&self) {
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// Tells whether nothing is fetched now.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || self.interrupted.load(Ordering::Relaxed)
    }

    fn test_stop(&self) -> io::Result<()> {
        if self.is_stopped() {
            return Err(io::Error::other(TransportError::Stopped));
        }
        Ok(())
    }

    fn place(&self, copy: &RepositoryAddress, path: &str) -> Result<Place, TransportError> {
        if self.is_stopped() {
            return Err(TransportError::Stopped);
        }
        match (copy, self.network) {
            (RepositoryAddress::Directory(directory), _) => Ok(Place::File(directory.join(path))),
            (RepositoryAddress::Web(_), Network::Offline) => Err(TransportError::Offline),
            (RepositoryAddress::Web(base), Network::Online) => {
                Ok(Place::Web(format!("{base}/{}", encode(path))))
            }
        }
    }

    fn each_chunk(
        &self,
        file: &mut dyn Read,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), TransportError> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            if self.is_stopped() {
                return Err(TransportError::Stopped);
            }
            match file.read(&mut buffer).map_err(TransportError::Read)? {
                0 => return Ok(()),
                count => take(&buffer[..count]).map_err(TransportError::Write)?,
            }
        }
    }
}

/// Where a file of a copy is.
enum Place {
    Web(String),
    File(PathBuf),
}

fn open(path: PathBuf) -> Result<std::fs::File, TransportError> {
    open_regular(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => TransportError::NotThere,
        _ => TransportError::Read(error),
    })
}
