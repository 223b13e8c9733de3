//! One package of a run: is it in the cache, why not, and build it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use igos_format::{DependencyKind, PackageName, Sha256};
use igos_report::{Outcome, Subject, Task, TaskId};

use super::run::BuildRun;
use super::standing::Standing;
use crate::budget::Budget;
use crate::build_root::{BuildRoot, NeededArchive};
use crate::cache::{Cache, CacheError, CachedBuild, read_head};
use crate::execute::{BuildError, PackageBuild, build_package};
use crate::plan::{KeyDocument, SourceInput};
use crate::source::{ReadySource, RecipeFiles, gather};
use crate::stage::Visibility;
use crate::tree::TreeEntry;

/// What the packages of one run know of each other.
pub(super) struct Nodes<'r> {
    pub(super) run: &'r BuildRun<'r>,
    pub(super) parent: TaskId,
    builds: Vec<OnceLock<CachedBuild>>,
    depends: Mutex<BTreeMap<PathBuf, Vec<PackageName>>>,
    pub(super) budget: Budget,
}

/// All that goes into one build.
pub(super) struct Inputs {
    files: RecipeFiles,
    needed: Needed,
    sources: Vec<ReadySource>,
    pub(super) document: KeyDocument,
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
    /// What each of them is, apart from what it was made from.
    pub(super) contents: BTreeMap<PackageName, Sha256>,
}

impl<'r> Nodes<'r> {
    pub(super) fn new(run: &'r BuildRun<'r>, parent: TaskId) -> Self {
        Nodes {
            run,
            parent,
            builds: run.graph.nodes().iter().map(|_| OnceLock::new()).collect(),
            depends: Mutex::default(),
            budget: Budget::new(run.settings.processors),
        }
    }

    pub(super) fn entry(&self, node: usize) -> &'r TreeEntry {
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
            let Some((name, archive, contents)) = self.archive(&name) else {
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
            needed.contents.insert(name.clone(), contents);
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
        Some((own.clone(), build.archive(output), output.contents))
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
        let entry = self.entry(node);
        let inputs = self.inputs(node, task)?;
        let keyed = |error: BuildError| Unmade {
            error,
            key: Some(inputs.document.key()),
        };
        // What was fetched may be what another build of the cache was made from.
        let last = self.run.cache.last_key_document(&entry.recipe.name)?;
        let standing = self
            .judge(entry, inputs.document.clone(), last.as_deref())
            .map_err(keyed)?;
        if let Standing::Cached(build, document) = standing {
            return Ok(self.reuse(node, build, &document)?);
        }
        let build = self
            .build_from(node, &inputs, self.run.cache, task)
            .map_err(keyed)?;
        self.settle(node, build.clone());
        Ok(Made::Built(build, reason))
    }

    /// Gathers all that goes into the build of a node.
    pub(super) fn inputs(&self, node: usize, task: &Task<'_>) -> Result<Inputs, BuildError> {
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
        let used: Vec<SourceInput> = sources.iter().map(|source| source.input.clone()).collect();
        let document = self.document(entry, &files, &used, &needed);
        Ok(Inputs {
            files,
            needed,
            sources,
            document,
        })
    }

    /// Builds a node, whatever any cache has, and puts what it makes into `into`.
    pub(super) fn build_from(
        &self,
        node: usize,
        inputs: &Inputs,
        into: &Cache,
        task: &Task<'_>,
    ) -> Result<CachedBuild, BuildError> {
        let run = self.run;
        let root = BuildRoot::assemble(
            run.cache,
            run.settings.mode,
            run.toolchain,
            &inputs.needed.archives,
        )?;
        let input = PackageBuild {
            cache: into,
            settings: run.settings,
            entry: self.entry(node),
            files: &inputs.files,
            sources: &inputs.sources,
            root: &root,
            dependencies: &inputs.needed.contents,
            toolchain: run.toolchain.map(|toolchain| toolchain.digest),
            document: &inputs.document,
            budget: &self.budget,
            interrupted: run.interrupted,
        };
        build_package(&input, task)
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
}

/// How a package was made.
pub(super) enum Made {
    /// The cache had it.
    Cached(CachedBuild),
    /// It was built, and why.
    Built(CachedBuild, String),
}
