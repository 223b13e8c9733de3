//! Whether the cache has a package, and why not.

use std::path::PathBuf;

use igos_format::Sha256;

use super::node::{Needed, Nodes};
use crate::cache::{CachedBuild, Lookup};
use crate::execute::{BuildEnvironment, BuildError};
use crate::plan::{
    KeyChange, KeyDocument, KeyInput, SourceInput, explain, remembered_sources, summarise,
};
use crate::source::{RecipeFiles, local_sources};
use crate::tree::TreeEntry;

const NEVER_BUILT: &str = "it was never built here";

/// Where a package stands before anything is built.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one of it at a time, on the stack"
)]
pub(super) enum Standing {
    /// The cache has it.
    Cached(CachedBuild, KeyDocument),
    /// It has to be built.
    Stale(Stale),
}

/// Why a package has to be built.
#[derive(Debug, Clone)]
pub(super) struct Stale {
    /// In one line.
    pub(super) reason: String,
    /// What differs from the last build, as far as that is known without fetching.
    pub(super) changes: Vec<KeyChange>,
    /// The key it will have, if that is known without fetching.
    pub(super) key: Option<Sha256>,
}

impl Nodes<'_> {
    /// Looks whether the cache has a package, without fetching anything.
    pub(super) fn standing(&self, node: usize) -> Result<Standing, BuildError> {
        let entry = self.entry(node);
        let name = &entry.recipe.name;
        let files = self.recipe_files(entry)?;
        let needed = self.needed(node)?;
        let last = self.run.cache.last_key_document(name)?;
        let guessed = self.guess_sources(entry, last.as_deref())?;
        let Some(sources) = guessed else {
            let document = self.document(entry, &files, &[], &needed);
            let mut changes = last
                .as_deref()
                .map(|last| explain(last, document.text()))
                .unwrap_or_default();
            // They are left out of the document, so the comparison says nothing about them.
            changes.retain(|change| change.kind != "source");
            let reason = match last {
                None => NEVER_BUILT.to_owned(),
                Some(_) if changes.is_empty() => "its sources changed".to_owned(),
                Some(_) => summarise(&changes),
            };
            return Ok(Standing::Stale(Stale {
                reason,
                changes,
                key: None,
            }));
        };
        let document = self.document(entry, &files, &sources, &needed);
        self.judge(entry, document, last.as_deref())
    }

    /// Returns what the cache has under the key of `document`.
    pub(super) fn judge(
        &self,
        entry: &TreeEntry,
        document: KeyDocument,
        last: Option<&str>,
    ) -> Result<Standing, BuildError> {
        let key = document.key();
        let changes = last
            .map(|last| explain(last, document.text()))
            .unwrap_or_default();
        let reason = if self.run.force.contains(&entry.recipe.name) {
            "it was asked for".to_owned()
        } else {
            match self.run.cache.find_build(&key)? {
                Lookup::Found(build) => return Ok(Standing::Cached(*build, document)),
                Lookup::Damaged { reason } => {
                    format!("its build in the cache is damaged: {reason}")
                }
                Lookup::Absent if last.is_none() => NEVER_BUILT.to_owned(),
                Lookup::Absent if changes.is_empty() => {
                    "its build is no longer in the cache".to_owned()
                }
                Lookup::Absent => summarise(&changes),
            }
        };
        Ok(Standing::Stale(Stale {
            reason,
            changes,
            key: Some(key),
        }))
    }

    /// Reads the files of a recipe's directory.
    pub(super) fn recipe_files(&self, entry: &TreeEntry) -> Result<RecipeFiles, BuildError> {
        let trees: Vec<PathBuf> = self
            .run
            .tree
            .repositories
            .iter()
            .map(|repository| repository.directory.clone())
            .collect();
        Ok(RecipeFiles::read(&entry.directory, &entry.files, &trees)?)
    }

    /// Returns the sources as the last build used them, `None` if there was none or the recipe has others now.
    fn guess_sources(
        &self,
        entry: &TreeEntry,
        last: Option<&str>,
    ) -> Result<Option<Vec<SourceInput>>, BuildError> {
        let local = local_sources(entry, self.run.settings.unpinned)?;
        let remembered = last.map(remembered_sources).unwrap_or_default();
        let mut sources = Vec::new();
        for (number, source) in entry.recipe.sources.iter().enumerate() {
            if let Some(ready) = local.get(&number) {
                sources.push(ready.input.clone());
                continue;
            }
            let Some(known) = remembered.get(&(number, source.location.clone())) else {
                return Ok(None);
            };
            sources.push(SourceInput {
                location: source.location.clone(),
                destination: source.destination.clone(),
                file_name: source.file_name().to_owned(),
                content: known.content,
                alternative: known.alternative,
                is_unpinned: source.is_unpinned,
            });
        }
        Ok(Some(sources))
    }

    /// Returns the key document of a build from these sources.
    pub(super) fn document(
        &self,
        entry: &TreeEntry,
        files: &RecipeFiles,
        sources: &[SourceInput],
        needed: &Needed,
    ) -> KeyDocument {
        let settings = self.run.settings;
        let environment = BuildEnvironment::new(&entry.recipe, settings);
        let policy = igos_sandbox::policy_digest_text();
        KeyDocument::new(&KeyInput {
            recipe: &entry.recipe,
            arch: settings.arch,
            recipe_files: files.files(),
            sources,
            dependencies: &needed.contents,
            toolchain: self.run.toolchain.map(|toolchain| toolchain.digest),
            mode: settings.mode,
            confinement: settings.confinement,
            flags: &environment.flags,
            environment: &environment.variables,
            policy: &policy,
            limits: &settings.limits,
            debugging: settings.debugging,
            check: settings.check(&entry.recipe),
            compression: settings.compression,
        })
    }
}
