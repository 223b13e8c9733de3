//! The factory: recipes in, archives out.

use std::process::ExitCode;

use igos_build::source::unpack;

fn main() -> ExitCode {
    // A sandbox is this program again; inside one this never returns.
    igos_sandbox::init_if_child(&[
        (igos_repo::DOWNLOAD_HELPER, igos_repo::download_helper),
        (unpack::HELPER, unpack::unpack),
    ]);
    igos_cli::run(igos_build::cli::execute)
}
