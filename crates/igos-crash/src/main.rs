//! The program that becomes the programs to be traced.
//!
//! `igos-crash launch PROGRAM ARGUMENT…` lets its parent trace it and becomes PROGRAM: tracing begins before the first
//! instruction, without `unsafe` code between `fork` and `exec`.
//!
//! `igos-crash defective DEFECT --root ROOT … VERB WORD…` carries out one transaction with a defect that a killed program
//! or a failing call shows ([`igos_crash::defect`]).
//!
//! `igos-crash subject DEFECT --root ROOT --yes install|remove|rollback WORD…` carries out one transaction with a planted
//! defect ([`igos_crash::workload::Defect`]).

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Exit code for what cannot be launched.
const CANNOT: u8 = 4;

#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a program of tests, whose command line and output are not those of our programs"
)]
fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let verb = arguments.next();
    if verb.as_deref() == Some("subject".as_ref()) {
        return igos_crash::workload::run(&arguments.collect::<Vec<_>>());
    }
    if verb.as_deref() == Some("defective".as_ref()) {
        return igos_crash::defect::run(&arguments.collect::<Vec<_>>());
    }
    if verb.as_deref() != Some("launch".as_ref()) {
        eprintln!("usage: igos-crash launch PROGRAM ARGUMENT…");
        return ExitCode::from(2);
    }
    let Some(program) = arguments.next() else {
        eprintln!("there is no program to launch");
        return ExitCode::from(2);
    };
    let rest: Vec<OsString> = arguments.collect();
    if let Err(error) = nix::sys::ptrace::traceme() {
        eprintln!("cannot be traced: {error}");
        return ExitCode::from(CANNOT);
    }
    if let Err(error) = igos_crash::trace::stop_at_changes() {
        eprintln!("calls cannot be stopped: {error}");
        return ExitCode::from(CANNOT);
    }
    let error = Command::new(&program).args(rest).exec();
    eprintln!("cannot start {}: {error}", program.display());
    ExitCode::from(CANNOT)
}
