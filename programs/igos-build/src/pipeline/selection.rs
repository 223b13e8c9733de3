//! Which phase builds which recipe: everything that a profile needs, divided.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::PackageName;

use super::{Phase, Profile};
use crate::plan::{Graph, Order, order};
use crate::tree::Tree;

/// Everything that a profile needs, divided among the phases.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The graph of the whole tree.
    pub graph: Graph,
    /// The recipes of the profile, dependencies first, and what stands in the way.
    pub order: Order,
    /// Numbers of recipes by the phase that builds them, in build order.
    pub recipes: BTreeMap<Phase, Vec<usize>>,
    /// The packages that the profile asks for, by the phase that builds them.
    pub requested: BTreeMap<Phase, Vec<PackageName>>,
    phases: BTreeMap<usize, Phase>,
}

impl Selection {
    /// Divides what a profile needs; `configuration` is the recipe of its configuration, where it has one.
    #[must_use]
    pub fn new(tree: &Tree, profile: &Profile, configuration: Option<&PackageName>) -> Self {
        let graph = Graph::of_tree(tree);
        let requested = profile.requested().chain(configuration);
        let names: Vec<String> = requested.map(ToString::to_string).collect();
        let order = order(&graph, &names);
        let members: Vec<usize> = order
            .order
            .iter()
            .filter_map(|step| graph.find(&step.name))
            .collect();
        let needed: BTreeSet<usize> = members
            .iter()
            .flat_map(|at| graph.recipes_needed(*at))
            .collect();
        let find = |name: &PackageName| graph.resolve(name.as_str());
        let kernel = profile
            .kernel
            .as_ref()
            .and_then(|kernel| find(&kernel.package));
        let configuration_recipe = configuration.and_then(find);
        let phase = |at: usize| {
            if Some(at) == kernel {
                Phase::Kernel
            } else if Some(at) == configuration_recipe {
                Phase::Config
            } else {
                let tier = tree.entries[at].recipe.tier;
                match tier.map_or(Phase::Extra, Phase::of_tier) {
                    Phase::Core if !needed.contains(&at) => Phase::CoreExtra,
                    phase => phase,
                }
            }
        };
        let phases: BTreeMap<usize, Phase> = members.iter().map(|at| (*at, phase(*at))).collect();
        let mut recipes: BTreeMap<Phase, Vec<usize>> = BTreeMap::new();
        for at in members {
            recipes.entry(phases[&at]).or_default().push(at);
        }
        let mut by_phase: BTreeMap<Phase, Vec<PackageName>> = BTreeMap::new();
        for name in profile.requested().chain(configuration) {
            if let Some(phase) = find(name).and_then(|at| phases.get(&at)) {
                by_phase.entry(*phase).or_default().push(name.clone());
            }
        }
        Selection {
            graph,
            order,
            recipes,
            requested: by_phase,
            phases,
        }
    }

    /// Returns the phase that builds a recipe; `None` if the profile does not need it.
    #[must_use]
    pub fn phase_of(&self, at: usize) -> Option<Phase> {
        self.phases.get(&at).copied()
    }

    /// Returns the recipes that a phase builds, dependencies first.
    #[must_use]
    pub fn recipes_of(&self, phase: Phase) -> &[usize] {
        self.recipes.get(&phase).map_or(&[], Vec::as_slice)
    }

    /// Returns the names of the recipes that a phase builds.
    #[must_use]
    pub fn names_of(&self, phase: Phase) -> BTreeSet<&PackageName> {
        let recipes = self.recipes_of(phase).iter();
        recipes.map(|at| &self.graph.names[*at]).collect()
    }

    /// Returns all recipes of the profile.
    pub fn members(&self) -> impl Iterator<Item = usize> + '_ {
        self.phases.keys().copied()
    }

    /// Returns the packages that the profile asks for of this phase and all before it.
    #[must_use]
    pub fn requested_until(&self, phase: Phase) -> BTreeSet<PackageName> {
        self.requested
            .range(..=phase)
            .flat_map(|(_, names)| names.iter().cloned())
            .collect()
    }

    /// Returns the recipes that these need, themselves included.
    #[must_use]
    pub fn closure(&self, recipes: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
        closure(&self.graph, recipes)
    }
}

/// Returns the recipes that these need, themselves included.
pub(super) fn closure(graph: &Graph, recipes: impl IntoIterator<Item = usize>) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut pending: Vec<usize> = recipes.into_iter().collect();
    while let Some(at) = pending.pop() {
        if !found.insert(at) {
            continue;
        }
        pending.extend(graph.recipes_needed(at));
    }
    found
}
