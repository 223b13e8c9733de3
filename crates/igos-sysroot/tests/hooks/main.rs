//! Hooks with real programs in real sandboxes, as root and as an ordinary user.
//!
//! Not a libtest program: every sandbox executes this program again, so that `main` has to look whether it is a child
//! before anything else.

#![expect(
    clippy::disallowed_methods,
    reason = "the harness of a test without libtest reads its arguments and changes its user"
)]

mod confined;
mod guarded;
mod harness;
mod helpers;
mod oracle;
#[expect(
    dead_code,
    reason = "the other test program of this crate uses all of it"
)]
#[path = "../sysroot/support.rs"]
mod support;
#[path = "../sysroot/things.rs"]
mod things;

use std::process::ExitCode;

fn main() -> ExitCode {
    igos_sandbox::init_if_child(&[]);
    if std::env::args().nth(1).as_deref() == Some(guarded::AS_HOOK) {
        guarded::attack();
        return ExitCode::SUCCESS;
    }
    harness::run(
        &[
            confined::TESTS,
            guarded::TESTS,
            helpers::TESTS,
            oracle::TESTS,
        ]
        .concat(),
    )
}
