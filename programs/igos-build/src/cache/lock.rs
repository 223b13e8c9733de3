//! Who may use the cache at the same time.
//!
//! Two files: `lock` is shared by everybody who reads or adds, and taken alone by garbage collection;
//! `build.lock` is taken alone by whoever builds, so that two builders do not make the same package twice. Locks
//! are `flock(2)`: they die with their process.

use fs_err as fs;
use igos_report::{Diagnostic, Reporter};
use rustix::fs::FlockOperation;
use rustix::io::{Errno, retry_on_intr};

use super::{Cache, CacheError};

/// What to do when another program holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Give up.
    Refuse,
    /// Wait until it ends.
    Wait,
}

/// A lock on the cache, held until it is dropped.
#[derive(Debug)]
pub struct CacheLock {
    _files: Vec<fs::File>,
}

impl Cache {
    /// Locks the cache for reading and adding: nothing in use is collected meanwhile.
    ///
    /// # Errors
    ///
    /// Returns that garbage is being collected, or what the kernel says.
    pub fn lock_for_use(
        &self,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<CacheLock, CacheError> {
        let file = self.lock_file("lock", Mode::Shared, waiting, reporter)?;
        Ok(CacheLock { _files: vec![file] })
    }

    /// Locks the cache for building: nobody else builds with it.
    ///
    /// # Errors
    ///
    /// Returns that another program builds, or what the kernel says.
    pub fn lock_for_building(
        &self,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<CacheLock, CacheError> {
        let building = self.lock_file("build.lock", Mode::Exclusive, waiting, reporter)?;
        let used = self.lock_file("lock", Mode::Shared, waiting, reporter)?;
        Ok(CacheLock {
            _files: vec![used, building],
        })
    }

    /// Locks the cache against everybody, to delete things from it.
    ///
    /// # Errors
    ///
    /// Returns that somebody uses it, or what the kernel says.
    pub fn lock_for_collecting(
        &self,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<CacheLock, CacheError> {
        let file = self.lock_file("lock", Mode::Exclusive, waiting, reporter)?;
        Ok(CacheLock { _files: vec![file] })
    }

    fn lock_file(
        &self,
        name: &str,
        mode: Mode,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<fs::File, CacheError> {
        let path = self.root().join(name);
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(CacheError::io("open", &path))?;
        let (now, patiently) = match mode {
            Mode::Shared => (
                FlockOperation::NonBlockingLockShared,
                FlockOperation::LockShared,
            ),
            Mode::Exclusive => (
                FlockOperation::NonBlockingLockExclusive,
                FlockOperation::LockExclusive,
            ),
        };
        match (rustix::fs::flock(&file, now), waiting) {
            (Ok(()), _) => Ok(file),
            (Err(Errno::WOULDBLOCK), Waiting::Refuse) => Err(CacheError::Locked {
                path: self.root().to_owned(),
            }),
            (Err(Errno::WOULDBLOCK), Waiting::Wait) => {
                let notice = Diagnostic::note(
                    "waiting-for-lock",
                    "waiting for another program that uses the build cache",
                )
                .at(path.display().to_string());
                reporter.report(igos_report::Event::Notice {
                    id: None,
                    diagnostic: notice,
                });
                // A signal that is meant to end the program does so elsewhere; every other one ends nothing.
                retry_on_intr(|| rustix::fs::flock(&file, patiently))
                    .map_err(|error| CacheError::io("lock", &path)(error.into()))?;
                Ok(file)
            }
            (Err(error), _) => Err(CacheError::io("lock", &path)(error.into())),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Shared,
    Exclusive,
}
