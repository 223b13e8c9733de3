//! What may be, by looking at everything: for small worlds alone.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageId, PackageName};
use igos_solve::{Downgrades, Holds, Relations, Removals, Solution, Upgrade};

use crate::case::Case;

/// What is there of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    Installed,
    /// The offer of this number.
    Offer(usize),
}

/// What is there of each name.
pub(crate) type World = BTreeMap<PackageName, State>;

fn facts<'a>(
    case: &'a Case,
    name: &PackageName,
    state: State,
) -> Option<(&'a PackageId, &'a Relations)> {
    match state {
        State::Absent => None,
        State::Installed => {
            let installed = &case.universe.packages[name];
            Some((&installed.package, &installed.relations))
        }
        State::Offer(at) => {
            let offer = &case.offered[at];
            Some((&offer.package, &offer.relations))
        }
    }
}

/// Returns the states that the rules allow for one name.
fn states(case: &Case, name: &PackageName) -> Vec<State> {
    let request = &case.request;
    let policy = &request.policy;
    let installed = case.universe.packages.get(name);
    if request.remove.contains(name) {
        return vec![State::Absent];
    }
    let wanted = request.install.iter().find(|wanted| wanted.name == *name);
    let mut states = Vec::new();
    let is_held = installed.is_some_and(|it| it.is_held) && policy.holds == Holds::Keep;
    let only_removals = request.install.is_empty() && request.upgrade == Upgrade::Nothing;
    if wanted.is_none() && !is_held {
        states.push(State::Absent);
    }
    if let Some(installed) = installed
        && wanted.is_none_or(|wanted| wanted.which.accepts(&installed.package, &installed.seal))
    {
        states.push(State::Installed);
    }
    for (at, offer) in case.offered.iter().enumerate() {
        let is_older = installed.is_some_and(|installed| {
            let order = offer.package.compare_versions(&installed.package);
            order.is_eq() || (order.is_lt() && policy.downgrades == Downgrades::Refuse)
        });
        let is_meant =
            wanted.is_none_or(|wanted| wanted.which.accepts(&offer.package, &offer.seal));
        if offer.package.name == *name && !is_older && !is_held && !only_removals && is_meant {
            states.push(State::Offer(at));
        }
    }
    states
}

/// Tells whether a package of these relations takes the place of `name`, be it by way of others that do.
fn succeeds(case: &Case, relations: &Relations, name: &PackageName, steps: u8) -> bool {
    let mut provided = relations.provides.iter().map(|it| &it.name);
    provided.any(|between| {
        let mut others = case.offered.iter();
        relations.supersedes.contains(between)
            && (between == name
                || steps > 0
                    && others.any(|offer| {
                        offer.package.name == *between
                            && succeeds(case, &offer.relations, name, steps - 1)
                    }))
    })
}

/// Returns installed packages that are gone although nobody asked for it and nothing takes their place.
pub(crate) fn losses(case: &Case, world: &World) -> BTreeSet<PackageName> {
    let is_succeeded = |name: &PackageName| {
        world.iter().any(|(other, state)| {
            matches!(state, State::Offer(_))
                && facts(case, other, *state)
                    .is_some_and(|(_, relations)| succeeds(case, relations, name, 5))
        })
    };
    case.universe
        .packages
        .keys()
        .filter(|name| world[*name] == State::Absent)
        .filter(|name| !case.request.remove.contains(*name) && !is_succeeded(name))
        .cloned()
        .collect()
}

/// Tells whether a world is what a request may lead to.
pub(crate) fn is_valid(case: &Case, world: &World) -> bool {
    let there: Vec<(&PackageName, State, &PackageId, &Relations)> = world
        .iter()
        .filter_map(|(name, state)| {
            facts(case, name, *state).map(|(id, relations)| (name, *state, id, relations))
        })
        .collect();
    let was: Vec<(&PackageId, &Relations)> = case
        .universe
        .packages
        .values()
        .map(|it| (&it.package, &it.relations))
        .collect();
    for (name, state, id, relations) in &there {
        let is_old = *state == State::Installed;
        for dependency in &relations.depends {
            let met = there
                .iter()
                .any(|(_, _, id, it)| it.satisfies(id, dependency));
            let was_met = was.iter().any(|(id, it)| it.satisfies(id, dependency));
            if !met && (!is_old || was_met) {
                return false;
            }
        }
        for feature in &relations.features_required {
            let met = there.iter().any(|(_, _, _, it)| it.has(feature));
            let was_met = was.iter().any(|(_, it)| it.has(feature));
            if !met && (!is_old || was_met) {
                return false;
            }
        }
        for (other, other_state, other_id, others) in &there {
            let both_old = is_old && *other_state == State::Installed;
            let conflicts = relations
                .conflicts
                .iter()
                .any(|declared| others.satisfies(other_id, declared));
            let takes_place = matches!(state, State::Offer(_))
                && relations.supersedes.contains(*other)
                && relations.provides.iter().any(|it| it.name == **other)
                && case.universe.packages.contains_key(*other);
            if other != name && !both_old && (conflicts || takes_place) {
                return false;
            }
        }
        assert_eq!(&id.name, *name);
    }
    case.request.policy.removals == Removals::Allow || losses(case, world).is_empty()
}

/// Returns every world that a request may lead to.
pub(crate) fn all(case: &Case) -> Vec<World> {
    let installed = case.universe.packages.keys();
    let offered = case.offered.iter().map(|offer| &offer.package.name);
    let wanted = case.request.install.iter().map(|wanted| &wanted.name);
    let names: BTreeSet<&PackageName> = installed.chain(offered).chain(wanted).collect();
    let mut worlds = vec![World::new()];
    for name in names {
        let states = states(case, name);
        worlds = worlds
            .into_iter()
            .flat_map(|world| {
                states.iter().map(move |state| {
                    let mut world = world.clone();
                    world.insert(name.clone(), *state);
                    world
                })
            })
            .collect();
    }
    worlds.retain(|world| is_valid(case, world));
    worlds
}

/// Returns the world that a solution leads to.
pub(crate) fn after(case: &Case, solution: &Solution) -> World {
    let mut world = World::new();
    for offer in &case.offered {
        world.insert(offer.package.name.clone(), State::Absent);
    }
    for name in case.universe.packages.keys() {
        world.insert(name.clone(), State::Installed);
    }
    for removal in &solution.remove {
        world.insert(removal.package.name.clone(), State::Absent);
    }
    for choice in &solution.install {
        let at = case
            .offered
            .iter()
            .position(|offer| *offer == *choice.offer)
            .expect("only offers are chosen");
        world.insert(choice.offer.package.name.clone(), State::Offer(at));
    }
    world
}
