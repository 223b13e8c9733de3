//! One JSON object for each event: for programs that watch ours.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;

use igos_report::{Event, Reporter};
use serde::Serialize;

/// Version of the objects; documented in `docs/json/events.md`.
const SCHEMA: u32 = 1;

/// Writes one JSON object in one line for each event.
pub(crate) struct JsonLines<W>(Mutex<W>);

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}

impl<W: Write + Send> JsonLines<W> {
    pub(crate) fn new(out: W) -> Self {
        JsonLines(Mutex::new(out))
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn report(&self, event: Event) {
        let line = serde_json::to_string(&Line {
            schema: SCHEMA,
            event: &event,
        })
        .expect("events hold only text");
        let mut out = self
            .0
            .lock()
            .expect("no thread panics while it holds this lock");
        // Nobody to tell: standard error is closed or full, and the work does not depend on it.
        let _told = writeln!(out, "{line}").is_ok();
    }
}

#[cfg(test)]
mod tests {
    use igos_report::{Diagnostic, Event, Outcome, Outlook, Reporter, Stream, Subject, TaskId};

    use super::JsonLines;

    #[test]
    fn every_kind_of_event_reads_as_documented() {
        let mut out = Vec::new();
        let lines = JsonLines::new(&mut out);
        let id = TaskId(7);
        for event in [
            Event::Started {
                id,
                parent: None,
                subject: Subject::Build("zlib".into()),
            },
            Event::Advanced {
                id,
                done: 1,
                total: Some(2),
            },
            Event::Output {
                id,
                stream: Stream::Combined,
                line: "\x1b[1mmake".into(),
            },
            Event::Outlook {
                id,
                outlook: Outlook {
                    running: vec!["gcc".into()],
                    ready: 1,
                    waiting: 2,
                    critical: vec!["gcc".into(), "git".into()],
                    remaining_seconds: 60,
                    unknown: 0,
                },
            },
            Event::Notice {
                id: Some(id),
                diagnostic: Diagnostic::warning("odd", "something is odd"),
            },
            Event::Finished {
                id,
                outcome: Outcome::Failed("exit status 1".into()),
            },
            Event::Finished {
                id,
                outcome: Outcome::Done,
            },
        ] {
            lines.report(event);
        }
        let text = String::from_utf8(out).expect("text");
        let documented = include_str!("../../../../docs/json/events.md");
        for line in text.lines() {
            assert!(
                documented.contains(line),
                "docs/json/events.md does not show: {line}"
            );
        }
        assert_eq!(text.lines().count(), 7);
    }
}
