//! A recipe as meant: read, checked, variables replaced.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Dialect, FlagOverrides, Source};
use igos_format::declaration::{
    AlternativeDeclaration, GroupDeclaration, HookDeclaration, Provided, ServiceDeclaration,
    TriggerDeclaration, UserDeclaration,
};
use igos_format::{
    Arch, Capabilities, Dependency, DependencyKind, PackageName, PathPattern, RelPath, Release,
    Sha256, Tier, Triple, Version,
};

/// How to build one or more packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The name, that of the main output too.
    pub name: PackageName,
    /// The language it is written in.
    pub dialect: Dialect,
    /// The version of our own keys: from 1, or 0 for a recipe of a foreign tree.
    pub format: u32,
    /// Compared before the version.
    pub epoch: u32,
    /// Upstream's version, as written.
    pub version: Version,
    /// The packager's count.
    pub release: Release,
    /// The set it belongs to.
    pub tier: Option<Tier>,
    /// The machines it can be built for; every one where empty. [`Arch::Any`] alone: its packages have no
    /// machine code.
    pub arch: Vec<Arch>,
    /// One line, possibly empty.
    pub description: String,
    /// Licence expression, possibly empty.
    pub license: String,
    /// Upstream's page, possibly empty.
    pub homepage: String,
    /// What it needs, in the order of the file: for `package.yml` build, host, run.
    ///
    /// In KISS recipes a dependency of kind run is needed while building, too.
    pub dependencies: Vec<RecipeDependency>,
    /// Why what its packages have was not compiled here; absent where it was, as nearly everywhere.
    pub imported: Option<String>,
    /// What it is built from.
    pub sources: Vec<Source>,
    /// Changes applied to the sources, in order.
    pub patches: Vec<Patch>,
    /// How it is built.
    pub style: Style,
    /// The `build_style` that a `package.yml` names, even where a `build.sh` makes it only a label.
    pub declared_style: Style,
    /// Functions that `build.sh` defines, sorted.
    pub functions: BTreeSet<String>,
    /// The function of `build.sh` that installs: `do_install` or `install`.
    pub install_function: String,
    /// Arguments for the configure step of the declarative styles; variables for `make`.
    pub configure_flags: Vec<String>,
    /// Whether upstream's tests run, and what their failure means.
    pub tests: TestPolicy,
    /// The packages it makes: the main one, which takes what the others leave, then the others.
    pub outputs: Vec<Output>,
    /// Packages whose paths the main output takes over.
    pub supersedes: Vec<PackageName>,
    /// Paths that must exist in the staged tree, below the root.
    pub verify_paths: Vec<RelPath>,
    /// What it changes of the compiler-flag profile.
    pub flags: FlagOverrides,
    /// Variables for the build's environment.
    pub environment: BTreeMap<String, String>,
    /// Modes, owners and capabilities of installed paths.
    pub files: Vec<FileRule>,
    /// Installed files whose local edits are kept; files below `etc` are in every case.
    pub configuration: Vec<PathPattern>,
    /// Users the main output needs.
    pub users: Vec<UserDeclaration>,
    /// Groups the main output needs.
    pub groups: Vec<GroupDeclaration>,
    /// Services the main output brings.
    pub services: Vec<ServiceDeclaration>,
    /// Paths the main output can serve.
    pub alternatives: Vec<AlternativeDeclaration>,
    /// Commands to run once after transactions that changed certain paths.
    pub triggers: Vec<TriggerDeclaration>,
    /// Commands to run around transactions that change the main output.
    pub hooks: Vec<HookDeclaration>,
    /// Scripts of the recipe that were written for the installed system: files of a KISS recipe (`post-install` and
    /// `pre-remove`), which become hooks, or functions of `build.sh` (`post_install`), which do not.
    pub hook_scripts: Vec<String>,
    /// The time that installed files carry, in seconds since 1970; the newest of the sources' where absent.
    pub source_date_epoch: Option<u64>,
    /// For which systems compilers run and make code.
    pub triples: Triples,
    /// Keys of the InterGenOS tree that other parts of that distribution read.
    pub foreign: ForeignKeys,
}

impl Recipe {
    /// Returns the main output, the package of the recipe's own name.
    ///
    /// # Panics
    ///
    /// Never for a recipe that was parsed: its first output is the main one.
    #[must_use]
    pub fn main_output(&self) -> &Output {
        self.outputs.first().expect("a recipe has a main output")
    }

    /// Returns `VERSION-RELEASE`, with `EPOCH:` before it unless the epoch is 0.
    #[must_use]
    pub fn full_version(&self) -> String {
        match self.epoch {
            0 => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }

    /// Returns the dependencies that must be in the build root: all of a KISS recipe, those of kind build and
    /// host otherwise.
    pub fn build_dependencies(&self) -> impl Iterator<Item = &RecipeDependency> {
        self.dependencies
            .iter()
            .filter(|needed| self.dialect.is_kiss() || needed.kind != DependencyKind::Run)
    }
}

/// One line of what a recipe needs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipeDependency {
    /// What.
    pub dependency: Dependency,
    /// When.
    pub kind: DependencyKind,
}

/// A change applied to the sources.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Patch {
    /// The file, relative to the recipe's directory.
    pub file: String,
    /// Its digest, where the recipe gives one.
    pub sha256: Option<Sha256>,
}

/// How a recipe is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The functions of `build.sh`.
    #[serde(rename = "custom")]
    Script,
    /// `./configure`, `make`, `make install`.
    Autotools,
    /// CMake, out of tree.
    Cmake,
    /// Meson and ninja.
    Meson,
    /// `make` with variables.
    Make,
    /// The program `build` of a KISS recipe.
    Kiss,
}

impl Style {
    /// The styles that `build_style` can name.
    pub const DECLARED: [Style; 5] = [
        Style::Script,
        Style::Autotools,
        Style::Cmake,
        Style::Meson,
        Style::Make,
    ];

    /// Returns the word of `build_style`, or `kiss`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Style::Script => "custom",
            Style::Autotools => "autotools",
            Style::Cmake => "cmake",
            Style::Meson => "meson",
            Style::Make => "make",
            Style::Kiss => "kiss",
        }
    }
}

/// Whether upstream's tests run, and what their failure means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestPolicy {
    /// Whether they run where the recipe has them.
    pub is_enabled: bool,
    /// Why they do not run or may fail; empty where both is as usual.
    pub reason: String,
    /// What a failure means.
    pub failure: TestFailure,
}

impl Default for TestPolicy {
    fn default() -> Self {
        TestPolicy {
            is_enabled: true,
            reason: String::new(),
            failure: TestFailure::Strict,
        }
    }
}

/// What a failure of upstream's tests means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TestFailure {
    /// The build fails.
    Strict,
    /// The failure is recorded, and the build goes on.
    KnownFailures,
}

/// One package that a recipe makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: PackageName,
    /// One line; the recipe's for the main output.
    pub description: String,
    /// The paths it takes out of the staged tree, earlier outputs first; empty for the main one, which takes
    /// the rest.
    pub paths: Vec<PathPattern>,
    /// What it needs to run, beside what is found by reading its files.
    pub dependencies: Vec<Dependency>,
    /// Names it answers to besides its own.
    pub provides: Vec<Provided>,
    /// Packages that cannot be installed beside it.
    pub conflicts: Vec<Dependency>,
    /// Packages whose paths it takes over.
    pub supersedes: Vec<PackageName>,
    /// Whether removing it takes an explicit flag.
    pub is_essential: bool,
}

/// What a recipe says about an installed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRule {
    /// The path below the root.
    pub path: RelPath,
    /// Permission bits, setuid, setgid and sticky bits included.
    pub mode: Option<u16>,
    /// Whose it is.
    pub owner: Option<OwnerNames>,
    /// File capabilities.
    pub capabilities: Option<Capabilities>,
}

/// A user and a group by name; the numbers are those of the recipe's `users` and `groups`, or of the base
/// system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct OwnerNames {
    /// The user.
    pub user: PackageName,
    /// The group.
    pub group: PackageName,
}

/// For which systems compilers run and make code; the native one where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Triples {
    /// Where the build runs.
    pub build: Option<TripleTemplate>,
    /// Where the package will run.
    pub host: Option<TripleTemplate>,
    /// What a compiler in the package makes code for.
    pub target: Option<TripleTemplate>,
}

/// A triple in which `${arch}` stands for the machine that a build is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TripleTemplate(String);

impl TripleTemplate {
    /// Returns the template that `text` is, `None` unless a machine makes a triple of it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let template = TripleTemplate(text.to_owned());
        Arch::ALL
            .into_iter()
            .all(|arch| template.text_for(arch).parse::<Triple>().is_ok())
            .then_some(template)
    }

    /// Returns the text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the triple for a machine.
    ///
    /// # Panics
    ///
    /// Never: a template is tested with every machine when it is made.
    #[must_use]
    pub fn triple(&self, arch: Arch) -> Triple {
        self.text_for(arch)
            .parse()
            .expect("the template was tested with every machine")
    }

    fn text_for(&self, arch: Arch) -> String {
        self.0.replace("${arch}", arch.as_str())
    }
}

/// Keys of the InterGenOS tree that other parts of that distribution read; kept so that nothing is lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignKeys {
    /// Whether the installation medium holds the package.
    pub iso_include: Option<bool>,
    /// The licence of what a helper package downloads.
    pub payload_license: Option<String>,
    /// The package is installed straight to `/` there; here it is staged as every other one.
    pub direct_install: bool,
    /// Installed files are not tracked there; here they always are.
    pub skip_tracking: bool,
    /// Which build of a package that is built several times this is.
    pub pass_number: Option<u32>,
    /// Packages bundled inside the sources.
    pub bundled_dependencies: Vec<String>,
    /// Files that the recipe's own scripts make and that no digest pins.
    pub build_artifacts: Vec<BuildArtifact>,
    /// Scripts that test an installed system.
    pub validation: Vec<Validation>,
    /// A note that a source is still to be found.
    pub pending_acquisition: Option<String>,
    /// Files published beside the sources.
    pub sources_extra: Vec<String>,
}

/// A file that a recipe's own scripts make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildArtifact {
    /// The file's name.
    pub name: String,
    /// What makes it.
    pub generated_by: String,
}

/// A script that tests an installed system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The kind of test.
    pub kind: String,
    /// What it tests.
    pub description: String,
    /// The commands.
    pub script: String,
    /// What their output must contain.
    pub expect_contains: Option<String>,
    /// Whether a failure stops the build of an image.
    pub is_fatal: bool,
}
