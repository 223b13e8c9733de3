//! The tasks that are running, as a text reporter needs to know them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use igos_report::{Outcome, Outlook, Subject, TaskId};

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
    /// When it was told what is left.
    looked: Instant,
    /// How far it was at the last line.
    done: u64,
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
                looked: now,
                done: 0,
            },
        );
        line
    }

    /// Returns what a task counts.
    pub(super) fn unit(&self, id: TaskId) -> Unit {
        let entry = self.0.get(&id);
        entry.map_or(Unit::Items, |entry| words::unit(&entry.subject))
    }

    /// Returns a line about the progress of a task if its last line was long ago.
    pub(super) fn advance(&mut self, id: TaskId, done: u64, total: Option<u64>) -> Option<String> {
        let entry = self.0.get_mut(&id)?;
        let elapsed = entry.told.elapsed();
        if elapsed < PROGRESS_EVERY {
            return None;
        }
        entry.told = Instant::now();
        let since = done.saturating_sub(std::mem::replace(&mut entry.done, done));
        let (verb, name) = words::running(&entry.subject);
        let shown = |number| match words::unit(&entry.subject) {
            Unit::Bytes => Size(number).to_string(),
            Unit::Items => number.to_string(),
        };
        let of = total
            .map(|total| format!(" of {}", shown(total)))
            .unwrap_or_default();
        let pace = match words::unit(&entry.subject) {
            Unit::Bytes => pace(
                since,
                elapsed,
                total.map(|total| total.saturating_sub(done)),
            ),
            Unit::Items => String::new(),
        };
        Some(format!(
            "{verb:>8} {}: {}{of}{pace}",
            escape_line(name),
            shown(done)
        ))
    }

    /// Returns a line about what is left of a task if the last such line was long ago.
    pub(super) fn outlook(&mut self, id: TaskId, outlook: &Outlook) -> Option<String> {
        let entry = self.0.get_mut(&id)?;
        if entry.looked.elapsed() < PROGRESS_EVERY {
            return None;
        }
        entry.looked = Instant::now();
        let (verb, name) = words::running(&entry.subject);
        let left = words::outlook(outlook);
        Some(format!("{verb:>8} {}: {left}", escape_line(name)))
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

/// Returns the rate at which bytes come, and the time that the rest takes at this rate.
fn pace(bytes: u64, elapsed: Duration, left: Option<u64>) -> String {
    let rate = (u128::from(bytes) * 1000 / elapsed.as_millis().max(1)) as u64;
    let remaining = left.and_then(|left| left.checked_div(rate));
    let remaining = remaining
        .map(|seconds| format!(", {} left", Elapsed(Duration::from_secs(seconds))))
        .unwrap_or_default();
    format!(", {}/s{remaining}", Size(rate))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::pace;

    #[test]
    fn pace_is_the_rate_and_the_time_that_is_left() {
        let ten = Duration::from_secs(10);
        assert_eq!(
            pace(10 * 1024 * 1024, ten, Some(90 * 1024 * 1024)),
            ", 1.0 MiB/s, 1 min 30 s left"
        );
        assert_eq!(pace(20_480, ten, None), ", 2.0 KiB/s");
        assert_eq!(pace(0, ten, Some(1)), ", 0 B/s");
    }
}
