//! From the destination directory of a finished build to packages.
//!
//! The order: [`collect`] lists what is there through descriptors, [`plan_strip`](strip::plan_strip) says what the
//! toolchain's `strip` shall work on, [`facts`] reads every file once, [`split`] gives each output its paths,
//! [`relate`] turns what files need into dependencies, [`checks`] refuses what no package may have, and
//! [`assemble`] makes manifests. Nothing of the tree is ever run.

mod assemble;
mod checks;
mod collect;
mod elf;
mod facts;
mod pack;
mod relate;
mod rules;
mod scan;
mod split;
mod strip;

use std::collections::BTreeMap;

use igos_format::manifest::{Manifest, Origin};
use igos_format::recipe::Recipe;
use igos_format::{Arch, PackageName, Sha256};
use igos_report::{Diagnostic, Explain};
use igos_root::RootDir;

pub use collect::CollectError;
pub use pack::{PackError, pack};
pub use relate::{Visibility, VisiblePackage};
pub use strip::{StripJob, StripMode};

/// What staging looks at.
#[derive(Debug)]
pub struct StageInput<'a> {
    /// The recipe that was built.
    pub recipe: &'a Recipe,
    /// The machine it was built for.
    pub arch: Arch,
    /// The destination directory; every process of the build is dead.
    pub destination: &'a RootDir,
    /// Every package that the build could see.
    pub visible: &'a [VisiblePackage<'a>],
    /// The modification time that all files get, in seconds since 1970.
    pub source_date_epoch: u64,
    /// The key of the build.
    pub build_key: Sha256,
    /// How the build was done.
    pub origin: Origin,
}

/// A destination directory did not become packages.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// It could not be read.
    #[error("cannot stage {package}")]
    Collect {
        /// The recipe's name.
        package: PackageName,
        /// Why.
        #[source]
        source: CollectError,
    },
    /// What is in it may not be a package; each diagnostic says why.
    #[error("what {package} installed cannot become a package: {} found", problems(.diagnostics.len()))]
    Refused {
        /// The recipe's name.
        package: PackageName,
        /// Everything that is wrong.
        diagnostics: Vec<Diagnostic>,
    },
}

fn problems(count: usize) -> String {
    if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") }
}

impl Explain for StageError {
    fn code(&self) -> &'static str {
        match self {
            StageError::Collect { .. } => "output-unreadable",
            StageError::Refused { .. } => "output-refused",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            StageError::Collect { .. } => 4,
            StageError::Refused { .. } => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let own = igos_report::diagnose(self);
        match self {
            StageError::Collect { .. } => vec![own],
            StageError::Refused { diagnostics, .. } => diagnostics.iter().cloned().chain([own]).collect(),
        }
    }
}

/// Deletes what never goes into a package and returns what the toolchain's `strip` shall work on.
///
/// # Errors
///
/// Returns that the destination directory cannot be read or holds what no package may hold.
pub fn prepare(recipe: &PackageName, destination: &RootDir) -> Result<Vec<StripJob>, StageError> {
    let unreadable = |source| StageError::Collect { package: recipe.clone(), source };
    let collected = collect::collect(destination).map_err(unreadable)?;
    if !collected.problems.is_empty() {
        return Err(StageError::Refused { package: recipe.clone(), diagnostics: collected.problems });
    }
    strip::plan_strip(destination, &collected.items).map_err(unreadable)
}

/// Makes the manifests of all outputs, the main one first; outputs other than the main one that got no path are
/// left out.
///
/// # Errors
///
/// Returns that the destination directory cannot be read, or everything that is wrong with what is in it.
pub fn stage(input: &StageInput<'_>) -> Result<Vec<Manifest>, StageError> {
    let recipe = input.recipe;
    let unreadable = |source| StageError::Collect { package: recipe.name.clone(), source };
    let collected = collect::collect(input.destination).map_err(unreadable)?;
    let mut diagnostics = collected.problems;
    let mut entries = facts::read_items(input.destination, &collected.items).map_err(unreadable)?;
    diagnostics.extend(rules::Rules::new(recipe).apply(&mut entries));
    let all: Vec<_> = entries.iter().map(|read| read.entry.clone()).collect();
    let promised: Vec<String> = recipe.verify_paths.iter().map(ToString::to_string).collect();
    diagnostics.extend(checks::check_promised(&promised, &all));

    let parts = split::split(entries, &recipe.outputs);
    let facts: Vec<_> = parts.iter().map(|part| assemble::OutputFacts::of(part)).collect();
    let offered: BTreeMap<PackageName, _> = recipe
        .outputs
        .iter()
        .zip(&facts)
        .map(|(output, facts)| (output.name.clone(), facts.provided.union(&facts.inside).cloned().collect()))
        .collect();
    let mut manifests = Vec::new();
    for ((output, part), facts) in recipe.outputs.iter().zip(parts).zip(&facts) {
        if part.is_empty() && output.name != recipe.name {
            continue;
        }
        let mut siblings = offered.clone();
        siblings.remove(&output.name);
        match assemble::assemble(input, output, part, facts, &siblings) {
            Ok(manifest) => manifests.push(manifest),
            Err(problems) => diagnostics.extend(problems),
        }
    }
    if diagnostics.is_empty() {
        Ok(manifests)
    } else {
        Err(StageError::Refused { package: recipe.name.clone(), diagnostics })
    }
}

#[cfg(test)]
mod tests;
