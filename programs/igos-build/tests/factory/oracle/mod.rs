//! The validators of bills of materials that others publish: installed once, below the target directory, and run.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::python_environment::{command, environment, run};

/// Returns what the validator of a format says against a file; says why and returns `None` where there is none.
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
pub(crate) fn complaints(format: &str, file: &Path) -> Option<String> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let python = match INSTALLED.get_or_init(|| environment("bills", &here("requirements.txt"))) {
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
