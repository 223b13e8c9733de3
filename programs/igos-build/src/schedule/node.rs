//! One package of a run: is it in the cache, why not, and build it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use igos_format::{DependencyKind, PackageName, Sha256};
use igos_report::{Outcome, Subject, Task, TaskId};

use super::run::BuildRun;
use crate::build_root::{BuildRoot, NeededArchive};
use crate::cache::{CacheError, CachedBuild, Lookup, read_head};
use crate::execute::{BuildEnvironment, BuildError, PackageBuild, build_package};
use crate::plan::{
    KeyChange, KeyDocument, KeyInput, SourceInput, explain, remembered_sources, summarise,
};
use crate::source::{RecipeFiles, gather, local_sources};
use crate::stage::Visibility;
use crate::tree::TreeEntry;

const NEVER_BUILT: &str = "it was never built here";

/// What the packages of one run know of each other.
pub(super) struct Nodes<'r> {
    pub(super) run: &'r BuildRun<'r>,
    pub(super) parent: TaskId,
    builds: Vec<OnceLock<CachedBuild>>,
    depends: Mutex<BTreeMap<PathBuf, Vec<PackageName>>>,
    running: AtomicUsize,
}

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

/// Why a package could not be made.
#[derive(Debug)]
pub(super) struct Unmade {
    pub(super) error: BuildError,
    /// The key it would have had, as far as it was known.
    pub(super) key: Option<Sha256>,
}

impl<E: Into<BuildError>> From<E> for Unmade {
    fn from(error: E) -> Self {
        Unmade {
            error: error.into(),
            key: None,
        }
    }
}

/// The packages that one build can see besides the toolchain.
#[derive(Debug, Clone, Default)]
pub(super) struct Needed {
    pub(super) archives: BTreeMap<PackageName, NeededArchive>,
    pub(super) seals: BTreeMap<PackageName, Sha256>,
}

impl<'r> Nodes<'r> {
    pub(super) fn new(run: &'r BuildRun<'r>, parent: TaskId) -> Self {
        Nodes {
            run,
            parent,
            builds: run.graph.nodes().iter().map(|_| OnceLock::new()).collect(),
            depends: Mutex::default(),
            running: AtomicUsize::new(0),
        }
    }

    fn entry(&self, node: usize) -> &'r TreeEntry {
        self.run.graph.nodes()[node].entry
    }

    /// Notes that a package is in the cache.
    pub(super) fn settle(&self, node: usize, build: CachedBuild) {
        // Each node is worked on once; a second result would be the same.
        self.builds[node].get_or_init(|| build);
    }

    /// Returns the packages that the build of a node sees: what its recipe names, and what that needs to run.
    pub(super) fn needed(&self, node: usize) -> Result<Needed, CacheError> {
        let mut needed = Needed::default();
        let mut pending: Vec<(PackageName, Visibility)> = Vec::new();
        for (name, (_, kind)) in &self.run.graph.nodes()[node].direct {
            let visibility = match kind {
                DependencyKind::Run => Visibility::Run,
                DependencyKind::Build | DependencyKind::Host => Visibility::Build,
            };
            pending.push((name.clone(), visibility));
        }
        // Direct ones first, so that nothing is called transitive which is declared.
        pending.reverse();
        let mut transitive = Vec::new();
        while let Some((name, visibility)) = pending.pop().or_else(|| transitive.pop()) {
            let Some((name, archive, seal)) = self.archive(&name) else {
                continue;
            };
            if needed.archives.contains_key(&name) {
                continue;
            }
            let depends = self.depends(&archive)?;
            transitive.extend(
                depends
                    .into_iter()
                    .map(|name| (name, Visibility::Transitive)),
            );
            needed.seals.insert(name.clone(), seal);
            needed.archives.insert(
                name,
                NeededArchive {
                    archive,
                    visibility,
                },
            );
        }
        Ok(needed)
    }

    /// Returns the package of this run that answers to `name`, with its archive; `None` if the toolchain has to
    /// have it.
    fn archive(&self, name: &PackageName) -> Option<(PackageName, PathBuf, Sha256)> {
        let (node, own) = self.run.graph.maker(name)?;
        let build = self.builds[node].get()?;
        let output = build
            .receipt()
            .outputs
            .iter()
            .find(|output| output.name == *own)?;
        Some((own.clone(), build.archive(output), output.seal))
    }

    /// Returns the names of the packages that an archive needs to run.
    fn depends(&self, archive: &Path) -> Result<Vec<PackageName>, CacheError> {
        if let Some(known) = self.lock_depends().get(archive) {
            return Ok(known.clone());
        }
        let (manifest, _) = read_head(archive)?;
        let names: Vec<_> = manifest
            .depends
            .iter()
            .map(|one| one.name.clone())
            .collect();
        self.lock_depends()
            .insert(archive.to_owned(), names.clone());
        Ok(names)
    }

    fn lock_depends(&self) -> std::sync::MutexGuard<'_, BTreeMap<PathBuf, Vec<PackageName>>> {
        self.depends
            .lock()
            .expect("no thread panics while it holds this lock")
    }

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

    fn judge(
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

    /// Makes a package: returns that of the cache, or builds it.
    pub(super) fn make(&self, node: usize) -> Result<Made, Unmade> {
        match self.standing(node)? {
            Standing::Cached(build, document) => Ok(self.reuse(node, build, &document)?),
            Standing::Stale(stale) => self.build(node, stale.reason),
        }
    }

    /// Builds a package, and reports how that ended.
    fn build(&self, node: usize, reason: String) -> Result<Made, Unmade> {
        let name = self.entry(node).recipe.name.to_string();
        let task = Task::start(self.run.reporter, Some(self.parent), Subject::Build(name));
        let result = self.build_in(node, reason, &task);
        task.finish(match &result {
            Ok(Made::Built(..)) => Outcome::Done,
            Ok(Made::Cached(_)) => Outcome::Skipped("the cache has it".into()),
            Err(unmade) => Outcome::Failed(unmade.error.to_string()),
        });
        result
    }

    fn build_in(&self, node: usize, reason: String, task: &Task<'_>) -> Result<Made, Unmade> {
        let run = self.run;
        let entry = self.entry(node);
        let files = self.recipe_files(entry)?;
        let needed = self.needed(node)?;
        let sources = gather(
            entry,
            run.fetcher,
            run.settings.unpinned,
            run.reporter,
            Some(task.id()),
        )?;
        let inputs: Vec<SourceInput> = sources.iter().map(|source| source.input.clone()).collect();
        let document = self.document(entry, &files, &inputs, &needed);
        let key = document.key();
        let keyed = |error: BuildError| Unmade {
            error,
            key: Some(key),
        };
        // What was fetched may be what another build of the cache was made from.
        let last = run.cache.last_key_document(&entry.recipe.name)?;
        let standing = self
            .judge(entry, document.clone(), last.as_deref())
            .map_err(keyed)?;
        if let Standing::Cached(build, document) = standing {
            return Ok(self.reuse(node, build, &document)?);
        }
        let root = BuildRoot::assemble(
            run.cache,
            run.settings.mode,
            run.toolchain,
            &needed.archives,
        )?;
        let input = PackageBuild {
            cache: run.cache,
            settings: run.settings,
            entry,
            files: &files,
            sources: &sources,
            root: &root,
            dependencies: &needed.seals,
            toolchain: run.toolchain.map(|toolchain| toolchain.digest),
            document: &document,
            jobs: &|| self.jobs(),
            interrupted: run.interrupted,
        };
        let build = build_package(&input, task).map_err(keyed)?;
        self.settle(node, build.clone());
        Ok(Made::Built(build, reason))
    }

    fn reuse(
        &self,
        node: usize,
        build: CachedBuild,
        document: &KeyDocument,
    ) -> Result<Made, CacheError> {
        self.run
            .cache
            .keep_key_document(&self.entry(node).recipe.name, document.text())?;
        self.settle(node, build.clone());
        Ok(Made::Cached(build))
    }

    /// Counts a package among those that share the processors while `work` runs.
    pub(super) fn sharing<T>(&self, work: impl FnOnce() -> T) -> T {
        self.running.fetch_add(1, Ordering::SeqCst);
        let result = work();
        self.running.fetch_sub(1, Ordering::SeqCst);
        result
    }

    /// Returns the share of one package, rounded up: an idle processor costs more than a busy one.
    fn jobs(&self) -> usize {
        let running = self.running.load(Ordering::SeqCst).max(1);
        self.run.settings.processors.get().div_ceil(running)
    }

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

    fn document(
        &self,
        entry: &TreeEntry,
        files: &RecipeFiles,
        sources: &[SourceInput],
        needed: &Needed,
    ) -> KeyDocument {
        let settings = self.run.settings;
        let environment = BuildEnvironment::new(&entry.recipe, settings.arch, &settings.profile);
        let policy = igos_sandbox::policy_digest_text();
        KeyDocument::new(&KeyInput {
            recipe: &entry.recipe,
            arch: settings.arch,
            recipe_files: files.files(),
            sources,
            dependencies: &needed.seals,
            toolchain: self.run.toolchain.map(|toolchain| toolchain.digest),
            mode: settings.mode,
            confinement: settings.confinement,
            flags: &environment.flags,
            environment: &environment.variables,
            policy: &policy,
            limits: &settings.limits,
            check: settings.check(&entry.recipe),
            compression: settings.compression,
        })
    }
}

/// How a package was made.
pub(super) enum Made {
    /// The cache had it.
    Cached(CachedBuild),
    /// It was built, and why.
    Built(CachedBuild, String),
}
