//! `igos-build pipeline explain`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Failure, Render};
use serde::Serialize;

use crate::pipeline::{Explanation, Phase, explain};

/// Say what a phase does, what it is made from, what it makes, and how that is checked
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  igos-build pipeline explain chroot-prep")]
pub(super) struct ExplainCommand {
    /// The phase
    phase: Phase,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ExplainAnswer {
    explanation: Explanation,
}

impl ExplainCommand {
    pub(super) fn execute(self) -> Result<Answer, Failure> {
        let explanation = explain(self.phase);
        Ok(Answer::from(ExplainAnswer { explanation }))
    }
}

impl Render for ExplainAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let one = &self.explanation;
        writeln!(out, "{} {}: {}", one.phase.number(), one.phase, one.summary)?;
        writeln!(out, "\ndoes: {}", one.does)?;
        writeln!(out, "\ninputs: {}", one.inputs)?;
        writeln!(out, "\noutputs: {}", one.outputs)?;
        writeln!(out, "\ncheck: {}", one.check)
    }
}
