//! A machine that crashes on purpose.
//!
//! Programs run under `ptrace`, so that every system call that changes watched directories is seen, numbered and
//! recorded ([`trace`](mod@trace)). A [`Machine`](run::Machine) lets the program under test die or a call fail at any
//! of them, as a [`Schedule`](schedule::Schedule) says, lets it recover, and [judges](judge) whether the root is as
//! before or as after. Not shipped: nothing that users run depends on it. Linux on x86-64 alone; what is particular to
//! that machine is in `registers.rs`.

pub mod budget;
pub mod campaign;
pub mod defect;
pub mod device;
pub mod explore;
mod fingerprint;
pub mod judge;
mod memory;
pub mod model;
mod random;
mod registers;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod trace;
pub mod workload;

/// Returns an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
