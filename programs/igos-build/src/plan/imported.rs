//! What packages that were not compiled here may be used for: building, and nothing else.

use igos_format::DependencyKind;
use igos_recipe::Recipe;

use super::{Graph, Target};
use crate::tree::Tree;

/// Returns the imported recipes that the recipe `at` wants for more than its build, and when it wants them: what is
/// compiled here neither contains nor needs what is not.
#[must_use]
pub fn misused_imports<'t>(
    tree: &'t Tree,
    graph: &Graph,
    at: usize,
) -> Vec<(&'t Recipe, DependencyKind)> {
    if tree.entries[at].recipe.imported.is_some() {
        return Vec::new();
    }
    let needs = graph.needs[at].iter();
    needs
        .filter(|need| need.kind != DependencyKind::Build)
        .filter_map(|need| match need.target {
            Target::Recipe(to) => Some((&tree.entries[to].recipe, need.kind)),
            Target::Missing(_) => None,
        })
        .filter(|(recipe, _)| recipe.imported.is_some())
        .collect()
}
