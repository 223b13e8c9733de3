//! Everything that the pages tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use igos_format::{DependencyKind, EntryKind, Tier};
use igos_report::Diagnostic;

use super::Built;
use super::built::built;
use crate::cache::Cache;
use crate::plan::{Graph, Target};
use crate::tree::Tree;

/// Directories whose files are programs.
const PROGRAM_DIRECTORIES: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];

/// A recipe tree, which recipe needs which, and what the cache has of their builds.
#[derive(Debug)]
pub struct Reference<'a> {
    /// The recipes; a number is a place in its entries.
    pub tree: &'a Tree,
    /// Which needs which.
    pub graph: Graph,
    /// The last build of each recipe.
    pub built: Vec<Option<Built>>,
    /// For each recipe, what kinds of needs others have of it.
    pub needed_by: Vec<BTreeMap<usize, BTreeSet<DependencyKind>>>,
    /// What is there and cannot be told of.
    pub notes: Vec<Diagnostic>,
}

impl<'a> Reference<'a> {
    /// Collects everything; archives are taken from `cache`, of which nothing is changed.
    #[must_use]
    pub fn new(tree: &'a Tree, cache: &Cache) -> Self {
        let graph = Graph::of_tree(tree);
        let repositories = tree.repositories.iter();
        let trees: Vec<PathBuf> = repositories.map(|one| one.directory.clone()).collect();
        let mut notes = Vec::new();
        let built = tree
            .entries
            .iter()
            .map(|entry| built(cache, entry, &trees, &mut notes))
            .collect();
        let mut needed_by = vec![BTreeMap::new(); tree.entries.len()];
        for (at, needs) in graph.needs.iter().enumerate() {
            for need in needs {
                if let Target::Recipe(to) = need.target {
                    let kinds: &mut BTreeSet<_> = needed_by[to].entry(at).or_default();
                    kinds.insert(need.kind);
                }
            }
        }
        Reference {
            tree,
            graph,
            built,
            needed_by,
            notes,
        }
    }

    /// Returns the name of a recipe.
    #[must_use]
    pub fn name(&self, at: usize) -> &str {
        self.graph.name(at)
    }

    /// Returns the tiers that have recipes, in their order; `None`, the last one, stands for recipes without a tier.
    #[must_use]
    pub fn tiers(&self) -> Vec<Option<Tier>> {
        let known = Tier::ALL.into_iter().map(Some).chain([None]);
        known
            .filter(|tier| self.tree.entries.iter().any(|one| one.recipe.tier == *tier))
            .collect()
    }

    /// Returns the recipes of a tier.
    #[must_use]
    pub fn members(&self, tier: Option<Tier>) -> Vec<usize> {
        let entries = self.tree.entries.iter().enumerate();
        entries
            .filter(|(_, entry)| entry.recipe.tier == tier)
            .map(|(at, _)| at)
            .collect()
    }

    /// Returns the recipes that a recipe needs, with the kinds of its needs; it does not need itself.
    #[must_use]
    pub fn needs(&self, at: usize) -> BTreeMap<usize, BTreeSet<DependencyKind>> {
        let mut found: BTreeMap<usize, BTreeSet<DependencyKind>> = BTreeMap::new();
        for need in &self.graph.needs[at] {
            if let Target::Recipe(to) = need.target
                && to != at
            {
                found.entry(to).or_default().insert(need.kind);
            }
        }
        found
    }

    /// Returns further words by which a package is found: names of its outputs, of what it provides, of its programs,
    /// libraries, services and configuration files.
    #[must_use]
    pub fn terms(&self, at: usize) -> BTreeSet<String> {
        let recipe = &self.tree.entries[at].recipe;
        let mut terms = BTreeSet::new();
        for output in &recipe.outputs {
            terms.insert(output.name.to_string());
            terms.extend(output.provides.iter().map(|one| one.name.to_string()));
        }
        terms.extend(recipe.services.iter().map(|one| one.name.to_string()));
        terms.extend(recipe.users.iter().map(|one| one.name.to_string()));
        let outputs = self.built[at].iter().flat_map(|built| &built.outputs);
        for manifest in outputs.map(|output| &output.manifest) {
            terms.extend(
                manifest
                    .features_provided
                    .iter()
                    .map(|one| one.name.clone()),
            );
            for entry in &manifest.entries {
                if entry.is_configuration {
                    terms.insert(format!("/{}", entry.path));
                }
                let parent = entry.path.parent();
                let is_program = !matches!(entry.kind, EntryKind::Directory)
                    && parent.is_some_and(|parent| {
                        PROGRAM_DIRECTORIES.contains(&parent.to_string().as_str())
                    });
                if is_program {
                    terms.insert(String::from_utf8_lossy(entry.path.file_name()).into_owned());
                }
            }
        }
        terms.remove(recipe.name.as_str());
        terms
    }
}
