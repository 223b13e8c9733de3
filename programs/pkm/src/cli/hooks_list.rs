//! `pkm hooks list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{HookJournal, HookPolicy, JobState, Unmanaged};
use serde::Serialize;

use super::Context;
use super::plan_hooks::line;

/// List what is left to be run, or what one transaction ran
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm hooks list\n  pkm hooks list --transaction 12")]
pub(super) struct HooksList {
    /// Show everything that transaction N had to run and make, and what became of it
    #[arg(long, value_name = "N")]
    transaction: Option<u64>,
}

impl HooksList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<HooksListAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let journals = match self.transaction {
            Some(transaction) => sysroot.hooks_of(transaction)?.into_iter().collect(),
            None => sysroot.hooks_left()?,
        };
        Ok(HooksListAnswer(journals))
    }
}

/// Journals of hooks, by transaction.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct HooksListAnswer(Vec<HookJournal>);

impl Render for HooksListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for journal in &self.0 {
            write!(out, "transaction {}", journal.transaction)?;
            match journal.policy {
                HookPolicy::Run => writeln!(out)?,
                HookPolicy::Skip => writeln!(out, ", hooks and triggers turned off")?,
            }
            for (job, state) in &journal.jobs {
                match state {
                    JobState::Waiting => writeln!(out, "  waiting  {}", line(job))?,
                    JobState::Done => writeln!(out, "  done     {}", line(job))?,
                    JobState::Skipped(why) => writeln!(out, "  skipped  {} ({why})", line(job))?,
                    JobState::Failed(why) => writeln!(out, "  failed   {} ({why})", line(job))?,
                }
            }
        }
        Ok(())
    }
}
