//! How a subject reads in a line of text.

use igos_report::{Outcome, Subject};

/// What a task counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    Items,
}

/// Returns what a task counts: what is read and written as a whole is measured in bytes.
pub(super) fn unit(subject: &Subject) -> Unit {
    match subject {
        Subject::Fetch(_) | Subject::Unpack(_) | Subject::Pack(_) => Unit::Bytes,
        Subject::Group(_)
        | Subject::Build(_)
        | Subject::Step(_)
        | Subject::Apply(_)
        | Subject::Hook(_)
        | Subject::Verify(_)
        | Subject::Phase(_) => Unit::Items,
    }
}

/// Returns the verb of a running task, and its name.
pub(super) fn running(subject: &Subject) -> (&'static str, &str) {
    match subject {
        Subject::Group(name) => ("start", name),
        Subject::Fetch(name) => ("fetch", name),
        Subject::Build(name) => ("build", name),
        Subject::Step(name) => ("step", name),
        Subject::Unpack(name) => ("unpack", name),
        Subject::Pack(name) => ("pack", name),
        Subject::Apply(name) => ("apply", name),
        Subject::Hook(name) => ("run", name),
        Subject::Verify(name) => ("verify", name),
        Subject::Phase(name) => ("phase", name),
    }
}

/// Returns the word for how a task ended, and the reason if there is one.
pub(super) fn ended(outcome: &Outcome) -> (&'static str, Option<&str>) {
    match outcome {
        Outcome::Done => ("done", None),
        Outcome::Skipped(reason) => ("skipped", Some(reason)),
        Outcome::Failed(reason) => ("failed", Some(reason)),
        Outcome::Abandoned => ("stopped", None),
    }
}
