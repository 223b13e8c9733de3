//! The provenance inside every archive: what it was made from and how, the same for everybody who makes it.
//!
//! Nothing in it differs between machines, users and times: that is in the receipt and the log.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::manifest::Origin;
use igos_format::{PackageName, Sha256};
use serde::Serialize;

use super::settings::BuildSettings;
use crate::plan::{BUILDER_VERSION, Confinement, RootMode};
use crate::source::ReadySource;
use crate::tree::TreeEntry;

/// The version of the JSON.
const FORMAT: u32 = 1;

/// The build saw the host's own files.
pub const WEAKENED_HOST_ROOT: &str = "host-root";
/// The build ran without a sandbox.
const WEAKENED_NO_SANDBOX: &str = "no-sandbox";
/// A source was not pinned.
const WEAKENED_UNPINNED: &str = "unpinned-source";

/// What came of upstream's tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CheckResult {
    /// They passed.
    Passed,
    /// They failed, which the recipe knows of.
    KnownFailures,
    /// The recipe has none.
    None,
    /// The recipe does not want them to run.
    Disabled,
    /// The user said `--no-check`.
    Skipped,
}

impl CheckResult {
    /// Returns the word of receipts.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            CheckResult::Passed => "passed",
            CheckResult::KnownFailures => "known-failures",
            CheckResult::None => "none",
            CheckResult::Disabled => "disabled",
            CheckResult::Skipped => "skipped",
        }
    }
}

/// What one archive was made from and how.
#[derive(Debug, Serialize)]
struct Provenance<'a> {
    format: u32,
    builder: Builder,
    recipe: Recipe<'a>,
    build_key: Sha256,
    sources: Vec<Source<'a>>,
    dependencies: &'a BTreeMap<PackageName, Sha256>,
    toolchain: Option<Sha256>,
    sandbox: SandboxPolicy,
    flags: &'a BTreeMap<String, String>,
    source_date_epoch: u64,
    check: Check<'a>,
    hooks: &'a [String],
    /// Why nothing was compiled, and which packages the build saw that were not compiled here either.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    imported_dependencies: &'a BTreeSet<PackageName>,
    weakened: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Builder {
    name: &'static str,
    version: u32,
}

#[derive(Debug, Serialize)]
struct Recipe<'a> {
    name: &'a PackageName,
    version: String,
    dialect: &'static str,
    files: BTreeMap<&'a str, Sha256>,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    location: &'a str,
    destination: &'a str,
    sha256: Sha256,
    /// The number of the recipe's alternative that was used, counted from 1, and why its bytes differ.
    alternative: Option<usize>,
    repack: Option<&'a str>,
    is_unpinned: bool,
}

#[derive(Debug, Serialize)]
struct SandboxPolicy {
    confinement: &'static str,
    root: &'static str,
    policy_sha256: Sha256,
}

#[derive(Debug, Serialize)]
struct Check<'a> {
    result: CheckResult,
    reason: &'a str,
}

/// What is known once the steps of a build are done.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) entry: &'a TreeEntry,
    pub(crate) files: &'a BTreeMap<String, crate::plan::RecipeFile>,
    pub(crate) sources: &'a [ReadySource],
    pub(crate) dependencies: &'a BTreeMap<PackageName, Sha256>,
    pub(crate) toolchain: Option<Sha256>,
    /// The packages among the dependencies that were not compiled here.
    pub(crate) imported: &'a BTreeSet<PackageName>,
    pub(crate) key: Sha256,
    pub(crate) flags: &'a BTreeMap<String, String>,
    pub(crate) source_date_epoch: u64,
    pub(crate) check: CheckResult,
}

/// Returns what of the build was weaker than usual.
pub(crate) fn weakened(settings: &BuildSettings, sources: &[ReadySource]) -> Vec<&'static str> {
    let mut found = Vec::new();
    if settings.mode == RootMode::Host {
        found.push(WEAKENED_HOST_ROOT);
    }
    if settings.confinement == Confinement::None {
        found.push(WEAKENED_NO_SANDBOX);
    }
    if sources.iter().any(|source| source.input.is_unpinned) {
        found.push(WEAKENED_UNPINNED);
    }
    found
}

/// Returns how packages of a recipe with these weaknesses came to be.
pub(crate) fn origin(recipe: &igos_recipe::Recipe, weakened: &[&str]) -> Origin {
    if recipe.imported.is_some() {
        Origin::Imported
    } else if weakened.is_empty() {
        Origin::Built
    } else {
        Origin::BuiltWeakened
    }
}

/// Returns the JSON.
pub(crate) fn provenance(settings: &BuildSettings, facts: &Facts<'_>) -> Vec<u8> {
    let recipe = &facts.entry.recipe;
    let sources = recipe
        .sources
        .iter()
        .zip(facts.sources)
        .map(|(source, ready)| Source {
            location: &ready.input.location,
            destination: &ready.input.destination,
            sha256: ready.input.content,
            alternative: ready.input.alternative,
            repack: ready
                .input
                .alternative
                .and_then(|number| source.alternatives.get(number - 1)?.repack.as_deref()),
            is_unpinned: ready.input.is_unpinned,
        })
        .collect();
    let value = Provenance {
        format: FORMAT,
        builder: Builder {
            name: "igos-build",
            version: BUILDER_VERSION,
        },
        recipe: Recipe {
            name: &recipe.name,
            version: recipe.full_version(),
            dialect: recipe.dialect.as_str(),
            files: facts
                .files
                .iter()
                .map(|(name, file)| (name.as_str(), file.sha256))
                .collect(),
        },
        build_key: facts.key,
        sources,
        dependencies: facts.dependencies,
        toolchain: facts.toolchain,
        sandbox: SandboxPolicy {
            confinement: settings.confinement.as_str(),
            root: settings.mode.as_str(),
            policy_sha256: Sha256::of(igos_sandbox::policy_digest_text().as_bytes()),
        },
        flags: facts.flags,
        source_date_epoch: facts.source_date_epoch,
        check: Check {
            result: facts.check,
            reason: &recipe.tests.reason,
        },
        hooks: &recipe.hook_scripts,
        imported: recipe.imported.as_deref(),
        imported_dependencies: facts.imported,
        weakened: weakened(settings, facts.sources),
    };
    let mut text =
        serde_json::to_vec_pretty(&value).expect("provenance has text keys and plain values");
    text.push(b'\n');
    text
}
