//! What lies in a recipe's directory, as its reader listed it.

use std::collections::BTreeMap;

use serde::Serialize;

use igos_report::{Diagnostic, Severity};

use crate::Recipe;

/// What an entry of a recipe's directory is, after following symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A regular file.
    File,
    /// A regular file that its owner may execute.
    Executable,
    /// A directory.
    Directory,
}

/// The entries of a recipe's directory, by their path below it with `/` between components.
pub type FileList = BTreeMap<String, FileKind>;

/// What is said about unknown keys of foreign trees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leniency {
    /// They are errors.
    #[default]
    Strict,
    /// They are warnings.
    Lenient,
}

/// What parsing gave: everything that is wrong, and the recipe unless too much is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The recipe. It is there in spite of errors wherever its name and version could be read, so that it can be
    /// listed and mended; it must not be built then.
    pub recipe: Option<Recipe>,
    /// Errors, warnings and notes in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Tells whether an error was found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.recipe.is_none()
            || self
                .diagnostics
                .iter()
                .any(|one| one.severity == Severity::Error)
    }
}
