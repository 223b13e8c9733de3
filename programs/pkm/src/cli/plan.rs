//! Showing a plan, asking for it, and carrying it out: the same for every command that changes something.

use std::fmt::{self, Write as _};

use igos_cli::{Exit, Render, Size};
use igos_format::Sha256;
use igos_format::escape::escape;
use igos_sysroot::{Applied, Change, ChangeAction, PathChange, Plan, Privilege};
use serde::Serialize;

use super::plan_hooks::{self, RanHooks};
use super::plan_why::Grounds;
use super::proposal::Proposal;
use super::repository_changes::RepositoryChange;

/// Lines of one section of a plan that are shown to people; `--json` has them all.
const SECTION_MAX_LINES: usize = 40;

/// A plan, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct PlanAnswer {
    digest: Sha256,
    plan: Plan,
    /// Why it changes what it changes.
    #[serde(flatten)]
    grounds: Grounds,
    /// What changes about the repositories.
    repositories: Vec<RepositoryChange>,
    /// Whether all of it was carried out.
    is_carried_out: bool,
    /// `None` if the root was not changed: there was nothing to do, or `--dry-run`.
    applied: Option<Applied>,
    /// What became of hooks, triggers and accounts.
    hooks: RanHooks,
}

impl PlanAnswer {
    /// Returns the answer where nothing was carried out.
    pub(super) fn planned(proposal: Proposal) -> Self {
        PlanAnswer {
            digest: proposal.plan.digest(),
            plan: proposal.plan,
            grounds: proposal.grounds,
            repositories: proposal.repositories.changes().to_vec(),
            is_carried_out: false,
            applied: None,
            hooks: RanHooks::default(),
        }
    }

    /// Returns the answer where everything was carried out.
    pub(super) fn carried_out(proposal: Proposal, applied: Option<(Applied, RanHooks)>) -> Self {
        let (applied, hooks) = applied.unzip();
        PlanAnswer {
            is_carried_out: true,
            applied,
            hooks: hooks.unwrap_or_default(),
            ..PlanAnswer::planned(proposal)
        }
    }

    /// Returns the plan, and what became of it.
    pub(super) fn into_parts(self) -> (Plan, Option<Applied>) {
        (self.plan, self.applied)
    }
}

impl Render for PlanAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.plan.is_empty() && self.repositories.is_empty() {
            for package in &self.plan.unchanged {
                writeln!(out, "{package} is installed already")?;
            }
            return writeln!(out, "nothing to do");
        }
        if !self.is_carried_out {
            out.write_str(&text(&self.plan, &self.grounds, &self.repositories))?;
            return writeln!(out, "nothing was changed (dry run)");
        }
        for change in &self.repositories {
            writeln!(out, "{}", change.done())?;
        }
        for change in &self.plan.changes {
            writeln!(out, "{}", done(change))?;
        }
        for action in &self.plan.paths {
            match &action.change {
                PathChange::KeepEdited {
                    beside: Some(beside),
                    ..
                } => {
                    writeln!(
                        out,
                        "kept your /{}; the new version is /{beside}",
                        action.place
                    )?;
                }
                PathChange::Merge { beside, .. } => {
                    let is_merged = self
                        .applied
                        .as_ref()
                        .is_some_and(|applied| applied.merged.contains(&action.place));
                    let place = &action.place;
                    if is_merged {
                        writeln!(out, "merged what is new into your /{place}")?;
                    } else {
                        writeln!(
                            out,
                            "kept your /{place}, which cannot be merged; the new version is /{beside}"
                        )?;
                    }
                }
                PathChange::Backup { beside } => {
                    writeln!(out, "kept what was at /{} as /{beside}", action.place)?;
                }
                PathChange::Link { target } => {
                    writeln!(out, "/{} leads to {}", action.place, escape(target))?;
                }
                PathChange::Abandon => writeln!(out, "left your /{} where it is", action.place)?,
                _ => {}
            }
        }
        self.hooks.render(out)
    }

    fn exit(&self) -> Exit {
        self.hooks.exit()
    }
}

fn done(change: &Change) -> String {
    let package = &change.package;
    match &change.action {
        ChangeAction::Install => format!("installed {package}"),
        ChangeAction::Upgrade { from } => format!("upgraded {package} from {from}"),
        ChangeAction::Downgrade { from } => format!("downgraded {package} from {from}"),
        ChangeAction::Reinstall => format!("reinstalled {package}"),
        ChangeAction::Remove => format!("removed {package}"),
        ChangeAction::MarkExplicit => format!("marked {package} as asked for"),
        ChangeAction::MarkAutomatic => format!("marked {package} as needed by others alone"),
        ChangeAction::Hold => format!("held {package}"),
        ChangeAction::Release => format!("released {package}"),
        ChangeAction::Configure => format!("configured {package}"),
        ChangeAction::Choose => format!("chose {package}"),
        ChangeAction::Repair => format!("repaired {package}"),
        ChangeAction::Adopt => format!("took up {package}"),
    }
}

/// Returns a plan as it is shown before anybody agrees to it: packages, then everything that deserves a second look.
pub(super) fn text(plan: &Plan, grounds: &Grounds, repositories: &[RepositoryChange]) -> String {
    let mut text = String::new();
    let lines: Vec<String> = repositories.iter().map(RepositoryChange::planned).collect();
    section(&mut text, "repositories", &lines);
    let mut changes: Vec<&Change> = plan.changes.iter().collect();
    // In groups; within each, in the order in which they take place.
    changes.sort_by_key(|change| group(&change.action));
    let packages: Vec<String> = changes
        .into_iter()
        .map(|change| planned(change, grounds))
        .collect();
    section(&mut text, &sizes(plan), &packages);
    section(&mut text, "paths that give privileges", &privileged(plan));
    section(
        &mut text,
        "paths that need your attention",
        &attention(plan),
    );
    for (title, lines) in plan_hooks::sections(plan) {
        section(&mut text, title, &lines);
    }
    section(&mut text, "links to what packages serve", &links(plan));
    section(
        &mut text,
        "declared, recorded and not carried out yet",
        &recorded_only(plan),
    );
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    writeln!(text, "{title}:").expect("writing to a string cannot fail");
    for line in lines.iter().take(SECTION_MAX_LINES) {
        writeln!(text, "  {line}").expect("writing to a string cannot fail");
    }
    if let Some(more @ 1..) = lines.len().checked_sub(SECTION_MAX_LINES) {
        writeln!(text, "  … and {more} more, which `--json` lists")
            .expect("writing to a string cannot fail");
    }
}

/// Returns how many packages change, and what that takes.
fn sizes(plan: &Plan) -> String {
    let mut text = match plan.changes.len() {
        1 => "1 package changes".to_owned(),
        count => format!("{count} packages change"),
    };
    write!(text, ", {} are written", Size(plan.install_bytes))
        .expect("writing to a string cannot fail");
    let leaving = plan
        .changes
        .iter()
        .filter(|change| change.action == ChangeAction::Remove);
    let freed: u64 = leaving.map(|change| change.installed_bytes).sum();
    if freed > 0 {
        write!(text, ", {} are freed", Size(freed)).expect("writing to a string cannot fail");
    }
    text
}

/// Returns where a kind of change stands in a plan that is shown.
fn group(action: &ChangeAction) -> usize {
    match action {
        ChangeAction::Install => 0,
        ChangeAction::Upgrade { .. } => 1,
        ChangeAction::Downgrade { .. } => 2,
        ChangeAction::Reinstall => 3,
        ChangeAction::Remove => 5,
        _ => 4,
    }
}

fn planned(change: &Change, grounds: &Grounds) -> String {
    let mut line = package_line(change);
    if let Some(why) = grounds.words(change) {
        write!(line, ", {why}").expect("writing to a string cannot fail");
    }
    line
}

fn package_line(change: &Change) -> String {
    let mut line = format!("{:<9} {}", change.action.as_str(), change.package);
    if let ChangeAction::Upgrade { from } | ChangeAction::Downgrade { from } = &change.action {
        write!(line, " from {from}").expect("writing to a string cannot fail");
    }
    if change.action == ChangeAction::Remove {
        write!(line, ", {}", Size(change.installed_bytes))
            .expect("writing to a string cannot fail");
    }
    if !change.action.brings_files() {
        return line;
    }
    // A repository's name says more to people than the key it signs with, which `--json` has.
    let from = match &change.repository {
        Some(repository) => format!("from {repository}"),
        None => change.trust.to_string(),
    };
    write!(line, ", {}, {from}", Size(change.installed_bytes))
        .expect("writing to a string cannot fail");
    line
}

fn privileged(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    for change in &plan.changes {
        for path in &change.privileged {
            let privileges: Vec<String> = path.privileges.iter().map(privilege).collect();
            lines.push(format!(
                "/{} of {}: {}",
                path.path,
                change.package.name,
                privileges.join(", ")
            ));
        }
    }
    lines
}

fn privilege(privilege: &Privilege) -> String {
    match privilege {
        Privilege::Setuid => "runs as its owner (setuid)".to_owned(),
        Privilege::Setgid => "runs as its group (setgid)".to_owned(),
        Privilege::Capabilities(text) => format!("runs with capabilities {text}"),
        Privilege::WorldWritable => "anybody may write it".to_owned(),
        Privilege::Owner(owner) => format!("belongs to {owner}"),
        Privilege::SetgidDirectory => "what is made in it gets its group (setgid)".to_owned(),
        Privilege::AccessControl(words) => format!("its access control list says: {words}"),
        Privilege::Attribute(name) => format!("carries the attribute {name}"),
    }
}

fn links(plan: &Plan) -> Vec<String> {
    let links = plan.paths.iter().filter_map(|action| match &action.change {
        PathChange::Link { target } => Some(format!(
            "/{} leads to {} of {}",
            action.place,
            escape(target),
            action.package
        )),
        _ => None,
    });
    links.collect()
}

fn attention(plan: &Plan) -> Vec<String> {
    let lines = plan.paths.iter().filter_map(|action| {
        let place = &action.place;
        Some(match &action.change {
            PathChange::Supersede { from } => {
                format!("/{place}: {} takes it over from {from}", action.package)
            }
            PathChange::KeepEdited {
                beside: Some(beside),
                ..
            } => {
                format!("/{place}: your edited file stays, the new version goes to /{beside}")
            }
            PathChange::KeepEdited { beside: None, .. } => {
                format!("/{place}: your edited file stays")
            }
            PathChange::Merge { beside, .. } => format!(
                "/{place}: what is new is merged into your edited file, or goes to /{beside} if that is in doubt"
            ),
            PathChange::Write { beside: None, .. } => format!("/{place} is written anew"),
            PathChange::Write {
                beside: Some(beside),
                ..
            } => format!("/{place} is written anew, what is there goes to /{beside}"),
            PathChange::MoveAside { beside } => {
                format!("/{place}: what is there goes to /{beside}")
            }
            PathChange::KeepDeleted => format!("/{place}: you deleted it, and it stays deleted"),
            PathChange::Backup { beside } => {
                format!("/{place}: what no package owns there goes to /{beside}")
            }
            PathChange::Abandon => {
                format!("/{place}: your edited file stays when its package goes")
            }
            // A notice tells of them all at once.
            PathChange::Create
            | PathChange::KeepRunning
            | PathChange::Link { .. }
            | PathChange::Replace
            | PathChange::Adopt
            | PathChange::Remove => {
                return None;
            }
        })
    });
    lines.collect()
}

fn recorded_only(plan: &Plan) -> Vec<String> {
    let of = |change: &Change| {
        let name = change.package.name.clone();
        change
            .recorded_only
            .clone()
            .into_iter()
            .map(move |what| format!("{name}: {what}"))
    };
    plan.changes.iter().flat_map(of).collect()
}
