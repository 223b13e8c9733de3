//! Every probe of the escape list, in sandboxes from which single locks were taken away: it must say `escaped` there, or its
//! `contained` elsewhere would mean nothing.
//!
//! What is shipped cannot be weakened. This program compiles the files of the crate into itself, with the removal of locks
//! that exists in tests only (`src/locks.rs`), and runs as an ordinary user who is root of namespaces that it made: what
//! escapes reaches them and a directory of the test. The probe itself is `testdata/escape`; what it tries is harmless.
//! Not a libtest program, for the reason that `tests/sandbox` has.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    clippy::disallowed_methods,
    clippy::redundant_pub_crate,
    reason = "the crate's own files, of which this program uses a part, and a test that plays a careless caller"
)]

#[path = "../../src/child/mod.rs"]
mod child;
#[path = "../../src/control.rs"]
mod control;
#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/host.rs"]
mod host;
#[path = "../../src/locks.rs"]
mod locks;
#[path = "../../src/measures.rs"]
mod measures;
#[path = "../../src/parent/mod.rs"]
mod parent;
#[path = "../../src/process.rs"]
mod process;
#[path = "../../src/sandbox.rs"]
mod sandbox;
#[path = "../../src/syscall.rs"]
mod syscall;

mod inside;
mod outside;
mod parts;

use std::path::Path;
use std::process::ExitCode;

pub use error::SandboxError;
pub use host::{HostOutput, HostProgram, HostProgramError};
pub use measures::{Confinement, Measures, MissingFeature};
pub use parent::{build_identity, init_if_child, run, stop_when};
pub use sandbox::{
    Access, Bind, Ended, HELPER_OUTPUT_MAX_BYTES, HelperFn, Identity, Limit, Limits, Network,
    RootView, RunsAs, Sandbox, Status, Terminal, Usage, Work,
};

fn main() -> ExitCode {
    init_if_child(&[]);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--list", ..] => ExitCode::SUCCESS,
        [inside::IN_NAMESPACES, directory] => inside::weaken(Path::new(directory)),
        [inside::AS_ROOT, directory] => inside::run_as_root(Path::new(directory)),
        _ => outside::run_all(),
    }
}
