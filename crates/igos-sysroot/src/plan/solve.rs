//! Which candidates are needed for what was asked, and in which order they come.
//!
//! Deliberately simple: a dependency that something installed or chosen satisfies asks for nothing; otherwise the
//! newest candidate that satisfies it is chosen. There is no search through alternatives.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use igos_format::declaration::Feature;
use igos_format::{Arch, Dependency, PackageId, PackageName};

use super::world::{Facts, World, is_satisfied};
use super::{Candidate, Conflict, InstallRequest, Lack, PlanError, Wanted};
use crate::{DatabaseError, Reason};

/// A candidate that will be installed.
#[derive(Debug, Clone)]
pub(super) struct Chosen<'a> {
    pub(super) candidate: &'a Candidate,
    /// Why, if nothing of that name is installed yet.
    pub(super) reason: Reason,
    pub(super) required_by: BTreeSet<PackageName>,
}

fn database(source: DatabaseError) -> PlanError {
    PlanError::Database { source }
}

/// Returns the order of two packages of one name: epoch, version, release.
pub(super) fn compare_versions(a: &PackageId, b: &PackageId) -> std::cmp::Ordering {
    (a.epoch, &a.version, &a.release).cmp(&(b.epoch, &b.version, &b.release))
}

/// Returns the candidate that `wanted` names.
pub(super) fn pick<'a>(
    candidates: &'a [Candidate],
    wanted: &Wanted,
    arch: Arch,
) -> Result<&'a Candidate, PlanError> {
    let named = |candidate: &&Candidate| candidate.manifest().package.name == wanted.name;
    let found = match (&wanted.seal, &wanted.exact) {
        (Some(seal), _) => candidates
            .iter()
            .find(|candidate| candidate.seal() == *seal),
        (None, Some(exact)) => candidates
            .iter()
            .find(|candidate| candidate.manifest().package == *exact)
            .or_else(|| candidates.iter().find(named)),
        (None, None) => newest(candidates.iter().filter(named), arch),
    };
    let found = found.ok_or_else(|| PlanError::NoCandidate {
        name: wanted.name.clone(),
    })?;
    let package = &found.manifest().package;
    let as_requested = match &wanted.exact {
        Some(exact) => package == exact,
        None => package.name == wanted.name,
    };
    if !as_requested {
        let expected = wanted.exact.clone().unwrap_or_else(|| PackageId {
            name: wanted.name.clone(),
            ..package.clone()
        });
        return Err(PlanError::NotAsRequested {
            expected,
            found: package.clone(),
            arch: package.arch,
        });
    }
    Ok(found)
}

/// Returns the newest of some candidates, those for this machine first; seals break ties, so that the answer does
/// not depend on the order of the candidates.
fn newest<'a>(
    candidates: impl Iterator<Item = &'a Candidate>,
    arch: Arch,
) -> Option<&'a Candidate> {
    candidates.max_by(|a, b| {
        let (left, right) = (&a.manifest().package, &b.manifest().package);
        fits(left.arch, arch)
            .cmp(&fits(right.arch, arch))
            .then_with(|| compare_versions(left, right))
            .then_with(|| a.seal().cmp(&b.seal()))
    })
}

pub(super) fn fits(found: Arch, arch: Arch) -> bool {
    found == Arch::Any || found == arch
}

/// Adds to `first` the candidates that it needs, until nothing is missing.
pub(super) fn close<'a>(
    world: &mut World<'_>,
    candidates: &'a [Candidate],
    first: Vec<&'a Candidate>,
    request: &InstallRequest,
) -> Result<BTreeMap<PackageName, Chosen<'a>>, PlanError> {
    let mut chosen: BTreeMap<PackageName, Chosen<'a>> = BTreeMap::new();
    let mut queue = VecDeque::new();
    for candidate in first {
        let name = candidate.manifest().package.name.clone();
        world.add(candidate);
        queue.push_back(name.clone());
        chosen.insert(
            name,
            Chosen {
                candidate,
                reason: Reason::Explicit,
                required_by: BTreeSet::new(),
            },
        );
    }
    let mut lacking = Vec::new();
    while let Some(name) = queue.pop_front() {
        let facts = Facts::of(chosen[&name].candidate.manifest());
        for lack in world.lacks_of(&facts).map_err(database)? {
            let fitting = candidates.iter().filter(|candidate| {
                let package = &candidate.manifest().package;
                fits(package.arch, request.arch)
                    && !chosen.contains_key(&package.name)
                    && meets(candidate, &lack)
            });
            let Some(candidate) = newest_by_name(fitting, &lack, request.arch) else {
                lacking.push(lack);
                continue;
            };
            let found = candidate.manifest().package.name.clone();
            world.add(candidate);
            queue.push_back(found.clone());
            chosen.insert(
                found,
                Chosen {
                    candidate,
                    reason: Reason::Automatic,
                    required_by: BTreeSet::from([name.clone()]),
                },
            );
        }
    }
    // A package chosen later may have what one before it lacked for want of a candidate.
    let mut still = Vec::new();
    for lack in lacking {
        let is_met = match &lack {
            Lack::Dependency { dependency, .. } => world.satisfies(dependency),
            Lack::Feature { feature, .. } => world.has_feature(feature).map_err(database)?,
        };
        if !is_met {
            still.push(lack);
        }
    }
    if !still.is_empty() {
        still.sort_by_key(ToString::to_string);
        return Err(PlanError::Lacking(still));
    }
    note_requirers(&mut chosen);
    Ok(chosen)
}

fn meets(candidate: &Candidate, lack: &Lack) -> bool {
    let manifest = candidate.manifest();
    match lack {
        Lack::Dependency { dependency, .. } => {
            is_satisfied(dependency, &manifest.package, &manifest.provides)
        }
        Lack::Feature { feature, .. } => {
            manifest.features_provided.contains(feature) || has_path_of(candidate, feature)
        }
    }
}

fn has_path_of(candidate: &Candidate, feature: &Feature) -> bool {
    let Some(path) = feature.name.strip_prefix('/') else {
        return false;
    };
    feature.kind == igos_format::declaration::FeatureKind::Path
        && candidate
            .manifest()
            .entries
            .iter()
            .any(|entry| entry.path.as_bytes() == path.as_bytes())
}

/// A candidate of the very name is better than one that provides it, whatever the versions.
fn newest_by_name<'a>(
    fitting: impl Iterator<Item = &'a Candidate> + Clone,
    lack: &Lack,
    arch: Arch,
) -> Option<&'a Candidate> {
    if let Lack::Dependency { dependency, .. } = lack {
        let named = fitting
            .clone()
            .filter(|candidate| candidate.manifest().package.name == dependency.name);
        if let Some(found) = newest(named, arch) {
            return Some(found);
        }
    }
    // Of several names that would do, the first in order: adding an archive of another name to a directory must not
    // change which one is meant by chance of its version.
    let name = fitting
        .clone()
        .map(|candidate| candidate.manifest().package.name.clone())
        .min()?;
    newest(
        fitting.filter(|candidate| candidate.manifest().package.name == name),
        arch,
    )
}

pub(super) fn note_requirers(chosen: &mut BTreeMap<PackageName, Chosen<'_>>) {
    let needs: Vec<(PackageName, BTreeSet<PackageName>)> = chosen
        .iter()
        .map(|(name, package)| (name.clone(), needed_by(package.candidate, chosen)))
        .collect();
    for (name, needed) in needs {
        for other in needed {
            if let Some(package) = chosen.get_mut(&other) {
                package.required_by.insert(name.clone());
            }
        }
    }
}

/// Returns which of the chosen packages `candidate` needs directly.
fn needed_by(
    candidate: &Candidate,
    chosen: &BTreeMap<PackageName, Chosen<'_>>,
) -> BTreeSet<PackageName> {
    let manifest = candidate.manifest();
    let own = &manifest.package.name;
    let mut needed = BTreeSet::new();
    for (name, other) in chosen.iter().filter(|(name, _)| *name != own) {
        let facts = other.candidate.manifest();
        let by_name = |dependency: &Dependency| {
            dependency.name == *name
                || facts
                    .provides
                    .iter()
                    .any(|provided| provided.name == dependency.name)
        };
        let by_feature = |feature: &Feature| facts.features_provided.contains(feature);
        if manifest.depends.iter().any(by_name) || manifest.features_required.iter().any(by_feature)
        {
            needed.insert(name.clone());
        }
    }
    needed
}

/// Returns the names of the chosen packages, each after those it needs; where packages need one another in a
/// circle, the one asked for first comes last.
pub(super) fn order(chosen: &BTreeMap<PackageName, Chosen<'_>>) -> Vec<PackageName> {
    let needs: BTreeMap<&PackageName, Vec<PackageName>> = chosen
        .iter()
        .map(|(name, package)| {
            let needed = needed_by(package.candidate, chosen);
            (name, needed.into_iter().rev().collect())
        })
        .collect();
    let mut ordered = Vec::new();
    let mut seen = BTreeSet::new();
    for name in chosen.keys() {
        // Depth first with an explicit stack: a name is emitted when everything it needs was.
        let mut stack = vec![(name.clone(), false)];
        while let Some((name, is_done)) = stack.pop() {
            if is_done {
                ordered.push(name);
            } else if seen.insert(name.clone()) {
                stack.push((name.clone(), true));
                for needed in &needs[&name] {
                    stack.push((needed.clone(), false));
                }
            }
        }
    }
    ordered
}

/// Returns the declared conflicts between packages of `world` in which one of `changed` takes part.
pub(super) fn declared_conflicts(
    world: &World<'_>,
    changed: &BTreeSet<PackageName>,
) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (name, facts) in &world.packages {
        for declared in &facts.conflicts {
            for (other, others) in &world.packages {
                let takes_part = changed.contains(name) || changed.contains(other);
                if other != name && takes_part && others.satisfies(declared) {
                    conflicts.push(Conflict::Declared {
                        package: name.clone(),
                        other: other.clone(),
                        declared: declared.clone(),
                    });
                }
            }
        }
    }
    conflicts
}
