//! Looking around in the sandbox of a build.

use std::ffi::OsString;
use std::path::Path;

use fs_err as fs;
use igos_recipe::Recipe;
use igos_sandbox::{Ended, SandboxError, Terminal};

use super::chamber::Chamber;
use super::environment::{
    BuildEnvironment, Jobs, SOURCE_DATE_EPOCH_WITHOUT_SOURCES, source_directory,
};
use super::settings::BuildSettings;
use crate::build_root::BuildRoot;
use crate::cache::{Cache, CacheError};

/// Where a build's directory says what its steps were given as time.
const EPOCH: &str = "source-date-epoch";

/// What to do in the sandbox of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// An interactive shell.
    Interactive,
    /// One command for the shell.
    Line(String),
}

/// Notes the time that steps are given, for a later look at a failed build.
pub(super) fn remember(work: &Path, epoch: u64, cache: &Cache) -> Result<(), CacheError> {
    cache.write_file(&work.join(EPOCH), epoch.to_string().as_bytes())
}

/// Opens a shell in the directory `work` of a build of `recipe`, with the environment of its steps.
///
/// # Errors
///
/// Returns why the sandbox cannot be made.
pub fn open_shell(
    cache: &Cache,
    settings: &BuildSettings,
    recipe: &Recipe,
    root: &BuildRoot,
    work: &Path,
    command: &SessionCommand,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    let chamber = Chamber {
        base: cache.root().to_owned(),
        work: cache.relative(work).to_owned(),
        root: root.view().clone(),
        limits: settings.limits.clone(),
        confinement: settings.confinement,
    };
    let epoch = fs::read_to_string(work.join(EPOCH))
        .ok()
        .and_then(|text| text.parse().ok());
    let environment = BuildEnvironment::new(recipe, settings);
    let mut env = environment.for_step(
        Jobs::Fixed(settings.processors.get()),
        epoch.unwrap_or(SOURCE_DATE_EPOCH_WITHOUT_SOURCES),
    );
    let (argv, terminal) = match command {
        SessionCommand::Interactive => {
            env.insert("TERM".into(), "xterm-256color".into());
            env.insert("PS1".into(), format!("{}:\\w\\$ ", recipe.name).into());
            (
                vec![OsString::from("sh"), "-i".into()],
                Terminal::Interactive,
            )
        }
        SessionCommand::Line(line) => (vec!["sh".into(), "-c".into(), line.into()], Terminal::None),
    };
    let directory = source_directory(recipe);
    let inside = work.join("build").join(
        directory
            .trim_start_matches(super::environment::BUILD)
            .trim_start_matches('/'),
    );
    let cwd = if inside.is_dir() {
        directory.as_str()
    } else {
        super::environment::BUILD
    };
    chamber.run_program(argv, env, cwd, terminal, output)
}
