//! One changer at a time.

use std::io;

use igos_report::Explain;
use igos_root::{Directory, FileLock, NotTaken};

use crate::layout;

/// What to do while somebody else changes the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Give up at once.
    GiveUp,
    /// Wait until they are done.
    Forever,
}

/// The lock of a root cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process changes the root.
    #[error("the root is being changed by {holder}")]
    Busy {
        /// The process that does.
        holder: String,
    },
    /// The file system or the caller's rights do not allow it.
    #[error("cannot lock the root")]
    Io {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            LockError::Busy { .. } => "root-locked",
            LockError::Io { .. } => "root-lock-failed",
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

/// Takes the lock in the state directory.
pub(crate) fn take(state: &Directory, wait: Wait) -> Result<FileLock, LockError> {
    let io = |source| LockError::Io { source };
    let file = state.open_or_create_file(layout::LOCK).map_err(io)?;
    match wait {
        Wait::Forever => FileLock::take(file).map_err(io),
        Wait::GiveUp => FileLock::try_take(file).map_err(|error| match error {
            NotTaken::Held { holder, .. } => LockError::Busy { holder },
            NotTaken::Refused(source) => LockError::Io { source },
        }),
    }
}
