//! `igos-build recipe outdated`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session};
use igos_repo::Network;
use igos_repo::debian::{DebianError, Refresh};
use igos_report::{Outcome, Subject, Task};

use super::recipes::{self, RecipeFlags};
use super::workshop::WorkshopFlags;
use crate::outdated::{Compared, Remark, Report, State, compare};
use crate::tree;

/// Compare recipes with what the Debian archive offers
///
/// The indices of the suites that the settings name (`debian.suites`) say which source packages there are. A recipe's is
/// the one that a source of it belongs to, by its digest or as the recipe names it, or else the one of its name, which is
/// marked with `?`. Exit code 1 where something newer than a recipe is offered. With `--offline`, the indices that are
/// there are read; else they are fetched when they are older than a day.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages recipe outdated\n  igos-build --recipes packages --offline recipe outdated zlib bash\n\nStates: current, newer (is offered), ahead (of all that is offered), absent (nothing is offered)"
)]
pub(super) struct OutdatedCommand {
    /// Recipes to look at [default: all]
    names: Vec<String>,
    /// Leave out recipes that are current or ahead
    #[arg(long)]
    only_newer: bool,
}

impl OutdatedCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        flags: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = tree::load(&flags.settings(session))?;
        let mut entries = Vec::new();
        for name in &self.names {
            entries.push(recipes::find(&tree, name)?);
        }
        if self.names.is_empty() {
            entries.extend(&tree.entries);
        }
        let workshop = workshop.open(globals, flags, session)?;
        let subject = Subject::Group("read the indices of the Debian archive".to_owned());
        let task = Task::start(session.reporter(), None, subject);
        let refresh = match workshop.network {
            Network::Online => Refresh::IfOld,
            Network::Offline => Refresh::IfAbsent,
        };
        let debian = workshop.debian();
        let recipes = entries.into_iter().map(|entry| &entry.recipe);
        let found = debian.source_packages(refresh, &task).and_then(|packages| {
            compare(recipes, &packages, |sha256| {
                let file = debian.find_source(sha256, &task)?;
                Ok::<_, DebianError>(file.map(|file| file.path))
            })
        });
        task.finish(match &found {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        let mut report = Report::new(workshop.settings.debian().suites, found?);
        if self.only_newer {
            report.recipes.retain(|one| one.state == State::Newer);
        }
        Ok(Answer::from(report))
    }
}

impl Render for Report {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let width = |text: fn(&Compared) -> usize| self.recipes.iter().map(text).max();
        let names = width(|one| one.name.as_str().len()).unwrap_or(0);
        let versions = width(|one| one.version.as_str().len()).unwrap_or(0);
        for one in &self.recipes {
            let state = match one.state {
                State::Current => "current",
                State::Newer => "newer",
                State::Ahead => "ahead",
                State::Absent => "absent",
            };
            let offered = match &one.newest {
                None => one.reason.to_owned(),
                Some(offer) => {
                    let doubt = if offer.is_by_name { "?" } else { "" };
                    let remark = match offer.remark {
                        Some(Remark::Snapshot) => ", a snapshot",
                        Some(Remark::PreRelease) => ", a pre-release",
                        None => "",
                    };
                    format!(
                        "{} in {} ({}{doubt} {}{remark})",
                        offer.version, offer.suite, offer.source, offer.debian_version
                    )
                }
            };
            let (name, version) = (one.name.as_str(), one.version.as_str());
            writeln!(
                out,
                "{name:names$}  {version:versions$}  {state:7}  {offered}"
            )?;
        }
        writeln!(
            out,
            "{}: {} current, {} with something newer, {} ahead, {} with nothing offered",
            self.suites.join(", "),
            self.current,
            self.newer,
            self.ahead,
            self.absent
        )
    }

    fn exit(&self) -> Exit {
        if self.newer > 0 { Exit::No } else { Exit::Done }
    }
}
