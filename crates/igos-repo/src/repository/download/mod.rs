//! Archives and parts of them from the copies of their repositories: resumed, bounded by signed sizes, verified.
//!
//! [`crate::repository::RepositoryClient::fetch_heads`] fetches what planning needs. After that,
//! [`crate::repository::RepositoryClient::in_background`] fetches whole archives, or of each archive those frames that hold
//! contents which are not on disk, while the caller works on what has arrived already.

mod background;
mod error;
mod frame_file;
mod frames;
mod head;
mod plan;
mod progress;
mod ranges;
mod whole;

pub use background::{ArchiveJob, Downloads, FetchedArchive, WholeArchive};
pub use error::DownloadError;
pub use frame_file::{FetchedFrames, FrameBytes};
pub use head::FetchedHead;
pub(super) use ranges::Spare;

use igos_format::index::{ArchiveLocation, IndexEntry};
use igos_format::{PackageId, Sha256};

use super::RepositoryName;

/// One archive of one repository: signed data say what it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedArchive {
    /// The repository.
    pub repository: RepositoryName,
    /// The package, for messages.
    pub package: PackageId,
    /// Digest of its seal.
    pub seal: Sha256,
    /// Where it is.
    pub location: ArchiveLocation,
}

impl WantedArchive {
    /// Returns the archive of an entry of the repository's index.
    #[must_use]
    pub fn of(repository: &RepositoryName, entry: &IndexEntry) -> Self {
        WantedArchive {
            repository: repository.clone(),
            package: entry.package.clone(),
            seal: entry.seal,
            location: entry.archive.clone(),
        }
    }

    /// Returns the path of the archive in every copy of the repository.
    fn path(&self) -> String {
        format!(
            "targets/archives/{}.{}",
            self.location.sha256, self.location.file_name
        )
    }
}
