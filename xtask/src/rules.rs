//! What came of looking whether the sources keep a rule.

use std::fmt;

use igos_cli::{Exit, Render};
use serde::Serialize;

/// What was looked at, and what breaks the rule.
#[derive(Debug, Serialize)]
pub(crate) struct RuleAnswer {
    /// In words, with numbers.
    pub(crate) looked_at: String,
    /// Each with its place.
    pub(crate) broken: Vec<String>,
}

impl Render for RuleAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for broken in &self.broken {
            writeln!(out, "{broken}")?;
        }
        writeln!(out, "{}, {} violations", self.looked_at, self.broken.len())
    }

    fn exit(&self) -> Exit {
        if self.broken.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
