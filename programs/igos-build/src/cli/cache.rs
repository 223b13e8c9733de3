//! `igos-build cache`

use std::fmt;
use std::time::SystemTime;

use clap::Subcommand;
use igos_cli::{Answer, Failure, Globals, Render, Session, Size};
use serde::Serialize;

use super::recipes::RecipeFlags;
use super::workshop::WorkshopFlags;
use crate::cache::{CacheList, GarbagePolicy, GarbageReport};

/// List what the build cache holds, and delete what nothing needs
#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// List the builds in the cache, and whether their archives are intact
    List,
    /// Delete builds, layers, logs and failed builds that no current build needs
    ///
    /// The build of each package that was used last is kept, with what it was built with. Sources and toolchains
    /// are kept in every case.
    Gc {
        /// Keep everything that is at most N days old
        #[arg(long, value_name = "N", default_value_t = 0)]
        keep_days: u32,
    },
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ListAnswer(CacheList);

#[derive(Debug, Serialize)]
#[serde(transparent)]
struct GarbageAnswer(GarbageReport);

impl CacheCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let workshop = workshop.open(globals, recipes, session)?;
        let (cache, reporter) = (&workshop.cache, session.reporter());
        match self {
            CacheCommand::List => {
                let _lock = cache.lock_for_use(workshop.waiting, reporter)?;
                Ok(Answer::from(ListAnswer(cache.list()?)))
            }
            CacheCommand::Gc { keep_days } => {
                let _lock = cache.lock_for_collecting(workshop.waiting, reporter)?;
                let policy = GarbagePolicy {
                    is_dry_run: globals.dry_run,
                    ..GarbagePolicy::keep_days(keep_days, SystemTime::now())
                };
                Ok(Answer::from(GarbageAnswer(cache.collect_garbage(policy)?)))
            }
        }
    }
}

impl Render for ListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let list = &self.0;
        for build in &list.builds {
            let state = match (&build.damaged, build.is_current) {
                (Some(reason), _) => format!("damaged: {reason}"),
                (None, true) => "current".to_owned(),
                (None, false) => "old".to_owned(),
            };
            writeln!(
                out,
                "{} {}  {}  {}  {state}",
                build.name,
                build.version,
                Size(build.size_bytes),
                build.key
            )?;
        }
        for name in &list.failed {
            writeln!(
                out,
                "{name}: the last failed build is kept, see `igos-build shell {name} --failed`"
            )?;
        }
        writeln!(
            out,
            "{}: {} builds, {} layers",
            list.directory.display(),
            list.builds.len(),
            list.layers
        )
    }
}

impl Render for GarbageAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let report = &self.0;
        for path in &report.deleted {
            writeln!(out, "{path}")?;
        }
        let verb = if report.is_dry_run {
            "would be deleted"
        } else {
            "deleted"
        };
        writeln!(
            out,
            "{} {verb}, {}",
            report.deleted.len(),
            Size(report.size_bytes)
        )
    }
}
