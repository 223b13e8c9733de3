//! `pkm history`: what was done to the root.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::PackageName;
use igos_sysroot::{
    HistoryEntry, HookError, HookJournal, HookPolicy, JobState, Undoable, Unmanaged,
};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;

/// Show what was done to the root, newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm history\n  pkm history zlib --last 5")]
pub(super) struct History {
    /// Show transactions that changed this package alone
    #[arg(value_name = "NAME")]
    name: Option<PackageName>,
    /// Show the last N transactions alone
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

impl History {
    pub(super) fn run(self, context: &Context<'_>) -> Result<HistoryAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let mut entries = sysroot.history(self.name.as_ref())?;
        entries.truncate(self.last.unwrap_or(usize::MAX));
        let undoable = sysroot.undoable();
        let with_hooks = entries.into_iter().map(|entry| {
            Ok(Transaction {
                hooks: sysroot.hooks_of(entry.transaction)?,
                undo: undoable
                    .iter()
                    .find(|kept| kept.transaction == entry.transaction)
                    .cloned(),
                entry,
            })
        });
        with_hooks
            .collect::<Result<_, HookError>>()
            .map(HistoryAnswer)
            .map_err(Failure::from)
    }
}

/// Transactions, newest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct HistoryAnswer(Vec<Transaction>);

/// A transaction, and what it ran and made besides files.
#[derive(Debug, Serialize)]
struct Transaction {
    #[serde(flatten)]
    entry: HistoryEntry,
    hooks: Option<HookJournal>,
    /// What is kept to undo it; `None` where it cannot be undone any more, or not by this user.
    undo: Option<Undoable>,
}

impl Render for HistoryAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for transaction in &self.0 {
            let Transaction { entry, hooks, undo } = transaction;
            match Timestamp::from_second(entry.time) {
                Ok(time) => writeln!(out, "{} {time}", entry.transaction)?,
                Err(_) => writeln!(out, "{} {} s since 1970", entry.transaction, entry.time)?,
            }
            if let Some(point) = entry.rollback_to {
                writeln!(out, "  back to after transaction {point}")?;
            }
            match undo {
                Some(Undoable {
                    is_complete: true, ..
                }) => writeln!(out, "  can be undone: `pkm rollback {}`", entry.transaction)?,
                Some(_) => writeln!(
                    out,
                    "  can be undone with the archives of before: `pkm rollback {} --archives DIR`",
                    entry.transaction
                )?,
                None => {}
            }
            for change in &entry.changes {
                write!(out, "  {} {}", change.action, change.name)?;
                match (&change.from, &change.to) {
                    (Some(from), Some(to)) if from != to => write!(out, " from {from} to {to}")?,
                    (_, Some(version)) | (Some(version), None) => write!(out, " {version}")?,
                    (None, None) => {}
                }
                if let Some(trust) = &change.trust {
                    write!(out, ", {trust}")?;
                }
                writeln!(out)?;
            }
            let Some(hooks) = hooks else {
                continue;
            };
            if hooks.policy == HookPolicy::Skip {
                writeln!(out, "  hooks and triggers were turned off")?;
            }
            for (job, state) in &hooks.jobs {
                match state {
                    JobState::Failed(why) => writeln!(out, "  failed: {job}: {why}")?,
                    JobState::Waiting => writeln!(out, "  not run yet: {job}")?,
                    JobState::Done | JobState::Skipped(_) => {}
                }
            }
        }
        Ok(())
    }
}
