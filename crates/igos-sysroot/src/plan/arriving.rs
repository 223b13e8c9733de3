//! How packages that come depend on one another: their order, who needs whom, and whom they conflict with.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::Feature;
use igos_format::{Arch, Dependency, PackageName};

use super::world::World;
use super::{Candidate, Conflict};
use crate::Reason;

/// A candidate that will be installed.
#[derive(Debug, Clone)]
pub(super) struct Chosen<'a> {
    pub(super) candidate: &'a Candidate,
    /// Why, if nothing of that name is installed yet.
    pub(super) reason: Reason,
    pub(super) required_by: BTreeSet<PackageName>,
}

pub(super) fn fits(found: Arch, arch: Arch) -> bool {
    found == Arch::Any || found == arch
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
