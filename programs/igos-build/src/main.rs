//! The factory: recipes in, archives out.

use std::process::ExitCode;

fn main() -> ExitCode {
    igos_cli::run(igos_build::cli::execute)
}
