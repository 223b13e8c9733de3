//! The escape list, tried by packages: each line is a recipe whose build tries it through `igos-build build`.
//!
//! Everything happens in namespaces that the test makes, so that the host whose state is compared is a quiet one: what differs
//! afterwards was done by a build. There `igos-build` runs as root and as an ordinary user, and for each with and without
//! a controlling terminal. That the probe can say anything but `contained` is shown by `tests/weakened` of `igos-sandbox`.

mod contained;
mod hostile;
mod limits;
mod locks;
mod quiet;
mod recipes;
mod state;
#[path = "../factory/toolchain.rs"]
mod toolchain;
mod world;

use std::path::Path;
use std::process::ExitCode;

use world::World;

/// A test: its name, whether it is long, what it does.
type Test = (&'static str, Length, fn(&World));

/// Whether a test is part of every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    /// Run by `--include-ignored` alone.
    Long,
}

fn tests() -> Vec<Test> {
    [
        contained::TESTS,
        hostile::TESTS,
        recipes::TESTS,
        limits::TESTS,
        locks::TESTS,
        state::TESTS,
    ]
    .concat()
}

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "a test program without libtest")]
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list", ..] => ExitCode::SUCCESS,
        [quiet::INSIDE, directory, rest @ ..] => quiet::run_here(Path::new(directory), rest),
        rest => quiet::run_in_namespaces(rest),
    }
}
