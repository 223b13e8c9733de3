//! What a search path holds.

use std::collections::BTreeMap;
use std::path::PathBuf;

use igos_format::PackageName;
use igos_recipe::{Dialect, FileList, Recipe};
use igos_report::{Diagnostic, Severity};

/// All recipes of a search path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// The repositories, in the order of the search path.
    pub repositories: Vec<Repository>,
    /// The recipes: repositories in order; in each, tiers in build order, then names in byte order.
    pub entries: Vec<TreeEntry>,
    /// Recipes that an earlier repository hides.
    pub shadowed: Vec<Shadowed>,
    /// Everything that is wrong in the whole tree, in the order of the entries.
    pub diagnostics: Vec<Diagnostic>,
    /// Directories of recipes with errors, also of those that could not be named and are no entries.
    pub faulty: Vec<PathBuf>,
    pub(crate) by_name: BTreeMap<PackageName, usize>,
}

/// One element of a search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The last component of its path; the whole path where two have that in common.
    pub name: String,
    /// The directory, as the search path names it.
    pub directory: PathBuf,
    /// The language of its recipes, given or detected.
    pub dialect: Dialect,
}

/// One recipe and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// The recipe.
    pub recipe: Recipe,
    /// Its directory.
    pub directory: PathBuf,
    /// The name of its repository.
    pub repository: String,
    /// The directory of its repository.
    pub tree: PathBuf,
    /// What lies in the directory.
    pub files: FileList,
    /// Whether an error was found in it; such a recipe can be listed and must not be built.
    pub has_errors: bool,
    /// The text files that say how it is built, by their path below the directory: `package.yml` and `build.sh`,
    /// or the files of a KISS recipe.
    pub texts: BTreeMap<String, Vec<u8>>,
}

/// A recipe that is not used, because an earlier repository has one of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The name.
    pub name: PackageName,
    /// The directory of the hidden recipe.
    pub directory: PathBuf,
    /// The directory of the recipe that is used.
    pub by: PathBuf,
}

impl Tree {
    /// Returns the recipe of this name.
    #[must_use]
    pub fn find(&self, name: &PackageName) -> Option<&TreeEntry> {
        self.by_name.get(name).map(|at| &self.entries[*at])
    }

    /// Tells whether an error was found anywhere.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|one| one.severity == Severity::Error)
    }
}
