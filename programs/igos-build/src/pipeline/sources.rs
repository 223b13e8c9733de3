//! Phase `verify-sources`: every source of everything that will be built is at hand and is what its recipe says.

use std::collections::BTreeSet;

use igos_report::{Explain, Outcome, Subject, Task};

use super::selection::closure;
use super::work::Pipeline;
use super::{Facts, PhaseError};
use crate::source::{GatherAll, SourceBytes};
use crate::tree::TreeEntry;

/// Raised whenever this phase begins to want something else of sources.
pub(super) const RULES: u32 = 1;

/// Kind of the facts that name a source of the store.
const SOURCE: &str = "source";

/// Returns the recipes of the profile and of the chain.
pub(super) fn recipes(pipeline: &Pipeline<'_>) -> BTreeSet<usize> {
    let selection = pipeline.selection;
    let chain = pipeline
        .bootstrap
        .generations
        .iter()
        .flat_map(|generation| &generation.packages)
        .filter_map(|name| selection.graph.resolve(name.as_str()));
    closure(&selection.graph, selection.members().chain(chain))
}

/// Returns what the phase looks at.
pub(super) fn inputs(pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    let mut facts = Facts::default();
    for at in recipes(pipeline) {
        let entry = &pipeline.tree.entries[at];
        facts.add("recipe", &entry.recipe.name, pipeline.recipe_digest(entry)?);
    }
    Ok(facts)
}

/// Fetches and verifies the sources; returns what each is.
pub(super) fn carry_out(pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    let entries: Vec<&TreeEntry> = recipes(pipeline)
        .into_iter()
        .map(|at| &pipeline.tree.entries[at])
        .collect();
    let subject = Subject::Group(format!("fetch the sources of {} packages", entries.len()));
    let task = Task::start(pipeline.reporter, None, subject);
    let gathered = GatherAll {
        fetcher: pipeline.fetcher,
        unpinned: pipeline.settings.unpinned,
        jobs: pipeline.jobs,
        interrupted: &pipeline.interrupted,
        reporter: pipeline.reporter,
    }
    .run(&entries, &task)
    .map_err(PhaseError::of)?;
    let mut outputs = Facts::default();
    let (mut causes, mut exit_code) = (Vec::new(), 0);
    for (entry, found) in gathered {
        match found {
            None => exit_code = 130,
            Some(Err(error)) => {
                exit_code = error.exit_code().max(exit_code);
                causes.extend(error.diagnostics());
            }
            Some(Ok(sources)) => {
                for (number, source) in (1..).zip(sources) {
                    let name = format!("{}:{number}", entry.recipe.name);
                    match &source.bytes {
                        // The store has trees of git, too, as archives.
                        SourceBytes::Fetched(fetched) => {
                            outputs.add(SOURCE, name, fetched.sha256());
                        }
                        // What the recipe brings is among the inputs.
                        SourceBytes::File(_) | SourceBytes::Directory(_) => {
                            outputs.add("own", name, source.input.content);
                        }
                    }
                }
            }
        }
    }
    if exit_code != 0 {
        task.finish(Outcome::Failed(format!("{} sources lack", causes.len())));
        return Err(PhaseError::Operation { exit_code, causes });
    }
    task.finish(Outcome::Done);
    Ok(outputs)
}

/// Returns why what the phase made is not there any more.
pub(super) fn lost(pipeline: &Pipeline<'_>, outputs: &Facts) -> Result<Option<String>, PhaseError> {
    let store = igos_repo::SourceStore::open(pipeline.cache.sources()).map_err(PhaseError::of)?;
    let is_gone = |digest: &str| {
        let digest = digest.parse().map(igos_format::Digest::Sha256);
        digest.map_or(true, |digest| !store.contains(&digest))
    };
    let gone = outputs.of_kind(SOURCE).find(|(_, digest)| is_gone(digest));
    Ok(gone.map(|(name, _)| format!("source {name} is no longer in the cache")))
}
