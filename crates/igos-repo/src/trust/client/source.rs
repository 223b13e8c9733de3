//! Where metadata comes from: bytes that nobody vouches for.

use std::error::Error;

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
