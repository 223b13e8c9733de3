//! What is likely wrong with recipes, alone and among others.

use std::ffi::OsStr;

use igos_format::{DependencyKind, PackageName};
use igos_recipe::Recipe;
use igos_report::Diagnostic;

use super::entry::{Tree, TreeEntry};
use crate::plan::{Graph, Target, misused_imports};

/// Raised whenever a rule here or in [`igos_recipe::lint`] changes: pipelines look again at what an older one found good.
pub const LINT_RULES: u32 = 1;

/// Returns the findings about `entries`, which are of `tree`.
pub fn lint<'t>(tree: &Tree, entries: impl Iterator<Item = &'t TreeEntry>) -> Vec<Diagnostic> {
    let graph = Graph::of_tree(tree);
    let mut found = Vec::new();
    for entry in entries {
        let file = main_file(entry);
        found.extend(igos_recipe::lint(&entry.recipe, &entry.files, &file));
        if let Some(at) = graph.find(entry.recipe.name.as_str()) {
            for need in &graph.needs[at] {
                found.extend(match &need.target {
                    Target::Recipe(to) => {
                        tier_rule(&entry.recipe, &tree.entries[*to].recipe, need.kind, &file)
                    }
                    Target::Missing(name) => Some(missing(&entry.recipe, name, need.kind, &file)),
                });
            }
        }
        if let Some(at) = graph.find(entry.recipe.name.as_str()) {
            let misused = misused_imports(tree, &graph, at).into_iter();
            found
                .extend(misused.map(|(needed, kind)| imported(&entry.recipe, needed, kind, &file)));
        }
        found.extend(superseded(tree, &entry.recipe, &file));
    }
    found
}

fn main_file(entry: &TreeEntry) -> String {
    let path = if entry.recipe.dialect.is_kiss() {
        entry.directory.clone()
    } else {
        entry.directory.join(OsStr::new("package.yml"))
    };
    path.display().to_string()
}

/// Returns an error in our tree, a warning in foreign ones, which are read as they are.
fn finding(recipe: &Recipe, code: &str, message: String, file: &str) -> Diagnostic {
    let diagnostic = if recipe.format > 0 {
        Diagnostic::error(code, message)
    } else {
        Diagnostic::warning(code, message)
    };
    diagnostic.at(file)
}

fn tier_rule(
    recipe: &Recipe,
    needed: &Recipe,
    kind: DependencyKind,
    file: &str,
) -> Option<Diagnostic> {
    let (tier, later) = (recipe.tier?, needed.tier?);
    if later <= tier {
        return None;
    }
    let message = format!(
        "{} of tier {tier} needs {} ({kind}) of the later tier {later}",
        recipe.name, needed.name
    );
    Some(finding(recipe, "lint-tier-later", message, file))
}

fn imported(recipe: &Recipe, needed: &Recipe, kind: DependencyKind, file: &str) -> Diagnostic {
    let message = format!(
        "{} needs {} ({kind}), which is imported and may be needed for building alone",
        recipe.name, needed.name
    );
    finding(recipe, "lint-imported-needed", message, file)
}

fn missing(recipe: &Recipe, name: &str, kind: DependencyKind, file: &str) -> Diagnostic {
    let message = format!(
        "{} needs {name} ({kind}), which no recipe makes",
        recipe.name
    );
    finding(recipe, "lint-dependency-missing", message, file)
}

/// Taking over the paths of a package that there is not is likely a mistyped name.
fn superseded(tree: &Tree, recipe: &Recipe, file: &str) -> Vec<Diagnostic> {
    let is_unknown = |name: &&PackageName| tree.find(name).is_none();
    let unknown = recipe.supersedes.iter().filter(is_unknown);
    unknown
        .map(|name| {
            let message = format!("{} supersedes {name}, which no recipe makes", recipe.name);
            Diagnostic::warning("lint-supersedes-unknown", message).at(file)
        })
        .collect()
}
