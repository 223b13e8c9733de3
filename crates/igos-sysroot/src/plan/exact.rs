//! From an exact request to a plan: what comes and what goes was decided elsewhere, and is examined here once more.
//!
//! Whoever decided, nothing is planned that would leave a package without what it needs, or beside what it cannot be
//! installed with.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::manifest::Manifest;
use igos_format::{PackageId, PackageName};

use super::arriving::{self, Chosen};
use super::change::{arrival, marked, removal};
use super::describe::notices;
use super::ground::{Ground, database};
use super::links::ChoiceRequest;
use super::paths::PathPlanner;
use super::world::{Facts, World};
use super::{
    Candidate, Change, ChangeAction, Conflict, Essential, Hold, Lack, Plan, PlanError, Policy,
    Request, kernel,
};
use crate::configuration::Pending;
use crate::hooks::HookGround;
use crate::{Reason, Record};

/// What comes and what goes, by name.
pub(super) struct Selection<'a> {
    pub(super) chosen: BTreeMap<PackageName, Chosen<'a>>,
    pub(super) remove: BTreeSet<PackageName>,
    /// Changes of records alone.
    pub(super) marks: Vec<Change>,
    /// Packages asked for that stay as they are.
    pub(super) unchanged: Vec<PackageId>,
    /// Which alternatives are chosen.
    pub(super) choices: ChoiceRequest,
    /// In a rollback, the configuration files that waited for an answer then.
    pub(super) earlier: Option<Pending>,
}

/// Plans one exact transaction.
pub(crate) fn plan_exact(
    ground: Ground<'_>,
    candidates: &[Candidate],
    request: &Request,
) -> Result<Plan, PlanError> {
    let mut chosen: BTreeMap<PackageName, Chosen<'_>> = BTreeMap::new();
    for (seal, reason) in &request.install {
        let candidate = candidates
            .iter()
            .find(|candidate| candidate.seal() == *seal)
            .ok_or(PlanError::NoSeal { seal: *seal })?;
        let name = candidate.manifest().package.name.clone();
        let arriving = Chosen {
            candidate,
            reason: *reason,
            required_by: BTreeSet::new(),
        };
        if request.remove.contains(&name) || chosen.insert(name.clone(), arriving).is_some() {
            return Err(PlanError::Twice { name });
        }
    }
    arriving::note_requirers(&mut chosen);
    let marks = marks(&ground, request, &chosen)?;
    let selection = Selection {
        chosen,
        remove: request.remove.clone(),
        marks,
        unchanged: Vec::new(),
        choices: ChoiceRequest::unchanged(&ground.choices),
        earlier: None,
    };
    let mut plan = plan_selection(ground, selection, &request.policy)?;
    for change in &mut plan.changes {
        let name = &change.package.name;
        if change.action.brings_files() {
            change.reason = *request.reasons.get(name).unwrap_or(&change.reason);
            change.held = request
                .holds
                .get(name)
                .map_or(change.held, |hold| *hold == Hold::Held);
        }
    }
    Ok(plan)
}

/// Returns the changes of records alone; a mark that a record has already changes nothing.
fn marks(
    ground: &Ground<'_>,
    request: &Request,
    chosen: &BTreeMap<PackageName, Chosen<'_>>,
) -> Result<Vec<Change>, PlanError> {
    let mut marks = Vec::new();
    for (name, reason) in &request.reasons {
        if chosen.contains_key(name) {
            continue;
        }
        let record = ground.installed(name)?;
        if record.installed.reason != *reason {
            let action = match reason {
                Reason::Explicit => ChangeAction::MarkExplicit,
                Reason::Automatic => ChangeAction::MarkAutomatic,
            };
            marks.push(marked(&record, action));
        }
    }
    for (name, hold) in &request.holds {
        if chosen.contains_key(name) {
            continue;
        }
        let record = ground.installed(name)?;
        let is_held = *hold == Hold::Held;
        if record.installed.held != is_held {
            let action = if is_held {
                ChangeAction::Hold
            } else {
                ChangeAction::Release
            };
            marks.push(marked(&record, action));
        }
    }
    marks.retain(|mark| !request.remove.contains(&mark.package.name));
    Ok(marks)
}

/// Plans a transaction of which it is known what comes and what goes.
pub(super) fn plan_selection(
    mut ground: Ground<'_>,
    selection: Selection<'_>,
    policy: &Policy,
) -> Result<Plan, PlanError> {
    let Selection {
        chosen,
        remove,
        marks,
        unchanged,
        choices,
        earlier,
    } = selection;
    let before = ground.exclusions.clone();
    if let Some(exclusions) = &policy.exclusions {
        ground.exclusions = exclusions.clone();
    }
    let exclusions_change = ground.exclusions != before;
    for package in chosen.values() {
        ground.adopt_links(package.candidate);
    }
    let (changes, leaving) = changes(&ground, &chosen, marks, &remove, policy)?;
    let mut conflicts = examine(&ground, &chosen, &remove)?;
    let manifests = manifests(&chosen, &remove, &leaving);
    let planner = PathPlanner {
        root: ground.root,
        database: ground.database,
        links: &ground.links,
        unowned: policy.unowned,
        edited: policy.edited,
        earlier: earlier.as_ref(),
        pending: &ground.pending,
        choices,
        exclusions: &ground.exclusions,
        arriving: chosen
            .iter()
            .map(|(name, package)| (name.clone(), package.candidate))
            .collect(),
        leaving,
    };
    let mut paths = planner.plan()?;
    conflicts.extend(paths.conflicts.iter().cloned());
    finish_conflicts(conflicts)?;
    let replaced = |name: &PackageName| chosen.contains_key(name);
    let mut kernels = kernel::keep_running(&policy.kernel, replaced, &mut paths.actions)?;
    if !changes.is_empty() {
        let leaves = |name: &PackageName| planner.leaving.contains_key(name);
        let running = &policy.kernel;
        kernel::forget_others(&ground, running, leaves, &mut paths.actions, &mut kernels)?;
    }
    let (hooks, stay) = HookGround {
        root: ground.root,
        links: &ground.links,
        changes: &changes,
        manifests: &manifests,
        installed: &ground.database.triggers().map_err(database)?,
        paths: &paths.actions,
    }
    .plan()
    .map_err(|source| PlanError::Hooks { source })?;
    Ok(Plan {
        based_on: ground.last_transaction,
        ownership: policy.ownership,
        notices: [notices(&changes, &paths.lost), kernels.notices(), stay].concat(),
        kernels,
        hooks,
        install_bytes: changes
            .iter()
            .filter(|change| change.action.brings_files())
            .map(|change| change.installed_bytes)
            .fold(0, u64::saturating_add),
        changes,
        paths: paths.actions,
        yields: paths.yields.into_iter().collect(),
        unchanged,
        exclusions: ground.exclusions.clone(),
        exclusions_change,
        pristine: paths.pristine,
        choices: paths.choices,
        contents: BTreeMap::new(),
        rollback_to: None,
    })
}

/// Returns what becomes of each package, and the records of those that go or are replaced.
fn changes(
    ground: &Ground<'_>,
    chosen: &BTreeMap<PackageName, Chosen<'_>>,
    marks: Vec<Change>,
    remove: &BTreeSet<PackageName>,
    policy: &Policy,
) -> Result<(Vec<Change>, BTreeMap<PackageName, Record>), PlanError> {
    let order = arriving::order(chosen);
    let mut leaving = BTreeMap::new();
    let mut changes = Vec::new();
    for name in &order {
        let old = ground.record(name)?;
        changes.push(arrival(ground, &chosen[name], old.as_ref(), policy)?);
        if let Some(old) = old {
            leaving.insert(name.clone(), old);
        }
    }
    changes.extend(marks);
    for name in remove {
        let record = ground.installed(name)?;
        if record.manifest.is_essential && policy.essential == Essential::Keep {
            return Err(PlanError::Essential { name: name.clone() });
        }
        changes.push(removal(&record));
        leaving.insert(name.clone(), record);
    }
    Ok((changes, leaving))
}

/// Returns what hooks may look at: the manifests of what comes, and of what goes.
fn manifests(
    chosen: &BTreeMap<PackageName, Chosen<'_>>,
    remove: &BTreeSet<PackageName>,
    leaving: &BTreeMap<PackageName, Record>,
) -> BTreeMap<PackageName, Manifest> {
    let going = remove
        .iter()
        .filter_map(|name| Some((name.clone(), leaving.get(name)?.manifest.clone())));
    let coming = chosen
        .iter()
        .map(|(name, package)| (name.clone(), package.candidate.manifest().clone()));
    going.chain(coming).collect()
}

/// Compares the world after with the one before; returns the declared conflicts.
fn examine(
    ground: &Ground<'_>,
    chosen: &BTreeMap<PackageName, Chosen<'_>>,
    remove: &BTreeSet<PackageName>,
) -> Result<Vec<Conflict>, PlanError> {
    let world = || World::installed(ground.database, &ground.links, &ground.exclusions);
    let mut after = world().map_err(database)?;
    let broken_before = broken(&after)?;
    remove.iter().for_each(|name| after.remove(name));
    for package in chosen.values() {
        after.add(package.candidate);
    }
    let mut lacking = Vec::new();
    for package in chosen.values() {
        let facts = Facts::of(package.candidate.manifest());
        lacking.extend(after.lacks_of(&facts).map_err(database)?);
    }
    if !lacking.is_empty() {
        lacking.sort_by_key(ToString::to_string);
        return Err(PlanError::Lacking(lacking));
    }
    let mut breaks = broken(&after)?;
    breaks.retain(|lack| !broken_before.contains(lack));
    if !breaks.is_empty() {
        return Err(match remove.first() {
            Some(first) if chosen.is_empty() => needed(ground, remove, &breaks, first)?,
            _ => PlanError::Breaks(breaks),
        });
    }
    let changed = chosen.keys().cloned().collect();
    Ok(arriving::declared_conflicts(&after, &changed))
}

/// Returns everything that installed packages need and lack.
fn broken(world: &World<'_>) -> Result<Vec<Lack>, PlanError> {
    let mut all = Vec::new();
    for facts in world.packages.values() {
        all.extend(world.lacks_of(facts).map_err(database)?);
    }
    Ok(all)
}

/// Names, for the first of the packages to go that others need, who needs it.
fn needed(
    ground: &Ground<'_>,
    remove: &BTreeSet<PackageName>,
    breaks: &[Lack],
    first: &PackageName,
) -> Result<PlanError, PlanError> {
    let dependants_without = |name: &PackageName| -> Result<BTreeSet<PackageName>, PlanError> {
        let mut world = World::installed(ground.database, &ground.links, &ground.exclusions)
            .map_err(database)?;
        let before = broken(&world)?;
        world.remove(name);
        Ok(broken(&world)?
            .into_iter()
            .filter(|lack| !before.contains(lack))
            .map(|lack| lacking(&lack).clone())
            .filter(|dependant| !remove.contains(dependant))
            .collect())
    };
    for name in remove {
        let dependants = dependants_without(name)?;
        if !dependants.is_empty() {
            return Ok(PlanError::Needed {
                name: name.clone(),
                dependants: dependants.into_iter().collect(),
            });
        }
    }
    // Each alone could go, because another of them would do instead.
    let dependants: BTreeSet<_> = breaks.iter().map(|lack| lacking(lack).clone()).collect();
    Ok(PlanError::Needed {
        name: first.clone(),
        dependants: dependants.into_iter().collect(),
    })
}

fn lacking(lack: &Lack) -> &PackageName {
    match lack {
        Lack::Dependency { package, .. } | Lack::Feature { package, .. } => package,
    }
}

pub(super) fn finish_conflicts(mut conflicts: Vec<Conflict>) -> Result<(), PlanError> {
    if conflicts.is_empty() {
        return Ok(());
    }
    conflicts.sort_by_cached_key(ToString::to_string);
    conflicts.dedup();
    Err(PlanError::Conflicts(conflicts))
}
