//! From the destination directory of a finished build to packages.
//!
//! The order: [`collect()`] lists what is there through descriptors, [`plan_strip`](strip::plan_strip) says what the
//! toolchain's `strip` shall work on, [`facts`] reads every file once, [`split`] gives each output its paths,
//! [`relate`] turns what files need into dependencies, [`checks`] refuses what no package may have, and
//! [`assemble`] makes manifests. Nothing of the tree is ever run.

mod assemble;
mod checks;
mod collect;
mod debug;
mod elf;
mod facts;
mod input;
mod pack;
mod relate;
mod rules;
mod scan;
mod split;
mod strip;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use igos_format::PackageName;
use igos_format::declaration::Feature;
use igos_format::manifest::Manifest;
use igos_report::{Diagnostic, Explain};
use igos_root::{RootDir, RootError};

pub use collect::CollectError;
pub(crate) use collect::{Item, ItemKind, collect};
pub(crate) use elf::read_elf;
pub use input::{StageInput, StagedPackage, Strip, ToolError, Tools};
pub use pack::PackError;
pub use relate::{UndeclaredPolicy, Visibility, VisiblePackage};
pub(crate) use scan::{Facts, elf_facts, pkg_config_facts, script_facts, usr_merged};
use strip::{StripJob, StripMode};

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
    /// It could not be opened.
    #[error("cannot stage {package}")]
    Open {
        /// The recipe's name.
        package: PackageName,
        /// Why.
        #[source]
        source: RootError,
    },
    /// The toolchain's `strip` failed.
    #[error("cannot strip what {package} installed")]
    Strip {
        /// The recipe's name.
        package: PackageName,
        /// Why.
        #[source]
        source: ToolError,
    },
    /// An archive could not be written.
    #[error("cannot write the archives of {package}")]
    Pack {
        /// The recipe's name.
        package: PackageName,
        /// Why.
        #[source]
        source: PackError,
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
    if count == 1 {
        "1 problem".to_owned()
    } else {
        format!("{count} problems")
    }
}

impl Explain for StageError {
    fn code(&self) -> &'static str {
        match self {
            StageError::Collect { .. } | StageError::Open { .. } => "output-unreadable",
            StageError::Strip { .. } => "strip-failed",
            StageError::Pack { .. } => "archive-not-written",
            StageError::Refused { .. } => "output-refused",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            StageError::Collect { .. } | StageError::Open { .. } | StageError::Pack { .. } => 4,
            StageError::Strip {
                source: ToolError::Sandbox { .. },
                ..
            } => 4,
            StageError::Strip { .. } | StageError::Refused { .. } => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let own = igos_report::diagnose(self);
        match self {
            StageError::Refused { diagnostics, .. } => {
                diagnostics.iter().cloned().chain([own]).collect()
            }
            _ => vec![own],
        }
    }
}

/// Most files given to one run of `strip`, far below the kernel's limit for arguments.
const STRIP_BATCH: usize = 200;

/// Strips the destination directory, makes the packages of all outputs, the main one first, and writes their
/// archives. Outputs other than the main one that got no path are left out.
///
/// # Errors
///
/// Returns that something could not be read, run or written, or everything that is wrong with what is there.
pub fn stage(
    input: &StageInput<'_>,
    tools: &mut dyn Tools,
) -> Result<Vec<StagedPackage>, StageError> {
    let package = || input.recipe.name.clone();
    let root = RootDir::open(&input.destination).map_err(|source| StageError::Open {
        package: package(),
        source,
    })?;
    let unreadable = |source| StageError::Collect {
        package: package(),
        source,
    };
    let mut collected = collect::collect(&root).map_err(unreadable)?;
    if collected.problems.is_empty() && input.strip != Strip::Keep {
        let unstripped = |source| StageError::Strip {
            package: package(),
            source,
        };
        let jobs = strip::plan_strip(&root, &collected.items).map_err(unreadable)?;
        if input.strip == Strip::Split {
            let programs = jobs.iter().filter(|job| job.mode == StripMode::All);
            let copies = debug::plan(&root, programs.map(|job| &job.path)).map_err(unreadable)?;
            debug::run(&copies, tools).map_err(unstripped)?;
        }
        run_strip(&jobs, tools).map_err(unstripped)?;
        // Strip replaces files, so what was listed before it ran is out of date.
        collected = collect::collect(&root).map_err(unreadable)?;
    }
    let manifests = make_manifests(input, &root, collected)?;
    pack::pack(input, &root, manifests).map_err(|source| StageError::Pack {
        package: package(),
        source,
    })
}

fn run_strip(jobs: &[StripJob], tools: &mut dyn Tools) -> Result<(), ToolError> {
    for mode in [StripMode::Debug, StripMode::All] {
        let files: Vec<_> = jobs.iter().filter(|job| job.mode == mode).collect();
        for batch in files.chunks(STRIP_BATCH) {
            let mut argv: Vec<OsString> = vec!["strip".into()];
            argv.extend(mode.arguments().map(OsString::from));
            argv.push("--".into());
            argv.extend(batch.iter().map(|job| {
                std::path::Path::new("/dest")
                    .join(job.path.as_path())
                    .into()
            }));
            tools.run(argv)?;
        }
    }
    Ok(())
}

fn make_manifests(
    input: &StageInput<'_>,
    root: &RootDir,
    collected: collect::Collected,
) -> Result<Vec<Manifest>, StageError> {
    let recipe = input.recipe;
    let unreadable = |source| StageError::Collect {
        package: recipe.name.clone(),
        source,
    };
    let mut diagnostics = collected.problems;
    let mut entries = facts::read_items(root, &collected.items).map_err(unreadable)?;
    diagnostics.extend(rules::Rules::new(recipe).apply(&mut entries));
    let all: Vec<_> = entries.iter().map(|read| read.entry.clone()).collect();
    let promised: Vec<String> = recipe
        .verify_paths
        .iter()
        .map(ToString::to_string)
        .collect();
    diagnostics.extend(checks::check_promised(&promised, &all));

    let outputs = match input.strip {
        Strip::Split => debug::outputs(recipe),
        Strip::Remove | Strip::Keep => recipe.outputs.clone(),
    };
    let parts = split::split(entries, &outputs);
    let facts: Vec<_> = parts
        .iter()
        .map(|part| assemble::OutputFacts::of(part))
        .collect();
    let offered: BTreeMap<PackageName, BTreeSet<Feature>> = outputs
        .iter()
        .zip(&facts)
        .map(|(output, facts)| {
            (
                output.name.clone(),
                facts.provided.union(&facts.inside).cloned().collect(),
            )
        })
        .collect();
    let mut manifests = Vec::new();
    for ((output, part), facts) in outputs.iter().zip(parts).zip(&facts) {
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
        Err(StageError::Refused {
            package: recipe.name.clone(),
            diagnostics,
        })
    }
}

#[cfg(test)]
mod tests;
