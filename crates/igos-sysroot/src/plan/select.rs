//! From names to an exact plan: installations with what they need, and removals.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::exact::{Selection, plan_selection};
use super::ground::{Ground, database};
use super::links::ChoiceRequest;
use super::solve;
use super::world::World;
use super::{
    Again, Candidate, Downgrade, EditedConfiguration, InstallRequest, Plan, PlanError, Policy,
    RemoveRequest, RunningKernel, Unowned, Unsigned,
};
use igos_format::Arch;

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
        ground.adopt_links(candidate);
    }
    let (links, exclusions) = (ground.links.clone(), ground.exclusions.clone());
    let mut world = World::installed(ground.database, &links, &exclusions).map_err(database)?;
    let selection = Selection {
        chosen: solve::close(&mut world, candidates, first, request)?,
        remove: BTreeSet::new(),
        marks: Vec::new(),
        unchanged,
        choices: ChoiceRequest::unchanged(&ground.choices),
        earlier: None,
    };
    let policy = Policy {
        unsigned: request.unsigned,
        unowned: request.unowned,
        edited: request.edited,
        exclusions: None,
        downgrade: request.downgrade,
        essential: super::Essential::Keep,
        kernel: RunningKernel::Ignore,
        arch: request.arch,
        ownership: request.ownership,
    };
    plan_selection(ground, selection, &policy)
}

/// Plans a removal.
pub(crate) fn plan_remove(ground: Ground<'_>, request: &RemoveRequest) -> Result<Plan, PlanError> {
    let selection = Selection {
        chosen: BTreeMap::new(),
        remove: request.names.clone(),
        marks: Vec::new(),
        unchanged: Vec::new(),
        choices: ChoiceRequest::unchanged(&ground.choices),
        earlier: None,
    };
    let policy = Policy {
        unsigned: Unsigned::Refuse,
        unowned: Unowned::Refuse,
        edited: EditedConfiguration::Keep,
        exclusions: None,
        downgrade: Downgrade::Refuse,
        essential: request.essential,
        kernel: RunningKernel::Ignore,
        arch: Arch::native(),
        ownership: request.ownership,
    };
    plan_selection(ground, selection, &policy)
}

fn same_name(a: &Candidate, b: &Candidate) -> bool {
    a.manifest().package.name == b.manifest().package.name
}
