//! The tasks that are running, as a text reporter needs to know them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use igos_report::{Outcome, Subject, TaskId};

use super::words::{self, Unit};
use crate::{Elapsed, Size, escape_line};

/// How long a task may be silent before a line tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// Tasks by their id.
#[derive(Debug, Default)]
pub(super) struct Running(BTreeMap<TaskId, Entry>);

#[derive(Debug)]
struct Entry {
    subject: Subject,
    started: Instant,
    told: Instant,
}

impl Running {
    /// Notes that a task began, and returns the line that says so.
    pub(super) fn start(&mut self, id: TaskId, subject: Subject) -> String {
        let (verb, name) = words::running(&subject);
        let line = format!("{verb:>8} {}", escape_line(name));
        let now = Instant::now();
        self.0.insert(
            id,
            Entry {
                subject,
                started: now,
                told: now,
            },
        );
        line
    }

    /// Returns a line about the progress of a task if its last line was long ago.
    pub(super) fn advance(&mut self, id: TaskId, done: u64, total: Option<u64>) -> Option<String> {
        let entry = self.0.get_mut(&id)?;
        if entry.told.elapsed() < PROGRESS_EVERY {
            return None;
        }
        entry.told = Instant::now();
        let (verb, name) = words::running(&entry.subject);
        let shown = |number| match words::unit(&entry.subject) {
            Unit::Bytes => Size(number).to_string(),
            Unit::Items => number.to_string(),
        };
        let of = total
            .map(|total| format!(" of {}", shown(total)))
            .unwrap_or_default();
        Some(format!(
            "{verb:>8} {}: {}{of}",
            escape_line(name),
            shown(done)
        ))
    }

    /// Forgets a task, and returns the line that says how it ended.
    pub(super) fn finish(&mut self, id: TaskId, outcome: &Outcome) -> Option<String> {
        let entry = self.0.remove(&id)?;
        let (verb, name) = words::running(&entry.subject);
        let (word, reason) = words::ended(outcome);
        let mut line = format!("{word:>8} {verb} {}", escape_line(name));
        if let Some(reason) = reason {
            line.push_str(": ");
            line.push_str(&escape_line(reason));
        } else if entry.started.elapsed() >= Duration::from_secs(1) {
            line.push_str(&format!(" in {}", Elapsed(entry.started.elapsed())));
        }
        Some(line)
    }
}
