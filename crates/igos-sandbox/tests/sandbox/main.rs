//! The sandbox, tried from inside and from outside, as root and as an ordinary user.
//!
//! Not a libtest program: every sandbox executes this program again, so that `main` has to look whether it is a
//! child before anything else. Prints a line per test and a summary like libtest's.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests play careless callers and hostile programs"
)]

mod caller;
mod callers;
mod channel;
mod harness;
mod inside;
mod limits;
mod locks;
mod traces;
mod views;

use std::process::ExitCode;

fn main() -> ExitCode {
    igos_sandbox::init_if_child(inside::HELPERS);
    if let Some(code) = callers::be_one_if_asked() {
        return code;
    }
    let tests: Vec<harness::Test> = [
        views::TESTS,
        locks::TESTS,
        limits::TESTS,
        traces::TESTS,
        callers::TESTS,
        caller::TESTS,
        channel::TESTS,
    ]
    .concat();
    harness::run(&tests)
}
