//! Which recipe needs which.

use std::collections::{BTreeMap, HashMap};

use igos_format::{Dependency, DependencyKind, PackageName};
use igos_recipe::{Recipe, RecipeDependency};

use crate::tree::Tree;

/// The recipes of a tree by number, and the edges between them in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The recipes' names; a number is a place in this list.
    pub names: Vec<PackageName>,
    /// For each recipe what it needs, in the order of its file, and then what its further outputs need to run.
    pub needs: Vec<Vec<Need>>,
    by_name: HashMap<PackageName, usize>,
    /// Recipes by the names of further outputs and by what they provide.
    others: BTreeMap<PackageName, usize>,
}

/// One thing that a recipe needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// When.
    pub kind: DependencyKind,
    /// What.
    pub target: Target,
}

/// What satisfies a need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The recipe of this number.
    Recipe(usize),
    /// No recipe: the dependency as written.
    Missing(String),
}

impl Graph {
    /// Returns the graph of a tree.
    ///
    /// A dependency is satisfied by the recipe of its name, else by one that makes an output of that name, else
    /// by one that provides it; where several do, by the first of the tree. A version that does not satisfy a
    /// constraint satisfies nothing.
    #[must_use]
    pub fn of_tree(tree: &Tree) -> Self {
        let names: Vec<PackageName> = tree
            .entries
            .iter()
            .map(|entry| entry.recipe.name.clone())
            .collect();
        let by_name: HashMap<PackageName, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), at))
            .collect();
        let others = other_names(tree);
        let find = |dependency: &Dependency| {
            let found = by_name
                .get(&dependency.name)
                .or_else(|| others.get(&dependency.name))
                .copied();
            found.filter(|at| is_satisfied(dependency, tree, *at))
        };
        let target = |dependency: &Dependency| match find(dependency) {
            Some(at) => Target::Recipe(at),
            None => Target::Missing(dependency.to_string()),
        };
        let needs = tree.entries.iter().enumerate().map(|(at, entry)| {
            let declared = entry.recipe.dependencies.iter();
            let own = declared
                .filter(|needed| !is_own_output(&entry.recipe, needed))
                .map(|needed| Need {
                    kind: needed.kind,
                    target: target(&needed.dependency),
                });
            // Who needs an output needs what that needs to run; one output may need another of its recipe.
            let further = entry.recipe.outputs.iter().skip(1);
            let further = further
                .flat_map(|output| &output.dependencies)
                .map(|dependency| Need {
                    kind: DependencyKind::Run,
                    target: target(dependency),
                })
                .filter(|need| need.target != Target::Recipe(at));
            own.chain(further).collect()
        });
        let needs = needs.collect();
        Graph {
            names,
            needs,
            by_name,
            others,
        }
    }

    /// Returns a graph of names and what each needs.
    #[cfg(test)]
    pub(crate) fn of_names(recipes: &[(String, Vec<(String, DependencyKind)>)]) -> Self {
        let names: Vec<PackageName> = recipes
            .iter()
            .map(|(name, _)| name.parse().expect("the test gives names"))
            .collect();
        let by_name: HashMap<PackageName, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), at))
            .collect();
        let need = |(name, kind): &(String, DependencyKind)| Need {
            kind: *kind,
            target: match by_name.get(&name.parse().expect("the test gives names")) {
                Some(at) => Target::Recipe(*at),
                None => Target::Missing(name.clone()),
            },
        };
        let needs = recipes
            .iter()
            .map(|(_, needs)| needs.iter().map(need).collect())
            .collect();
        Graph {
            names,
            needs,
            by_name,
            others: BTreeMap::new(),
        }
    }

    /// Returns the number of the recipe of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let name: PackageName = name.parse().ok()?;
        self.by_name.get(&name).copied()
    }

    /// Returns the number of the recipe that satisfies a request for `name`: its own, an output's, or one that it
    /// provides.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<usize> {
        let parsed: PackageName = name.parse().ok()?;
        self.find(name)
            .or_else(|| self.others.get(&parsed).copied())
    }

    /// Returns the recipes that a recipe needs, once for each need.
    pub fn recipes_needed(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.needs[at].iter().filter_map(|need| match need.target {
            Target::Recipe(to) => Some(to),
            Target::Missing(_) => None,
        })
    }

    /// Returns the name of a recipe.
    #[must_use]
    pub fn name(&self, at: usize) -> &str {
        self.names[at].as_str()
    }
}

/// Tells whether a recipe names what it makes itself as needed to run its main package: nothing to build before it.
fn is_own_output(recipe: &Recipe, needed: &RecipeDependency) -> bool {
    let mut further = recipe.outputs.iter().skip(1);
    needed.kind == DependencyKind::Run
        && further.any(|output| output.name == needed.dependency.name)
}

/// Returns the recipes by the names of their further outputs and by what they provide; outputs come first.
fn other_names(tree: &Tree) -> BTreeMap<PackageName, usize> {
    let mut found = BTreeMap::new();
    for (at, entry) in tree.entries.iter().enumerate() {
        for output in &entry.recipe.outputs {
            found.entry(output.name.clone()).or_insert(at);
        }
    }
    for (at, entry) in tree.entries.iter().enumerate() {
        for output in &entry.recipe.outputs {
            for provided in &output.provides {
                found.entry(provided.name.clone()).or_insert(at);
            }
        }
    }
    found
}

fn is_satisfied(dependency: &Dependency, tree: &Tree, at: usize) -> bool {
    let Some(constraint) = &dependency.constraint else {
        return true;
    };
    let recipe = &tree.entries[at].recipe;
    let is_own_name = recipe
        .outputs
        .iter()
        .any(|output| output.name == dependency.name);
    if is_own_name {
        return constraint.is_satisfied_by(&recipe.version);
    }
    recipe
        .outputs
        .iter()
        .flat_map(|output| &output.provides)
        .filter(|provided| provided.name == dependency.name)
        .any(|provided| {
            provided
                .version
                .as_ref()
                .is_some_and(|version| constraint.is_satisfied_by(version))
        })
}
