//! Who listens to events, and the handle that sends them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Diagnostic, Event, Outcome, Outlook, Stream, Subject, TaskId};

/// Listens to events.
pub trait Reporter: Sync {
    /// Takes one event. Must not block for long and cannot fail.
    fn report(&self, event: Event);
}

/// Hears everything and says nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn report(&self, _event: Event) {}
}

/// Keeps every event, for tests.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// Returns the events heard so far.
    ///
    /// # Panics
    ///
    /// Panics when another thread panicked while reporting.
    pub fn events(&self) -> Vec<Event> {
        self.0
            .lock()
            .expect("no thread panics while it holds this lock")
            .clone()
    }
}

impl Reporter for Recorder {
    fn report(&self, event: Event) {
        self.0
            .lock()
            .expect("no thread panics while it holds this lock")
            .push(event);
    }
}

/// Passes every event to two listeners, the first one first.
#[derive(Debug, Clone, Copy)]
pub struct Tee<'a, A: ?Sized, B: ?Sized>(pub &'a A, pub &'a B);

impl<A: Reporter + ?Sized, B: Reporter + ?Sized> Reporter for Tee<'_, A, B> {
    fn report(&self, event: Event) {
        self.0.report(event.clone());
        self.1.report(event);
    }
}

static NEXT_TASK: AtomicU64 = AtomicU64::new(1);

/// A running task: reports its start when made, and that it was abandoned when dropped unfinished.
pub struct Task<'a> {
    reporter: &'a dyn Reporter,
    id: TaskId,
    finished: bool,
}

impl std::fmt::Debug for Task<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.id)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

impl<'a> Task<'a> {
    /// Reports that a task about `subject` began.
    pub fn start(reporter: &'a dyn Reporter, parent: Option<TaskId>, subject: Subject) -> Self {
        let id = TaskId(NEXT_TASK.fetch_add(1, Ordering::Relaxed));
        reporter.report(Event::Started {
            id,
            parent,
            subject,
        });
        Task {
            reporter,
            id,
            finished: false,
        }
    }

    /// Returns the id, to be named as parent of other tasks.
    pub fn id(&self) -> TaskId {
        self.id
    }

    /// Returns who listens, so that parts of this task can be tasks of their own.
    pub fn reporter(&self) -> &'a dyn Reporter {
        self.reporter
    }

    /// Reports progress in the task's own unit.
    pub fn advance(&self, done: u64, total: Option<u64>) {
        self.reporter.report(Event::Advanced {
            id: self.id,
            done,
            total,
        });
    }

    /// Reports a line that a child printed.
    pub fn output(&self, stream: Stream, line: String) {
        self.reporter.report(Event::Output {
            id: self.id,
            stream,
            line,
        });
    }

    /// Reports what is left of it.
    pub fn outlook(&self, outlook: Outlook) {
        self.reporter.report(Event::Outlook {
            id: self.id,
            outlook,
        });
    }

    /// Reports something worth knowing about this task.
    pub fn notice(&self, diagnostic: Diagnostic) {
        self.reporter.report(Event::Notice {
            id: Some(self.id),
            diagnostic,
        });
    }

    /// Reports how the task ended.
    pub fn finish(mut self, outcome: Outcome) {
        self.finished = true;
        self.reporter.report(Event::Finished {
            id: self.id,
            outcome,
        });
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.reporter.report(Event::Finished {
                id: self.id,
                outcome: Outcome::Abandoned,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Recorder, Task};
    use crate::{Event, Outcome, Subject};

    #[test]
    fn dropped_task_is_reported_as_abandoned() {
        let recorder = Recorder::default();
        drop(Task::start(&recorder, None, Subject::Build("zlib".into())));
        let events = recorder.events();
        assert_eq!(events.len(), 2);
        assert!(matches!(
            &events[1],
            Event::Finished {
                outcome: Outcome::Abandoned,
                ..
            }
        ));
    }

    #[test]
    fn finished_task_reports_its_outcome_once() {
        let recorder = Recorder::default();
        Task::start(&recorder, None, Subject::Fetch("a".into())).finish(Outcome::Done);
        let finished: Vec<_> = recorder
            .events()
            .into_iter()
            .filter(|event| matches!(event, Event::Finished { .. }))
            .collect();
        assert!(matches!(
            finished.as_slice(),
            [Event::Finished {
                outcome: Outcome::Done,
                ..
            }]
        ));
    }
}
