//! The validators of bills of materials that others publish: installed once, below the target directory, and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use igos_format::Sha256;

/// Returns what the validator of a format says against a file; says why and returns `None` where there is none.
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
pub(crate) fn complaints(format: &str, file: &Path) -> Option<String> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let python = match INSTALLED.get_or_init(|| install().and_then(startable)) {
        Ok(python) => python,
        Err(reason) => {
            println!("skipped: {reason}");
            return None;
        }
    };
    let output = run(command(python)
        .arg(here("validate.py"))
        .arg(format)
        .arg(file));
    let output = output.unwrap_or_else(|error| panic!("the validator of {format}: {error}"));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn here(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/factory/oracle");
    directory.join(name)
}

#[expect(clippy::disallowed_methods, reason = "the validators are programs")]
fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    // Nothing of the caller's home, and no files of Python's beside our scripts.
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
fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output);
    }
    let story = String::from_utf8_lossy(&output.stderr).into_owned();
    let last = story.lines().last().unwrap_or("it failed silently");
    Err(last.to_owned())
}

/// Returns an interpreter that starts: one that another user made may lie in that user's home.
fn startable(python: PathBuf) -> Result<PathBuf, String> {
    let tried = run(command(&python).arg("--version"));
    tried.map_err(|error| format!("{} cannot be started: {error}", python.display()))?;
    Ok(python)
}

/// Makes the environment, unless an earlier run made the same.
fn install() -> Result<PathBuf, String> {
    let requirements = here("requirements.txt");
    let wanted = fs_err::read(&requirements).map_err(|error| error.to_string())?;
    let digest = Sha256::of(&wanted).to_string();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bills-{}", &digest[..16]));
    let python = directory.join("bin/python3");
    // Written last: without it the environment is half made.
    let mark = directory.join("complete");
    if mark.exists() {
        return Ok(python);
    }
    if directory.exists() {
        fs_err::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    let made = run(command("python3").args(["-m", "venv"]).arg(&directory));
    made.map_err(|error| format!("python3 cannot make an environment: {error}"))?;
    let words = ["-m", "pip", "install", "--quiet", "--only-binary", ":all:"];
    let install = run(command(&python)
        .args(words)
        .arg("--requirement")
        .arg(&requirements));
    install.map_err(|error| format!("the validators cannot be installed: {error}"))?;
    fs_err::write(&mark, "").map_err(|error| error.to_string())?;
    Ok(python)
}
