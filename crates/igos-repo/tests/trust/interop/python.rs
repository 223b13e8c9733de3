//! The reference implementation: installed once, below the target directory, and run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use crate::python_environment::{command, environment};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/trust/interop")
        .join(name)
}

/// Returns the interpreter, or says why these tests cannot run.
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
pub(crate) fn python() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match INSTALLED.get_or_init(|| environment("python-tuf", &script("requirements.txt"))) {
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
