//! Why the cache cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use igos_format::archive::ReadArchiveError;
use igos_report::Explain;
use igos_sysroot::MaterialiseError;

/// The cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Something in it cannot be made, read, written, renamed or deleted.
    #[error("cannot {action} {} in the build cache", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another program uses it.
    #[error("the build cache {} is in use by another program", path.display())]
    Locked {
        /// The cache.
        path: PathBuf,
    },
    /// An archive that was verified a moment ago cannot be read as a layer.
    #[error("cannot unpack archive {} as a layer", archive.display())]
    Layer {
        /// The archive.
        archive: PathBuf,
        /// Why not.
        #[source]
        source: MaterialiseError,
    },
    /// An archive cannot be opened as one.
    #[error("cannot read archive {}", archive.display())]
    Archive {
        /// The archive.
        archive: PathBuf,
        /// Why not.
        #[source]
        source: ReadArchiveError,
    },
}

impl CacheError {
    /// Returns a function that adds what was tried to the kernel's answer.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
        let path = path.to_owned();
        move |source| CacheError::Io {
            action,
            path,
            source,
        }
    }
}

impl Explain for CacheError {
    fn code(&self) -> &'static str {
        match self {
            CacheError::Io { .. } => "build-cache-unusable",
            CacheError::Locked { .. } => "build-cache-locked",
            CacheError::Layer { .. } | CacheError::Archive { .. } => "cached-archive-unreadable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            CacheError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                vec![
                    "free space: `igos-build cache gc`, or name another cache with `--cache DIR`"
                        .into(),
                ]
            }
            CacheError::Io { .. } => {
                vec!["check owner, mode and free space of the cache, or name another with `--cache DIR`".into()]
            }
            CacheError::Locked { .. } => {
                vec!["wait for it: `--wait`, or name another cache with `--cache DIR`".into()]
            }
            CacheError::Layer { .. } | CacheError::Archive { .. } => {
                vec!["run the command again: damaged archives are built anew".into()]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            CacheError::Locked { .. } => 75,
            CacheError::Io { .. } | CacheError::Layer { .. } | CacheError::Archive { .. } => 4,
        }
    }
}
