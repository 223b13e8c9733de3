//! The text a plan's digest is taken of.

use std::fmt::Write as _;

use igos_format::{PackageName, RelPath, Sha256, escape};

use super::{Change, PathAction, PathChange, Plan, Was};
use crate::{HookJournal, JobState, RepositoryName};

/// Returns a text that two plans share only if they do the same: every field that `apply` acts on is in it.
pub(super) fn text(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |parts: std::fmt::Arguments<'_>| {
        text.write_fmt(parts)
            .and_then(|()| text.write_char('\n'))
            .expect("writing to a string cannot fail");
    };
    line(format_args!(
        "igos-plan 2 {} {} {}",
        plan.based_on,
        plan.rollback_to
            .map_or_else(|| "-".to_owned(), |point| point.to_string()),
        plan.ownership.as_str()
    ));
    for change in &plan.changes {
        line(format_args!("{}", package_line(change)));
    }
    for pattern in plan.exclusions.texts() {
        line(format_args!("exclude {pattern}"));
    }
    if !plan.hooks.jobs.is_empty() {
        let journal = HookJournal {
            transaction: plan.based_on,
            policy: plan.hooks.policy,
            jobs: plan
                .hooks
                .jobs
                .iter()
                .map(|job| (job.clone(), JobState::Waiting))
                .collect(),
        };
        line(format_args!("hooks {}", Sha256::of(&journal.to_bytes())));
    }
    for (release, package) in &plan.kernels.keep {
        line(format_args!("keep-kernel {release} {package}"));
    }
    for release in &plan.kernels.forget {
        line(format_args!("forget-kernel {release}"));
    }
    for given in &plan.yields {
        line(format_args!("yield {} {}", given.from, given.to));
    }
    for action in &plan.paths {
        line(format_args!("{}", path_line(action)));
    }
    for file in &plan.pristine {
        line(format_args!(
            "pristine {} {} {}",
            file.sha256, file.package, file.path
        ));
    }
    for (place, package) in &plan.choices {
        let package = package.as_ref().map_or("-", PackageName::as_str);
        line(format_args!("choice {package} {place}"));
    }
    text
}

fn package_line(change: &Change) -> String {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let restored = change.restored.as_ref();
    format!(
        "package {} {} {} {} {} {} {} {} {} {} {}",
        change.action.as_str(),
        change.package.name,
        change.package.full_version(),
        change.package.arch,
        change.reason.as_str(),
        if change.held { "held" } else { "-" },
        or_dash(restored.map(|record| Sha256::of(&record.to_bytes()).to_string())),
        or_dash(change.seal.map(|seal| seal.to_string())),
        change
            .repository
            .as_ref()
            .map_or("-", RepositoryName::as_str),
        or_dash(change.signature.as_ref().map(ToString::to_string)),
        change.trust,
    )
}

fn path_line(action: &PathAction) -> String {
    let (verb, detail) = change_words(&action.change);
    let was = match action.was {
        Was::Absent => "absent".to_owned(),
        Was::Directory => "directory".to_owned(),
        Was::Other => "other".to_owned(),
        Was::Content(digest) => digest.to_string(),
    };
    format!(
        "path {verb} {} {} {} {} {was} {detail}",
        action.kind, action.package, action.path, action.place
    )
}

/// Returns what happens to a path, and everything that says how.
fn change_words(change: &PathChange) -> (&'static str, String) {
    let or_nothing = |beside: &Option<RelPath>| {
        let beside = beside.as_ref().map(ToString::to_string);
        beside.unwrap_or_default()
    };
    match change {
        PathChange::Create => ("create", String::new()),
        PathChange::Replace => ("replace", String::new()),
        PathChange::Supersede { from } => ("supersede", from.to_string()),
        PathChange::Adopt => ("adopt", String::new()),
        PathChange::KeepEdited { beside, base } => {
            let base = base.map_or_else(|| "-".to_owned(), |base| base.to_string());
            ("keep-edited", format!("{base} {}", or_nothing(beside)))
        }
        PathChange::Merge { base, beside } => ("merge", format!("{base} {beside}")),
        PathChange::Link { target } => ("link", escape::escape(target)),
        PathChange::Write {
            content,
            look,
            beside,
        } => (
            "write",
            format!("{content} {look:?} {}", or_nothing(beside)),
        ),
        PathChange::MoveAside { beside } => ("move-aside", beside.to_string()),
        PathChange::KeepDeleted => ("keep-deleted", String::new()),
        PathChange::Backup { beside } => ("backup", beside.to_string()),
        PathChange::Remove => ("remove", String::new()),
        PathChange::KeepRunning => ("keep-running", String::new()),
        PathChange::Abandon => ("abandon", String::new()),
    }
}
