//! The consumer: installs, removes, queries and verifies packages of a root directory.
//!
//! Thin commands over `igos-sysroot`: each file of [`cli`] parses its part of the command line, calls one operation
//! and renders its value. The values are those of `docs/json/pkm.md`.

mod archives;
pub mod cli;
mod remote;
mod selection;
mod settings;
mod world;
