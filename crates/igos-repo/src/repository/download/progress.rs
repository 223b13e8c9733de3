//! How far downloads are, for people: each of them, and all together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use igos_report::{Reporter, Subject, Task};

/// Fewest bytes between two reports of progress.
const STEP_BYTES: u64 = 256 * 1024;

/// All downloads of one call together.
pub(super) struct Total<'a> {
    task: Task<'a>,
    done: AtomicU64,
    total: AtomicU64,
}

impl<'a> Total<'a> {
    /// Begins a task of `count` things with at most `bytes` in all.
    pub(super) fn start(reporter: &'a dyn Reporter, what: String, bytes: u64) -> Self {
        Total {
            task: Task::start(reporter, None, Subject::Fetch(what)),
            done: AtomicU64::new(0),
            total: AtomicU64::new(bytes),
        }
    }

    /// Returns the task, to tell something about it.
    pub(super) fn task(&self) -> &Task<'a> {
        &self.task
    }

    /// Ends the task.
    pub(super) fn finish(self, outcome: igos_report::Outcome) {
        self.task.finish(outcome);
    }

    fn advance(&self, done: u64, less: u64) {
        let done = self.done.fetch_add(done, Ordering::Relaxed) + done;
        let total = self.total.fetch_sub(less, Ordering::Relaxed) - less;
        self.task.advance(done, Some(total));
    }
}

/// One download among others.
pub(super) struct Share<'t, 'a> {
    total: &'t Total<'a>,
    task: Task<'a>,
    counts: Mutex<Counts>,
}

struct Counts {
    /// How many bytes of the total this one stands for.
    planned: u64,
    done: u64,
    reported: u64,
}

impl<'t, 'a> Share<'t, 'a> {
    pub(super) fn start(total: &'t Total<'a>, what: String, planned: u64) -> Self {
        let parent = Some(total.task.id());
        Share {
            total,
            task: Task::start(total.task.reporter(), parent, Subject::Fetch(what)),
            counts: Mutex::new(Counts {
                planned,
                done: 0,
                reported: 0,
            }),
        }
    }

    pub(super) fn task(&self) -> &Task<'a> {
        &self.task
    }

    /// Notes that less has to be fetched than was planned.
    pub(super) fn plan(&self, bytes: u64) {
        let before = std::mem::replace(&mut self.counts().planned, bytes);
        self.total.advance(0, before.saturating_sub(bytes));
    }

    /// Notes that so many bytes of this one are there.
    pub(super) fn advance(&self, done: u64) {
        let mut counts = self.counts();
        let done = done.min(counts.planned);
        let before = std::mem::replace(&mut counts.done, done);
        let is_due = done - counts.reported.min(done) >= STEP_BYTES
            || done == counts.planned
            || done < before;
        if is_due {
            let reported = std::mem::replace(&mut counts.reported, done);
            self.task.advance(done, Some(counts.planned));
            self.total.advance(done.saturating_sub(reported), 0);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("reporters do not panic")
    }

    pub(super) fn finish(self, outcome: igos_report::Outcome) {
        self.task.finish(outcome);
    }
}

/// Returns a number of bytes as people read it.
pub(super) fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}
