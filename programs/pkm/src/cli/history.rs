//! `pkm history`: what was done to the root.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::PackageName;
use igos_sysroot::{HistoryEntry, Unmanaged};
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
        let mut entries = context
            .sysroot(Unmanaged::Refuse)?
            .history(self.name.as_ref())?;
        entries.truncate(self.last.unwrap_or(usize::MAX));
        Ok(HistoryAnswer(entries))
    }
}

/// Transactions, newest first.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct HistoryAnswer(Vec<HistoryEntry>);

impl Render for HistoryAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for entry in &self.0 {
            match Timestamp::from_second(entry.time) {
                Ok(time) => writeln!(out, "{} {time}", entry.transaction)?,
                Err(_) => writeln!(out, "{} {} s since 1970", entry.transaction, entry.time)?,
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
        }
        Ok(())
    }
}
