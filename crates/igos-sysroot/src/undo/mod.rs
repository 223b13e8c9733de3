//! What a transaction replaced or removed, kept so that it can be undone.
//!
//! Before a transaction is certain, a text with the records of before is staged with everything else ([`Before`]).
//! When the transaction is settled, the old files are not deleted but renamed to where they are kept, named by their
//! contents ([`keep()`]). A rollback is then an ordinary plan and an ordinary transaction: the old records say what has
//! to be where, and the contents are in the root or were kept. `docs/formats/history.md` describes the directory.

mod keep;
mod limits;
mod read;
mod text;

pub(crate) use keep::{is_worth_keeping, keep};
pub use limits::UndoLimits;
pub(crate) use limits::prune;
pub use read::{UndoError, Undoable};
pub(crate) use read::{before, kept_directories, undoable};
pub(crate) use text::{Before, KeptContent};
