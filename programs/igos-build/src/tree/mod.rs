//! The recipes of a search path.
//!
//! This module alone reads recipe files; `igos_recipe` gives them their meaning. A search path is a list
//! of directories, each a repository, and the first that has a recipe of a name wins. A repository is a directory
//! of recipe directories, or of tiers (or other sections) that hold them; a recipe directory has a `package.yml`,
//! or is a KISS directory with `build` and `version`.
//!
//! Links are followed as long as they stay inside the directories of the search path.

mod above;
mod checksum;
mod entry;
mod error;
mod files;
mod lint;
mod load;
mod parse;
mod scan;

#[cfg(test)]
mod tests;

pub use above::AboveError;
pub(crate) use above::above;
pub use checksum::{ChecksumError, Checksummed, Digests, Provide, checksum};
pub use entry::{Repository, Shadowed, Tree, TreeEntry};
pub use error::LoadTreeError;
pub use lint::{LINT_RULES, lint};
pub use load::{TreeSettings, load};
