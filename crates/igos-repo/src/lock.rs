//! One process at a time: locks of the kernel (`flock`), which it lets go with their process, however that ends.
//!
//! A file that is locked here stays for good: deleting it would let two processes lock two files of one name.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use igos_report::{Diagnostic, Event, Explain, Reporter};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

/// What to do while another process has a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Give up at once.
    Refuse,
    /// Wait until it is done.
    Wait,
}

/// What one process at a time does with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Publishes to it.
    Publishing,
    /// Changes what a client knows of it.
    Synchronising,
}

impl Work {
    /// Returns what whoever has the lock does, to follow "process 12".
    fn verb(self) -> &'static str {
        match self {
            Work::Publishing => "publishes to",
            Work::Synchronising => "synchronises",
        }
    }
}

/// A lock cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{holder} {} this repository, and has the lock {}", work.verb(), path.display())]
    Held {
        /// The process.
        holder: String,
        /// What it does.
        work: Work,
        /// The lock.
        path: PathBuf,
    },
    /// The file system or the caller's rights do not allow it.
    #[error("cannot lock {}", path.display())]
    Io {
        /// What the lock is for.
        work: Work,
        /// The lock.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Explain for LockError {
    fn code(&self) -> &'static str {
        match self {
            LockError::Held { .. } => "repository-locked",
            LockError::Io { work, .. } => match work {
                Work::Publishing => "repository-lock-failed",
                Work::Synchronising => "repository-lock-unusable",
            },
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            LockError::Held { .. } => vec!["wait for it with `--wait`".to_owned()],
            LockError::Io { work, .. } => match work {
                Work::Publishing => Vec::new(),
                Work::Synchronising => {
                    vec!["as an ordinary user, work on a root of your own: `pkm --root DIR`".into()]
                }
            },
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            LockError::Held { .. } => 75,
            LockError::Io { .. } => 4,
        }
    }
}

/// A lock that is held until it is dropped. Its file has the number of the process that has it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Opens the lock of a repository that several people publish to, for whom their umask says who may.
pub(crate) fn open_shared(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o666))?.into())
}

impl Lock {
    /// Takes the lock that was `opened` at `path`, for this process alone.
    pub(crate) fn take(
        opened: io::Result<File>,
        path: &Path,
        work: Work,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<Self, LockError> {
        let failed = |source: io::Error| LockError::Io {
            work,
            path: path.to_owned(),
            source,
        };
        let mut file = opened.map_err(failed)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) if waiting == Waiting::Refuse => {
                return Err(LockError::Held {
                    holder: holder(&mut file),
                    work,
                    path: path.to_owned(),
                });
            }
            Err(Errno::WOULDBLOCK) => {
                let holder = holder(&mut file);
                let message = format!(
                    "waiting for {holder}, which {} this repository",
                    work.verb()
                );
                reporter.report(Event::Notice {
                    id: None,
                    diagnostic: Diagnostic::note("waiting-for-lock", message)
                        .at(path.display().to_string()),
                });
                wait_for(&file).map_err(|error| failed(error.into()))?;
            }
            Err(error) => return Err(failed(error.into())),
        }
        write_pid(&mut file).map_err(failed)?;
        Ok(Lock { _file: file })
    }
}

/// Says in the lock who has it. A file that has other names may be one of somebody's, and is left as it is.
fn write_pid(file: &mut File) -> io::Result<()> {
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Ok(());
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
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

/// Locks an open file for this process alone, however long that takes.
pub(crate) fn wait_for(file: impl AsFd) -> Result<(), Errno> {
    // A signal that is meant to end the program does so elsewhere; every other one ends nothing.
    retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::LockExclusive))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use igos_report::{Event, Explain, Recorder};

    use super::{Lock, Waiting, Work, open_shared};

    #[test]
    fn lock_is_one_processs_and_whoever_waits_is_told_and_gets_it_afterwards() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("lock");
        let reporter = Recorder::default();
        let held = Lock::take(
            open_shared(&path),
            &path,
            Work::Publishing,
            Waiting::Refuse,
            &reporter,
        );
        let held = held.expect("nobody has it");
        let error = Lock::take(
            open_shared(&path),
            &path,
            Work::Synchronising,
            Waiting::Refuse,
            &reporter,
        )
        .expect_err("it is held");
        let told = format!(
            "process {} synchronises this repository, and has the lock {}",
            std::process::id(),
            path.display()
        );
        assert_eq!(error.to_string(), told);
        assert_eq!((error.code(), error.exit_code()), ("repository-locked", 75));
        assert!(reporter.events().is_empty());
        let (told, heard) = mpsc::channel();
        std::thread::scope(|scope| {
            let (path, reporter) = (&path, &reporter);
            let waiting = scope.spawn(move || {
                told.send(()).expect("somebody listens");
                Lock::take(
                    open_shared(path),
                    path,
                    Work::Publishing,
                    Waiting::Wait,
                    reporter,
                )
            });
            heard.recv().expect("the thread begins");
            while reporter.events().is_empty() {
                std::thread::yield_now();
            }
            assert!(!waiting.is_finished());
            drop(held);
            let taken = waiting.join().expect("it does not panic");
            taken.expect("it was let go");
        });
        let codes: Vec<String> = reporter.events().iter().filter_map(code).collect();
        assert_eq!(codes, ["waiting-for-lock"]);
        assert!(path.is_file());
    }

    fn code(event: &Event) -> Option<String> {
        match event {
            Event::Notice { diagnostic, .. } => Some(diagnostic.code.clone()),
            _ => None,
        }
    }

    #[test]
    fn lock_through_a_symbolic_link_is_refused() {
        let directory = tempfile::tempdir().expect("there is room");
        let (elsewhere, path) = (
            directory.path().join("other"),
            directory.path().join("lock"),
        );
        std::os::unix::fs::symlink(&elsewhere, &path).expect("the name is free");
        let reporter = Recorder::default();
        let error = Lock::take(
            open_shared(&path),
            &path,
            Work::Synchronising,
            Waiting::Refuse,
            &reporter,
        )
        .expect_err("it is a link");
        assert_eq!(
            (error.code(), error.exit_code()),
            ("repository-lock-unusable", 4)
        );
        assert!(!elsewhere.exists());
    }
}
