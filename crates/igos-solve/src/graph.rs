//! What installed packages are to one another: why one is there, and what nobody needs any more.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use igos_format::PackageName;
use igos_format::declaration::{Feature, FeatureKind};
use serde::Serialize;

use crate::{InstalledPackage, Reason, Universe};

/// One installed package needs another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    /// Who needs.
    pub from: PackageName,
    /// What for: a dependency or a feature.
    pub what: String,
    /// Who has it.
    pub to: PackageName,
}

/// What installed packages need of one another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// For each package, what it needs of which others, in order.
    pub edges: BTreeMap<PackageName, Vec<Edge>>,
}

impl Graph {
    /// Returns the graph of what is installed. Where several packages have what one needs, there is an edge to each.
    #[must_use]
    pub fn of(universe: &Universe) -> Self {
        let mut answering: BTreeMap<&PackageName, BTreeSet<&PackageName>> = BTreeMap::new();
        let mut having: BTreeMap<Feature, BTreeSet<&PackageName>> = BTreeMap::new();
        for (name, installed) in &universe.packages {
            let relations = &installed.relations;
            answering.entry(name).or_default().insert(name);
            for provided in &relations.provides {
                answering.entry(&provided.name).or_default().insert(name);
            }
            let paths = relations.paths.iter();
            let paths = paths.filter_map(|path| Feature::new(FeatureKind::Path, path).ok());
            for feature in relations.features_provided.iter().cloned().chain(paths) {
                having.entry(feature).or_default().insert(name);
            }
        }
        let mut graph = Graph::default();
        for (name, installed) in &universe.packages {
            let mut edges = BTreeSet::new();
            let mut add = |what: String, to: &PackageName| {
                if to != name {
                    edges.insert(Edge {
                        from: name.clone(),
                        what,
                        to: to.clone(),
                    });
                }
            };
            for dependency in &installed.relations.depends {
                for other in answering.get(&dependency.name).into_iter().flatten() {
                    let facts: &InstalledPackage = &universe.packages[*other];
                    if facts.relations.satisfies(&facts.package, dependency) {
                        add(dependency.to_string(), other);
                    }
                }
            }
            for feature in &installed.relations.features_required {
                if !installed.relations.has(feature) {
                    let others = having.get(feature).into_iter().flatten();
                    others.for_each(|other| add(feature.to_string(), other));
                }
            }
            graph
                .edges
                .insert(name.clone(), edges.into_iter().collect());
        }
        graph
    }

    /// Returns the shortest chain of needs from something that was asked for to `name`; empty if it was asked for
    /// itself, `None` if nothing that was asked for needs it.
    #[must_use]
    pub fn why(&self, universe: &Universe, name: &PackageName) -> Option<Vec<Edge>> {
        let mut came_by: BTreeMap<&PackageName, Option<&Edge>> = BTreeMap::new();
        let mut queue: VecDeque<&PackageName> = VecDeque::new();
        for (root, _) in wanted(universe) {
            came_by.insert(root, None);
            queue.push_back(root);
        }
        while let Some(next) = queue.pop_front() {
            for edge in self.edges.get(next).into_iter().flatten() {
                if !came_by.contains_key(&edge.to) {
                    came_by.insert(&edge.to, Some(edge));
                    queue.push_back(&edge.to);
                }
            }
        }
        let mut chain = Vec::new();
        let mut edge = *came_by.get(name)?;
        while let Some(step) = edge {
            chain.push(step.clone());
            edge = came_by[&step.from];
        }
        chain.reverse();
        Some(chain)
    }

    /// Returns what was not asked for and is needed by nothing that was, nor by what is to be kept, by name.
    #[must_use]
    pub fn orphans(
        &self,
        universe: &Universe,
        kept: &BTreeSet<PackageName>,
    ) -> BTreeSet<PackageName> {
        let wanted = wanted(universe).map(|(name, _)| name);
        let mut needed: BTreeSet<&PackageName> = wanted.chain(kept).collect();
        let mut queue: Vec<&PackageName> = needed.iter().copied().collect();
        while let Some(next) = queue.pop() {
            for edge in self.edges.get(next).into_iter().flatten() {
                if needed.insert(&edge.to) {
                    queue.push(&edge.to);
                }
            }
        }
        universe
            .packages
            .keys()
            .filter(|name| !needed.contains(name))
            .cloned()
            .collect()
    }
}

/// Returns what stays for its own sake: what was asked for, what is held, what is essential.
fn wanted(universe: &Universe) -> impl Iterator<Item = (&PackageName, &InstalledPackage)> {
    universe.packages.iter().filter(|(_, installed)| {
        installed.reason == Reason::Explicit || installed.is_held || installed.is_essential
    })
}
