//! `pkm check-updates`: what could be upgraded, as a file for programs that tell people.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::index::{Advisory, AdvisoryState};
use igos_repo::repository::{Catalogue, SyncOptions, Upgradable};
use igos_repo::trust::{Expiry, RefreshOptions, Rollback, Standing};
use igos_report::Diagnostic;
use igos_sysroot::{Listed, Unmanaged};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;
use super::catalogue::clock;

/// Version of the file.
const FORMAT: u32 = 1;

/// Look for newer versions of installed packages, and note them for programs that tell people
///
/// Asks the repositories, and writes /var/lib/igos/available-updates.json. Nothing is ever upgraded. The exit code says
/// whether the question could be answered, not whether there are updates.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm check-updates\n  pkm check-updates --offline --json\n  pkm --dry-run check-updates\n\n\
        The file is described in docs/formats/available-updates.md."
)]
pub(super) struct CheckUpdates {}

impl CheckUpdates {
    pub(super) fn run(self, context: &Context<'_>) -> Result<AvailableUpdates, Failure> {
        let installed = context.sysroot(Unmanaged::Refuse)?.list()?;
        if !context.is_offline() && !context.is_dry_run() {
            synchronise(context)?;
        }
        let catalogue = context.catalogue()?;
        let from = |listed: &Listed| listed.repository.clone();
        let froms: Vec<Option<String>> = installed.iter().map(from).collect();
        let asked = installed.iter().zip(&froms);
        let upgradable =
            catalogue.upgradable(asked.map(|(listed, from)| (&listed.package, from.as_deref())))?;
        let update = |found: Upgradable| Update::of(found, &installed);
        let answer = AvailableUpdates {
            format: FORMAT,
            checked: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            repositories: repositories(&catalogue),
            updates: upgradable.into_iter().map(update).collect(),
        };
        if !context.is_dry_run() {
            let text = serde_json::to_string(&answer).map_err(|error| {
                let diagnostic = Diagnostic::error("defect", error.to_string());
                Failure::new(Exit::Defect, diagnostic)
            })?;
            context
                .places()
                .write_available_updates(&format!("{text}\n"))?;
        }
        Ok(answer)
    }
}

/// Asks the repositories; one that fails is told, and what is known of it used.
fn synchronise(context: &Context<'_>) -> Result<(), Failure> {
    let options = SyncOptions {
        refresh: RefreshOptions {
            clock: clock()?,
            rollback: Rollback::Refuse,
            expiry: Expiry::Refuse,
        },
        waiting: context.waiting(),
    };
    let client = context.client(context.places().load()?)?;
    for (_, synced) in client.sync(&options, context.session.reporter()) {
        if let Err(error) = synced {
            for mut diagnostic in Failure::from(error).diagnostics {
                diagnostic.severity = igos_report::Severity::Warning;
                context.session.notice(diagnostic);
            }
        }
    }
    Ok(())
}

fn repositories(catalogue: &Catalogue) -> Vec<Asked> {
    let opened = catalogue.repositories().iter();
    let mut asked: Vec<Asked> = opened
        .map(|opened| Asked {
            name: opened.name().to_string(),
            version: Some(opened.version()),
            is_current: *opened.standing() == Standing::Current,
        })
        .collect();
    asked.extend(catalogue.closed().iter().map(|closed| Asked {
        name: closed.name.to_string(),
        version: None,
        is_current: false,
    }));
    asked
}

/// What could be upgraded.
#[derive(Debug, Serialize)]
pub(super) struct AvailableUpdates {
    format: u32,
    checked: String,
    repositories: Vec<Asked>,
    updates: Vec<Update>,
}

#[derive(Debug, Serialize)]
struct Asked {
    name: String,
    version: Option<u64>,
    is_current: bool,
}

#[derive(Debug, Serialize)]
struct Update {
    name: String,
    installed: String,
    available: String,
    repository: String,
    archive_bytes: u64,
    is_held: bool,
    advisories: Vec<Advisory>,
}

impl Update {
    fn of(found: Upgradable, installed: &[Listed]) -> Self {
        let entry = found.offered.entry;
        let is_fixed = |advisory: &Advisory| advisory.state == AdvisoryState::Fixed;
        let holds = installed.iter().filter(|listed| listed.is_held);
        Update {
            name: entry.package.name.to_string(),
            installed: found.installed.full_version(),
            available: entry.package.full_version(),
            repository: found.offered.repository.to_string(),
            archive_bytes: entry.archive.size_bytes,
            is_held: holds
                .into_iter()
                .any(|listed| listed.package == found.installed),
            advisories: entry.advisories.into_iter().filter(is_fixed).collect(),
        }
    }
}

impl Render for AvailableUpdates {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.updates.is_empty() {
            return writeln!(out, "there is nothing newer than what is installed");
        }
        for update in &self.updates {
            let (name, installed, available) = (&update.name, &update.installed, &update.available);
            write!(
                out,
                "{name} {installed} -> {available} ({})",
                update.repository
            )?;
            if update.is_held {
                write!(out, ", held")?;
            }
            let advisories: Vec<String> = update
                .advisories
                .iter()
                .map(|known| known.id.to_string())
                .collect();
            if !advisories.is_empty() {
                write!(out, ", fixes {}", advisories.join(" "))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
