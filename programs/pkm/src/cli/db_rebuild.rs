//! `pkm db rebuild`.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_report::Diagnostic;
use serde::Serialize;

use super::Context;
use super::context::Begin;

/// Make the database again from the records and the history
///
/// Ends with 1 if a record or a transaction is damaged and so could not be taken up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm db rebuild\n  pkm --root /mnt/target db rebuild")]
pub(super) struct DbRebuild {}

impl DbRebuild {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DbRebuildAnswer, Failure> {
        if context.is_dry_run() {
            return Err(Failure::usage("making the database again is not planned")
                .hint("look at what would change: `pkm db check`"));
        }
        let mut locked = context.locked(Begin::Refuse)?;
        let damaged = locked.rebuild_database()?;
        let packages = locked.list()?.len();
        Ok(DbRebuildAnswer { packages, damaged })
    }
}

/// What was taken up, and what was not.
#[derive(Debug, Serialize)]
pub(super) struct DbRebuildAnswer {
    packages: usize,
    damaged: Vec<Diagnostic>,
}

impl Render for DbRebuildAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for damaged in &self.damaged {
            writeln!(out, "left out: {}", damaged.message)?;
        }
        writeln!(out, "the database has {} packages", self.packages)
    }

    fn exit(&self) -> Exit {
        if self.damaged.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
