//! The recipes of a search path.
//!
//! This module alone reads recipe files; `igos_format::recipe` gives them their meaning. A search path is a list
//! of repositories, and the first that has a recipe of a name wins.

mod entry;

pub use entry::{Repository, Shadowed, Tree, TreeEntry};
