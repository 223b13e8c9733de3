//! What a declared set changes about the repositories of a root: planned, shown and carried out with its packages.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use igos_cli::{Exit, Failure};
use igos_format::trust::TopRole;
use igos_repo::repository::{
    Catalogue, Enabled, OfferedRoot, RepositoryClient, RepositoryName, RepositoryPlaces,
    RepositorySettings, SyncOptions,
};
use igos_repo::trust::{Expiry, RefreshOptions, Rollback};
use igos_report::Explain;
use serde::Serialize;

use super::Context;
use super::catalogue::clock;
use crate::world::{Declared, Defined, WorldError};

/// What changes about the repositories of a root.
#[derive(Debug, Default)]
pub(super) struct RepositoryChanges {
    changes: Vec<RepositoryChange>,
    /// What is written.
    put: Vec<Defined>,
    /// What goes.
    remove: Vec<RepositorySettings>,
    /// What nothing is known of, or nothing from the root that is declared.
    unknown: Vec<RepositorySettings>,
    /// All repositories there will be.
    after: Vec<RepositorySettings>,
}

/// What changes about one repository.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RepositoryChange {
    pub(super) name: RepositoryName,
    pub(super) action: RepositoryAction,
    /// What will be different, in words; whom it will be believed.
    pub(super) what: Vec<String>,
}

/// What becomes of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum RepositoryAction {
    /// It becomes known.
    Add,
    /// Its settings change.
    Change,
    /// It is forgotten.
    Remove,
}

impl RepositoryChange {
    /// Returns its line in a plan.
    pub(super) fn planned(&self) -> String {
        let verb = match self.action {
            RepositoryAction::Add => "add",
            RepositoryAction::Change => "change",
            RepositoryAction::Remove => "remove",
        };
        format!("{verb:<9} {}: {}", self.name, self.what.join("; "))
    }

    /// Returns what became of it.
    pub(super) fn done(&self) -> String {
        let verb = match self.action {
            RepositoryAction::Add => "added",
            RepositoryAction::Change => "changed",
            RepositoryAction::Remove => "removed",
        };
        format!("{verb} repository {}", self.name)
    }
}

impl RepositoryChanges {
    /// Returns what has to change for the repositories to be as `file` declares them.
    pub(super) fn plan(
        declared: &Declared,
        file: &Path,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let places = context.places();
        let known = places.load()?;
        test_named(declared, file, &known)?;
        let mut planned = RepositoryChanges::default();
        for (name, definition) in &declared.repository {
            let name = name.parse().map_err(|source| WorldError::RepositoryName {
                file: file.display().to_string(),
                source,
            })?;
            let defined = definition.read(&name, file)?;
            let old = known.iter().find(|settings| settings.name == name);
            planned.define(defined, old, &places)?;
        }
        for settings in known {
            let name = &settings.name;
            if planned.after.iter().any(|after| after.name == *name) {
                continue;
            }
            if declared.declares_all_repositories()
                && !declared.repositories.contains(name.as_str())
            {
                planned.changes.push(RepositoryChange {
                    name: name.clone(),
                    action: RepositoryAction::Remove,
                    what: vec![settings.url.to_string()],
                });
                planned.remove.push(settings);
            } else {
                planned.after.push(settings);
            }
        }
        planned.changes.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(planned)
    }

    /// Takes up a repository that is defined; `old` is what is known of it.
    fn define(
        &mut self,
        defined: Defined,
        old: Option<&RepositorySettings>,
        places: &RepositoryPlaces,
    ) -> Result<(), Failure> {
        let settings = &defined.settings;
        let (action, what) = match old {
            None => (
                RepositoryAction::Add,
                vec![settings.url.to_string(), trusted(&defined.root)],
            ),
            Some(old) => {
                let is_same_root = places
                    .trusted_root(old)
                    .is_ok_and(|root| root == defined.root.bytes());
                let mut what = differences(old, settings);
                if !is_same_root {
                    what.push(trusted(&defined.root));
                }
                (RepositoryAction::Change, what)
            }
        };
        self.after.push(settings.clone());
        let is_usable = Catalogue::open(places, std::slice::from_ref(settings), &clock()?)
            .closed()
            .is_empty();
        if settings.enabled == Enabled::Yes && !is_usable {
            self.unknown.push(settings.clone());
        }
        if !what.is_empty() {
            self.changes.push(RepositoryChange {
                name: settings.name.clone(),
                action,
                what,
            });
            self.put.push(defined);
        }
        Ok(())
    }

    /// Tells whether everything is as it is declared.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Returns what changes, by name.
    pub(super) fn changes(&self) -> &[RepositoryChange] {
        &self.changes
    }

    /// Returns all repositories there will be.
    pub(super) fn after(&self) -> &[RepositorySettings] {
        &self.after
    }

    /// Returns what the repositories will offer. Those of which nothing is known are asked, and what they say is kept
    /// nowhere: nobody agreed to anything yet.
    pub(super) fn catalogue(&self, context: &Context<'_>) -> Result<Catalogue, Failure> {
        let is_unknown = |settings: &&RepositorySettings| {
            self.unknown
                .iter()
                .any(|unknown| unknown.name == settings.name)
        };
        let known = self.after.iter().filter(|settings| !is_unknown(settings));
        let known: Vec<RepositorySettings> = known.cloned().collect();
        let clock = clock()?;
        let mut catalogue = Catalogue::open(&context.places(), &known, &clock);
        if !self.unknown.is_empty() {
            let scratch = tempfile::Builder::new()
                .prefix("pkm-")
                .tempdir_in(temporary_directory(context))
                .map_err(|error| {
                    let diagnostic =
                        igos_report::Diagnostic::error("scratch-unusable", error.to_string());
                    Failure::new(Exit::Unfinished, diagnostic)
                })?;
            let places = RepositoryPlaces::below(scratch.path());
            ask(&places, self.unknown.clone(), context)?;
            catalogue = catalogue.join(Catalogue::open(&places, &self.unknown, &clock));
        }
        context.tell(&catalogue.notices());
        Ok(catalogue)
    }

    /// Writes what changes, forgets what goes, and asks those repositories of which nothing is known.
    pub(super) fn carry_out(&self, context: &Context<'_>) -> Result<(), Failure> {
        let places = context.places();
        for defined in &self.put {
            places.put(&defined.settings, &defined.root)?;
        }
        for settings in &self.remove {
            places.remove(settings, context.waiting(), context.session.reporter())?;
        }
        ask(&places, self.unknown.clone(), context)
    }
}

/// Refuses a declaration that names a repository which it does not define and nobody knows.
fn test_named(
    declared: &Declared,
    file: &Path,
    known: &[RepositorySettings],
) -> Result<(), WorldError> {
    let used = known
        .iter()
        .filter(|settings| settings.enabled != Enabled::No)
        .map(|settings| settings.name.as_str());
    let known: BTreeSet<&str> = used
        .chain(declared.repository.keys().map(String::as_str))
        .collect();
    let mut named = declared.repositories.iter();
    match named.find(|name| !known.contains(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(WorldError::Repository {
            file: file.display().to_string(),
            name: name.clone(),
        }),
    }
}

/// Returns in words what will be different about the settings of a repository, besides its root.
fn differences(old: &RepositorySettings, new: &RepositorySettings) -> Vec<String> {
    fn list<T: ToString>(values: &[T]) -> String {
        match values {
            [] => "none".to_owned(),
            values => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                values.join(", ")
            }
        }
    }
    let enabled = |settings: &RepositorySettings| match settings.enabled {
        Enabled::Yes => "yes".to_owned(),
        Enabled::No => "no".to_owned(),
    };
    let all = [
        ("url", old.url.to_string(), new.url.to_string()),
        ("mirrors", list(&old.mirrors), list(&new.mirrors)),
        (
            "priority",
            old.priority.0.to_string(),
            new.priority.0.to_string(),
        ),
        ("pins", list(&old.pins), list(&new.pins)),
        ("enabled", enabled(old), enabled(new)),
    ];
    all.into_iter()
        .filter(|(_, old, new)| old != new)
        .map(|(what, old, new)| format!("{what} {new} in place of {old}"))
        .collect()
}

/// Says whom a repository will be believed.
fn trusted(root: &OfferedRoot) -> String {
    let keys: Vec<String> = root.keys().iter().map(ToString::to_string).collect();
    format!(
        "trusted by root version {}, which {} of {} sign",
        root.root().version,
        root.root().role(TopRole::Root).threshold,
        keys.join(", ")
    )
}

/// Asks repositories for everything there is to know of them; one that fails is a failure.
fn ask(
    places: &RepositoryPlaces,
    repositories: Vec<RepositorySettings>,
    context: &Context<'_>,
) -> Result<(), Failure> {
    if repositories.is_empty() {
        return Ok(());
    }
    let options = SyncOptions {
        refresh: RefreshOptions {
            clock: clock()?,
            rollback: Rollback::Refuse,
            expiry: Expiry::Refuse,
        },
        waiting: context.waiting(),
    };
    let client = RepositoryClient::new(places.clone(), repositories, context.client_settings()?)?;
    let mut failure: Option<Failure> = None;
    for (_, result) in client.sync(&options, context.session.reporter()) {
        if let Err(error) = result {
            let failure = failure.get_or_insert_with(|| Failure {
                exit: Exit::from_code(error.exit_code()),
                diagnostics: Vec::new(),
            });
            failure.diagnostics.extend(error.diagnostics());
        }
    }
    failure.map_or(Ok(()), Err)
}

fn temporary_directory(context: &Context<'_>) -> PathBuf {
    let environment = context.session.environment();
    let set = environment.variable("TMPDIR").map(PathBuf::from);
    set.filter(|path| path.is_absolute())
        .unwrap_or_else(|| PathBuf::from("/tmp"))
}
