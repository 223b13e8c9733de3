//! One process at a time publishes to a repository, and one changes what a client knows of it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use igos_report::{Diagnostic, Event, Explain, Reporter};
use igos_root::{FileLock, NotTaken};
use rustix::fs::{Mode, OFlags};

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

/// Opens the lock of a repository that several people publish to, for whom their umask says who may.
pub(crate) fn open_shared(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(path, flags, Mode::from_raw_mode(0o666))?.into())
}

/// Takes the lock that was `opened` at `path`, for this process alone.
pub(crate) fn take(
    opened: io::Result<File>,
    path: &Path,
    work: Work,
    waiting: Waiting,
    reporter: &dyn Reporter,
) -> Result<FileLock, LockError> {
    let failed = |source: io::Error| LockError::Io {
        work,
        path: path.to_owned(),
        source,
    };
    match (FileLock::try_take(opened.map_err(failed)?), waiting) {
        (Ok(lock), _) => Ok(lock),
        (Err(NotTaken::Refused(source)), _) => Err(failed(source)),
        (Err(NotTaken::Held { holder, .. }), Waiting::Refuse) => Err(LockError::Held {
            holder,
            work,
            path: path.to_owned(),
        }),
        (Err(NotTaken::Held { holder, file }), Waiting::Wait) => {
            let message = format!(
                "waiting for {holder}, which {} this repository",
                work.verb()
            );
            reporter.report(Event::Notice {
                id: None,
                diagnostic: Diagnostic::note("waiting-for-lock", message)
                    .at(path.display().to_string()),
            });
            FileLock::take(file).map_err(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use igos_report::{Event, Explain, Recorder};

    use super::{Waiting, Work, open_shared, take};

    #[test]
    fn lock_is_one_processs_and_whoever_waits_is_told_and_gets_it_afterwards() {
        let directory = tempfile::tempdir().expect("there is room");
        let path = directory.path().join("lock");
        let reporter = Recorder::default();
        let held = take(
            open_shared(&path),
            &path,
            Work::Publishing,
            Waiting::Refuse,
            &reporter,
        );
        let held = held.expect("nobody has it");
        let error = take(
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
                take(
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
        let error = take(
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
