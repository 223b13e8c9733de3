//! The running kernel: without its modules and its image the machine works until it needs one of them, and then
//! cannot even be started again.
//!
//! So its package is not removed, and an upgrade of it leaves these paths where they are, beside the new kernel. They
//! go with the first transaction after another kernel was started.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};
use igos_report::Diagnostic;
use igos_root::Kind;

use super::ground::{Ground, database};
use super::paths::read;
use super::{PathAction, PathChange, PlanError, RunningKernel, Was};
use crate::kernels::{is_of_kernel, kept_kernels};

/// What happens to kernels that stay though their package has others.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct KernelChanges {
    /// Releases that are kept from now on, and the package each belonged to.
    pub keep: BTreeMap<String, PackageName>,
    /// Releases that are not kept any more.
    pub forget: BTreeSet<String>,
}

impl KernelChanges {
    /// Returns what the user should know before confirming.
    pub(super) fn notices(&self) -> Vec<Diagnostic> {
        let notice = |(release, package): (&String, &PackageName)| {
            Diagnostic::note(
                "kernel-kept",
                format!(
                    "kernel {release} is running: its files stay beside the new ones, and go with the first \
                     transaction after another kernel was started"
                ),
            )
            .at(package.as_str())
        };
        self.keep.iter().map(notice).collect()
    }
}

/// Keeps the paths of the running kernel that packages of `replaced` would take away; refuses to remove its package.
pub(super) fn keep_running(
    running: &RunningKernel,
    replaced: impl Fn(&PackageName) -> bool,
    actions: &mut Vec<PathAction>,
) -> Result<KernelChanges, PlanError> {
    let mut changes = KernelChanges::default();
    let RunningKernel::Keep { release } = running else {
        return Ok(changes);
    };
    let goes = |action: &PathAction| {
        action.change == PathChange::Remove && is_of_kernel(&action.place, release)
    };
    for action in actions.iter_mut().filter(|action| goes(action)) {
        if !replaced(&action.package) {
            return Err(PlanError::RunningKernel {
                name: action.package.clone(),
                release: release.clone(),
                path: action.path.clone(),
            });
        }
        let package = action.package.clone();
        changes.keep.insert(release.clone(), package);
        if action.kind != Kind::Directory {
            action.change = PathChange::KeepRunning;
        }
    }
    // What is left of them are directories, which are not empty.
    actions.retain(|action| !goes(action));
    Ok(changes)
}

/// Lets kernels go that were kept and are not running any more; those whose paths have an owner again are no longer
/// kept either.
pub(super) fn forget_others(
    ground: &Ground<'_>,
    running: &RunningKernel,
    leaving: impl Fn(&PackageName) -> bool,
    actions: &mut Vec<PathAction>,
    changes: &mut KernelChanges,
) -> Result<(), PlanError> {
    let taken: BTreeSet<RelPath> = actions
        .iter()
        .filter(|action| action.change.takes_content())
        .map(|action| action.place.clone())
        .collect();
    let is_owned = |place: &RelPath| -> Result<bool, PlanError> {
        let owner = ground.database.owner(place).map_err(database)?;
        let owners = ground.database.directory_owners(place).map_err(database)?;
        let owner = owner.map(|row| row.package);
        Ok(taken.contains(place) || owner.iter().chain(&owners).any(|name| !leaving(name)))
    };
    for kernel in kept_kernels(ground.root).map_err(read)? {
        if changes.keep.contains_key(&kernel.release) {
            continue;
        }
        let mut left = Vec::new();
        for (path, place, kind) in kernel.paths(&ground.links) {
            let found = match ground.root.metadata(&place) {
                Ok(found) => found,
                Err(error) if error.is_way_blocked() => None,
                Err(error) => return Err(read(error)),
            };
            if found.is_some_and(|found| found.kind == kind) && !is_owned(&place)? {
                left.push((path, place, kind));
            }
        }
        let has_files = left.iter().any(|(_, _, kind)| *kind != Kind::Directory);
        match running {
            RunningKernel::Keep { release } if *release != kernel.release => {}
            _ if has_files => continue,
            _ => {}
        }
        for (path, place, kind) in left {
            actions.push(PathAction {
                path,
                place,
                package: kernel.record.manifest.package.name.clone(),
                kind,
                change: PathChange::Remove,
                was: match kind {
                    Kind::Directory => Was::Directory,
                    _ => Was::Other,
                },
            });
        }
        changes.forget.insert(kernel.release);
    }
    actions.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(())
}
