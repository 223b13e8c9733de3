//! The inside of a sandbox: our own program, executed again, turning itself into the sandboxed one.
//!
//! Three processes, each the parent of the next:
//!
//! 1. **start** (`start.rs`) is what the caller's `run` executes. It closes everything it inherited, reads the plan, takes the
//!    build identity, enters new namespaces, and then only waits.
//! 2. **init** (`init.rs`) is the first process of the new process namespace. It makes the root out of mounts
//!    (`mounts.rs`, `skeleton.rs`, `devices.rs`), starts the worker, reaps, and tells the parent how it ended. When it exits, the kernel
//!    kills everything that is left in the namespace.
//! 3. **worker** (`worker.rs`) gives up every right it does not need (`rights.rs`, `landlock.rs`, `seccomp.rs`) and becomes the
//!    program, or calls the helper.
//!
//! Untrusted code runs only in the worker, after all locks. All of this is single-threaded.

mod calls;
mod devices;
mod identity;
mod init;
pub(crate) mod landlock;
mod mounts;
mod namespaces;
mod plain;
pub(crate) mod rights;
pub(crate) mod seccomp;
mod skeleton;
mod start;
mod worker;

pub(crate) use identity::{build_identity, caller_identity};
pub(crate) use namespaces::NAMESPACES;
pub(crate) use start::main;
