//! `pkm repository list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_repo::repository::{
    Catalogue, Enabled, NamePattern, RepositoryAddress, RepositoryName, RepositorySettings,
};
use igos_repo::trust::Standing;
use igos_report::{Diagnostic, diagnose};
use serde::Serialize;

use super::Context;
use super::catalogue::clock;

/// List repositories, and how much is known of each
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm repository list\n  pkm repository list --json")]
pub(super) struct RepositoryList {}

impl RepositoryList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RepositoryListAnswer, Failure> {
        let places = context.places();
        let settings = places.load()?;
        let catalogue = Catalogue::open(&places, &settings, &clock()?);
        let listed = settings.into_iter();
        Ok(RepositoryListAnswer(
            listed
                .map(|settings| Listed::of(settings, &catalogue))
                .collect(),
        ))
    }
}

/// Repositories by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct RepositoryListAnswer(Vec<Listed>);

#[derive(Debug, Serialize)]
struct Listed {
    name: RepositoryName,
    url: RepositoryAddress,
    mirrors: Vec<RepositoryAddress>,
    priority: u16,
    pins: Vec<NamePattern>,
    is_enabled: bool,
    version: Option<u64>,
    packages: Option<usize>,
    expired: Option<String>,
    problem: Option<Diagnostic>,
}

impl Listed {
    fn of(settings: RepositorySettings, catalogue: &Catalogue) -> Self {
        let opened = catalogue.repository(&settings.name);
        let expired = opened.and_then(|opened| match opened.standing() {
            Standing::Current => None,
            Standing::Expired(error) => Some(error.expires.to_string()),
        });
        let closed = catalogue.closed().iter();
        let problem = closed
            .filter(|closed| closed.name == settings.name)
            .map(|closed| diagnose(&closed.error))
            .next();
        Listed {
            version: opened.map(|opened| opened.version()),
            packages: opened.map(|opened| opened.index().packages()),
            is_enabled: settings.enabled == Enabled::Yes,
            priority: settings.priority.0,
            name: settings.name,
            url: settings.url,
            mirrors: settings.mirrors,
            pins: settings.pins,
            expired,
            problem,
        }
    }

    fn state(&self) -> String {
        match (self.version, &self.expired, &self.problem) {
            _ if !self.is_enabled => "not enabled".to_owned(),
            (Some(version), None, _) => format!("version {version}"),
            (Some(version), Some(expired), _) => {
                format!("version {version}, expired at {expired}")
            }
            (None, _, Some(problem)) => problem.message.clone(),
            (None, _, None) => "nothing is known of it".to_owned(),
        }
    }
}

impl Render for RepositoryListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for listed in &self.0 {
            writeln!(out, "{}  {}", listed.name, listed.url)?;
            for mirror in &listed.mirrors {
                writeln!(out, "  mirror    {mirror}")?;
            }
            writeln!(out, "  priority  {}", listed.priority)?;
            if !listed.pins.is_empty() {
                let pins: Vec<String> = listed.pins.iter().map(ToString::to_string).collect();
                writeln!(out, "  pins      {}", pins.join(" "))?;
            }
            writeln!(out, "  state     {}", listed.state())?;
            if let Some(packages) = listed.packages {
                writeln!(out, "  packages  {packages}")?;
            }
        }
        Ok(())
    }
}
