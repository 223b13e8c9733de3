//! Flags that say which recipes to read.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use igos_cli::{Exit, Failure, Session};
use igos_format::PackageName;
use igos_recipe::{Dialect, Leniency};
use igos_report::{Diagnostic, Severity};

use crate::tree::{self, Tree, TreeEntry, TreeSettings};

const HEADING: &str = "Recipes";

/// Names that are at least this alike are told as what was perhaps meant.
const LIKENESS_MIN: f64 = 0.85;

/// Variable that names the recipes where no flag does.
const VARIABLE: &str = "IGOS_RECIPES";

/// Which recipes to read, and how.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RecipeFlags {
    /// Directories of recipes, the first hit wins [default: the variable `IGOS_RECIPES`]
    #[arg(long, value_name = "DIR[:DIR…]", global = true, help_heading = HEADING)]
    recipes: Option<OsString>,
    /// The dialect of KISS repositories; `auto` tells by the length of their digests
    #[arg(long, value_name = "DIALECT", value_enum, default_value_t = DialectFlag::Auto, global = true, help_heading = HEADING)]
    dialect: DialectFlag,
    /// Take unknown keys of foreign `package.yml` trees as warnings
    #[arg(long, global = true, help_heading = HEADING)]
    lenient: bool,
}

/// The dialect of a repository, or how to find it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DialectFlag {
    /// As the repository's overlay says, or by the length of its digests
    Auto,
    /// `package.yml`, whatever else lies there
    PackageYml,
    /// SHA-256 and placeholders
    KissClassic,
    /// BLAKE3
    KissCommunity,
    /// BLAKE3, pinned sources only
    KissNg,
}

impl RecipeFlags {
    /// Returns which recipes to read.
    #[must_use]
    pub fn settings(&self, session: &Session) -> TreeSettings {
        let path = self
            .recipes
            .as_deref()
            .or_else(|| session.environment().variable(VARIABLE));
        TreeSettings {
            path: path.map(split).unwrap_or_default(),
            dialect: match self.dialect {
                DialectFlag::Auto => None,
                DialectFlag::PackageYml => Some(Dialect::PackageYml),
                DialectFlag::KissClassic => Some(Dialect::KissClassic),
                DialectFlag::KissCommunity => Some(Dialect::KissCommunity),
                DialectFlag::KissNg => Some(Dialect::KissNg),
            },
            leniency: if self.lenient {
                Leniency::Lenient
            } else {
                Leniency::Strict
            },
        }
    }

    /// Reads the recipes and shows everything that is wrong with them.
    ///
    /// # Errors
    ///
    /// Fails where directories cannot be read.
    pub fn load(&self, session: &Session) -> Result<Tree, Failure> {
        let tree = tree::load(&self.settings(session))?;
        for diagnostic in &tree.diagnostics {
            session.notice(diagnostic.clone());
        }
        Ok(tree)
    }
}

/// Cuts a search path at colons; empty elements, which KISS takes for `/`, are left out.
fn split(path: &std::ffi::OsStr) -> Vec<PathBuf> {
    use std::os::unix::ffi::OsStrExt;
    path.as_bytes()
        .split(|byte| *byte == b':')
        .filter(|element| !element.is_empty())
        .map(|element| PathBuf::from(std::ffi::OsStr::from_bytes(element)))
        .collect()
}

/// Returns 1 where an error was found in the tree, else 0.
pub(super) fn exit(tree: &Tree) -> Exit {
    if tree.has_errors() {
        Exit::No
    } else {
        Exit::Done
    }
}

/// Tests that no recipe of the tree has errors.
///
/// # Errors
///
/// Names every recipe that has some.
pub(super) fn require_sound(tree: &Tree) -> Result<(), Failure> {
    if !tree.has_errors() {
        return Ok(());
    }
    let faulty = tree.faulty.iter().map(|directory| {
        let name = directory.file_name().unwrap_or(directory.as_os_str());
        let message = format!("the recipe of {} has errors", name.display());
        Diagnostic::error("recipe-invalid", message).at(directory.display().to_string())
    });
    let mut diagnostics: Vec<Diagnostic> = faulty.collect();
    if diagnostics.is_empty() {
        // What is wrong is not one recipe's, and was shown when the tree was read.
        diagnostics.push(Diagnostic::error(
            "recipe-invalid",
            "the recipes have errors",
        ));
    }
    if let Some(last) = diagnostics.pop() {
        let last = last.hint("see what is wrong: `igos-build recipe lint`");
        diagnostics.push(last.hint("build the others with `--keep-going`"));
    }
    Err(Failure {
        exit: Exit::No,
        diagnostics,
    })
}

/// Returns the recipe of this name, or the failure that says there is none.
pub(super) fn find<'t>(tree: &'t Tree, name: &str) -> Result<&'t TreeEntry, Failure> {
    let found = name
        .parse::<PackageName>()
        .ok()
        .and_then(|name| tree.find(&name));
    found.ok_or_else(|| Failure::new(Exit::No, absent(tree, name)))
}

/// Returns what to say about a name that no recipe answers to.
pub(super) fn absent(tree: &Tree, name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error("recipe-absent", format!("there is no recipe of {name:?}"));
    let diagnostic = match likeliest(tree, name) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic,
    };
    let diagnostic = diagnostic.hint("see all with `igos-build recipe list`");
    let broken = tree
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .count();
    if broken > 0 {
        diagnostic.hint("recipes with errors may hide it: see `igos-build recipe lint`")
    } else {
        diagnostic
    }
}

/// Returns the name most like `name`, the first in byte order of several, if one is alike enough to be meant.
fn likeliest<'t>(tree: &'t Tree, name: &str) -> Option<&'t PackageName> {
    let names = tree.entries.iter().map(|entry| &entry.recipe.name);
    names
        .map(|known| (strsim::jaro_winkler(known.as_str(), name), known))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)))
        .map(|(_, known)| known)
}
