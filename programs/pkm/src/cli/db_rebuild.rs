//! `pkm db rebuild`.

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::PackageName;
use igos_report::Diagnostic;
use igos_sysroot::{Forget, Rebuilt};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;
use super::context::Begin;

/// Make the database again from the records and the history
///
/// Records that are damaged or gone are restored from the old database, which is then moved aside. Where a package is
/// installed and its record cannot be used, nothing is changed, unless the package is to be forgotten. Ends with 1
/// then, and if a text of the history is damaged and so could not be taken up.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm db rebuild\n  pkm --root /mnt/target db rebuild\n  pkm db rebuild --forget zlib"
)]
pub(super) struct DbRebuild {
    /// Forget this package if its record cannot be used, which the history says; its files stay and belong to no
    /// package. Can be given several times
    #[arg(long, value_name = "NAME")]
    forget: Vec<PackageName>,
}

impl DbRebuild {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DbRebuildAnswer, Failure> {
        if context.is_dry_run() {
            return Err(Failure::usage("making the database again is not planned")
                .hint("look at what would change: `pkm db check`"));
        }
        let packages: BTreeSet<PackageName> = self.forget.into_iter().collect();
        let forget = (!packages.is_empty()).then(|| Forget {
            packages,
            time: Timestamp::now().as_second(),
        });
        let locked = context.locked_to_forget(Begin::Refuse, forget)?;
        let (locked, rebuilt) = locked.rebuild_database()?;
        let Rebuilt {
            done,
            damaged,
            aside,
        } = rebuilt;
        context.tell(&done);
        let packages = locked.list()?.len();
        Ok(DbRebuildAnswer {
            packages,
            damaged,
            aside,
        })
    }
}

/// What was taken up, and what was not.
#[derive(Debug, Serialize)]
pub(super) struct DbRebuildAnswer {
    packages: usize,
    damaged: Vec<Diagnostic>,
    /// Where the old one is, in the state directory.
    aside: Option<String>,
}

impl Render for DbRebuildAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for damaged in &self.damaged {
            writeln!(out, "left out: {}", damaged.message)?;
        }
        writeln!(out, "the database has {} packages", self.packages)?;
        if let Some(aside) = &self.aside {
            writeln!(out, "the old one is now var/lib/igos/{aside}")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.damaged.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
