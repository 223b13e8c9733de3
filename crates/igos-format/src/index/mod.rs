//! The index: what a repository offers, in two files that are read by position, a few frames at a time.
//!
//! `docs/formats/index.md` is the normative description. `packages.index` has every package and what leads to
//! it: provided names, sonames, descriptions, programs. `files.index` has every path.

mod advisory;
mod entry;
mod file_name;

pub use advisory::{
    Advisory, AdvisoryError, AdvisoryId, AdvisorySeverity, AdvisoryState, AdvisoryWordError,
};
pub use entry::{ArchiveLocation, IndexEntry, PROGRAM_DIRECTORIES, SourceLocation};
pub use file_name::{FileName, FileNameError};
