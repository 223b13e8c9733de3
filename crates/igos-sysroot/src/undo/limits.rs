//! How much is kept, and deleting what is too old.

use std::io;

use igos_root::{Directory, RootDir};

use super::read::{self, BEFORE};
use super::text::Before;
use crate::Mutations;
use crate::layout;

/// How much of what transactions replaced and removed is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UndoLimits {
    /// So many transactions, the last ones; 0 keeps nothing.
    pub transactions: u32,
    /// So many bytes of contents, those of the last transactions; the records of before are kept all the same.
    pub bytes: u64,
}

impl Default for UndoLimits {
    fn default() -> Self {
        UndoLimits {
            transactions: 10,
            bytes: 4 << 30,
        }
    }
}

/// Deletes what is beyond the limits, the oldest first.
pub(crate) fn prune(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
    limits: UndoLimits,
) -> io::Result<()> {
    let Some(undo) = read::open_if_present(state, layout::UNDO)? else {
        return Ok(());
    };
    let mut bytes = 0_u64;
    let numbers = read::numbers(&undo)?;
    for (at, number) in (0_u64..).zip(numbers.iter().rev()) {
        let name = layout::undo_name(*number);
        let before = read::kept(root, *number);
        let kept = before.as_ref().map_or(0, Before::kept_bytes);
        bytes = bytes.saturating_add(kept);
        let is_too_old = at >= u64::from(limits.transactions);
        if !is_too_old && bytes <= limits.bytes {
            continue;
        }
        for elsewhere in before.iter().flat_map(|before| &before.elsewhere) {
            let parent = match root.directory(elsewhere) {
                Ok(parent) => parent,
                // Not mounted now: what is kept there goes when it is.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error.into_io()),
            };
            if read::open_if_present(&parent, &name)?.is_some() {
                mutations.delete_tree(&parent, &name)?;
            }
        }
        if is_too_old {
            mutations.delete_tree(&undo, &name)?;
            continue;
        }
        let directory = undo.open_directory(&name)?;
        for entry in directory.entries()? {
            if entry.name != BEFORE {
                mutations.delete(&directory, &entry.name)?;
            }
        }
    }
    Ok(())
}
