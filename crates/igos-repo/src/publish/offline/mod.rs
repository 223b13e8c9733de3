//! What offline keys have to sign, by several people on several machines, one after the other.
//!
//! An [`OfflineChange`] is a new root, new targets, or both, with what is published and with the signatures so far.
//! It travels as a file (`docs/formats/trust.md`, key drafts); [`OfflineChange::documents`] says all that it changes,
//! so that nobody has to sign what they have not read, and only one with all signatures that it needs can be
//! published.

mod change;
mod documents;
mod error;
mod file;

pub use change::OfflineChange;
pub use documents::{Demand, Need, OfflineDocument, RoleChange, Stay};
pub use error::OfflineError;
