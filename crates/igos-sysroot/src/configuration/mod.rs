//! Configuration files: what the administrator changed, what a package brings, and what becomes of both.
//!
//! The content that a package brought is kept below `var/lib/igos/pristine` by its digest, so that three versions are
//! at hand whenever something has to be decided or merged: the one a file was made from, the one on disk, the new one.
//! New versions of edited files wait beside them until the administrator answers ([`pending`]).

mod answer;
mod list;
mod merge;
mod names;
mod pending;
mod pristine;

pub use answer::{
    ConfigurationAnswer, ConfigurationDifference, ConfigurationError, ConfigurationPlan,
};
pub(crate) use list::Found;
pub use list::{ConfigurationFile, ConfigurationState};
pub use merge::NotText;
pub(crate) use merge::{MERGE_MAX_BYTES, Merged, difference, merge};
pub(crate) use names::{backup_name, free_name, merge_name, new_name, stands_beside};
pub(crate) use pending::Pending;
pub(crate) use pristine::{read_pristine, read_text, stored};
