//! One publisher at a time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use igos_report::{Diagnostic, Event, Explain, Reporter};
use rustix::fs::FlockOperation;
use rustix::io::Errno;

use super::layout;

/// What to do while somebody else publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Give up at once.
    Refuse,
    /// Wait until they are done.
    Wait,
}

/// A repository cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process publishes.
    #[error("another program publishes to {}", directory.display())]
    Busy {
        /// The repository.
        directory: PathBuf,
    },
    /// The file system or the caller's rights do not allow it.
    #[error("cannot lock {}", path.display())]
    Io {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            LockError::Busy { .. } => "repository-locked",
            LockError::Io { .. } => "repository-lock-failed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            LockError::Busy { .. } => vec!["wait for it with `--wait`".to_owned()],
            LockError::Io { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            LockError::Busy { .. } => 75,
            LockError::Io { .. } => 4,
        }
    }
}

/// The held lock; the kernel lets it go with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of the repository in `directory`. The file stays for good: deleting it would let two processes
    /// lock two files of one name.
    pub(super) fn take(
        directory: &Path,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<Self, LockError> {
        let path = directory.join(layout::LOCK);
        let io = |source| LockError::Io {
            path: path.clone(),
            source,
        };
        let file: File = fs_err::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?
            .into();
        match (
            rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive),
            waiting,
        ) {
            (Ok(()), _) => {}
            (Err(Errno::WOULDBLOCK), Waiting::Refuse) => {
                return Err(LockError::Busy {
                    directory: directory.to_owned(),
                });
            }
            (Err(Errno::WOULDBLOCK), Waiting::Wait) => {
                let message = "waiting for another program that publishes";
                let diagnostic = Diagnostic::note("waiting-for-lock", message)
                    .at(directory.display().to_string());
                reporter.report(Event::Notice {
                    id: None,
                    diagnostic,
                });
                while let Err(error) = rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                    // An interrupting signal that is meant to end the program does so elsewhere.
                    if error != Errno::INTR {
                        return Err(io(error.into()));
                    }
                }
            }
            (Err(error), _) => return Err(io(error.into())),
        }
        Ok(Lock { _file: file })
    }
}
