//! `igos-build staging`

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure, Globals, Render, Session};
use igos_format::{PackageName, Sha256};
use igos_repo::publish::{Staged, StagedSelection, drop_staged, staged};
use serde::Serialize;

use super::publish::PackageAnswer;
use super::signing::waiting;

/// Show and drop archives that wait until everything that needs them is rebuilt
#[derive(Debug, Subcommand)]
pub(super) enum StagingCommand {
    /// List the archives that wait to be published
    #[command(after_help = "Example:\n  igos-build staging list repository")]
    List {
        /// The directory of the repository
        directory: PathBuf,
    },
    Drop(DropCommand),
}

/// Delete archives that wait to be published
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build staging drop repository libfoo\n  igos-build --yes staging drop repository --all"
)]
pub(super) struct DropCommand {
    /// The directory of the repository
    directory: PathBuf,
    /// Packages whose archives are dropped
    #[arg(required_unless_present = "all")]
    names: Vec<PackageName>,
    /// All of them
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

#[derive(Debug, Serialize)]
struct StagingAnswer {
    directory: PathBuf,
    archives: Vec<StagedAnswer>,
    is_dry_run: bool,
}

#[derive(Debug, Serialize)]
struct StagedAnswer {
    #[serde(flatten)]
    package: PackageAnswer,
    seal: Sha256,
    file: PathBuf,
}

impl StagingAnswer {
    fn new(directory: PathBuf, archives: Vec<Staged>, is_dry_run: bool) -> Self {
        let answer = |staged: Staged| StagedAnswer {
            package: staged.package.into(),
            seal: staged.seal,
            file: staged.path,
        };
        StagingAnswer {
            directory,
            archives: archives.into_iter().map(answer).collect(),
            is_dry_run,
        }
    }
}

impl StagingCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        match self {
            StagingCommand::List { directory } => {
                let archives = staged(&directory)?;
                Ok(Answer::from(StagingAnswer::new(directory, archives, false)))
            }
            StagingCommand::Drop(command) => command.execute(globals, session),
        }
    }
}

impl DropCommand {
    fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        let selection = if self.all {
            StagedSelection::All
        } else {
            StagedSelection::Named(self.names)
        };
        let plan = selection.of(staged(&self.directory)?)?;
        if globals.dry_run {
            return Ok(Answer::from(StagingAnswer::new(self.directory, plan, true)));
        }
        let text: String = plan
            .iter()
            .map(|one| format!("delete {}\n", one.path.display()))
            .collect();
        session.confirm(&text, "Delete these archives?")?;
        let waiting = waiting(globals);
        let dropped = drop_staged(&self.directory, &selection, waiting, session.reporter())?;
        Ok(Answer::from(StagingAnswer::new(
            self.directory,
            dropped,
            false,
        )))
    }
}

impl Render for StagingAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for staged in &self.archives {
            writeln!(out, "{}  {}", staged.package, staged.file.display())?;
        }
        Ok(())
    }
}
