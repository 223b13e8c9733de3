//! A machine that crashes on purpose.
//!
//! Programs run under `ptrace`, so that every system call that changes watched directories is seen, numbered and
//! recorded ([`trace`]). Not shipped: nothing that users run depends on it. Linux on x86-64 alone; what is particular
//! to that machine is in `registers.rs`.

pub mod trace;
