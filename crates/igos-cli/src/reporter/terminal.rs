//! Bars for what is running; what has ended becomes one line above them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;
use std::time::Duration;

use igos_report::{Event, Reporter, Subject, TaskId};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::running::Running;
use super::words::{self, Unit};
use crate::escape_line;
use crate::render::Style;

/// Frames per second: more would cost time and nobody could read them.
const FRAMES_PER_SECOND: u8 = 10;
/// How often a bar without news turns its spinner, so that one sees that the program lives.
const TICK: Duration = Duration::from_millis(200);

/// Draws bars on standard error.
pub(crate) struct Terminal {
    style: Style,
    bars: MultiProgress,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Running,
    bars: BTreeMap<TaskId, ProgressBar>,
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

impl Terminal {
    pub(crate) fn new(style: Style) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(FRAMES_PER_SECOND);
        Terminal {
            style,
            bars: MultiProgress::with_draw_target(target),
            state: Mutex::default(),
        }
    }

    /// Takes the bars away while `body` uses the terminal.
    pub(crate) fn suspend<T>(&self, body: impl FnOnce() -> T) -> T {
        self.bars.suspend(body)
    }

    /// Takes all bars away.
    pub(crate) fn clear(&self) {
        // A terminal that went away has nothing left to clear.
        let _cleared = self.bars.clear().is_ok();
    }

    fn print(&self, text: &str) {
        // Not `MultiProgress::println`: with no bar left it does not end its line.
        self.bars.suspend(|| {
            // Nobody to tell: the terminal went away, and the work does not depend on it.
            let _told = writeln!(io::stderr(), "{}", text.trim_end()).is_ok();
        });
    }

    fn start(&self, id: TaskId, subject: Subject) {
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds this lock");
        let bar = self.bars.add(ProgressBar::no_length());
        bar.set_style(without_total(&subject));
        let (verb, name) = words::running(&subject);
        bar.set_prefix(format!("{verb:>8} {}", escape_line(name)));
        bar.enable_steady_tick(TICK);
        state.running.start(id, subject);
        state.bars.insert(id, bar);
    }

    fn unit(&self, id: TaskId) -> Unit {
        let state = self
            .state
            .lock()
            .expect("no thread panics while it holds this lock");
        state.running.unit(id)
    }

    fn bar(&self, id: TaskId) -> Option<ProgressBar> {
        self.state
            .lock()
            .expect("no thread panics while it holds this lock")
            .bars
            .get(&id)
            .cloned()
    }
}

impl Reporter for Terminal {
    fn report(&self, event: Event) {
        match event {
            Event::Started { id, subject, .. } => self.start(id, subject),
            Event::Advanced { id, done, total } => {
                if let Some(bar) = self.bar(id) {
                    if total.is_some() && bar.length() != total {
                        bar.set_length(total.unwrap_or_default());
                        bar.set_style(with_total(self.unit(id)));
                    }
                    bar.set_position(done);
                }
            }
            Event::Output { id, line, .. } => {
                if let Some(bar) = self.bar(id) {
                    bar.set_message(escape_line(&line).into_owned());
                }
            }
            Event::Outlook { id, outlook } => {
                if let Some(bar) = self.bar(id) {
                    bar.set_message(words::outlook(&outlook));
                }
            }
            Event::Notice { diagnostic, .. } => self.print(&self.style.diagnostic(&diagnostic)),
            Event::Finished { id, outcome } => {
                let mut state = self
                    .state
                    .lock()
                    .expect("no thread panics while it holds this lock");
                let line = state.running.finish(id, &outcome);
                if let Some(bar) = state.bars.remove(&id) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                if let Some(line) = line {
                    self.print(&line);
                }
            }
        }
    }
}

fn with_total(unit: Unit) -> ProgressStyle {
    ProgressStyle::with_template(match unit {
        Unit::Bytes => {
            "{prefix} {bar:20} {percent:>3} % of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left {wide_msg}"
        }
        Unit::Items => "{prefix} {bar:20} {percent:>3} % {wide_msg}",
    })
    .expect("the template is valid")
}

fn without_total(subject: &Subject) -> ProgressStyle {
    ProgressStyle::with_template(match words::unit(subject) {
        Unit::Bytes => "{prefix} {spinner} {binary_bytes} {wide_msg}",
        Unit::Items => "{prefix} {spinner} {elapsed} {wide_msg}",
    })
    .expect("the template is valid")
}
