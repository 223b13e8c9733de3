//! A list of scripts, run in their order on one growing tree.
//!
//! For those who come from a `build_order.txt`: each line names a script, and each script changes a tree that the one
//! before left. Here a script runs in the sandbox of builds, on a copy of that tree made anew from its record, and what
//! it leaves is recorded under digests. A receipt says what a script was given and what it left; a script whose receipt
//! says what it would be given now is not run again, whatever happened to those before it.
//!
//! `docs/formats/build-order.md` is the normative description.

mod error;
mod order;
mod receipt;
mod run;
mod store;

pub use error::ScriptsError;
pub use order::{OrderFile, Script};
pub use receipt::Receipt;
pub use run::{Mode, RunReport, ScriptReport, ScriptRun, ScriptStatus, run};
pub use store::Store;
