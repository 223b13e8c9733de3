//! One changer at a time.

use std::fs::File;
use std::fs::TryLockError;
use std::io::{self, Read, Seek, SeekFrom, Write};

use igos_report::Explain;
use igos_root::Directory;

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

/// The held lock; the kernel lets it go with the process, however that ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock in the state directory. The file stays for good: deleting it would let two processes lock two
    /// files of one name.
    pub(crate) fn take(state: &Directory, wait: Wait) -> Result<Self, LockError> {
        let io = |source| LockError::Io { source };
        let mut file = state.open_or_create_file(layout::LOCK).map_err(io)?;
        loop {
            let taken = match wait {
                Wait::GiveUp => file.try_lock(),
                Wait::Forever => file.lock().map_err(TryLockError::Error),
            };
            match taken {
                Ok(()) => break,
                // Waiting goes on: an interrupting signal that is meant to end the program does so elsewhere.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Busy {
                        holder: holder(&mut file),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(io(error)),
            }
        }
        let mut lock = Lock { file };
        lock.write_pid().map_err(io)?;
        Ok(lock)
    }

    fn write_pid(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        writeln!(self.file, "{}", std::process::id())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing it is not enough where another thread is just starting a program: until that runs, its process has
        // this file open too. Where this fails the kernel lets the lock go a moment later.
        self.file.unlock().ok();
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // Whoever holds the lock may be about to write its number; not knowing it changes nothing.
    let pid = match file.take(32).read_to_string(&mut text) {
        Ok(_) => text.trim().parse::<u32>().ok(),
        Err(_) => None,
    };
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Lock, Wait};
    use igos_root::RootDir;

    #[test]
    fn lock_that_was_let_go_is_free_though_a_program_being_started_has_it_open() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = RootDir::open(directory.path()).expect("it opens");
        let lock = Lock::take(root.top(), Wait::GiveUp).expect("it is free");
        // What a process has between its beginning and its program.
        let inherited = lock.file.try_clone().expect("it is open");
        Lock::take(root.top(), Wait::GiveUp).expect_err("it is taken");
        drop(lock);
        Lock::take(root.top(), Wait::GiveUp).expect("it is free again");
        drop(inherited);
    }
}
