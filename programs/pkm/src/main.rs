//! The program `pkm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    igos_cli::run(pkm::cli::dispatch)
}
