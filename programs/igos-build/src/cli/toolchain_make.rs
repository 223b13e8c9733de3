//! `igos-build toolchain make`

use std::collections::BTreeSet;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Session};
use igos_format::{Arch, PackageName};

use super::build::{Goal, Work};
use super::recipes::RecipeFlags;
use super::toolchain::{State, answer};
use super::workshop::{PolicyFlags, WorkshopFlags};
use crate::schedule::{OnFailure, RunReport};
use crate::toolchain::{AssembleInput, assemble};

/// Make a toolchain of packages that are built here
///
/// The packages are built with the toolchain in use, and their archives, with those of everything that they need to
/// run, become a toolchain. Nothing is taken over from the toolchain in use: what builds with the new one sees only
/// what was built. This is one stage of a bootstrap.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages --toolchain debian-bookworm toolchain make stage0 gcc binutils musl-dev busybox make\n  igos-build --recipes packages --toolchain stage0 toolchain make stage1 gcc binutils musl-dev busybox make"
)]
pub(super) struct MakeCommand {
    /// The toolchain's name
    name: PackageName,
    /// The packages that it has
    #[arg(required = true)]
    packages: Vec<String>,
    #[command(flatten)]
    policy: PolicyFlags,
}

impl MakeCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipes.load(session)?;
        let goal = Goal::new(&tree, &self.packages, false)?;
        let workshop = workshop.open(globals, recipes, session)?;
        let settings = workshop.build_settings(&self.policy)?;
        let _lock = workshop
            .cache
            .lock_for_building(workshop.waiting, session.reporter())?;
        let toolchain = workshop.toolchain(settings.mode)?;
        let graph = goal.graph(&tree, toolchain.as_ref(), OnFailure::Stop)?;
        let work = Work {
            workshop: &workshop,
            settings: &settings,
            tree: &tree,
            graph: &graph,
        };
        let force = BTreeSet::new();
        let toolchain = toolchain.as_ref();
        let report = work.make(toolchain, &force, OnFailure::Stop, globals, session)?;
        if globals.dry_run {
            return Ok(Answer::from(super::build::BuildAnswer { report }));
        }
        refuse_unbuilt(&report)?;
        let packages: BTreeSet<PackageName> = self
            .packages
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        let made = assemble(&AssembleInput {
            name: &self.name,
            arch: Arch::native(),
            packages: &packages,
            archives: &report.archives(),
            toolchains: &workshop.cache.toolchains(),
        })?
        .keep()?;
        Ok(Answer::from(answer(&made, State::Made)))
    }
}

/// Refuses to go on where a package could not be built.
fn refuse_unbuilt(report: &RunReport) -> Result<(), Failure> {
    let exit = Exit::from_code(report.exit_code);
    if exit == Exit::Done {
        return Ok(());
    }
    Err(Failure {
        exit,
        diagnostics: report.failures(),
    })
}
