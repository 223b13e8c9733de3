//! One process at a time changes what is known of a repository; any number may look.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use igos_report::Explain;
use rustix::fs::{FlockOperation, Mode, OFlags};

use crate::publish::Waiting;

/// What is known of a repository, for this process alone until it is dropped.
#[derive(Debug)]
pub(super) struct StateLock {
    _file: File,
}

/// The lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another process synchronises this repository, and has the lock {}", path.display())]
    Held {
        /// The lock.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            LockError::Held { .. } => "repository-locked",
            LockError::Io { .. } => "repository-lock-unusable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            LockError::Held { .. } => vec!["wait for it: `--wait`".into()],
            LockError::Io { .. } => {
                vec!["as an ordinary user, work on a root of your own: `pkm --root DIR`".into()]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            LockError::Held { .. } => 75,
            LockError::Io { .. } => 4,
        }
    }
}

impl StateLock {
    /// Takes the lock of what is known of a repository. The file is never deleted.
    pub(super) fn take(state: &Path, waiting: Waiting) -> Result<Self, LockError> {
        let path = state.join("lock");
        let failed = |source: rustix::io::Errno| LockError::Io {
            path: path.clone(),
            source: source.into(),
        };
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
        let operation = match waiting {
            Waiting::Wait => FlockOperation::LockExclusive,
            Waiting::Refuse => FlockOperation::NonBlockingLockExclusive,
        };
        match rustix::fs::flock(&file, operation) {
            Ok(()) => Ok(StateLock { _file: file.into() }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(LockError::Held { path }),
            Err(error) => Err(failed(error)),
        }
    }
}
