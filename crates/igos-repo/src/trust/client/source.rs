//! Where metadata comes from: bytes that nobody vouches for.

use std::error::Error;
use std::io::{self, Read};
use std::path::PathBuf;

use fs_err as fs;

/// Gives metadata files by name: a mirror, a directory. Never believed.
pub trait MetadataSource {
    /// Returns the file `metadata/NAME`, which has at most `max_bytes`.
    ///
    /// # Errors
    ///
    /// Returns [`SourceError::Absent`] where the source surely has no such file, as after the status 403, 404 or 410:
    /// this ends the search for newer roots. Everything else that keeps it from being read is another error.
    fn fetch(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, SourceError>;
}

/// A metadata file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none.
    #[error("there is no such file")]
    Absent,
    /// It has more bytes than it may.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// How many it may have.
        limit: u64,
    },
    /// It cannot be read.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
}

/// The directory `metadata` of a repository on this machine.
#[derive(Debug, Clone)]
pub struct DirectorySource {
    directory: PathBuf,
}

impl DirectorySource {
    /// Returns the source that reads `directory`, which holds the metadata files themselves.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        DirectorySource {
            directory: directory.into(),
        }
    }
}

impl MetadataSource for DirectorySource {
    fn fetch(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::Absent,
            _ => SourceError::Failed(Box::new(error)),
        };
        let file = fs::File::open(self.directory.join(name)).map_err(failed)?;
        read_bounded(file, max_bytes)
            .map_err(failed)?
            .ok_or(SourceError::TooLarge { limit: max_bytes })
    }
}

/// Reads to the end, or returns nothing if that is more than `max_bytes` away.
pub(super) fn read_bounded(file: impl Read, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max_bytes).then_some(bytes))
}
