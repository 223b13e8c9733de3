//! `pkm diff`: what differs between two points of the history.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{HistoryDifference, PathDiffers, Unmanaged};
use serde::Serialize;

use super::Context;

/// Show what differs between two points of the history
///
/// A point is the number of the transaction after which it is; 0 is before the first. Packages are named with both
/// versions, paths as far as the records of then are kept.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm diff 40 42\n  pkm diff 41\n  pkm diff 0 --json")]
pub(super) struct Diff {
    /// The one point
    #[arg(value_name = "FROM")]
    from: u64,
    /// The other point; by default now
    #[arg(value_name = "TO")]
    to: Option<u64>,
}

/// What differs.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct DiffAnswer(HistoryDifference);

impl Diff {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DiffAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let to = self.to.unwrap_or_else(|| sysroot.last_transaction());
        Ok(DiffAnswer(sysroot.difference(self.from, to)?))
    }
}

impl Render for DiffAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.0.packages.is_empty() {
            return writeln!(out, "nothing differs");
        }
        for package in &self.0.packages {
            let name = &package.name;
            match (&package.from, &package.to) {
                (None, Some(to)) => writeln!(out, "+ {name} {to}")?,
                (Some(from), None) => writeln!(out, "- {name} {from}")?,
                (Some(from), Some(to)) => writeln!(out, "~ {name} {from} -> {to}")?,
                (None, None) => {}
            }
            let Some(paths) = &package.paths else {
                writeln!(out, "    its paths of then are not kept any more")?;
                continue;
            };
            for difference in paths {
                let sign = match difference.what {
                    PathDiffers::Added => '+',
                    PathDiffers::Removed => '-',
                    PathDiffers::Changed => '~',
                };
                writeln!(out, "    {sign} /{}", difference.path)?;
            }
        }
        Ok(())
    }
}
