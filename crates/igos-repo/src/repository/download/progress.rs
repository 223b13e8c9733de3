//! How far downloads are, for people: each of them, and all together.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// How many bytes of the total this one stands for.
    planned: Cell<u64>,
    done: Cell<u64>,
    reported: Cell<u64>,
}

impl<'t, 'a> Share<'t, 'a> {
    pub(super) fn start(total: &'t Total<'a>, what: String, planned: u64) -> Self {
        let parent = Some(total.task.id());
        Share {
            total,
            task: Task::start(total.task.reporter(), parent, Subject::Fetch(what)),
            planned: Cell::new(planned),
            done: Cell::new(0),
            reported: Cell::new(0),
        }
    }

    pub(super) fn task(&self) -> &Task<'a> {
        &self.task
    }

    /// Notes that less has to be fetched than was planned.
    pub(super) fn plan(&self, bytes: u64) {
        let before = self.planned.replace(bytes);
        self.total.advance(0, before.saturating_sub(bytes));
    }

    /// Notes that so many bytes of this one are there.
    pub(super) fn advance(&self, done: u64) {
        let done = done.min(self.planned.get());
        let before = self.done.replace(done);
        let is_due = done - self.reported.get().min(done) >= STEP_BYTES
            || done == self.planned.get()
            || done < before;
        if is_due {
            let reported = self.reported.replace(done);
            self.task.advance(done, Some(self.planned.get()));
            self.total.advance(done.saturating_sub(reported), 0);
        }
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
