//! Whether a root is the one that this system runs from.

use std::path::Path;

use igos_root::{Directory, RootDir};

/// Tells whether a root is the running system's own, by device and inode.
///
/// What cannot be looked at is not: then nothing is done to the running system.
#[must_use]
pub fn is_live(root: &RootDir) -> bool {
    let identity = |directory: &Directory| {
        let found = directory.own_metadata().ok()?;
        Some((found.device, found.inode))
    };
    let Ok(own) = RootDir::open(Path::new("/")) else {
        return false;
    };
    let (here, there) = (identity(root.top()), identity(own.top()));
    here.is_some() && here == there
}
