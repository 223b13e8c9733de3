//! One line for each change: for pipes, logs and people who prefer it.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;

use igos_report::{Event, Reporter};

use super::running::Running;
use crate::render::Style;

/// Writes one line for each task that begins or ends, and one every ten seconds for a task that advances or tells what
/// is left of it.
///
/// What children print is left to the log file of their task.
pub(crate) struct Plain<W> {
    style: Style,
    state: Mutex<State<W>>,
}

struct State<W> {
    running: Running,
    out: W,
}

impl<W> fmt::Debug for Plain<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Plain<W> {
    pub(crate) fn new(out: W, style: Style) -> Self {
        Plain {
            style,
            state: Mutex::new(State {
                running: Running::default(),
                out,
            }),
        }
    }
}

impl<W: Write + Send> Reporter for Plain<W> {
    fn report(&self, event: Event) {
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds this lock");
        let line = match event {
            Event::Started { id, subject, .. } => Some(state.running.start(id, subject)),
            Event::Advanced { id, done, total } => state.running.advance(id, done, total),
            Event::Output { .. } => None,
            Event::Outlook { id, outlook } => state.running.outlook(id, &outlook),
            Event::Notice { diagnostic, .. } => Some(self.style.diagnostic(&diagnostic)),
            Event::Finished { id, outcome } => state.running.finish(id, &outcome),
        };
        if let Some(line) = line {
            // Nobody to tell: standard error is closed or full, and the work does not depend on it.
            let _told = writeln!(state.out, "{}", line.trim_end()).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use igos_report::{Diagnostic, Event, Outcome, Reporter, Subject, Task};

    use super::Plain;
    use crate::render::Style;

    #[test]
    fn each_change_is_one_line_without_control_bytes() {
        let mut out = Vec::new();
        let plain = Plain::new(&mut out, Style::PLAIN);
        let group = Task::start(&plain, None, Subject::Group("2 packages".into()));
        let build = Task::start(&plain, Some(group.id()), Subject::Build("zl\x1bib".into()));
        build.output(igos_report::Stream::Combined, "checking for gcc".into());
        build.advance(1, Some(2));
        build.finish(Outcome::Failed("exit status 1".into()));
        plain.report(Event::Notice {
            id: None,
            diagnostic: Diagnostic::warning("odd", "something is odd"),
        });
        group.finish(Outcome::Done);
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "   start 2 packages\n   build zl\\x1bib\n  failed build zl\\x1bib: exit status 1\n\
             warning[odd]: something is odd\n    done start 2 packages\n"
        );
    }
}
