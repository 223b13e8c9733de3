//! `pkm db check`.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_report::Place;
use igos_sysroot::{DatabaseCheck, Side, check_database};
use serde::Serialize;

use super::Context;

/// Compare the database with the records and the history, and name every difference
///
/// Needs no privilege and changes nothing. Ends with 1 if anything differs or is damaged.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm db check\n  pkm --root ./root db check --json")]
pub(super) struct DbCheck {}

impl DbCheck {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DbCheckAnswer, Failure> {
        Ok(DbCheckAnswer(check_database(&context.root_directory()?)?))
    }
}

/// What differs.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct DbCheckAnswer(DatabaseCheck);

impl Render for DbCheckAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if let Some(problem) = &self.0.problem {
            writeln!(out, "the database cannot be used: {problem}")?;
        }
        for damaged in &self.0.damaged {
            match &damaged.place {
                Some(Place::Named { name }) => writeln!(out, "{name}: {}", damaged.message)?,
                _ => writeln!(out, "{}", damaged.message)?,
            }
        }
        for difference in &self.0.differences {
            let side = match difference.only_in {
                Side::Database => "only in the database",
                Side::Records => "only in the records",
            };
            writeln!(out, "{side}: {} {}", difference.table, difference.row)?;
        }
        if self.0.is_clean() {
            writeln!(out, "the database is as records and history say")?;
        } else {
            writeln!(out, "make the database again from them: `pkm db rebuild`")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.0.is_clean() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
