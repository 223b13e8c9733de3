//! Programs of others in Python that tests run as oracles: each set installed once, below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;
use igos_format::Sha256;

/// Returns a command that sees nothing of the caller's home and leaves no files of Python's beside our scripts.
#[expect(clippy::disallowed_methods, reason = "the oracles are programs")]
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command
        .env("PYTHONNOUSERSITE", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PIP_NO_CACHE_DIR", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null());
    command
}

/// Runs a program and returns the last line of its story if it fails.
pub(crate) fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output);
    }
    let story = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = story.lines().last().unwrap_or("it failed silently");
    Err(last.to_owned())
}

/// Makes the environment of a list of requirements, unless an earlier run made the same, and returns its interpreter.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let wanted = fs::read(requirements).map_err(|error| error.to_string())?;
    let digest = Sha256::of(&wanted).to_string();
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", &digest[..16]));
    let python = directory.join("bin/python3");
    // Written last: without it the environment is half made.
    let mark = directory.join("complete");
    if !mark.exists() {
        make(name, &directory, &python, requirements)?;
        fs::write(&mark, "").map_err(|error| error.to_string())?;
    }
    // One that another user made may rest on an interpreter in that user's home.
    let tried = run(command(&python).arg("--version"));
    tried.map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
    Ok(python)
}

fn make(name: &str, directory: &Path, python: &Path, requirements: &Path) -> Result<(), String> {
    if directory.exists() {
        fs::remove_dir_all(directory).map_err(|error| error.to_string())?;
    }
    let made = run(command("python3").args(["-m", "venv"]).arg(directory));
    made.map_err(|error| format!("python3 cannot make an environment: {error}"))?;
    let words = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:"];
    let installed = run(command(python)
        .args(words)
        .arg("--requirement")
        .arg(requirements));
    installed.map_err(|error| format!("{name} cannot be installed: {error}"))?;
    Ok(())
}
