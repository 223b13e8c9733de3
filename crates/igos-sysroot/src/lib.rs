//! A root directory and the record that proves it.
//!
//! [`Sysroot`] reads: queries, plans and verification need no privilege and no lock. [`LockedSysroot`] changes: it
//! holds the lock, finishes what an interrupted transaction left, and applies a [`Plan`]. This is the only crate
//! that opens SQLite and the only one that changes installed files.
//!
//! ```text
//! candidates + request ─plan→ Plan ─(confirmed by its digest)→ apply: stage → pre-flight → journal →
//!     barrier → exchange path by path → database → settle
//! ```
//!
//! The text records below `var/lib/igos` are the truth; the database is a cache of them (docs/formats/record.md,
//! docs/formats/database.md, docs/formats/journal.md, docs/decisions/0003-transactions.md).

mod adopt;
mod alternatives;
mod configuration;
mod confined;
mod database;
mod database_check;
mod difference;
mod exclusions;
mod helper;
mod history;
mod hooks;
mod kernels;
mod layout;
mod lock;
mod locked;
mod materialise;
mod open_error;
mod owners;
mod ownership;
mod places;
mod plan;
mod query;
mod record;
mod repair;
mod services;
mod state_text;
mod sysroot;
mod texts;
mod transaction;
mod undo;
mod verify;

pub use adopt::{AdoptError, AdoptPlan, Adoption};
pub use alternatives::{Alternative, Choice, InstalledService, Offer, ServiceLink, ServiceWish};
pub use configuration::{
    ConfigurationAnswer, ConfigurationDifference, ConfigurationError, ConfigurationFile,
    ConfigurationPlan, ConfigurationState, NotText,
};
pub use confined::{
    Refusal as UnpackRefusal, UNPACK_HELPER, UnpackError, Unpacked, unpack, unpack_helper,
};
pub use database::DatabaseError;
pub use database_check::{DatabaseCheck, DatabaseDifference, Side, check_database};
pub use difference::{HistoryDifference, PackageDifference, PathDifference, PathDiffers};
pub use exclusions::Exclusions;
pub use helper::{Helper, HelperError, HelperManifest, HelperOutput, run_helper};
pub use history::{HistoryChange, HistoryEntry};
pub use hooks::{
    BUILT_IN, BuiltIn, Confined, DropIn, Each, HookCall, HookError, HookJournal, HookOutcome,
    HookPlan, HookPlanError, HookPolicy, HookResult, Job, JobState, NewGroup, NewUser, Order,
    Retry, RunHooks, Writes, is_live,
};
pub use lock::{LockError, Wait};
pub use locked::{ChangeOptions, LockedSysroot, Rebuilt};
pub use materialise::{MaterialiseError, MaterialiseSummary, materialise};
pub use open_error::OpenError;
pub use ownership::{LayerOwner, Ownership};
pub use plan::{
    Candidate, CandidateError, Change, ChangeAction, Conflict, Downgrade, EditedConfiguration,
    Essential, Hold, KernelChanges, Lack, PathAction, PathChange, Plan, PlanError, Policy,
    PristineFile, Privilege, PrivilegedPath, Request, RollbackRequest, RunningKernel, Unowned,
    Unsigned, Vouch, Was, WriteAs, Yield,
};
pub use query::{
    Dependant, InstalledFile, InstalledKernel, Listed, Owned, PackageFacts, PackageInfo, QueryError,
};
pub use record::{
    Forget, Installed, Reason, Record, RecordError, RepositoryName, RepositoryNameError, Trust,
    Unknown, UnknownRecords,
};
pub use repair::{RepairConfiguration, RepairError, RepairPlan, RepairRequest};
pub use services::{
    ServiceError, ServiceManager, StaleProcess, StaleService, StaleServices, restart_service,
    stale_services,
};
pub use state_text::StateTextError;
pub use sysroot::{Sysroot, Unmanaged};
pub use texts::TextKind;
pub use transaction::{
    Applied, ApplyError, ArchiveSource, Attributes, Disk, Durability, FrameSource, JournalError,
    Mutations, OpenArchive, Recovery, Refusal,
};
pub use undo::{UndoError, UndoLimits, Undoable};
pub use verify::{
    Class, Counts, Difference, Expected, Extras, Finding, JudgeSeal, Mismatch, Observed,
    SealVerdict, VerifyError, VerifyReport, VerifyRequest, VerifySignedError, compare,
};
