//! Heads: what planning needs of an archive, fetched without the rest.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::PathBuf;

use igos_format::Sha256;
use igos_format::archive::{Head, METADATA_MAX_BYTES};
use igos_report::{Outcome, Reporter};

use super::error::CopyError;
use super::progress::{Share, Total};
use super::{DownloadError, WantedArchive};
use crate::below::FileBelow;
use crate::repository::RepositoryClient;
use crate::repository::cache::read_exactly;
use crate::repository::transport::TransportError;

/// Longest head frame as stored, in bytes: what does not compress gets a little longer.
const HEAD_MAX_BYTES: u64 = METADATA_MAX_BYTES + 1024 * 1024;

/// The head of an archive whose seal is the one that signed data name.
#[derive(Debug, Clone)]
pub struct FetchedHead {
    wanted: WantedArchive,
    file: FileBelow,
    fetched_bytes: u64,
}

impl FetchedHead {
    /// Returns which archive it is the head of.
    #[must_use]
    pub fn wanted(&self) -> &WantedArchive {
        &self.wanted
    }

    /// Returns the path of the file that begins with the head, the head alone or the whole archive, for messages alone.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Opens the file that begins with the head.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be opened.
    pub fn open(&self) -> io::Result<File> {
        self.file.open()
    }

    /// Returns how many bytes were fetched for it now; 0 if it was in the cache.
    #[must_use]
    pub fn fetched_bytes(&self) -> u64 {
        self.fetched_bytes
    }

    /// Reads the head again, and compares its digest and its seal again: somebody may have changed the cache.
    pub(super) fn read(&self) -> Result<Head, CopyError> {
        let length = self.wanted.location.head_bytes;
        let bytes = self.open().map_err(CopyError::Keep)?;
        let bytes = read_exactly(&bytes, length).unwrap_or_default();
        parse(&self.wanted, &bytes)
    }
}

impl RepositoryClient {
    /// Fetches the heads of archives, several at once, and compares their digests and seals with the wanted ones. Returns
    /// them in the order of `wanted`.
    ///
    /// A server that cannot deliver parts of files is left after as many bytes as the head has.
    ///
    /// # Errors
    ///
    /// Returns, for each that could not be had, what every copy of its repository did.
    pub fn fetch_heads(
        &self,
        wanted: &[WantedArchive],
        reporter: &dyn Reporter,
    ) -> Vec<Result<FetchedHead, DownloadError>> {
        let bytes = wanted.iter().map(|wanted| wanted.location.head_bytes).sum();
        let total = Total::start(reporter, format!("{} package heads", wanted.len()), bytes);
        let results = self.each(wanted, |wanted| self.fetch_head(wanted, &total));
        let lost = results.iter().filter(|result| result.is_err()).count();
        total.finish(match lost {
            0 => Outcome::Done,
            lost => Outcome::Failed(format!("{lost} could not be had")),
        });
        results
    }

    fn fetch_head(
        &self,
        wanted: &WantedArchive,
        total: &Total<'_>,
    ) -> Result<FetchedHead, DownloadError> {
        let length = wanted.location.head_bytes;
        let found = |file: FileBelow, fetched_bytes| FetchedHead {
            wanted: wanted.clone(),
            file,
            fetched_bytes,
        };
        let whole = self.cache.peek(&wanted.location);
        let kept = self.cache.head(&wanted.seal);
        for file in whole.into_iter().chain([kept]) {
            let head = found(file, 0);
            if head.read().is_ok() {
                return Ok(head);
            }
        }
        let share = Share::start(total, format!("head of {}", wanted.package), length);
        let ask = |copy: &_| {
            let mut bytes = Vec::new();
            if length == 0 || length > HEAD_MAX_BYTES {
                return Err(CopyError::Transport(TransportError::TooLarge {
                    size: length,
                    limit: HEAD_MAX_BYTES,
                }));
            }
            self.transport
                .read_range(copy, &wanted.path(), 0..length, &mut |at, chunk| {
                    // A server that cannot go on begins again.
                    bytes.truncate(usize::try_from(at).unwrap_or_default());
                    bytes.extend_from_slice(chunk);
                    share.advance(bytes.len() as u64);
                    Ok(())
                })?;
            parse(wanted, &bytes).map(|_| bytes)
        };
        let asked = self.ask(wanted, share.task(), ask);
        let kept = asked.map_err(|vain| vain.error(wanted)).and_then(|bytes| {
            let written = self.cache.write_head(&wanted.seal, &bytes);
            written.map_err(|source| DownloadError::Cache {
                package: wanted.package.clone(),
                source,
            })
        });
        share.finish(match &kept {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        kept.map(|file| found(file, length))
    }
}

/// Reads a head that has to be exactly `bytes` and to have the wanted seal; bytes that nobody vouched for are not
/// decompressed.
fn parse(wanted: &WantedArchive, bytes: &[u8]) -> Result<Head, CopyError> {
    let actual = Sha256::of(bytes);
    if actual != wanted.location.head_sha256 {
        return Err(CopyError::Digest {
            expected: wanted.location.head_sha256,
            actual,
        });
    }
    let expected = wanted.location.head_bytes;
    let head = Head::read(Cursor::new(bytes)).map_err(CopyError::Head)?;
    let actual = head.seal_digest();
    if actual != wanted.seal {
        return Err(CopyError::Seal {
            expected: wanted.seal,
            actual,
        });
    }
    if head.length() != expected {
        return Err(CopyError::Size {
            expected,
            found: head.length(),
        });
    }
    Ok(head)
}
