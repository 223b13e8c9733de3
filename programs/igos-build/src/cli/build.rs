//! `igos-build build`

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use fs_err as fs;
use igos_cli::{Answer, Elapsed, Exit, Failure, Globals, Render, Session, Size};
use igos_format::PackageName;
use igos_report::Diagnostic;
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use super::workshop::{PolicyFlags, Workshop, WorkshopFlags, provided, require_sandbox};
use crate::build_root::ToolchainView;
use crate::execute::BuildSettings;
use crate::plan::{Graph, Order, order, order_all};
use crate::schedule::{
    self, BuildGraph, BuildRun, OnFailure, PackageReport, PackageStatus, RunReport,
};
use crate::tree::{Tree, TreeEntry};

/// Build packages and everything they need
///
/// What the cache has is not built again: a package is built when something that goes into it changed, and the
/// answer says what. Each step of a build runs in a sandbox without network that holds nothing but the toolchain
/// and the declared dependencies.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages build pigz\n  igos-build --recipes packages build --all --keep-going --output archives\n  igos-build --recipes packages build pigz --dry-run"
)]
pub(super) struct BuildCommand {
    /// Packages to build
    #[arg(required_unless_present = "all")]
    names: Vec<String>,
    /// All packages of the search path
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Go on with what does not depend on a failed package, or on a recipe with errors
    #[arg(long)]
    keep_going: bool,
    /// Build the named packages even if the cache has them
    #[arg(long)]
    force: bool,
    /// Put the archives into DIR, too
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    policy: PolicyFlags,
}

#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct BuildAnswer {
    pub(super) report: RunReport,
}

impl BuildCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipes.load(session)?;
        let on_failure = self.on_failure();
        if self.all && on_failure == OnFailure::Stop {
            recipes::require_sound(&tree)?;
        }
        let goal = Goal::new(&tree, &self.names, self.all)?;
        let workshop = workshop.open(globals, recipes, session)?;
        let settings = workshop.build_settings(&self.policy)?;
        let _lock = workshop
            .cache
            .lock_for_building(workshop.waiting, session.reporter())?;
        let toolchain = workshop.toolchain(settings.mode)?;
        let graph = goal.graph(&tree, toolchain.as_ref(), on_failure)?;
        let force = if self.force {
            goal.explicit(&tree)
        } else {
            BTreeSet::new()
        };
        let work = Work {
            workshop: &workshop,
            settings: &settings,
            tree: &tree,
            graph: &graph,
        };
        let mut report = work.make(toolchain.as_ref(), &force, on_failure, globals, session)?;
        for diagnostic in report
            .packages
            .iter()
            .flat_map(|package| &package.diagnostics)
        {
            session.notice(diagnostic.clone());
        }
        if let Some(directory) = &self.output
            && !globals.dry_run
        {
            copy_archives(&report, directory)?;
        }
        if self.all && report.exit_code == 0 {
            // Recipes that nobody can name are part of what was asked for, and not of the report.
            report.exit_code = recipes::exit(&tree).code();
        }
        Ok(Answer::from(BuildAnswer { report }))
    }

    fn on_failure(&self) -> OnFailure {
        if self.keep_going {
            OnFailure::KeepGoing
        } else {
            OnFailure::Stop
        }
    }
}

/// What was asked for, in the order in which it is built.
pub(super) struct Goal {
    graph: Graph,
    order: Order,
    names: Vec<String>,
    is_all: bool,
}

impl Goal {
    /// Orders what was asked for.
    ///
    /// # Errors
    ///
    /// Names everything that was asked for and that no recipe makes.
    pub(super) fn new(tree: &Tree, names: &[String], is_all: bool) -> Result<Self, Failure> {
        let graph = Graph::of_tree(tree);
        let order = if is_all {
            order_all(&graph)
        } else {
            order(&graph, names)
        };
        let absent: Vec<Diagnostic> = order
            .missing
            .iter()
            .filter(|missing| missing.required_by.is_none())
            .map(|missing| recipes::absent(tree, &missing.name))
            .collect();
        if !absent.is_empty() {
            return Err(Failure {
                exit: Exit::No,
                diagnostics: absent,
            });
        }
        Ok(Goal {
            graph,
            order,
            names: names.to_vec(),
            is_all,
        })
    }

    pub(super) fn graph<'t>(
        &self,
        tree: &'t Tree,
        toolchain: Option<&ToolchainView>,
        on_failure: OnFailure,
    ) -> Result<BuildGraph<'t>, Failure> {
        Ok(BuildGraph::new(
            tree,
            &self.graph,
            &self.order,
            &provided(toolchain),
            on_failure,
        )?)
    }

    /// Returns the recipes of the order.
    pub(super) fn entries<'t>(&self, tree: &'t Tree) -> Vec<&'t TreeEntry> {
        let found = self
            .order
            .order
            .iter()
            .filter_map(|step| self.graph.find(&step.name));
        found.map(|at| &tree.entries[at]).collect()
    }

    fn explicit(&self, tree: &Tree) -> BTreeSet<PackageName> {
        if self.is_all {
            tree.entries
                .iter()
                .map(|entry| entry.recipe.name.clone())
                .collect()
        } else {
            self.names
                .iter()
                .filter_map(|name| name.parse().ok())
                .collect()
        }
    }
}

/// What a run is made of, for commands that build.
pub(super) struct Work<'a> {
    pub(super) workshop: &'a Workshop,
    pub(super) settings: &'a BuildSettings,
    pub(super) tree: &'a Tree,
    pub(super) graph: &'a BuildGraph<'a>,
}

impl Work<'_> {
    /// Builds what is not in the cache; with `--dry-run`, only says what that is.
    pub(super) fn make(
        &self,
        toolchain: Option<&ToolchainView>,
        force: &BTreeSet<PackageName>,
        on_failure: OnFailure,
        globals: &Globals,
        session: &Session,
    ) -> Result<RunReport, Failure> {
        self.run(toolchain, force, session, |run| {
            let run = BuildRun { on_failure, ..*run };
            if globals.dry_run {
                return Ok(schedule::preview(&run)?);
            }
            require_sandbox(self.settings.confinement)?;
            self.workshop.cache.delete_stale_work()?;
            Ok(schedule::build(&run))
        })
    }

    /// Calls `operation` with the run, which stops at the first failure.
    pub(super) fn run<T>(
        &self,
        toolchain: Option<&ToolchainView>,
        force: &BTreeSet<PackageName>,
        session: &Session,
        operation: impl FnOnce(&BuildRun<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let fetcher = self.workshop.fetcher();
        let interrupted = session.interrupt().flag();
        operation(&BuildRun {
            cache: &self.workshop.cache,
            settings: self.settings,
            tree: self.tree,
            graph: self.graph,
            toolchain,
            fetcher: &fetcher,
            jobs: self.workshop.jobs(),
            on_failure: OnFailure::Stop,
            force,
            interrupted: &interrupted,
            reporter: session.reporter(),
        })
    }
}

fn copy_archives(report: &RunReport, directory: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        let diagnostic = Diagnostic::error(
            "archive-not-copied",
            format!("cannot put archives into {}", path.display()),
        );
        Failure::new(Exit::Unfinished, diagnostic.because(error.to_string()))
    };
    fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    for output in report.packages.iter().flat_map(|package| &package.outputs) {
        let Some(name) = output.archive.file_name() else {
            continue;
        };
        let to = directory.join(name);
        let partial = directory.join(format!(".{}.partial", name.to_string_lossy()));
        fs::copy(&output.archive, &partial)
            .and_then(|_| fs::rename(&partial, &to))
            .map_err(|error| failed(&to, error))?;
    }
    Ok(())
}

impl Render for BuildAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for package in &self.report.packages {
            render_package(package, out)?;
        }
        let report = &self.report;
        writeln!(
            out,
            "{} built, {} from the cache, {} failed, {} skipped in {}",
            report.built,
            report.cached,
            report.failed,
            report.skipped,
            Elapsed(std::time::Duration::from_secs_f64(report.seconds))
        )
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.report.exit_code)
    }
}

fn render_package(package: &PackageReport, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(
        out,
        "{:<8} {} {}-{}: {}",
        package.status.as_str(),
        package.name,
        package.version,
        package.release,
        package.reason
    )?;
    for output in &package.outputs {
        writeln!(
            out,
            "         {} ({})",
            output.archive.display(),
            Size(output.size_bytes)
        )?;
    }
    match (&package.log, package.status) {
        (Some(log), PackageStatus::Failed) => writeln!(out, "         log: {}", log.display()),
        _ => Ok(()),
    }
}
