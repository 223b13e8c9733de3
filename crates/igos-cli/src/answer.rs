//! What a command says in the end: an answer, or why there is none.

use std::{fmt, io};

use igos_report::{Diagnostic, Explain};
use serde::Serialize;

use crate::Exit;

/// A value that a command answers with, for people and for programs.
pub trait Render: Serialize {
    /// Writes the answer for people. Control bytes are escaped on the way out, except for line feeds and tabs.
    ///
    /// # Errors
    ///
    /// Passes on what `out` returns.
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result;

    /// Returns how the program ends after this answer.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// The value a command answers with, whatever its type.
pub struct Answer(Box<dyn AnyAnswer>);

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answer").field(&self.exit()).finish()
    }
}

impl<T: Render + 'static> From<T> for Answer {
    fn from(value: T) -> Self {
        Answer(Box::new(value))
    }
}

impl Answer {
    /// Returns how the program ends after this answer.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.0.exit()
    }

    /// Returns the answer for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.0
            .render(&mut text)
            .expect("writing to a string cannot fail");
        text
    }

    /// Writes the answer for programs: one JSON value. It is never whole in memory: that of a large plan has many MiB.
    ///
    /// # Errors
    ///
    /// Returns the failure of a value that JSON cannot hold, which is a defect of ours, or what `out` returns.
    pub fn write_json(&self, out: &mut dyn io::Write) -> Result<(), serde_json::Error> {
        self.0.write_json(out)
    }
}

trait AnyAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result;
    fn exit(&self) -> Exit;
    fn write_json(&self, out: &mut dyn io::Write) -> Result<(), serde_json::Error>;
}

impl<T: Render> AnyAnswer for T {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        Render::render(self, out)
    }

    fn exit(&self) -> Exit {
        Render::exit(self)
    }

    fn write_json(&self, out: &mut dyn io::Write) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, self)
    }
}

/// Why a command has no answer: everything that is wrong, and how the program ends.
///
/// Every [`Explain`] error turns into one with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What is wrong, in the order in which it is shown.
    pub diagnostics: Vec<Diagnostic>,
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure {
            exit: Exit::from_code(error.exit_code()),
            diagnostics: error.diagnostics(),
        }
    }
}

impl Failure {
    /// Returns a failure with one error.
    #[must_use]
    pub fn new(exit: Exit, diagnostic: Diagnostic) -> Self {
        Failure {
            exit,
            diagnostics: vec![diagnostic],
        }
    }

    /// Returns the failure of a command line that parses but makes no sense.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Failure::new(Exit::Usage, Diagnostic::error("usage", message))
    }

    /// Adds an action that the reader can take to the last diagnostic.
    #[must_use]
    pub fn hint(mut self, action: impl Into<String>) -> Self {
        if let Some(last) = self.diagnostics.pop() {
            self.diagnostics.push(last.hint(action));
        }
        self
    }

    /// Returns the failure as the one JSON value that `--json` prints: `{"error": {…}}`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "error": { "exit_code": self.exit.code(), "diagnostics": self.diagnostics } })
    }
}
