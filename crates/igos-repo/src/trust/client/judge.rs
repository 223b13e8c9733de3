//! Whether one file is what it must be: size, digest, signatures, version, time.

use igos_format::Sha256;
use igos_format::trust::{Authority, Envelope, MetaFile, Metadata, ReadMetadataError, UtcTime};

use super::refresh::{Expiry, Rollback};
use super::{MetadataSource, RefreshError, SourceError};
use crate::trust::{VerifyError, verify};

/// Most by which a version may grow at once. At one version each second the numbers last for ages; with a single jump
/// to the last number, nobody could ever publish again.
const JUMP_MAX: u64 = 1 << 32;

/// Largest root and timestamp, whose size nobody signs.
pub(super) const UNSIGNED_SIZE_MAX: u64 = 64 * 1024;

/// A version that was lower than the known one and was taken because the caller allowed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WentBack {
    /// The file.
    pub file: String,
    /// The version that was known.
    pub from: u64,
    /// The version that is trusted now.
    pub to: u64,
}

/// What a file is compared with besides what was signed for it.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) now: UtcTime,
    pub(super) expiry: Expiry,
    pub(super) rollback: Rollback,
    pub(super) went_back: Vec<WentBack>,
}

impl Rules {
    /// Tests that a version did not go back and did not jump.
    pub(super) fn test_version(
        &mut self,
        file: &str,
        trusted: u64,
        offered: u64,
    ) -> Result<(), RefreshError> {
        let file = file.to_owned();
        if offered.saturating_sub(trusted) > JUMP_MAX {
            return Err(RefreshError::FastForward {
                file,
                trusted,
                offered,
            });
        }
        match self.rollback {
            _ if offered >= trusted => {}
            Rollback::Refuse => {
                return Err(RefreshError::Rollback {
                    file,
                    trusted,
                    offered,
                });
            }
            Rollback::Allow => self.went_back.push(WentBack {
                file,
                from: trusted,
                to: offered,
            }),
        }
        Ok(())
    }

    /// Tests that the newest that there is has not expired.
    pub(super) fn test_fresh<T: Metadata>(
        &self,
        file: &str,
        metadata: &T,
    ) -> Result<(), RefreshError> {
        if metadata.expires() > self.now || self.expiry == Expiry::Accept {
            return Ok(());
        }
        Err(RefreshError::Frozen {
            file: file.to_owned(),
            version: metadata.version(),
            expires: metadata.expires(),
            now: self.now,
        })
    }
}

/// Fetches a file of at most `limit` bytes, whatever the source thinks of limits.
pub(super) fn fetch(
    source: &dyn MetadataSource,
    file: &str,
    limit: u64,
) -> Result<Vec<u8>, RefreshError> {
    let file = || file.to_owned();
    match source.fetch(&file(), limit) {
        Ok(bytes) if bytes.len() as u64 <= limit => Ok(bytes),
        Ok(_) | Err(SourceError::TooLarge { .. }) => Err(RefreshError::TooLarge {
            file: file(),
            limit,
        }),
        Err(SourceError::Absent) => Err(RefreshError::Absent { file: file() }),
        Err(source) => Err(RefreshError::Unreachable {
            file: file(),
            source,
        }),
    }
}

/// Reads, verifies and then interprets a file.
pub(super) fn open<T: Metadata>(
    file: &str,
    bytes: &[u8],
    authority: &Authority,
) -> Result<T, RefreshError> {
    let envelope = read(file, bytes)?;
    let signed = verify::<T>(envelope, authority).map_err(refuse(file))?;
    Ok(signed.into_value())
}

pub(super) fn read(file: &str, bytes: &[u8]) -> Result<Envelope, RefreshError> {
    Envelope::read(bytes, u64::MAX).map_err(|error| match error {
        ReadMetadataError::TooLarge { limit, .. } => RefreshError::TooLarge {
            file: file.to_owned(),
            limit,
        },
        error => refuse(file)(error.into()),
    })
}

pub(super) fn refuse(file: &str) -> impl Fn(VerifyError) -> RefreshError + '_ {
    |source| RefreshError::Verify {
        file: file.to_owned(),
        source,
    }
}

/// Tests that these bytes are those that were signed for, as far as their length and digest were.
pub(super) fn test_meant(file: &str, bytes: &[u8], meta: &MetaFile) -> Result<(), RefreshError> {
    let length = bytes.len() as u64;
    if let Some(expected) = meta.length.filter(|expected| *expected != length) {
        return Err(RefreshError::WrongLength {
            file: file.to_owned(),
            expected,
            actual: length,
        });
    }
    let actual = Sha256::of(bytes);
    if let Some(expected) = meta.sha256.filter(|expected| *expected != actual) {
        return Err(RefreshError::WrongDigest {
            file: file.to_owned(),
            expected,
            actual,
        });
    }
    Ok(())
}

/// Opens a file that other metadata names with its version, and with length and digest unless a foreign repository
/// leaves them out.
///
/// A file that is genuine and of another version is told from one that is damaged.
pub(super) fn open_meant<T: Metadata>(
    file: &str,
    bytes: &[u8],
    meta: &MetaFile,
    authority: &Authority,
) -> Result<T, RefreshError> {
    let mixed = |actual| RefreshError::MixAndMatch {
        file: file.to_owned(),
        expected: meta.version,
        actual,
    };
    if let Err(error) = test_meant(file, bytes, meta) {
        let other = open::<T>(file, bytes, authority).map(|other| other.version());
        return Err(match other {
            Ok(actual) if actual != meta.version => mixed(actual),
            _ => error,
        });
    }
    let metadata = open::<T>(file, bytes, authority)?;
    if metadata.version() != meta.version {
        return Err(mixed(metadata.version()));
    }
    Ok(metadata)
}
