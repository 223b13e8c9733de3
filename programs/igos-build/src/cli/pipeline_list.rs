//! `igos-build pipeline list`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Failure, Render};
use serde::Serialize;

use crate::pipeline::{Explanation, Phase, explain};

/// List all phases in their order
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  igos-build pipeline list")]
pub(super) struct ListCommand {}

#[derive(Debug, Serialize)]
struct ListAnswer {
    phases: Vec<Listed>,
}

#[derive(Debug, Serialize)]
struct Listed {
    phase: Phase,
    number: usize,
    is_there: bool,
    summary: &'static str,
}

impl ListCommand {
    pub(super) fn execute(self) -> Result<Answer, Failure> {
        let listed = |phase: Phase| {
            let Explanation { summary, .. } = explain(phase);
            Listed {
                phase,
                number: phase.number(),
                is_there: phase.is_there(),
                summary,
            }
        };
        Ok(Answer::from(ListAnswer {
            phases: Phase::ALL.into_iter().map(listed).collect(),
        }))
    }
}

impl Render for ListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for one in &self.phases {
            writeln!(
                out,
                "{:>2} {:<15} {}",
                one.number,
                one.phase.as_str(),
                one.summary
            )?;
        }
        Ok(())
    }
}
