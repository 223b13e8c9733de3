//! `pkm list`.

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render};
use igos_format::index::SearchTerms;
use igos_sysroot::{Listed, Reason, Unmanaged};
use serde::Serialize;

use super::Context;
use super::list_upgradable::UpgradableAnswer;
use super::search::{self, Package};

/// List packages that are installed, can be installed or can be upgraded
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_help = "Examples:\n  pkm list\n  pkm list --explicit --json\n  pkm list --upgradable"
)]
pub(super) struct List {
    /// List what was asked for alone
    #[arg(long, conflicts_with = "automatic")]
    explicit: bool,
    /// List what is there because others need it alone
    #[arg(long)]
    automatic: bool,
    /// List what repositories offer, installed or not
    #[arg(long, conflicts_with_all = ["explicit", "automatic", "upgradable"])]
    available: bool,
    /// List what is installed and has a newer version in a repository
    #[arg(long)]
    upgradable: bool,
}

impl List {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        if self.available {
            let mut packages = search::packages(context, &SearchTerms::new([]))?;
            packages.retain(Package::is_offered);
            return Ok(AvailableAnswer(packages).into());
        }
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let is_complete = sysroot.unknown().is_empty();
        let mut packages = if self.upgradable {
            sysroot.list()?
        } else {
            sysroot.list_known()?
        };
        let reason = match (self.explicit, self.automatic) {
            (true, _) => Some(Reason::Explicit),
            (_, true) => Some(Reason::Automatic),
            _ => None,
        };
        packages.retain(|listed| reason.is_none_or(|reason| listed.reason == reason.as_str()));
        if self.upgradable {
            return UpgradableAnswer::of(packages, &context.catalogue()?).map(Answer::from);
        }
        Ok(ListAnswer {
            packages,
            is_complete,
        }
        .into())
    }
}

/// Installed packages, by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct ListAnswer {
    packages: Vec<Listed>,
    /// Otherwise there are packages of which nothing is known; they are told as notices.
    #[serde(skip)]
    is_complete: bool,
}

impl Render for ListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let width = self
            .packages
            .iter()
            .map(|listed| listed.package.to_string().len())
            .max()
            .unwrap_or_default();
        for listed in &self.packages {
            let line = format!(
                "{:<width$}  {}",
                listed.package.to_string(),
                listed.description
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
    fn exit(&self) -> Exit {
        if self.is_complete {
            Exit::Done
        } else {
            Exit::Unfinished
        }
    }
}

/// Packages that repositories offer, by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct AvailableAnswer(Vec<Package>);

impl Render for AvailableAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        search::render(&self.0, out)
    }
}
