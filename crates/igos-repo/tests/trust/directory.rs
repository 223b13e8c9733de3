//! A repository on this disk as a source of metadata, without the ways of the real client.

use std::io;
use std::path::PathBuf;

use igos_repo::trust::{MetadataSource, SourceError};

/// The directory `metadata` of a repository.
pub(crate) struct DirectorySource(pub(crate) PathBuf);

impl MetadataSource for DirectorySource {
    fn fetch(&self, name: &str, _max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        fs_err::read(self.0.join(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => SourceError::Absent,
            _ => SourceError::Failed(Box::new(error)),
        })
    }
}
