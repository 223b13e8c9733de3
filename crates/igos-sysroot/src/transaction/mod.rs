//! Carrying out a plan so that whatever happens, the root is entirely old or entirely new.
//!
//! The design is the one of docs/decisions/0003-transactions.md:
//!
//! 1. *stage*: every new inode is made in a private directory on the mount of its target, complete with content,
//!    owner, attributes and mode ([`stage`]);
//! 2. *pre-flight*: every target and every directory on the way is looked at through descriptors ([`preflight`]);
//! 3. *journal*: the steps, with the inode numbers they move, are written down ([`journal`]);
//! 4. *barrier*: one `syncfs` for each file system, then the journal gets its name: the commit point;
//! 5. *apply*: renames and exchanges, each of them atomic and reversible ([`steps`]);
//! 6. *database*, then *settle*: another `syncfs`, the journal and the old inodes go ([`apply`]).
//!
//! Whoever opens the root next looks at the inodes and finishes or undoes what an interrupted transaction left
//! ([`recover()`]). Every mutation goes through [`Mutations`], so that tests can stop it anywhere.

mod apply;
mod before;
mod contents;
mod error;
mod folding;
mod journal;
mod kept;
mod kernels;
mod mutations;
mod preflight;
mod prepare;
mod records;
mod recover;
mod repair;
mod stage;
mod staging;
mod steps;
mod unchanged;
mod unpack;

#[cfg(test)]
mod tests;

pub use apply::{Applied, OpenArchive};
pub use error::{ApplyError, Refusal};
pub use journal::JournalError;
pub(crate) use mutations::take_rights_of;
pub use mutations::{Attributes, Disk, Mutations};
pub use recover::Recovery;
pub use unpack::{ArchiveSource, FrameSource};

pub(crate) use apply::{Closing, Transaction};
pub(crate) use journal::Journal;
pub(crate) use recover::recover;
pub(crate) use stage::modified_of;

/// What a finished transaction is safe against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// Everything, power cuts too.
    Full,
    /// Everything but power cuts: nothing waits for the disk. For images and other roots that can be made again.
    None,
}
