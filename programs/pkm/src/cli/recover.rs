//! `pkm recover`: after a power cut.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_sysroot::Recovery;
use serde::Serialize;

use super::Context;
use super::context::Begin;

/// Finish or undo a transaction that was interrupted
///
/// Every command that changes the root does this first. This one also reads all records and the whole history, and
/// restores what is damaged or gone from the database. Ends with 1 if a transaction had to be undone, or if something
/// cannot be restored.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm recover\n  pkm --root /mnt/target recover --wait")]
pub(super) struct Recover {}

impl Recover {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RecoverAnswer, Failure> {
        if context.is_dry_run() {
            return Err(Failure::usage(
                "what is interrupted can only be finished or undone, not planned",
            )
            .hint("leave out `--dry-run`"));
        }
        let mut locked = context.locked(Begin::Refuse)?;
        context.tell(&locked.restore_texts()?);
        Ok(RecoverAnswer(locked.recovery().clone()))
    }
}

/// What was found and done.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct RecoverAnswer(Recovery);

impl Render for RecoverAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match &self.0 {
            Recovery::Nothing => writeln!(out, "nothing was interrupted"),
            Recovery::Finished { transaction } => {
                writeln!(out, "transaction {transaction} is finished")
            }
            Recovery::Undone { transaction, .. } => {
                writeln!(out, "transaction {transaction} is undone")
            }
        }
    }

    fn exit(&self) -> Exit {
        match self.0 {
            Recovery::Undone { .. } => Exit::No,
            Recovery::Nothing | Recovery::Finished { .. } => Exit::Done,
        }
    }
}
