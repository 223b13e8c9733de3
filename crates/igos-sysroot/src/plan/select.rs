//! From a request to a plan.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, PackageId, PackageName};
use igos_root::{FollowedLinks, RootDir};

use super::describe::{notices, privileged, recorded_only};
use super::paths::{PathPlan, PathPlanner};
use super::solve::{self, Chosen};
use super::world::World;
use super::{
    Again, Candidate, Change, ChangeAction, Conflict, Downgrade, EditedConfiguration, Essential, InstallRequest, Lack,
    Plan, PlanError, RemoveRequest, Unowned, Unsigned,
};
use crate::configuration::Pending;
use crate::database::Database;
use crate::places::installed_bytes;
use crate::{DatabaseError, Exclusions, Reason, Record, Trust};

/// What a plan is made from besides the request.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) database: &'a Database,
    pub(crate) links: FollowedLinks,
    pub(crate) last_transaction: u64,
    /// Configuration files that wait for an answer.
    pub(crate) pending: Pending,
    /// Paths that are left out.
    pub(crate) exclusions: Exclusions,
}

fn database(source: DatabaseError) -> PlanError {
    PlanError::Database { source }
}

impl Ground<'_> {
    fn record(&self, name: &PackageName) -> Result<Option<Record>, PlanError> {
        self.database
            .record(name)
            .map_err(database)?
            .map(|bytes| {
                Record::read_of(name, &bytes).map_err(|source| PlanError::Record {
                    name: name.clone(),
                    source,
                })
            })
            .transpose()
    }
}

/// Plans an installation.
pub(crate) fn plan_install(
    mut ground: Ground<'_>,
    candidates: &[Candidate],
    request: &InstallRequest,
) -> Result<Plan, PlanError> {
    let mut first: Vec<&Candidate> = Vec::new();
    let mut unchanged = Vec::new();
    for wanted in &request.wanted {
        let candidate = solve::pick(candidates, wanted, request.arch)?;
        let installed = ground.record(&wanted.name)?;
        let is_same = installed.is_some_and(|record| record.installed.seal == candidate.seal());
        if is_same && request.again == Again::Skip {
            unchanged.push(candidate.manifest().package.clone());
        } else if !first.iter().any(|other| same_name(other, candidate)) {
            first.push(candidate);
        }
    }
    for candidate in &first {
        adopt_links(&mut ground.links, ground.root, candidate);
    }
    let (links, exclusions) = (ground.links.clone(), ground.exclusions.clone());
    let mut before = World::installed(ground.database, &links, &exclusions).map_err(database)?;
    let broken_before = broken(&mut before)?;
    let mut world = World::installed(ground.database, &links, &exclusions).map_err(database)?;
    let chosen = solve::close(&mut world, candidates, first, request)?;
    for package in chosen.values() {
        adopt_links(&mut ground.links, ground.root, package.candidate);
    }
    let order = solve::order(&chosen);

    let mut leaving = BTreeMap::new();
    let mut changes = Vec::new();
    for name in &order {
        let old = ground.record(name)?;
        changes.push(change(
            &chosen[name],
            old.as_ref(),
            request,
            &ground.exclusions,
        )?);
        if let Some(old) = old {
            leaving.insert(name.clone(), old);
        }
    }
    let breaks: Vec<Lack> = broken(&mut world)?
        .into_iter()
        .filter(|lack| !broken_before.contains(lack))
        .collect();
    if !breaks.is_empty() {
        return Err(PlanError::Breaks(breaks));
    }

    let changed = order.iter().cloned().collect();
    let mut conflicts = solve::declared_conflicts(&world, &changed);
    let planner = PathPlanner {
        root: ground.root,
        database: ground.database,
        links: &ground.links,
        unowned: request.unowned,
        edited: request.edited,
        pending: &ground.pending,
        exclusions: &ground.exclusions,
        arriving: chosen
            .iter()
            .map(|(name, package)| (name.clone(), package.candidate))
            .collect(),
        leaving,
    };
    let paths = planner.plan()?;
    conflicts.extend(paths.conflicts.iter().cloned());
    finish_conflicts(conflicts)?;
    let install_bytes = chosen
        .values()
        .map(|package| in_root_bytes(package.candidate.manifest(), &ground.exclusions))
        .fold(0, u64::saturating_add);
    Ok(finish(
        &ground,
        request.ownership,
        changes,
        paths,
        unchanged,
        install_bytes,
    ))
}

/// Plans a removal.
pub(crate) fn plan_remove(ground: Ground<'_>, request: &RemoveRequest) -> Result<Plan, PlanError> {
    let mut world = World::installed(ground.database, &ground.links, &ground.exclusions).map_err(database)?;
    let broken_before = broken(&mut world)?;
    let mut leaving = BTreeMap::new();
    for name in &request.names {
        let record = ground
            .record(name)?
            .ok_or_else(|| PlanError::NotInstalled { name: name.clone() })?;
        if record.manifest.is_essential && request.essential == Essential::Keep {
            return Err(PlanError::Essential { name: name.clone() });
        }
        leaving.insert(name.clone(), record);
        world.remove(name);
    }
    let mut needed = broken(&mut world)?;
    needed.retain(|lack| !broken_before.contains(lack));
    if let Some(name) = request.names.first()
        && !needed.is_empty()
    {
        return Err(needed_error(&ground, request, &needed, name)?);
    }
    let changes = leaving.values().map(removal).collect();
    let planner = PathPlanner {
        root: ground.root,
        database: ground.database,
        links: &ground.links,
        unowned: Unowned::Refuse,
        edited: EditedConfiguration::Keep,
        pending: &ground.pending,
        exclusions: &ground.exclusions,
        arriving: BTreeMap::new(),
        leaving,
    };
    let paths = planner.plan()?;
    Ok(finish(
        &ground,
        request.ownership,
        changes,
        paths,
        Vec::new(),
        0,
    ))
}

/// Returns the bytes that the files of an arriving package will take.
fn in_root_bytes(manifest: &Manifest, exclusions: &Exclusions) -> u64 {
    let entries = manifest.entries.iter();
    installed_bytes(entries.filter(|entry| !exclusions.leaves_out(entry)))
}

fn same_name(a: &Candidate, b: &Candidate) -> bool {
    a.manifest().package.name == b.manifest().package.name
}

/// A merged-directory link that an arriving package brings counts from now on, unless the root has something else
/// there.
fn adopt_links(links: &mut FollowedLinks, root: &RootDir, candidate: &Candidate) {
    for path in FollowedLinks::listed() {
        let entries = &candidate.manifest().entries;
        let found = entries.binary_search_by(|entry| entry.path.cmp(&path));
        if let Ok(at) = found
            && let EntryKind::Symlink { target } = &entries[at].kind
            && matches!(root.metadata(&path), Ok(None))
        {
            links.insert(path, target);
        }
    }
}

/// Returns everything that installed packages need and lack.
fn broken(world: &mut World<'_>) -> Result<Vec<Lack>, PlanError> {
    let mut all = Vec::new();
    for facts in world.packages.values() {
        all.extend(world.lacks_of(facts).map_err(database)?);
    }
    Ok(all)
}

/// Names, for the first of the packages to go that others need, who needs it.
fn needed_error(
    ground: &Ground<'_>,
    request: &RemoveRequest,
    needed: &[Lack],
    first: &PackageName,
) -> Result<PlanError, PlanError> {
    let dependants_without = |name: &PackageName| -> Result<BTreeSet<PackageName>, PlanError> {
        let mut world = World::installed(ground.database, &ground.links, &ground.exclusions).map_err(database)?;
        let before = broken(&mut world)?;
        world.remove(name);
        let lacks = broken(&mut world)?;
        Ok(lacks
            .into_iter()
            .filter(|lack| !before.contains(lack))
            .map(|lack| lacking(&lack).clone())
            .filter(|dependant| !request.names.contains(dependant))
            .collect())
    };
    for name in &request.names {
        let dependants = dependants_without(name)?;
        if !dependants.is_empty() {
            return Ok(PlanError::Needed {
                name: name.clone(),
                dependants: dependants.into_iter().collect(),
            });
        }
    }
    // Each alone could go, because another of them would do instead.
    let dependants: BTreeSet<_> = needed.iter().map(|lack| lacking(lack).clone()).collect();
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

fn finish_conflicts(mut conflicts: Vec<Conflict>) -> Result<(), PlanError> {
    if conflicts.is_empty() {
        return Ok(());
    }
    conflicts.sort_by_cached_key(ToString::to_string);
    conflicts.dedup();
    Err(PlanError::Conflicts(conflicts))
}

fn change(
    chosen: &Chosen<'_>,
    old: Option<&Record>,
    request: &InstallRequest,
    exclusions: &Exclusions,
) -> Result<Change, PlanError> {
    let candidate = chosen.candidate;
    let manifest = candidate.manifest();
    let package = &manifest.package;
    if !solve::fits(package.arch, request.arch) {
        return Err(PlanError::Arch {
            package: package.clone(),
            found: package.arch,
            expected: request.arch,
        });
    }
    if *candidate.trust() == Trust::Unsigned && request.unsigned == Unsigned::Refuse {
        return Err(PlanError::Unsigned {
            package: package.clone(),
        });
    }
    let action = match old.map(|old| &old.manifest.package) {
        None => ChangeAction::Install,
        Some(old) => {
            let from = old.full_version();
            match solve::compare_versions(package, old) {
                std::cmp::Ordering::Equal => ChangeAction::Reinstall,
                std::cmp::Ordering::Greater => ChangeAction::Upgrade { from },
                std::cmp::Ordering::Less if request.downgrade == Downgrade::Refuse => {
                    return Err(PlanError::Downgrade {
                        package: package.clone(),
                        installed: old.clone(),
                    });
                }
                std::cmp::Ordering::Less => ChangeAction::Downgrade { from },
            }
        }
    };
    // What was asked for once stays asked for.
    let reason = match old.map(|old| old.installed.reason) {
        Some(Reason::Explicit) => Reason::Explicit,
        Some(Reason::Automatic) | None => chosen.reason,
    };
    Ok(Change {
        package: package.clone(),
        action,
        reason,
        seal: Some(candidate.seal()),
        trust: candidate.trust().clone(),
        repository: candidate.vouch().repository.clone(),
        signature: candidate.vouch().signature.clone(),
        installed_bytes: in_root_bytes(manifest, exclusions),
        required_by: chosen.required_by.iter().cloned().collect(),
        privileged: privileged(&manifest.entries),
        recorded_only: recorded_only(manifest),
    })
}

fn removal(record: &Record) -> Change {
    Change {
        package: record.manifest.package.clone(),
        action: ChangeAction::Remove,
        reason: record.installed.reason,
        seal: None,
        trust: record.installed.trust.clone(),
        repository: None,
        signature: None,
        installed_bytes: installed_bytes(record.entries()),
        required_by: Vec::new(),
        privileged: Vec::new(),
        recorded_only: Vec::new(),
    }
}

fn finish(
    ground: &Ground<'_>,
    ownership: crate::Ownership,
    changes: Vec<Change>,
    paths: PathPlan,
    unchanged: Vec<PackageId>,
    install_bytes: u64,
) -> Plan {
    Plan {
        based_on: ground.last_transaction,
        ownership,
        notices: notices(&changes, &paths.lost),
        changes,
        paths: paths.actions,
        yields: paths.yields.into_iter().collect(),
        unchanged,
        install_bytes,
        exclusions: ground.exclusions.clone(),
    }
}
