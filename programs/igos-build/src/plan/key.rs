//! The key of a build: one line of text for everything that can change its result.
//!
//! Two builds with the same key are the same build. The text is kept beside the result, so that
//! [`explain`](super::explain) can say in words what changed since.
//!
//! ```text
//! igos build key 1
//! KIND NAME VALUE          sorted; NAME and VALUE escaped as in `igos_format::escape`
//! ```
//!
//! What must not be in it: paths of this machine, who builds, how many processors there are, and the time.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::archive::Compression;
use igos_format::{Arch, PackageName, Sha256, escape};
use igos_recipe::Recipe;
use igos_sandbox::Limits;

/// Raised whenever a change of this program changes what a build gives: it enters every key.
pub const BUILDER_VERSION: u32 = 2;

/// First line of every key document.
pub(super) const HEADER: &str = "igos build key 1";

/// What `/` is made of while building.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RootMode {
    /// The declared dependencies and the toolchain, as layers.
    Packages,
    /// The host's own `/usr`.
    Host,
}

impl RootMode {
    /// Returns the word of flags, keys and provenance.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RootMode::Packages => "packages",
            RootMode::Host => "host",
        }
    }
}

/// Whether upstream's tests run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckMode {
    /// They run.
    Run,
    /// The recipe does not want them, or has none.
    Unavailable,
    /// The user said `--no-check`.
    Skipped,
}

impl CheckMode {
    /// Returns the word of keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CheckMode::Run => "run",
            CheckMode::Unavailable => "unavailable",
            CheckMode::Skipped => "skipped",
        }
    }
}

/// What becomes of the information that debuggers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Debugging {
    /// None is asked for, and what compilers make all the same is removed.
    Removed,
    /// Compilers are asked for it, and it goes into a package `NAME-debug`.
    Packaged,
}

/// Whether the build runs in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// It does.
    Sandbox,
    /// The user said `--unsafe-no-sandbox`.
    None,
}

impl Confinement {
    /// Returns the word of provenance and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Confinement::Sandbox => "sandbox",
            Confinement::None => "none",
        }
    }
}

/// One file of a recipe's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecipeFile {
    /// The digest of its content.
    pub sha256: Sha256,
    /// Whether its owner may execute it. Other bits differ with the umask of a checkout and do not count.
    pub is_executable: bool,
}

/// One source as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInput {
    /// The source as the recipe names it.
    pub location: String,
    /// Where it goes.
    pub destination: String,
    /// The name it has there.
    pub file_name: String,
    /// The digest of the bytes that are used: the source's own, or those of an alternative.
    pub content: Sha256,
    /// The number of the alternative whose bytes they are, counted from 1.
    pub alternative: Option<usize>,
    /// Whether nothing pins it.
    pub is_unpinned: bool,
}

/// Everything that goes into a build.
#[derive(Debug, Clone)]
pub struct KeyInput<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The machine it is built for.
    pub arch: Arch,
    /// Every file of the recipe's directory, by its path below it.
    pub recipe_files: &'a BTreeMap<String, RecipeFile>,
    /// The sources, in the recipe's order.
    pub sources: &'a [SourceInput],
    /// The contents digests of all packages that the build can see, by package.
    pub dependencies: &'a BTreeMap<PackageName, Sha256>,
    /// The digest of the toolchain; absent in host mode, where nothing is known about it.
    pub toolchain: Option<Sha256>,
    /// What `/` is made of.
    pub mode: RootMode,
    /// Whether there is a sandbox.
    pub confinement: Confinement,
    /// The variables of the flag profile after the recipe's changes.
    pub flags: &'a BTreeMap<String, String>,
    /// The other variables of the build's environment, without the number of jobs.
    pub environment: &'a BTreeMap<String, String>,
    /// The sandbox's own description of its policy.
    pub policy: &'a str,
    /// How much the build may use.
    pub limits: &'a Limits,
    /// What becomes of the information that debuggers read.
    pub debugging: Debugging,
    /// Whether upstream's tests run.
    pub check: CheckMode,
    /// How archives are compressed.
    pub compression: Compression,
}

/// The text whose digest is the key of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDocument {
    text: String,
}

impl KeyDocument {
    /// Returns the document of a build.
    #[must_use]
    pub fn new(input: &KeyInput<'_>) -> Self {
        let mut lines = Lines::default();
        lines.add("builder", "version", &BUILDER_VERSION.to_string());
        lines.add("package", "name", input.recipe.name.as_str());
        lines.add("package", "version", &input.recipe.full_version());
        lines.add("package", "arch", input.arch.as_str());
        lines.add_triples(input);
        for (name, file) in input.recipe_files {
            let mode = if file.is_executable {
                "executable"
            } else {
                "file"
            };
            lines.add("recipe", name, &format!("{mode}:{}", file.sha256));
        }
        for (number, source) in input.sources.iter().enumerate() {
            lines.add(
                "source",
                &format!("{}:{}", number + 1, source.location),
                &source.describe(),
            );
        }
        for (name, contents) in input.dependencies {
            lines.add("dependency", name.as_str(), &contents.to_string());
        }
        if let Some(digest) = input.toolchain {
            lines.add("toolchain", "archives", &digest.to_string());
        }
        lines.add("sandbox", "root", input.mode.as_str());
        if input.confinement == Confinement::None {
            lines.add("sandbox", "confinement", "none");
        }
        for (number, line) in input.policy.lines().enumerate() {
            lines.add("policy", &format!("{:03}", number + 1), line);
        }
        lines.add_limits(input.limits);
        for (name, value) in input.flags {
            lines.add("flag", name, value);
        }
        for (name, value) in input.environment {
            lines.add("environment", name, value);
        }
        if input.debugging == Debugging::Packaged {
            lines.add("debugging", "information", "by-build-id");
        }
        lines.add("check", "tests", input.check.as_str());
        let compression = format!(
            "{}-{}",
            input.compression.format().as_str(),
            input.compression.level()
        );
        lines.add("compression", "archives", &compression);
        KeyDocument {
            text: lines.finish(),
        }
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> Sha256 {
        Sha256::of(self.text.as_bytes())
    }
}

impl SourceInput {
    fn describe(&self) -> String {
        let mut text = format!("{}:{}:{}", self.content, self.destination, self.file_name);
        if let Some(number) = self.alternative {
            text.push_str(&format!(":alternative-{number}"));
        }
        if self.is_unpinned {
            text.push_str(":unpinned");
        }
        text
    }
}

/// Returns the limits that a build can feel, all there are: a test that needs more processes fails.
#[must_use]
pub fn felt_limits(limits: &Limits) -> [(&'static str, u64); 8] {
    // By name, so that a new limit is not forgotten.
    let Limits {
        processes,
        memory_bytes,
        wall,
        disk_bytes,
        disk_entries,
        log_bytes,
        tmp_bytes,
        open_files,
    } = *limits;
    [
        ("processes", processes),
        ("memory_bytes", memory_bytes),
        ("wall_seconds", wall.as_secs()),
        ("disk_bytes", disk_bytes),
        ("disk_entries", disk_entries),
        ("log_bytes", log_bytes),
        ("tmp_bytes", tmp_bytes),
        ("open_files", open_files),
    ]
}

#[derive(Debug, Default)]
struct Lines(BTreeSet<String>);

impl Lines {
    fn add(&mut self, kind: &str, name: &str, value: &str) {
        let name = escape::escape(name.as_bytes());
        let value = escape::escape(value.as_bytes());
        self.0.insert(format!("{kind} {name} {value}"));
    }

    fn add_triples(&mut self, input: &KeyInput<'_>) {
        let triples = &input.recipe.triples;
        for (name, triple) in [
            ("build", &triples.build),
            ("host", &triples.host),
            ("target", &triples.target),
        ] {
            if let Some(triple) = triple {
                self.add("triple", name, triple.triple(input.arch).as_str());
            }
        }
    }

    fn add_limits(&mut self, limits: &Limits) {
        for (name, value) in felt_limits(limits) {
            self.add("limit", name, &value.to_string());
        }
    }

    fn finish(self) -> String {
        let mut text = format!("{HEADER}\n");
        for line in self.0 {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }
}

/// A source as a key document has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RememberedSource {
    /// The digest of the bytes that were used.
    pub content: Sha256,
    /// The number of the alternative whose bytes they were.
    pub alternative: Option<usize>,
}

/// Returns which bytes the build with this key document used for each source, by number (from 0) and location.
///
/// A guess for the next build of the same recipe: if the recipe did not change, its sources did not either, and
/// the cache can be asked without fetching anything. A wrong guess gives a key that no build has.
#[must_use]
pub fn remembered_sources(document: &str) -> BTreeMap<(usize, String), RememberedSource> {
    document.lines().filter_map(remembered_source).collect()
}

fn remembered_source(line: &str) -> Option<((usize, String), RememberedSource)> {
    let (name, value) = line.strip_prefix("source ")?.split_once(' ')?;
    let name = String::from_utf8(escape::unescape(name).ok()?).ok()?;
    let (number, location) = name.split_once(':')?;
    let number: usize = number.parse().ok()?;
    let content = value.split(':').next()?.parse().ok()?;
    let alternative = value
        .split(':')
        .find_map(|field| field.strip_prefix("alternative-")?.parse().ok());
    Some((
        (number.checked_sub(1)?, location.to_owned()),
        RememberedSource {
            content,
            alternative,
        },
    ))
}
