//! Run one program with exactly these rights.
//!
//! [`run`] starts a program, or a function of ours, in a [`Sandbox`]: in its own user, mount, process, network, ipc, host
//! name and cgroup namespaces, with a read-only root made of layers, under Landlock rules and a system call
//! allow-list, with nothing inherited, within [`Limits`]; and returns when every process of it is dead. It works
//! alike for root, who first becomes a user that nobody else is, and for an ordinary user. If the kernel lacks
//! a lock, nothing is run and the error names it. `docs/decisions/0002-sandbox.md` argues for the design.
//!
//! Because the program is our own, executed again, a program that uses this crate calls [`init_if_child`] first. This
//! crate reads no settings and no environment, prints nothing, and knows no packages. It is the only one that starts
//! processes, and the only one with `unsafe` code, in one file.

#![expect(
    clippy::disallowed_methods,
    reason = "this is the crate that starts and ends processes; its files are the kernel's own, in /proc and /sys, and errors name the step"
)]

mod child;
mod control;
mod error;
mod host;
mod locks;
mod measures;
mod parent;
mod process;
mod sandbox;
mod syscall;

pub use error::SandboxError;
pub use host::{HostOutput, HostProgram, HostProgramError};
pub use measures::{Confinement, Measures, MissingFeature};
pub use sandbox::{
    Access, Bind, Ended, HELPER_OUTPUT_MAX_BYTES, HelperFn, Identity, Limit, Limits, Network,
    RootView, RunsAs, Sandbox, Status, Terminal, Usage, Work,
};

pub use parent::{
    build_identity, init_if_child, policy_digest_text, probe, run, run_unconfined, serve, stop_when,
};
