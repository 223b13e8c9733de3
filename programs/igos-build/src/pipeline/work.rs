//! What a pipeline works with, and where it keeps what it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use igos_format::{PackageName, Sha256, escape};
use igos_recipe::{SourceKind, TestFailure};
use igos_repo::{DebianArchive, Fetcher, Unpinned};
use igos_report::Reporter;

use super::bootstrap::Bootstrap;
use super::selection::Selection;
use super::{Facts, PhaseError, Profile};
use crate::build_root::ToolchainView;
use crate::cache::{Cache, read_head};
use crate::execute::BuildSettings;
use crate::plan::{CheckMode, Confinement, Debugging, felt_limits, order};
use crate::schedule::{BuildGraph, BuildRun, OnFailure, RunReport};
use crate::source::{RecipeFiles, local_sources};
use crate::toolchain::Toolchain;
use crate::tree::{Tree, TreeEntry};

/// Publishes archives as a signed repository; returns how many packages are in it.
pub type Publish<'a> = dyn Fn(Vec<PathBuf>) -> Result<usize, PhaseError> + Sync + 'a;

/// What a pipeline works with.
#[derive(Clone)]
pub struct Pipeline<'a> {
    /// Where builds and toolchains are kept; locked by the caller.
    pub cache: &'a Cache,
    /// How packages are built.
    pub settings: &'a BuildSettings,
    /// The recipes, that of the profile's configuration among them.
    pub tree: &'a Tree,
    /// What the system is.
    pub profile: &'a Profile,
    /// Which toolchain builds which.
    pub bootstrap: &'a Bootstrap,
    /// What the profile needs.
    pub selection: &'a Selection,
    /// Gets sources.
    pub fetcher: &'a Fetcher<'a>,
    /// Gets the packages of an imported seed.
    pub debian: (&'a DebianArchive, &'a Fetcher<'a>),
    /// Publishes archives, where that was asked for.
    pub publish: Option<&'a Publish<'a>>,
    /// Packages that are built at once.
    pub jobs: NonZeroUsize,
    /// Set when the user asked to stop.
    pub interrupted: Arc<AtomicBool>,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for Pipeline<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline")
            .field("profile", &self.profile.name)
            .finish_non_exhaustive()
    }
}

impl<'a> Pipeline<'a> {
    /// Returns packages, and all they need, as a graph for builds with a toolchain.
    pub(super) fn graph_of<'n>(
        &self,
        names: impl IntoIterator<Item = &'n PackageName>,
        view: &ToolchainView,
    ) -> Result<BuildGraph<'a>, PhaseError> {
        let graph = &self.selection.graph;
        let names: Vec<String> = names.into_iter().map(ToString::to_string).collect();
        let order = order(graph, &names);
        BuildGraph::new(self.tree, graph, &order, &view.names(), OnFailure::Stop)
            .map_err(PhaseError::of)
    }
}

impl Pipeline<'_> {
    /// Returns the directory of everything that this profile's pipeline keeps.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.cache.pipeline(&self.profile.name)
    }

    /// Returns the root that it installs into.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory().join("root")
    }

    /// Loads a toolchain of the cache.
    pub(super) fn toolchain(&self, name: &PackageName) -> Result<Toolchain, PhaseError> {
        Toolchain::load(&self.cache.toolchains().join(name.as_str())).map_err(PhaseError::of)
    }

    /// Returns what builds see of a toolchain.
    pub(super) fn view(&self, toolchain: &Toolchain) -> Result<ToolchainView, PhaseError> {
        ToolchainView::of_toolchain(self.cache, toolchain).map_err(PhaseError::of)
    }

    /// Returns what builds would see of a toolchain, without unpacking it: enough to say what would be built.
    pub(super) fn glance(&self, toolchain: &Toolchain) -> Result<ToolchainView, PhaseError> {
        let manifests = toolchain
            .archives()
            .iter()
            .map(|archive| Ok(read_head(&toolchain.path_of(archive))?.0))
            .collect::<Result<_, _>>()
            .map_err(|error: crate::cache::CacheError| PhaseError::of(error))?;
        Ok(ToolchainView {
            digest: toolchain.digest(),
            layers: Vec::new(),
            manifests,
        })
    }

    /// Returns how packages are built with other variables of compilers and linkers.
    pub(super) fn settings_with(&self, variables: &BTreeMap<String, String>) -> BuildSettings {
        let mut settings = self.settings.clone();
        settings.profile = settings.profile.with(variables);
        settings
    }

    /// Returns the digest of all files of a recipe, and of what the profile changes about it.
    pub(super) fn recipe_digest(&self, entry: &TreeEntry) -> Result<Sha256, PhaseError> {
        let trees: Vec<PathBuf> = self
            .tree
            .repositories
            .iter()
            .map(|repository| repository.directory.clone())
            .collect();
        let files = RecipeFiles::read(&entry.directory, &entry.files, &trees);
        let files = files.map_err(PhaseError::of)?;
        let mut text = String::new();
        for (name, file) in files.files() {
            let name = escape::escape(name.as_bytes());
            text.push_str(&format!(
                "file {name} {} {}\n",
                file.is_executable, file.sha256
            ));
        }
        for (name, value) in &entry.recipe.environment {
            let value = escape::escape(value.as_bytes());
            text.push_str(&format!("environment {name} {value}\n"));
        }
        text.push_str(&elsewhere(entry));
        Ok(Sha256::of(text.as_bytes()))
    }

    /// Returns whether the tests of recipes run in builds with these settings, and recipes without tests that run, or whose
    /// tests may fail: the digest of the settings says nothing to people.
    pub(super) fn tests<'r>(
        &self,
        whose: impl std::fmt::Display,
        settings: &BuildSettings,
        recipes: impl IntoIterator<Item = &'r usize>,
    ) -> Facts {
        let mut facts = Facts::default();
        let word = if settings.wants_check {
            "run"
        } else {
            "skipped"
        };
        facts.add("tests", &whose, word);
        for at in recipes {
            let recipe = &self.tree.entries[*at].recipe;
            let kind = match settings.check(recipe) {
                CheckMode::Unavailable if settings.wants_check => "untested",
                CheckMode::Run if recipe.tests.failure == TestFailure::KnownFailures => "may-fail",
                _ => continue,
            };
            facts.add(
                kind,
                format!("{whose} {}", recipe.name),
                &recipe.tests.reason,
            );
        }
        facts
    }

    /// Calls `operation` with a run of the packages in `graph`.
    pub(super) fn with_run<T>(
        &self,
        graph: &BuildGraph<'_>,
        toolchain: &ToolchainView,
        settings: &BuildSettings,
        operation: impl FnOnce(&BuildRun<'_>) -> T,
    ) -> T {
        operation(&BuildRun {
            cache: self.cache,
            settings,
            tree: self.tree,
            graph,
            toolchain: Some(toolchain),
            fetcher: self.fetcher,
            jobs: self.jobs,
            on_failure: OnFailure::Stop,
            force: &BTreeSet::new(),
            interrupted: &self.interrupted,
            reporter: self.reporter,
        })
    }
}

/// Returns the digest of everything in the settings that changes what builds give.
pub(super) fn settings_digest(settings: &BuildSettings) -> Sha256 {
    let mut text = format!(
        "arch {}\nmode {}\nsandbox {}\ntests {}\ndebugging {}\ncompression {}-{}\nbuilder {}\npolicy {}\n",
        settings.arch,
        settings.mode.as_str(),
        settings.confinement == Confinement::Sandbox,
        settings.wants_check,
        settings.debugging == Debugging::Packaged,
        settings.compression.format().as_str(),
        settings.compression.level(),
        crate::plan::BUILDER_VERSION,
        Sha256::of(igos_sandbox::policy_digest_text().as_bytes()),
    );
    for (name, value) in felt_limits(&settings.limits) {
        text.push_str(&format!("limit {name} {value}\n"));
    }
    for (name, value) in &settings.profile.variables {
        text.push_str(&format!("variable {name} {value}\n"));
    }
    Sha256::of(text.as_bytes())
}

/// Returns what stands against a run that did not build everything.
pub(super) fn refuse_unbuilt(report: &RunReport) -> Result<(), PhaseError> {
    if report.exit_code == 0 {
        return Ok(());
    }
    Err(PhaseError::Operation {
        exit_code: report.exit_code,
        causes: report.failures(),
    })
}

/// Returns a line for each source that the files of the recipe's directory do not pin: directories that hold its tree,
/// and packages of a `Cargo.lock` in one.
fn elsewhere(entry: &TreeEntry) -> String {
    let sources = &entry.recipe.sources;
    let is_above = |location: &str| Path::new(location).starts_with("..");
    // What is not there has no digest; building the recipe says so.
    let local = match sources.iter().any(|source| is_above(&source.location)) {
        true => local_sources(entry, Unpinned::Allow).unwrap_or_default(),
        false => BTreeMap::new(),
    };
    let mut text = String::new();
    for (number, source) in sources.iter().enumerate() {
        let digest = match (&source.kind, &source.digest) {
            (SourceKind::Crate, Some(digest)) => digest.to_string(),
            _ if is_above(&source.location) => local.get(&number).map_or_else(
                || "absent".to_owned(),
                |ready| ready.input.content.to_string(),
            ),
            _ => continue,
        };
        text.push_str(&format!("source {} {digest}\n", source.location));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use igos_format::Arch;
    use igos_format::archive::Compression;
    use igos_repo::Unpinned;
    use igos_sandbox::Limits;

    use super::settings_digest;
    use crate::execute::BuildSettings;
    use crate::plan::{Confinement, Debugging, RootMode};

    fn settings(limits: Limits) -> BuildSettings {
        BuildSettings {
            arch: Arch::native(),
            mode: RootMode::Packages,
            confinement: Confinement::Sandbox,
            wants_check: true,
            unpinned: Unpinned::Refuse,
            profile: crate::profile::Profile::default(),
            debugging: Debugging::Removed,
            limits,
            compression: Compression::default(),
            processors: NonZeroUsize::MIN,
        }
    }

    #[test]
    fn every_limit_that_enters_keys_of_builds_enters_receipts() {
        let usual = Limits::default();
        let others = [
            Limits {
                processes: 1,
                ..usual.clone()
            },
            Limits {
                memory_bytes: 1,
                ..usual.clone()
            },
            Limits {
                wall: Duration::from_secs(1),
                ..usual.clone()
            },
            Limits {
                disk_bytes: 1,
                ..usual.clone()
            },
            Limits {
                disk_entries: 1,
                ..usual.clone()
            },
            Limits {
                log_bytes: 1,
                ..usual.clone()
            },
            Limits {
                tmp_bytes: 1,
                ..usual.clone()
            },
            Limits {
                open_files: 1,
                ..usual.clone()
            },
        ];
        let before = settings_digest(&settings(usual));
        for limits in others {
            let told = format!("{limits:?}");
            assert_ne!(settings_digest(&settings(limits)), before, "{told}");
        }
    }
}
