//! `igos-build why-rebuild`

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render, Session};
use serde::Serialize;

use super::build::{Goal, Work};
use super::recipes::{self, RecipeFlags};
use super::workshop::{PolicyFlags, WorkshopFlags};
use crate::schedule::{self, OnFailure, PackageReport, PackageStatus};

/// Say why a package would be built again
///
/// The inputs of the last build are compared with those of the next one: recipe files, sources, dependencies,
/// toolchain, flags, environment, sandbox.
#[derive(Debug, Args)]
pub(super) struct WhyRebuildCommand {
    /// The package
    name: String,
    #[command(flatten)]
    policy: PolicyFlags,
}

#[derive(Debug, Serialize)]
struct WhyAnswer {
    /// The package itself.
    #[serde(flatten)]
    package: PackageReport,
    /// The packages it needs that would be built first.
    first: Vec<PackageReport>,
}

impl WhyRebuildCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipe_flags: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipe_flags.load(session)?;
        let name = recipes::find(&tree, &self.name)?.recipe.name.clone();
        let goal = Goal::new(&tree, &[self.name], false)?;
        let workshop = workshop.open(globals, recipe_flags, session)?;
        let settings = workshop.build_settings(&self.policy)?;
        let _lock = workshop
            .cache
            .lock_for_use(workshop.waiting, session.reporter())?;
        let toolchain = workshop.toolchain(settings.mode)?;
        let graph = goal.graph(&tree, toolchain.as_ref(), OnFailure::Stop)?;
        let work = Work {
            workshop: &workshop,
            settings: &settings,
            tree: &tree,
            graph: &graph,
        };
        let report = work.run(toolchain.as_ref(), &BTreeSet::new(), session, |run| {
            Ok(schedule::preview(run)?)
        })?;
        let (package, others): (Vec<_>, Vec<_>) = report
            .packages
            .into_iter()
            .partition(|one| one.name == name);
        let package = package
            .into_iter()
            .next()
            .expect("the order of a recipe has that recipe");
        let first = others
            .into_iter()
            .filter(|one| one.status == PackageStatus::Planned)
            .collect();
        Ok(Answer::from(WhyAnswer { package, first }))
    }
}

impl Render for WhyAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self.package.status {
            PackageStatus::Cached => {
                return writeln!(
                    out,
                    "{} would not be built: {}",
                    self.package.name, self.package.reason
                );
            }
            _ => writeln!(
                out,
                "{} would be built: {}",
                self.package.name, self.package.reason
            )?,
        }
        for change in &self.package.changes {
            writeln!(out, "  {}", change.explanation)?;
            writeln!(
                out,
                "    was {}",
                change.before.as_deref().unwrap_or("absent")
            )?;
            writeln!(
                out,
                "    is  {}",
                change.after.as_deref().unwrap_or("absent")
            )?;
        }
        for package in &self.first {
            writeln!(out, "first {}: {}", package.name, package.reason)?;
        }
        Ok(())
    }
}
