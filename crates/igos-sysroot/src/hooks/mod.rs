//! What packages ask for besides files: hooks, triggers, users and groups.
//!
//! A plan names every job ([`HookPlan`]); hooks that come *before* run in pre-flight, where a failure ends the
//! transaction with nothing changed. The rest is written into a journal that is staged with the transaction
//! ([`HookJournal`]), and is run once the transaction is settled: a job that was interrupted is run again when the
//! root is next changed, a job that failed is remembered until somebody runs it again. Neither makes the record lie:
//! the transaction is in force. Programs are confined ([`Confined`]); accounts are made by our own code
//! (`accounts.rs`). `docs/formats/hooks.md` is the normative description.

mod accounts;
mod builtin;
mod confine;
mod declared_accounts;
mod directories;
mod drop_in;
mod error;
mod guard;
mod job;
mod live;
mod output;
mod plan;
mod programs;
mod run;
mod text;

pub use builtin::{BUILT_IN, BuiltIn, Each, Order};
pub use confine::{Confined, HookCall, HookOutcome, RunHooks, Writes};
pub use drop_in::DropIn;
pub use error::{HookError, HookPlanError};
pub use job::{HookPlan, HookPolicy, Job, NewGroup, NewUser};
pub use live::is_live;
pub use run::{HookResult, Retry};
pub use text::{HookJournal, JobState};

pub(crate) use builtin::PROGRAM_DIRECTORIES;
pub(crate) use directories::directories_job;
pub(crate) use drop_in::DeclaredAttributes;
pub(crate) use output::{Output, last_lines};
pub(crate) use plan::HookGround;
pub(crate) use run::{journal_of, open_place, run_before};
