//! One budget of jobs for all builds of a run: a GNU make jobserver for each build, all fed from one account.
//!
//! A program that makes starts one job without asking; for each further one it reads a byte from a pipe with a name,
//! and writes it back when that job ended (the manual of GNU make, "POSIX Jobserver Interaction"). Each build has a
//! pipe of its own and gets as many bytes as it may use; when another build begins, bytes are taken back as they
//! return, and when one ends, the others get them. Whatever a build held when it was killed goes with its pipe and is
//! given out again: nothing leaks.
//!
//! `make` before 4.4 knows no pipes with names and stops when it is told of one: builds that see such a `make` get a
//! fixed number of jobs, as do those that bring their own.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::fs::{FileType, Mode, OFlags};

/// How often bytes that are still in use are asked back.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Processors, and which builds use them.
#[derive(Debug)]
pub struct Budget {
    processors: usize,
    account: Mutex<Account>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Account {
    /// Builds that run, with or without a pipe.
    running: usize,
    pipes: BTreeMap<u64, Pipe>,
    next: u64,
    is_over: bool,
}

#[derive(Debug)]
struct Pipe {
    file: fs::File,
    /// Bytes that it was given and that were not taken back.
    given: usize,
}

/// The pipe of one build, until the value is dropped.
#[derive(Debug)]
pub(crate) struct Share<'b> {
    budget: &'b Budget,
    number: u64,
    path: PathBuf,
}

impl Budget {
    /// Returns the budget of a machine.
    #[must_use]
    pub fn new(processors: NonZeroUsize) -> Self {
        Budget {
            processors: processors.get(),
            account: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Counts a build among those that share the processors while `work` runs.
    pub(crate) fn sharing<T>(&self, work: impl FnOnce() -> T) -> T {
        self.lock().begin(self.processors);
        let result = work();
        self.lock().end(self.processors);
        self.changed.notify_all();
        result
    }

    /// Returns the jobs of a build without a pipe, rounded up: an idle processor costs more than a busy one.
    pub(crate) fn fixed(&self) -> usize {
        self.processors.div_ceil(self.lock().running.max(1))
    }

    /// Returns the most jobs that one build can have.
    pub(crate) fn most(&self) -> usize {
        self.processors
    }

    /// Makes the pipe of a build at `path`, which is not there yet.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be made.
    pub(crate) fn join(&self, path: &Path) -> io::Result<Share<'_>> {
        use std::os::unix::fs::PermissionsExt as _;

        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path, FileType::Fifo, mode, 0)?;
        // Builds run as another user, whatever the umask says.
        fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
        let mut options = fs::OpenOptions::new();
        // For both directions: it never ends, and opening it waits for nobody (fifo(7)).
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
        let file = options
            .read(true)
            .write(true)
            .custom_flags(nonblocking)
            .open(path)?;
        let mut account = self.lock();
        let number = account.next;
        account.next += 1;
        account.pipes.insert(number, Pipe { file, given: 0 });
        account.balance(self.processors);
        self.changed.notify_all();
        Ok(Share {
            budget: self,
            number,
            path: path.to_owned(),
        })
    }

    /// Asks for bytes that a build still uses and another one shall have, while there is a [`Watched`].
    pub(crate) fn watch(&self) {
        let mut account = self.lock();
        while !account.is_over {
            let reason = "no thread panics while it holds this lock";
            account = if account.is_balanced(self.processors) {
                self.changed.wait(account).expect(reason)
            } else {
                let waited = self.changed.wait_timeout(account, ASK_AGAIN);
                waited.expect(reason).0
            };
            account.balance(self.processors);
        }
    }

    /// Returns a value whose end lets [`Budget::watch`] return, also where a thread panics.
    pub(crate) fn watched(&self) -> Watched<'_> {
        Watched(self)
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account
            .lock()
            .expect("no thread panics while it holds this lock")
    }
}

impl Account {
    fn begin(&mut self, processors: usize) {
        self.running += 1;
        self.balance(processors);
    }

    fn end(&mut self, processors: usize) {
        self.running -= 1;
        self.balance(processors);
    }

    /// Returns how many bytes each pipe should have, in the order of the pipes.
    fn targets(&self, processors: usize) -> Vec<usize> {
        let count = self.pipes.len();
        if count == 0 {
            return Vec::new();
        }
        // Each build has a job that needs no byte.
        let bytes = processors.saturating_sub(self.running.max(count));
        (0..count)
            .map(|at| bytes / count + usize::from(at < bytes % count))
            .collect()
    }

    fn is_balanced(&self, processors: usize) -> bool {
        let targets = self.targets(processors);
        let mut pipes = self.pipes.values().zip(targets);
        pipes.all(|(pipe, target)| pipe.given == target)
    }

    /// Takes bytes back where there are too many, and gives them where there are too few.
    fn balance(&mut self, processors: usize) {
        let targets = self.targets(processors);
        let wanted: usize = targets.iter().sum();
        for (pipe, target) in self.pipes.values_mut().zip(&targets) {
            pipe.take_down_to(*target);
        }
        let given: usize = self.pipes.values().map(|pipe| pipe.given).sum();
        let mut free = wanted.saturating_sub(given);
        for (pipe, target) in self.pipes.values_mut().zip(&targets) {
            while free > 0 && pipe.given < *target && pipe.give() {
                free -= 1;
            }
        }
    }
}

impl Pipe {
    /// Takes back what is not in use of what is too much.
    fn take_down_to(&mut self, target: usize) {
        let mut byte = [0];
        // An empty pipe says that reading would block: the rest is in use.
        while self.given > target && self.file.read(&mut byte).is_ok_and(|count| count == 1) {
            self.given -= 1;
        }
    }

    fn give(&mut self) -> bool {
        let is_given = self.file.write(b"+").is_ok_and(|count| count == 1);
        self.given += usize::from(is_given);
        is_given
    }
}

/// While it lives, [`Budget::watch`] does not return.
#[derive(Debug)]
pub(crate) struct Watched<'b>(&'b Budget);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut account = self.budget.lock();
        account.pipes.remove(&self.number);
        account.balance(self.budget.processors);
        drop(account);
        self.budget.changed.notify_all();
        // A directory of a failed build that is kept needs no pipe; one that is gone has none.
        let _deleted = fs::remove_file(&self.path).is_ok();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::num::NonZeroUsize;
    use std::path::{Path, PathBuf};

    use fs_err::os::unix::fs::OpenOptionsExt as _;

    use super::Budget;

    /// What a build sees of its pipe.
    struct Seen(fs_err::File);

    impl Seen {
        fn open(path: &Path) -> Self {
            let mut options = fs_err::OpenOptions::new();
            let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
            Seen(
                options
                    .read(true)
                    .write(true)
                    .custom_flags(flags)
                    .open(path)
                    .expect("it was just made"),
            )
        }

        /// Takes as many bytes as there are.
        fn take(&mut self) -> usize {
            let mut bytes = [0; 64];
            self.0.read(&mut bytes).unwrap_or(0)
        }
    }

    fn place(directory: &tempfile::TempDir, name: &str) -> PathBuf {
        directory.path().join(name)
    }

    #[test]
    fn bytes_of_a_build_that_died_with_them_are_given_out_again() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let budget = Budget::new(NonZeroUsize::new(8).expect("not zero"));
        budget.sharing(|| {
            let one = place(&directory, "one");
            let first = budget.join(&one).expect("the directory is ours");
            assert_eq!(Seen::open(&one).take(), 7, "one job needs no byte");
            budget.sharing(|| {
                let two = place(&directory, "two");
                let _second = budget.join(&two).expect("the directory is ours");
                assert_eq!(Seen::open(&two).take(), 0, "the first build has them all");
                // It is killed while it holds seven bytes.
                drop(first);
                assert!(!one.exists());
                assert_eq!(Seen::open(&two).take(), 6, "two builds run, one has a pipe");
            });
        });
    }

    #[test]
    fn bytes_in_use_come_over_when_they_return() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let budget = Budget::new(NonZeroUsize::new(4).expect("not zero"));
        budget.sharing(|| {
            let one = place(&directory, "one");
            let _first = budget.join(&one).expect("the directory is ours");
            let mut in_first = Seen::open(&one);
            assert_eq!(in_first.take(), 3);
            budget.sharing(|| {
                let two = place(&directory, "two");
                let _second = budget.join(&two).expect("the directory is ours");
                assert!(!budget.lock().is_balanced(4));
                std::io::Write::write_all(&mut in_first.0, b"+++").expect("a pipe takes that");
                budget.lock().balance(4);
                assert_eq!((in_first.take(), Seen::open(&two).take()), (1, 1));
                assert!(budget.lock().is_balanced(4));
            });
            std::io::Write::write_all(&mut in_first.0, b"+").expect("a pipe takes that");
            assert_eq!(in_first.take(), 3, "alone again");
        });
        assert_eq!(budget.fixed(), 4);
    }

    #[test]
    fn machine_with_one_processor_gives_no_byte() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let budget = Budget::new(NonZeroUsize::MIN);
        budget.sharing(|| {
            let one = place(&directory, "one");
            let _first = budget.join(&one).expect("the directory is ours");
            assert_eq!(Seen::open(&one).take(), 0);
        });
    }
}
