//! The environment of build steps: everything in it is listed here, nothing comes from the caller.

use std::collections::BTreeMap;
use std::ffi::OsString;

use igos_format::Arch;
use igos_recipe::{Dialect, Recipe};

use super::settings::BuildSettings;
use crate::plan::Debugging;

/// Where the build directory is inside the sandbox. It never changes, so that compilers which write it into what
/// they make write the same everywhere.
pub(crate) const BUILD: &str = "/build";
/// Where builds install.
pub(crate) const DEST: &str = "/dest";
/// Where the recipe's directory is.
pub(crate) const RECIPE: &str = "/recipe";
/// Where the verified sources and the patches are.
pub(crate) const SOURCES: &str = "/sources";

/// Where compressed patches are decompressed to.
pub(crate) const PATCHES: &str = "/build/.igos-patches";

/// Time given to builds without sources and without one of their own: 2001-09-09 01:46:40 UTC, after the first
/// date that zip archives can hold.
pub(crate) const SOURCE_DATE_EPOCH_WITHOUT_SOURCES: u64 = 1_000_000_000;

/// The pipe through which a build is given jobs.
pub(crate) const JOBS: &str = "/build/.igos-jobs";

/// How many jobs a step may run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Jobs {
    /// So many.
    Fixed(usize),
    /// As many as the pipe [`JOBS`] gives it, at most so many.
    Shared {
        /// The most.
        most: usize,
    },
}

/// The variables of one build that do not depend on where and how fast it runs; they enter its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BuildEnvironment {
    /// The flag profile after the recipe's changes.
    pub(crate) flags: BTreeMap<String, String>,
    /// Everything else.
    pub(crate) variables: BTreeMap<String, String>,
    make_flags: String,
}

impl BuildEnvironment {
    /// Returns the environment in which `recipe` is built.
    pub(crate) fn new(recipe: &Recipe, settings: &BuildSettings) -> Self {
        let (arch, profile) = (settings.arch, &settings.profile);
        let mut flags = profile.for_recipe(recipe);
        if settings.debugging == Debugging::Packaged {
            for name in ["CFLAGS", "CXXFLAGS"] {
                let flags = flags.entry(name.to_owned()).or_default();
                *flags = format!("{flags} -g").trim_start().to_owned();
            }
        }
        let make_flags = profile.make_flags(recipe);
        if !make_flags.is_empty() {
            flags.insert("MAKEFLAGS".into(), make_flags.clone());
        }
        let mut variables = common();
        if recipe.dialect.is_kiss() {
            add_kiss(&mut variables, recipe, &flags);
        } else {
            add_package_yml(&mut variables, recipe, arch);
        }
        for (name, value) in &recipe.environment {
            variables.insert(name.clone(), value.clone());
        }
        BuildEnvironment {
            flags,
            variables,
            make_flags,
        }
    }

    /// Tells whether the recipe says how many jobs `make` runs.
    pub(crate) fn brings_jobs(&self) -> bool {
        let mut words = self.make_flags.split_whitespace();
        words.any(|word| word.starts_with("-j"))
    }

    /// Returns the whole environment of a step.
    pub(crate) fn for_step(
        &self,
        jobs: Jobs,
        source_date_epoch: u64,
    ) -> BTreeMap<OsString, OsString> {
        let mut variables = self.flags.clone();
        variables.extend(self.variables.clone());
        variables.insert("SOURCE_DATE_EPOCH".into(), source_date_epoch.to_string());
        let (jobs, server) = match jobs {
            Jobs::Fixed(jobs) => (jobs, String::new()),
            Jobs::Shared { most } => (most, format!(" --jobserver-auth=fifo:{JOBS}")),
        };
        if !self.brings_jobs() {
            let make_flags = format!("-j{jobs}{server} {}", self.make_flags);
            variables.insert("MAKEFLAGS".into(), make_flags.trim_end().to_owned());
        }
        if variables.contains_key("IGOS") {
            variables.insert("IGOS_JOBS".into(), jobs.to_string());
        }
        variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }
}

/// Returns where the sources of a recipe are unpacked; build steps start there.
pub(crate) fn source_directory(recipe: &Recipe) -> String {
    format!("{BUILD}/{}-{}", recipe.name, recipe.version)
}

fn common() -> BTreeMap<String, String> {
    let variables = [
        ("HOME", "/tmp"),
        ("LC_ALL", "POSIX"),
        ("LOGNAME", "builder"),
        ("PATH", "/usr/bin:/usr/sbin:/bin:/sbin"),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
        ("USER", "builder"),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Adds the variables that `build.sh` of a `package.yml` recipe may rely on.
fn add_package_yml(variables: &mut BTreeMap<String, String>, recipe: &Recipe, arch: Arch) {
    let target = match &recipe.triples.target {
        Some(template) => template.triple(arch).to_string(),
        None => format!("{arch}-igos-linux-gnu"),
    };
    for (name, value) in [
        ("DESTDIR", DEST),
        ("IGOS", "/"),
        ("IGOS_PATCHES", SOURCES),
        ("IGOS_SOURCES", SOURCES),
        ("IGOS_SOURCES_DIR", SOURCES),
        ("IGOS_TARGET", &target),
        ("PKG_CONFIG_PATH", "/usr/lib/pkgconfig:/usr/share/pkgconfig"),
        ("PKG_NAME", recipe.name.as_str()),
        ("PKG_RELEASE", recipe.release.as_str()),
        ("PKG_VERSION", recipe.version.as_str()),
        ("XML_CATALOG_FILES", "/etc/xml/catalog"),
        ("version", recipe.version.as_str()),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
}

/// Adds the variables that the program `build` of a KISS recipe may rely on.
fn add_kiss(
    variables: &mut BTreeMap<String, String>,
    recipe: &Recipe,
    flags: &BTreeMap<String, String>,
) {
    let directory = source_directory(recipe);
    // The tool puts its own words before those of the user, here those of the profile.
    let before = |own: &str, name: &str| match flags.get(name) {
        Some(words) => format!("{own} {words}"),
        None => own.to_owned(),
    };
    variables.insert("GOFLAGS".into(), before("-trimpath -modcacherw", "GOFLAGS"));
    variables.insert("GOPATH".into(), format!("{directory}/go"));
    variables.insert("KISS_ROOT".into(), String::new());
    variables.insert(
        "RUSTFLAGS".into(),
        before(&format!("--remap-path-prefix={directory}=."), "RUSTFLAGS"),
    );
    if recipe.dialect == Dialect::KissClassic {
        variables.insert("DESTDIR".into(), DEST.into());
    }
}
