//! How a subject reads in a line of text.

use std::time::Duration;

use igos_report::{Outcome, Outlook, Subject};

use crate::{Elapsed, escape_line};

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

/// Returns what is left of a task in one line.
pub(super) fn outlook(outlook: &Outlook) -> String {
    let mut line = format!("{} ready, {} waiting", outlook.ready, outlook.waiting);
    let left = Elapsed(Duration::from_secs(outlook.remaining_seconds));
    match (outlook.remaining_seconds, outlook.unknown) {
        (0, 0) => {}
        (0, unknown) => line.push_str(&format!(
            ", nobody knows how long: {unknown} never built here"
        )),
        (_, 0) => line.push_str(&format!(", about {left} left")),
        (_, unknown) => line.push_str(&format!(
            ", at least {left} left: {unknown} never built here"
        )),
    }
    if !outlook.critical.is_empty() {
        let chain = outlook.critical.join(" → ");
        line.push_str(&format!("; longest: {}", escape_line(&chain)));
    }
    line
}

#[cfg(test)]
mod tests {
    use igos_report::Outlook;

    #[test]
    fn what_is_left_is_one_line() {
        let mut left = Outlook {
            running: vec!["gcc".into()],
            ready: 2,
            waiting: 30,
            critical: vec!["gcc".into(), "git".into()],
            remaining_seconds: 130,
            unknown: 1,
        };
        assert_eq!(
            super::outlook(&left),
            "2 ready, 30 waiting, at least 2 min 10 s left: 1 never built here; longest: gcc → git"
        );
        left.critical.clear();
        left.unknown = 0;
        assert_eq!(
            super::outlook(&left),
            "2 ready, 30 waiting, about 2 min 10 s left"
        );
        left.remaining_seconds = 0;
        left.unknown = 3;
        assert_eq!(
            super::outlook(&left),
            "2 ready, 30 waiting, nobody knows how long: 3 never built here"
        );
        left.unknown = 0;
        assert_eq!(super::outlook(&left), "2 ready, 30 waiting");
    }
}
