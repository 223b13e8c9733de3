//! Locks: one process at a time, and those that other programs take too.
//!
//! The kernel lets them go with their process, however that ends. A file that is locked stays for good: deleting it
//! would let two processes lock two files of one name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use rustix::fs::FlockOperation;
use rustix::io::{Errno, retry_on_intr};

/// The lock of an open file (flock(2)), until the value is dropped. The file has the number of the process that has it.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// A lock was not taken.
#[derive(Debug)]
pub enum NotTaken {
    /// Somebody has it.
    Held {
        /// Who: `process 12`, or `another process`.
        holder: String,
        /// What was to be locked.
        file: File,
    },
    /// The kernel does not allow it.
    Refused(io::Error),
}

impl FileLock {
    /// Takes the lock for this process, unless another one has it.
    ///
    /// # Errors
    ///
    /// Returns who has it, or the kernel's answer.
    pub fn try_take(mut file: File) -> Result<Self, NotTaken> {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Self::taken(file).map_err(NotTaken::Refused),
            Err(Errno::WOULDBLOCK) => Err(NotTaken::Held {
                holder: holder(&mut file),
                file,
            }),
            Err(error) => Err(NotTaken::Refused(error.into())),
        }
    }

    /// Takes the lock for this process, however long others have it.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn take(file: File) -> io::Result<Self> {
        wait_for_lock(&file)?;
        Self::taken(file)
    }

    fn taken(file: File) -> io::Result<Self> {
        let mut lock = FileLock { file };
        lock.write_pid()?;
        Ok(lock)
    }

    /// Says in the file who has it. One that has other names may be somebody's, and is left as it is.
    fn write_pid(&mut self) -> io::Result<()> {
        let found = self.file.metadata()?;
        if !found.is_file() || found.nlink() > 1 {
            return Ok(());
        }
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        writeln!(self.file, "{}", std::process::id())
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing it is not enough where another thread is just starting a program: until that runs, its process has
        // this file open too. Where this fails the kernel lets the lock go a moment later.
        self.file.unlock().ok();
    }
}

/// Locks an open file for this process alone, however long others have it.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn wait_for_lock(file: impl AsFd) -> io::Result<()> {
    // A signal that is meant to end the program does so elsewhere; every other one ends nothing.
    Ok(retry_on_intr(|| {
        rustix::fs::flock(&file, FlockOperation::LockExclusive)
    })?)
}

/// Returns who has a lock, as the one says who took it.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    // Whoever has it may be about to write its number; not knowing it changes nothing.
    let pid = match file.take(32).read_to_string(&mut text) {
        Ok(_) => text.trim().parse::<u32>().ok(),
        Err(_) => None,
    };
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

/// Takes the record lock of a whole file, as `lckpwdf(3)` does, without waiting for whoever has it.
///
/// # Errors
///
/// Returns the kernel's answer: `EAGAIN` or `EACCES` when somebody else has it.
pub fn try_lock_record(file: impl AsFd) -> io::Result<()> {
    Ok(rustix::fs::fcntl_lock(
        file,
        FlockOperation::NonBlockingLockExclusive,
    )?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use fs_err as fs;

    use super::{FileLock, NotTaken};
    use crate::RootDir;

    #[test]
    fn lock_that_was_let_go_is_free_though_a_program_being_started_has_it_open() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = RootDir::open(directory.path()).expect("it opens");
        let open = || {
            let file = root.top().open_or_create_file(b"lock");
            file.expect("it can be made")
        };
        let lock = FileLock::try_take(open()).expect("it is free");
        // What a process has between its beginning and its program.
        let inherited = lock.file.try_clone().expect("it is open");
        let Err(NotTaken::Held { holder, .. }) = FileLock::try_take(open()) else {
            panic!("it is taken");
        };
        assert_eq!(holder, format!("process {}", std::process::id()));
        drop(lock);
        FileLock::try_take(open()).expect("it is free again");
        drop(inherited);
    }

    #[test]
    fn file_with_another_name_is_locked_and_not_written_to() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let place = directory.path().join("lock");
        fs::write(&place, "somebody's").expect("it can be made");
        fs::hard_link(&place, directory.path().join("other")).expect("the name is free");
        let root = RootDir::open(directory.path()).expect("it opens");
        let file = root.top().open_or_create_file(b"lock");
        let lock = FileLock::try_take(file.expect("it is there")).expect("it is free");
        assert_eq!(lock.file.metadata().expect("it is open").nlink(), 2);
        let text = fs::read_to_string(&place).expect("it is there");
        assert_eq!(text, "somebody's");
    }
}
