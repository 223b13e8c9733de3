//! A directory that nothing escapes from.
//!
//! [`RootDir`] is a capability: an open descriptor of a directory. Every operation names a [`igos_format::RelPath`]
//! below it, or one component below an open [`Directory`], and is resolved by `openat2(2)` with `RESOLVE_BENEATH`,
//! `RESOLVE_NO_SYMLINKS` and `RESOLVE_NO_MAGICLINKS`. There is no path-based call and no canonicalisation of strings.
//! Modes, owners, times and extended attributes are set through descriptors alone ([`set_mode`] and its siblings), so
//! that nobody who can rename things below the root can redirect them.
//!
//! The one place that takes a path from outside is [`RootDir::open`]. The one exception to "no symbolic link is
//! followed" is [`FollowedLinks`]: a short list of root-owned links of merged directories, which are substituted in
//! the path before it is resolved strictly.
//!
//! This crate knows no packages; what may be changed, and when, is the business of `igos-sysroot`.

mod attributes;
mod delete;
mod directory;
mod error;
mod links;
mod lock;
mod metadata;
mod private;
mod root;
mod walk;

pub use attributes::{
    extended_attribute, extended_attributes, gives_rights, set_extended_attribute, set_mode,
    set_modified, set_owner, take_rights,
};
pub use delete::delete_tree;
pub use directory::{Directory, DirectoryEntry, FreeSpace};
pub use error::RootError;
pub use links::FollowedLinks;
pub use lock::{FileLock, NotTaken, try_lock_record, wait_for_lock};
pub use metadata::{Kind, Metadata};
pub use private::is_held_open;
pub use root::RootDir;
pub use walk::{Descend, Visit, walk};

#[cfg(test)]
mod tests;
