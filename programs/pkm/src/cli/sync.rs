//! `pkm sync`: ask repositories for what is new.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_repo::repository::{RepositoryName, SyncChange, SyncOptions, Synced};
use igos_repo::trust::{Expiry, RefreshOptions, Rollback};
use igos_report::{Diagnostic, Explain};
use serde::Serialize;

use super::Context;
use super::catalogue::clock;
use super::client::{no_repositories, parse_name};

/// Ask repositories for what is new
///
/// Fetches signed metadata and, if something changed, the list of packages; nothing is installed. A copy of a repository
/// that fails is named and the next one asked. What was known before stays if there is nothing to believe.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm sync\n  pkm sync main --json\n  pkm --root ./root sync\n\n\
        What is asked and believed is said in docs/formats/repositories.d.md."
)]
pub(super) struct Sync {
    /// Ask these repositories alone
    #[arg(value_name = "NAME", value_parser = parse_name)]
    names: Vec<RepositoryName>,
    /// Believe versions that went back: those who run the repository did that themselves
    #[arg(long)]
    allow_rollback: bool,
    /// Believe what has expired; nothing can be installed from it
    #[arg(long)]
    allow_expired: bool,
}

impl Sync {
    pub(super) fn run(self, context: &Context<'_>) -> Result<SyncAnswer, Failure> {
        let places = context.places();
        let repositories = if self.names.is_empty() {
            places.load()?
        } else {
            let load = |name| places.load_one(name);
            self.names.iter().map(load).collect::<Result<_, _>>()?
        };
        let rollback = if self.allow_rollback {
            Rollback::Allow
        } else {
            Rollback::Refuse
        };
        let expiry = if self.allow_expired {
            Expiry::Accept
        } else {
            Expiry::Refuse
        };
        let options = SyncOptions {
            refresh: RefreshOptions {
                clock: clock()?,
                rollback,
                expiry,
            },
            waiting: context.waiting(),
        };
        let client = context.client(repositories)?;
        let synced = client.sync(&options, context.session.reporter());
        if synced.is_empty() {
            return Err(no_repositories());
        }
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (repository, result) in synced {
            match result {
                Ok(synced) => done.push(synced),
                Err(error) => failed.push(FailedSync {
                    exit: error.exit_code(),
                    diagnostics: error.diagnostics(),
                    repository,
                }),
            }
        }
        SyncAnswer { done, failed }.or_failure(context)
    }
}

/// What came of asking.
#[derive(Debug, Serialize)]
pub(super) struct SyncAnswer {
    #[serde(rename = "repositories")]
    done: Vec<Synced>,
    failed: Vec<FailedSync>,
}

/// A repository that could not be synchronised.
#[derive(Debug, Serialize)]
struct FailedSync {
    repository: RepositoryName,
    #[serde(skip)]
    exit: u8,
    diagnostics: Vec<Diagnostic>,
}

impl SyncAnswer {
    /// Fails if nothing could be synchronised; otherwise tells what could not.
    fn or_failure(self, context: &Context<'_>) -> Result<Self, Failure> {
        if self.done.is_empty() {
            let exit = self.exit();
            let diagnostics = self
                .failed
                .into_iter()
                .flat_map(|failed| failed.diagnostics);
            return Err(Failure {
                exit,
                diagnostics: diagnostics.collect(),
            });
        }
        for failed in &self.failed {
            for diagnostic in &failed.diagnostics {
                context.session.notice(diagnostic.clone());
            }
        }
        Ok(self)
    }
}

impl Render for SyncAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for synced in &self.done {
            match synced.change {
                SyncChange::Unchanged => {
                    writeln!(
                        out,
                        "{}: nothing is new (version {})",
                        synced.repository, synced.version
                    )?;
                }
                SyncChange::Updated => {
                    writeln!(out, "{}: now version {}", synced.repository, synced.version)?;
                }
            }
            for role in &synced.went_back {
                writeln!(out, "  went back: {role}")?;
            }
        }
        for failed in &self.failed {
            writeln!(out, "{}: not synchronised", failed.repository)?;
        }
        Ok(())
    }

    /// Returns the exit code of the first repository that failed.
    fn exit(&self) -> Exit {
        self.failed
            .first()
            .map_or(Exit::Done, |failed| Exit::from_code(failed.exit))
    }
}
