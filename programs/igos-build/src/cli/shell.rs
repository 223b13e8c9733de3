//! `igos-build shell`

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session};
use igos_format::PackageName;
use igos_report::Diagnostic;
use igos_sandbox::Status;
use serde::Serialize;

use super::build::{Goal, Work};
use super::recipes::{self, RecipeFlags};
use super::workshop::{PolicyFlags, WorkshopFlags, require_sandbox};
use crate::cache::WorkDirectory;
use crate::execute::{SessionCommand, open_shell};
use crate::schedule::{self, OnFailure};

/// Most output that an answer in JSON carries, in bytes.
pub(super) const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// Open a shell in the sandbox of a build
///
/// It sees exactly what the build of the package sees: the toolchain, the declared dependencies, an empty build
/// directory. With `--failed`, the directory is that of the last failed build. What is not built yet of the
/// dependencies is built first.
#[derive(Debug, Args)]
pub(super) struct ShellCommand {
    /// The package
    name: String,
    /// Look around where the last build of the package failed
    #[arg(long)]
    failed: bool,
    /// Run this shell command instead of an interactive shell
    #[arg(long, value_name = "COMMAND")]
    command: Option<String>,
    #[command(flatten)]
    policy: PolicyFlags,
}

/// How a program in the sandbox ended.
#[derive(Debug, Serialize)]
pub(super) struct EndedAnswer {
    status: Status,
    /// What it printed, with `--json` only.
    output: Option<String>,
}

impl EndedAnswer {
    pub(super) fn new(status: Status, kept: Option<Vec<u8>>) -> Self {
        EndedAnswer {
            status,
            output: kept.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

impl Render for EndedAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        match self.status {
            Status::Exited(_) => Ok(()),
            other => writeln!(out, "{other}"),
        }
    }

    fn exit(&self) -> Exit {
        if self.status.is_success() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

/// Takes what a program prints: to standard output, or into the answer.
pub(super) fn listener<'a>(
    session: &'a Session,
    kept: &'a mut Option<Vec<u8>>,
) -> impl FnMut(&[u8]) + 'a {
    move |bytes| match kept {
        None => session.pass_through(bytes),
        Some(kept) => {
            let room = OUTPUT_MAX_BYTES.saturating_sub(kept.len());
            kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }
}

impl ShellCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipe_flags: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipe_flags.load(session)?;
        let recipe = &recipes::find(&tree, &self.name)?.recipe;
        let goal = Goal::new(&tree, std::slice::from_ref(&self.name), false)?;
        let workshop = workshop.open(globals, recipe_flags, session)?;
        let settings = workshop.build_settings(&self.policy)?;
        require_sandbox(settings.confinement)?;
        let toolchain = workshop.toolchain(settings.mode)?;
        let graph = goal.graph(&tree, toolchain.as_ref(), OnFailure::Stop)?;
        let work = Work {
            workshop: &workshop,
            settings: &settings,
            tree: &tree,
            graph: &graph,
        };
        let root = {
            let _lock = workshop
                .cache
                .lock_for_building(workshop.waiting, session.reporter())?;
            work.run(toolchain.as_ref(), &BTreeSet::new(), session, |run| {
                schedule::assemble_root(run, &recipe.name).map_err(|error| Failure::from(*error))
            })?
        };
        let _lock = workshop
            .cache
            .lock_for_use(workshop.waiting, session.reporter())?;
        let failed = if self.failed {
            WorkDirectory::open_failed(&workshop.cache, &recipe.name)?
        } else {
            None
        };
        if self.failed && failed.is_none() {
            return Err(nothing_failed(&recipe.name));
        }
        let fresh = WorkDirectory::create(&workshop.cache, &recipe.name)?;
        let directory = failed.as_ref().map_or(fresh.path(), |failed| failed.path());
        let command = match self.command {
            Some(line) => SessionCommand::Line(line),
            None => SessionCommand::Interactive,
        };
        let mut kept = globals.json.then(Vec::new);
        let ended = open_shell(
            &workshop.cache,
            &settings,
            recipe,
            &root,
            directory,
            &command,
            &mut listener(session, &mut kept),
        )?;
        Ok(Answer::from(EndedAnswer::new(ended.status, kept)))
    }
}

fn nothing_failed(name: &PackageName) -> Failure {
    let message = format!("no failed build of {name} is kept");
    let diagnostic = Diagnostic::error("no-failed-build", message).hint(format!(
        "open an empty build directory: `igos-build shell {name}`"
    ));
    Failure::new(Exit::No, diagnostic)
}
