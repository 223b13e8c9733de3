//! `igos-build fetch`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Interrupted, Render, Session};
use igos_format::{PackageName, Sha256};
use igos_repo::Unpinned;
use igos_report::{Diagnostic, Explain, Outcome, Subject, Task};
use serde::Serialize;

use super::build::Goal;
use super::recipes::{self, RecipeFlags};
use super::workshop::WorkshopFlags;
use crate::source::{GatherAll, ReadySource, SourceBytes};

/// Fetch and verify the sources of packages and of everything they need
#[derive(Debug, Args)]
pub(super) struct FetchCommand {
    /// Packages whose sources are fetched
    #[arg(required_unless_present = "all")]
    names: Vec<String>,
    /// All packages of the search path
    #[arg(long, conflicts_with = "names")]
    all: bool,
    /// Take sources that nothing pins
    #[arg(long)]
    allow_unpinned: bool,
}

#[derive(Debug, Serialize)]
struct FetchAnswer {
    sources: Vec<SourceAnswer>,
    failed: Vec<PackageName>,
    #[serde(skip)]
    exit_code: u8,
}

#[derive(Debug, Serialize)]
struct SourceAnswer {
    package: PackageName,
    location: String,
    sha256: Sha256,
    provider: String,
    /// Number of the recipe's alternative that was used, counted from 1.
    alternative: Option<usize>,
    file: std::path::PathBuf,
}

impl FetchCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipes.load(session)?;
        let goal = Goal::new(&tree, &self.names, self.all)?;
        let workshop = workshop.open(globals, recipes, session)?;
        let _lock = workshop
            .cache
            .lock_for_use(workshop.waiting, session.reporter())?;
        // Names of the toolchain's packages are not known without it; here they do not matter.
        let entries = goal.entries(&tree);
        let unpinned = if self.allow_unpinned {
            Unpinned::Allow
        } else {
            Unpinned::Refuse
        };
        let fetcher = workshop.fetcher();
        let task = Task::start(
            session.reporter(),
            None,
            Subject::Group(format!("fetch the sources of {} packages", entries.len())),
        );
        let mut answer = FetchAnswer {
            sources: Vec::new(),
            failed: Vec::new(),
            exit_code: 0,
        };
        let gathered = GatherAll {
            fetcher: &fetcher,
            unpinned,
            jobs: globals.jobs(),
            interrupted: &session.interrupt().flag(),
            reporter: session.reporter(),
        }
        .run(&entries, &task)?;
        for (entry, result) in gathered {
            let package = &entry.recipe.name;
            let Some(result) = result else {
                return Err(Interrupted.into());
            };
            match result {
                Ok(sources) => answer.sources.extend(
                    sources
                        .into_iter()
                        .map(|source| SourceAnswer::new(package, source)),
                ),
                Err(error) => {
                    answer.exit_code = answer.exit_code.max(error.exit_code());
                    answer.failed.push(package.clone());
                    error
                        .diagnostics()
                        .into_iter()
                        .for_each(|diagnostic: Diagnostic| session.notice(diagnostic));
                }
            }
        }
        if self.all && answer.exit_code == 0 {
            // Recipes that nobody can name are part of what was asked for, too.
            answer.exit_code = recipes::exit(&tree).code();
        }
        task.finish(if answer.failed.is_empty() {
            Outcome::Done
        } else {
            Outcome::Failed(format!("{} packages lack sources", answer.failed.len()))
        });
        Ok(Answer::from(answer))
    }
}

impl SourceAnswer {
    fn new(package: &PackageName, source: ReadySource) -> Self {
        SourceAnswer {
            package: package.clone(),
            location: source.input.location,
            sha256: source.input.content,
            provider: source.provider,
            alternative: source.input.alternative,
            file: match source.bytes {
                SourceBytes::Fetched(fetched) => fetched.path().to_owned(),
                SourceBytes::File(path) => path,
                SourceBytes::Directory(directory) => directory.path().to_owned(),
            },
        }
    }
}

impl Render for FetchAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for source in &self.sources {
            writeln!(
                out,
                "{}  {}  {}",
                source.package, source.location, source.provider
            )?;
        }
        for name in &self.failed {
            writeln!(out, "{name}  failed")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.exit_code)
    }
}
