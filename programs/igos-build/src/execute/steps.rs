//! What the steps of a build run, by the style of the recipe.

use std::ffi::OsString;

use igos_recipe::{Patch, Recipe, Style, hook_place};

use super::environment::{DEST, PATCHES, RECIPE, SOURCES, source_directory};

/// One step of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Sources are unpacked.
    Unpack,
    /// Patches are applied.
    Patch,
    /// The build is configured.
    Configure,
    /// Code is compiled.
    Build,
    /// Upstream's tests run.
    Check,
    /// Files are put into the destination directory.
    Install,
}

impl Step {
    /// The steps that run programs, in order.
    pub(crate) const PROGRAMS: [Step; 5] = [
        Step::Patch,
        Step::Configure,
        Step::Build,
        Step::Check,
        Step::Install,
    ];

    /// Returns the word of logs and messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Step::Unpack => "unpack",
            Step::Patch => "patch",
            Step::Configure => "configure",
            Step::Build => "build",
            Step::Check => "check",
            Step::Install => "install",
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// One program of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program and its arguments.
    pub(crate) argv: Vec<OsString>,
    /// Variables besides those of the environment.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What its failure means, where the program itself does not say.
    pub(crate) failure: Option<String>,
}

impl Command {
    fn new<A: Into<OsString>>(argv: impl IntoIterator<Item = A>) -> Self {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
            failure: None,
        }
    }

    fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// Runs one function of `build.sh` in a fresh shell; `$1` is the script, `$2` the function. `.` is POSIX, and the
/// function is the last command, so that the first failure in it ends the shell.
const CALL_FUNCTION: &str = r#"set -e; umask 022; . "$1"; "$2""#;

/// Copies the program `$1` to `$2`, with what any shell and any system have.
const COPY_PROGRAM: &str = r#"umask 022; mkdir -p "${2%/*}"; cp "$1" "$2"; chmod 755 "$2""#;

/// Returns the programs of a step, none if the recipe has nothing for it.
pub(crate) fn commands(recipe: &Recipe, step: Step) -> Vec<Command> {
    match (step, recipe.style) {
        (Step::Unpack, _) => Vec::new(),
        (Step::Patch, _) => patches(recipe),
        (_, Style::Kiss) => kiss(recipe, step),
        _ => match function(recipe, step) {
            Some(name) => vec![call_function(&name)],
            None => declared(recipe, step),
        },
    }
}

/// Returns the name of the function of `build.sh` that makes a step, `None` if there is none.
fn function(recipe: &Recipe, step: Step) -> Option<String> {
    let has = |name: &&str| recipe.functions.contains(*name);
    match step {
        Step::Install => {
            let candidates = [recipe.install_function.as_str(), "do_install", "install"];
            candidates.into_iter().find(has).map(str::to_owned)
        }
        other => Some(other.as_str()).filter(has).map(str::to_owned),
    }
}

fn call_function(name: &str) -> Command {
    let script = format!("{RECIPE}/build.sh");
    Command::new(["bash", "-c", CALL_FUNCTION, "build.sh", &script, name])
}

/// Patches are applied inside the sandbox, by the toolchain's `patch` (threats note, P6).
fn patches(recipe: &Recipe) -> Vec<Command> {
    let apply = |(index, patch): (usize, &Patch)| {
        let mut command = Command::new([
            "patch".to_owned(),
            "-N".into(),
            "-p1".into(),
            "-i".into(),
            patch_path(&recipe.patches, index),
        ]);
        // `patch` says which file it cannot change, not why it tried.
        command.failure = Some(format!("{} does not apply", patch.file));
        command
    };
    recipe.patches.iter().enumerate().map(apply).collect()
}

/// Returns where the sandbox has a patch: among the sources, or where compressed ones are decompressed to.
fn patch_path(patches: &[Patch], index: usize) -> String {
    let place = PatchPlace::of(patches, index);
    let top = if place.is_compressed() {
        PATCHES
    } else {
        SOURCES
    };
    match &place.directory {
        Some(directory) => format!("{top}/{directory}/{}", place.plain_name()),
        None => format!("{top}/{}", place.plain_name()),
    }
}

/// Where a patch is below the sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatchPlace<'a> {
    /// A directory of its own, where an earlier patch from another place has its name.
    pub(crate) directory: Option<String>,
    /// Its name.
    pub(crate) name: &'a str,
}

impl<'a> PatchPlace<'a> {
    /// Returns the place of the patch with this number among those of a recipe.
    pub(crate) fn of(patches: &'a [Patch], index: usize) -> Self {
        let file = patches[index].file.as_str();
        let is_taken = patches[..index]
            .iter()
            .any(|earlier| earlier.file != file && patch_name(&earlier.file) == patch_name(file));
        PatchPlace {
            directory: is_taken.then(|| format!("patch-{}", index + 1)),
            name: file.rsplit('/').next().unwrap_or(file),
        }
    }

    /// Returns its name once it is decompressed.
    pub(crate) fn plain_name(&self) -> &'a str {
        patch_name(self.name)
    }

    /// Tells whether it has to be decompressed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.plain_name() != self.name
    }
}

/// Returns the name of a patch without its directory and the suffix of a compression.
fn patch_name(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    [".gz", ".bz2", ".xz", ".zst", ".lzma", ".lz"]
        .into_iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

/// A KISS recipe has one program for everything.
fn kiss(recipe: &Recipe, step: Step) -> Vec<Command> {
    if step != Step::Build {
        return Vec::new();
    }
    let program = format!("{RECIPE}/build");
    let mut commands = vec![Command::new([
        program.as_str(),
        DEST,
        recipe.version.as_str(),
    ])];
    for script in &recipe.hook_scripts {
        let place = format!("{DEST}/{}", hook_place(&recipe.name, script));
        let script = format!("{RECIPE}/{script}");
        commands.push(Command::new([
            "sh",
            "-ec",
            COPY_PROGRAM,
            "sh",
            &script,
            &place,
        ]));
    }
    commands
}

fn declared(recipe: &Recipe, step: Step) -> Vec<Command> {
    let flags = recipe.configure_flags.iter().map(String::as_str);
    let command = match recipe.style {
        Style::Script | Style::Kiss => None,
        Style::Autotools => autotools(step, flags),
        Style::Cmake => cmake(step, flags),
        Style::Meson => meson(step, flags),
        Style::Make => make(step, flags),
    };
    command.into_iter().collect()
}

fn autotools<'a>(step: Step, flags: impl Iterator<Item = &'a str> + Clone) -> Option<Command> {
    let destination = format!("DESTDIR={DEST}");
    Some(match step {
        Step::Configure => {
            let prefix = (!flags.clone().any(|flag| flag.starts_with("--prefix")))
                .then_some("--prefix=/usr");
            Command::new(["./configure"].into_iter().chain(prefix).chain(flags))
        }
        Step::Build => Command::new(["make"]),
        Step::Check => Command::new(["make", "check"]),
        Step::Install => Command::new(["make", &destination, "install"]),
        Step::Unpack | Step::Patch => return None,
    })
}

fn cmake<'a>(step: Step, flags: impl Iterator<Item = &'a str>) -> Option<Command> {
    Some(match step {
        Step::Configure => {
            let ours = [
                "cmake",
                "-S",
                ".",
                "-B",
                "igos-build",
                "-DCMAKE_INSTALL_PREFIX=/usr",
                "-DCMAKE_INSTALL_LIBDIR=lib",
                "-DCMAKE_BUILD_TYPE=Release",
                "-DCMAKE_POLICY_VERSION_MINIMUM=3.5",
            ];
            Command::new(ours.into_iter().chain(flags))
        }
        Step::Build => Command::new(["cmake", "--build", "igos-build"]),
        Step::Check => Command::new(["ctest", "--test-dir", "igos-build", "--output-on-failure"]),
        Step::Install => {
            Command::new(["cmake", "--install", "igos-build"]).variable("DESTDIR", DEST)
        }
        Step::Unpack | Step::Patch => return None,
    })
}

fn meson<'a>(step: Step, flags: impl Iterator<Item = &'a str>) -> Option<Command> {
    Some(match step {
        Step::Configure => {
            let ours = [
                "meson",
                "setup",
                "igos-build",
                "--prefix=/usr",
                "--libdir=/usr/lib",
                "--buildtype=release",
                "--wrap-mode=nodownload",
            ];
            Command::new(ours.into_iter().chain(flags))
        }
        Step::Build => Command::new(["ninja", "-C", "igos-build"]),
        Step::Check => Command::new(["meson", "test", "-C", "igos-build", "--print-errorlogs"]),
        Step::Install => Command::new(["meson", "install", "-C", "igos-build", "--no-rebuild"])
            .variable("DESTDIR", DEST),
        Step::Unpack | Step::Patch => return None,
    })
}

fn make<'a>(step: Step, flags: impl Iterator<Item = &'a str>) -> Option<Command> {
    let destination = format!("DESTDIR={DEST}");
    let with =
        |target: &[&'a str]| -> Vec<OsString> { target.iter().map(OsString::from).collect() };
    let variables: Vec<OsString> = ["PREFIX=/usr"]
        .into_iter()
        .chain(flags)
        .map(OsString::from)
        .collect();
    let argv: Vec<OsString> = match step {
        Step::Build => with(&["make"]).into_iter().chain(variables).collect(),
        Step::Check => with(&["make", "check"])
            .into_iter()
            .chain(variables)
            .collect(),
        Step::Install => {
            let last: [OsString; 2] = [destination.into(), "install".into()];
            with(&["make"])
                .into_iter()
                .chain(variables)
                .chain(last)
                .collect()
        }
        Step::Configure | Step::Unpack | Step::Patch => return None,
    };
    Some(Command::new(argv))
}

/// Tells whether a failure of `make check` means that there are no tests, for recipes that say no more than
/// `build_style: make`.
pub(crate) fn has_no_tests(recipe: &Recipe, step: Step, tail: &[String]) -> bool {
    step == Step::Check
        && matches!(recipe.style, Style::Make | Style::Autotools)
        && function(recipe, step).is_none()
        && tail
            .iter()
            .any(|line| line.contains("No rule to make target 'check'"))
}

/// Returns where a step starts.
pub(crate) fn working_directory(recipe: &Recipe) -> String {
    source_directory(recipe)
}
