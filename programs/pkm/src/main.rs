//! The program `pkm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // What confines hooks, unpacks and downloads is this program again; inside a sandbox this never returns.
    igos_sandbox::init_if_child(&[
        (igos_repo::DOWNLOAD_HELPER, igos_repo::download_helper),
        (igos_sysroot::UNPACK_HELPER, igos_sysroot::unpack_helper),
    ]);
    igos_cli::run(pkm::cli::dispatch)
}
