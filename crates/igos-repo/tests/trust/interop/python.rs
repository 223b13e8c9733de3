//! The reference implementation: installed once, below the target directory, and run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use fs_err as fs;
use igos_format::Sha256;

#[expect(
    clippy::disallowed_methods,
    reason = "the reference implementation is a program"
)]
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
    Err(story
        .lines()
        .last()
        .unwrap_or("it failed silently")
        .to_owned())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/trust/interop")
        .join(name)
}

/// Makes the environment, unless an earlier run made the same.
fn install() -> Result<PathBuf, String> {
    let requirements = script("requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| error.to_string())?;
    let digest = Sha256::of(&wanted).to_string();
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-tuf-{}", &digest[..16]));
    let python = directory.join("bin/python3");
    // Written last: without it the environment is half made.
    let mark = directory.join("complete");
    if mark.exists() {
        return Ok(python);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    let made = run(command("python3").args(["-m", "venv"]).arg(&directory));
    made.map_err(|error| format!("python3 cannot make an environment: {error}"))?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "--requirement",
    ];
    let installed = run(command(&python).args(install).arg(&requirements));
    installed.map_err(|error| format!("python-tuf cannot be installed: {error}"))?;
    fs::write(&mark, "").map_err(|error| error.to_string())?;
    Ok(python)
}

/// Returns the interpreter, or says why these tests cannot run.
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
pub(crate) fn python() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match INSTALLED.get_or_init(install) {
        Ok(python) => Some(python),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}

/// Runs one of the scripts beside this file, and returns what it prints.
pub(crate) fn say(python: &Path, name: &str, arguments: &[&Path], input: &str) -> String {
    let mut child = command(python)
        .arg(script(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter is there");
    let mut pipe = child.stdin.take().expect("it is a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    writer
        .join()
        .expect("it does not panic")
        .expect("the script reads all of it");
    String::from_utf8(output.stdout).expect("it is text")
}
