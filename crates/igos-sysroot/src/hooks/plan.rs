//! What a transaction will run and make, found while it is planned.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::{HookMoment, TriggerDeclaration};
use igos_format::manifest::Manifest;
use igos_format::{PackageName, PathPattern, RelPath};
use igos_report::Diagnostic;
use igos_root::{FollowedLinks, Kind, RootDir};

use super::DropIn;
use super::builtin::{BUILT_IN, BuiltIn, DAEMON_RELOAD, Each, Order, PROGRAM_DIRECTORIES};
use super::declared_accounts;
use super::error::HookPlanError;
use super::job::{HookPlan, HookPolicy, Job};
use super::live::is_live;
use crate::{Change, ChangeAction, PathAction, PathChange};

/// What hooks are planned from.
#[derive(Debug)]
pub(crate) struct HookGround<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) links: &'a FollowedLinks,
    /// The packages that change, in the order of their dependencies.
    pub(crate) changes: &'a [Change],
    /// Their manifests, of removed packages the one that goes.
    pub(crate) manifests: &'a BTreeMap<PackageName, Manifest>,
    /// The triggers of installed packages.
    pub(crate) installed: &'a [(PackageName, TriggerDeclaration)],
    pub(crate) paths: &'a [PathAction],
}

/// What there will be at the places that the transaction changes.
type After<'a> = BTreeMap<&'a RelPath, bool>;

impl HookGround<'_> {
    /// Returns what will be run and made, and what the user should know about accounts that stay.
    pub(crate) fn plan(&self) -> Result<(HookPlan, Vec<Diagnostic>), HookPlanError> {
        let after: After<'_> = self
            .paths
            .iter()
            .map(|action| (&action.place, stays(&action.change)))
            .collect();
        let mut jobs = self.hooks(HookMoment::is_before);
        jobs.extend(declared_accounts::plan(self.root, &self.arriving())?);
        jobs.extend(self.drop_in(DropIn::Sysusers));
        jobs.extend(self.built_in(Order::First, &after)?);
        jobs.extend(self.drop_in(DropIn::Tmpfiles));
        jobs.extend(self.hooks(|moment| !moment.is_before()));
        jobs.extend(self.triggers(&after)?);
        jobs.extend(self.built_in(Order::Last, &after)?);
        let plan = HookPlan {
            policy: HookPolicy::Run,
            jobs,
        };
        Ok((plan, self.staying_accounts()))
    }

    /// Returns the job for the drop-in files of a kind that arrive or change.
    fn drop_in(&self, kind: DropIn) -> Option<Job> {
        let files: BTreeSet<&str> = self
            .paths
            .iter()
            .filter(|action| action.kind != Kind::Directory)
            .filter(|action| stays(&action.change) && changes(&action.change))
            .filter_map(|action| kind.name_at(&action.place))
            .collect();
        (!files.is_empty()).then(|| Job::DropIn {
            kind,
            files: files.into_iter().map(str::to_owned).collect(),
        })
    }

    fn arriving(&self) -> Vec<&Manifest> {
        self.changes
            .iter()
            .filter(|change| change.action.brings_files())
            .filter_map(|change| self.manifests.get(&change.package.name))
            .collect()
    }

    /// Returns the hooks of the packages that change, of one half of the moments.
    fn hooks(&self, is_wanted: impl Fn(HookMoment) -> bool) -> Vec<Job> {
        let mut jobs = Vec::new();
        for change in self.changes {
            let moments = match change.action {
                ChangeAction::Install => [HookMoment::PreInstall, HookMoment::PostInstall],
                ChangeAction::Upgrade { .. }
                | ChangeAction::Downgrade { .. }
                | ChangeAction::Reinstall => [HookMoment::PreUpgrade, HookMoment::PostUpgrade],
                ChangeAction::Remove => [HookMoment::PreRemove, HookMoment::PostRemove],
                ChangeAction::MarkExplicit
                | ChangeAction::MarkAutomatic
                | ChangeAction::Hold
                | ChangeAction::Release
                | ChangeAction::Configure
                | ChangeAction::Choose
                | ChangeAction::Repair
                | ChangeAction::Adopt => continue,
            };
            let Some(manifest) = self.manifests.get(&change.package.name) else {
                continue;
            };
            let hooks = manifest.hooks.iter();
            for hook in hooks.filter(|hook| moments.contains(&hook.moment)) {
                if is_wanted(hook.moment) {
                    jobs.push(Job::Hook {
                        package: change.package.name.clone(),
                        version: change.package.full_version(),
                        operation: change.action.as_str().to_owned(),
                        moment: hook.moment,
                        run: hook.run.clone(),
                    });
                }
            }
        }
        jobs
    }

    /// Returns the declared triggers that the changed paths set off, equal ones once.
    fn triggers(&self, after: &After<'_>) -> Result<Vec<Job>, HookPlanError> {
        let changing: BTreeSet<&PackageName> = self
            .changes
            .iter()
            .map(|change| &change.package.name)
            .collect();
        let staying = self
            .installed
            .iter()
            .filter(|(package, _)| !changing.contains(package))
            .map(|(package, trigger)| (package, trigger));
        let arriving = self.arriving();
        let arriving = arriving.iter().flat_map(|manifest| {
            let package = &manifest.package.name;
            manifest
                .triggers
                .iter()
                .map(move |trigger| (package, trigger))
        });
        let mut jobs: Vec<Job> = Vec::new();
        for (package, trigger) in staying.chain(arriving) {
            let Some(program) = trigger.run.first() else {
                continue;
            };
            let patterns = trigger.paths.iter().map(String::as_str);
            if self.changed(patterns).next().is_none() || !self.has_program(program, after)? {
                continue;
            }
            let equal = jobs.iter_mut().find_map(|job| match job {
                Job::Trigger {
                    name,
                    packages,
                    run,
                } if *name == trigger.name && *run == trigger.run => Some(packages),
                _ => None,
            });
            match equal {
                Some(packages) if packages.contains(package) => {}
                Some(packages) => packages.push(package.clone()),
                None => jobs.push(Job::Trigger {
                    name: trigger.name.clone(),
                    packages: vec![package.clone()],
                    run: trigger.run.clone(),
                }),
            }
        }
        Ok(jobs)
    }

    fn built_in(&self, order: Order, after: &After<'_>) -> Result<Vec<Job>, HookPlanError> {
        let mut jobs: Vec<Job> = Vec::new();
        for trigger in BUILT_IN.iter().filter(|trigger| trigger.order == order) {
            for run in self.commands(trigger, after)? {
                let job = Job::BuiltIn {
                    name: trigger.name.to_owned(),
                    run,
                };
                if !jobs.contains(&job) {
                    jobs.push(job);
                }
            }
        }
        Ok(jobs)
    }

    /// Returns the commands of a trigger of ours; none if nothing sets it off or its program will not be there.
    fn commands(
        &self,
        trigger: &BuiltIn,
        after: &After<'_>,
    ) -> Result<Vec<Vec<String>>, HookPlanError> {
        let mut found = BTreeSet::new();
        for place in self.changed(trigger.paths.iter().copied()) {
            match trigger.each {
                Each::Once => {
                    found.insert("");
                    break;
                }
                Each::Component(number) => {
                    let component = place.components().nth(number);
                    // A name that reads like an option is nobody's kernel or theme.
                    found.extend(
                        component
                            .and_then(|name| std::str::from_utf8(name).ok())
                            .filter(|name| !name.starts_with('-')),
                    );
                }
            }
        }
        if found.is_empty() || (trigger.name == DAEMON_RELOAD && !is_live(self.root)) {
            return Ok(Vec::new());
        }
        let Some(program) = self.find_program(trigger.program, after)? else {
            return Ok(Vec::new());
        };
        let mut commands = Vec::new();
        for each in found {
            let arguments: Vec<String> = trigger
                .arguments
                .iter()
                .map(|argument| argument.replace("{}", each))
                .collect();
            let directory = match trigger.each {
                Each::Once => arguments.iter().find(|one| one.starts_with('/')).cloned(),
                Each::Component(number) => {
                    let fixed = trigger.paths[0].split('/').take(number);
                    Some(fixed.chain([each]).collect::<Vec<_>>().join("/"))
                }
            };
            let is_there = match directory {
                None => true,
                Some(directory) => self.has_directory(&directory, after)?,
            };
            if is_there {
                commands.push([vec![program.clone()], arguments].concat());
            }
        }
        Ok(commands)
    }

    /// Returns the places of changed files that match one of the patterns.
    fn changed<'a>(
        &'a self,
        patterns: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = &'a RelPath> {
        let patterns: Vec<PathPattern> = patterns.filter_map(|text| text.parse().ok()).collect();
        self.paths
            .iter()
            .filter(|action| action.kind != Kind::Directory && changes(&action.change))
            .filter(move |action| {
                [&action.place, &action.path]
                    .into_iter()
                    .any(|path| patterns.iter().any(|pattern| matches(pattern, path)))
            })
            .map(|action| &action.place)
    }

    /// Returns where a program will be, absolute.
    fn find_program(&self, name: &str, after: &After<'_>) -> Result<Option<String>, HookPlanError> {
        for directory in PROGRAM_DIRECTORIES {
            let program = format!("/{directory}/{name}");
            if self.has_program(&program, after)? {
                return Ok(Some(program));
            }
        }
        Ok(None)
    }

    fn has_program(&self, program: &str, after: &After<'_>) -> Result<bool, HookPlanError> {
        let Ok(path) = program.trim_start_matches('/').parse::<RelPath>() else {
            return Ok(false);
        };
        let place = self.links.place(&path);
        if let Some(is_there) = after.get(&place) {
            return Ok(*is_there);
        }
        match self.root.metadata(&place) {
            Ok(found) => Ok(found.is_some_and(|found| found.kind != Kind::Directory)),
            // A link in the way that is not one of merged directories: what is behind it is not looked for.
            Err(error) if error.is_way_blocked() => Ok(false),
            Err(source) => Err(HookPlanError::Read { source }),
        }
    }

    fn has_directory(&self, directory: &str, after: &After<'_>) -> Result<bool, HookPlanError> {
        let Ok(path) = directory.trim_start_matches('/').parse::<RelPath>() else {
            return Ok(false);
        };
        let place = self.links.directory_place(&path);
        if let Some(is_there) = after.get(&place) {
            return Ok(*is_there);
        }
        if after
            .iter()
            .any(|(below, stays)| *stays && below.starts_with(&place))
        {
            return Ok(true);
        }
        match self.root.metadata(&place) {
            Ok(found) => Ok(found.is_some_and(|found| found.kind == Kind::Directory)),
            Err(error) if error.is_way_blocked() => Ok(false),
            Err(source) => Err(HookPlanError::Read { source }),
        }
    }

    /// Says which users and groups of removed packages stay.
    fn staying_accounts(&self) -> Vec<Diagnostic> {
        let removed = self
            .changes
            .iter()
            .filter(|change| change.action == ChangeAction::Remove);
        let mut notices = Vec::new();
        for change in removed {
            let Some(manifest) = self.manifests.get(&change.package.name) else {
                continue;
            };
            let users = manifest
                .users
                .iter()
                .map(|user| format!("user {}", user.name));
            let groups = manifest
                .groups
                .iter()
                .map(|group| format!("group {}", group.name));
            let accounts: Vec<String> = users.chain(groups).collect();
            if !accounts.is_empty() {
                let message = format!(
                    "{} goes, and of its accounts stay: {}",
                    change.package.name,
                    accounts.join(", ")
                );
                notices.push(
                    Diagnostic::note("accounts-stay", message).at(change.package.name.as_str()),
                );
            }
        }
        notices
    }
}

/// Tells whether something is at a place after the transaction.
fn stays(change: &PathChange) -> bool {
    !matches!(change, PathChange::Remove | PathChange::KeepDeleted)
}

/// Tells whether what is at a place changes, so that caches made from it are out of date.
fn changes(change: &PathChange) -> bool {
    !matches!(
        change,
        PathChange::KeepDeleted | PathChange::KeepEdited { .. } | PathChange::Abandon
    )
}

/// Compares the part before the first wildcard first: most paths differ there.
fn matches(pattern: &PathPattern, path: &RelPath) -> bool {
    let text = pattern.as_str();
    let fixed = text.find(['*', '?']).unwrap_or(text.len());
    let fixed = &text.as_bytes()[..fixed];
    // `usr/share/fonts/**` also matches `usr/share/fonts`.
    let fixed = fixed.strip_suffix(b"/").unwrap_or(fixed);
    path.as_bytes().starts_with(fixed) && pattern.is_match(path)
}
