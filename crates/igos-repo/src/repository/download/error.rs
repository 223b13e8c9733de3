//! Why an archive could not be had.

use std::io;

use igos_format::archive::ReadArchiveError;
use igos_format::{PackageId, Sha256};
use igos_report::{Diagnostic, Explain, diagnose};

use super::WantedArchive;
use crate::repository::cache::CacheError;
use crate::repository::copies::{Blame, FailedCopy};
use crate::repository::transport::TransportError;
use crate::repository::{PlaceError, RepositoryName};

/// An archive, or a part of it, could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The settings have no such repository, or it is not enabled.
    #[error("{package} comes from the repository {repository}, which is not in the settings")]
    NoRepository {
        /// The package.
        package: PackageId,
        /// The repository.
        repository: RepositoryName,
    },
    /// No copy of the repository has it.
    #[error("no copy of the repository {repository} delivers the archive of {package}")]
    Unavailable {
        /// The package.
        package: PackageId,
        /// The repository.
        repository: RepositoryName,
        /// What every copy did.
        failed: Vec<FailedCopy>,
    },
    /// A copy delivered other bytes than signed data say, and no other copy the right ones.
    #[error(
        "the repository {repository} delivers an archive of {package} that is not the signed one"
    )]
    Forged {
        /// The package.
        package: PackageId,
        /// The repository.
        repository: RepositoryName,
        /// What every copy did.
        failed: Vec<FailedCopy>,
    },
    /// The cache cannot be used.
    #[error("cannot keep the archive of {package}")]
    Cache {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: CacheError,
    },
    /// The directory of the cache cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The user asked to stop, or nobody wants it any more.
    #[error("the archive of {package} is not fetched: stopped")]
    Stopped {
        /// The package.
        package: PackageId,
    },
}

impl Explain for DownloadError {
    fn code(&self) -> &'static str {
        match self {
            DownloadError::NoRepository { .. } => "repository-unknown",
            DownloadError::Unavailable { .. } => "archive-unavailable",
            DownloadError::Forged { .. } => "archive-not-the-signed-one",
            DownloadError::Cache { source, .. } => source.code(),
            DownloadError::Place(source) => source.code(),
            DownloadError::Stopped { .. } => "download-stopped",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            DownloadError::NoRepository { .. } => {
                vec!["list the repositories there are: `pkm repository list`".into()]
            }
            DownloadError::Unavailable { .. } => vec![
                "the repository may have replaced it meanwhile: `pkm sync`, then try again".into(),
                "or name another copy of the repository as `mirrors` in its settings".into(),
            ],
            DownloadError::Forged { .. } => vec![
                "nothing was changed; if the copy is a mirror, take it out of the settings or tell who runs it"
                    .into(),
            ],
            DownloadError::Cache { source, .. } => source.hints(),
            DownloadError::Place(source) => source.hints(),
            DownloadError::Stopped { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            DownloadError::NoRepository { .. } | DownloadError::Forged { .. } => 1,
            DownloadError::Unavailable { .. }
            | DownloadError::Cache { .. }
            | DownloadError::Place(_)
            | DownloadError::Stopped { .. } => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        if let DownloadError::Unavailable { failed, .. } | DownloadError::Forged { failed, .. } =
            self
        {
            diagnostic
                .because
                .extend(failed.iter().map(ToString::to_string));
        }
        vec![diagnostic]
    }
}

/// Why one copy did not deliver.
#[derive(Debug, thiserror::Error)]
pub(super) enum CopyError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("it delivers {found} bytes instead of {expected}")]
    Size { expected: u64, found: u64 },
    #[error("it delivers bytes with the digest {actual} instead of {expected}")]
    Digest { expected: Sha256, actual: Sha256 },
    #[error("it delivers a head that is refused: {0}")]
    Head(ReadArchiveError),
    #[error("it delivers the archive with the seal {actual} instead of {expected}")]
    Seal { expected: Sha256, actual: Sha256 },
    #[error("frame {number} that it delivers is not the sealed one")]
    Frame { number: usize },
    #[error("it cannot deliver parts of files")]
    NoRanges,
    #[error("cannot keep what arrives: {0}")]
    Keep(io::Error),
}

impl CopyError {
    pub(super) fn blame(&self) -> Blame {
        match self {
            CopyError::Transport(error) if error.is_ours() => Blame::Us,
            CopyError::Transport(TransportError::NotThere) | CopyError::NoRanges => Blame::File,
            CopyError::Keep(_) => Blame::Us,
            CopyError::Transport(_)
            | CopyError::Size { .. }
            | CopyError::Digest { .. }
            | CopyError::Head(_)
            | CopyError::Seal { .. }
            | CopyError::Frame { .. } => Blame::Copy,
        }
    }

    /// Tells whether bytes came that are not the signed ones.
    pub(super) fn is_forged(&self) -> bool {
        matches!(
            self,
            CopyError::Size { .. }
                | CopyError::Digest { .. }
                | CopyError::Head(_)
                | CopyError::Seal { .. }
                | CopyError::Frame { .. }
                | CopyError::Transport(TransportError::TooLarge { .. })
        )
    }
}

/// What came of asking in vain.
pub(super) enum InVain {
    /// There is nobody to ask.
    NoRepository,
    /// Every copy failed.
    Failed {
        failed: Vec<FailedCopy>,
        is_forged: bool,
    },
    /// Nobody wants an answer any more.
    Stopped,
}

impl InVain {
    pub(super) fn error(self, wanted: &WantedArchive) -> DownloadError {
        let package = wanted.package.clone();
        let repository = wanted.repository.clone();
        match self {
            InVain::NoRepository => DownloadError::NoRepository {
                package,
                repository,
            },
            InVain::Failed {
                failed,
                is_forged: true,
            } => DownloadError::Forged {
                package,
                repository,
                failed,
            },
            InVain::Failed { failed, .. } => DownloadError::Unavailable {
                package,
                repository,
                failed,
            },
            InVain::Stopped => DownloadError::Stopped { package },
        }
    }
}
