//! Names beside a path.

use igos_format::RelPath;
use igos_root::{RootDir, RootError};

/// Most names tried before giving up.
const NAMES_MAX: u32 = 1000;

fn with_suffix(path: &RelPath, suffix: &str) -> Option<RelPath> {
    RelPath::from_bytes(&[path.as_bytes(), suffix.as_bytes()].concat()).ok()
}

/// Returns the name beside `path` for the new version of an edited configuration file.
pub(crate) fn new_name(path: &RelPath) -> Option<RelPath> {
    with_suffix(path, ".pkmnew")
}

/// Returns the name beside `path` for what made room.
pub(crate) fn backup_name(path: &RelPath) -> Option<RelPath> {
    with_suffix(path, ".pkmold")
}

/// Returns the name beside `path` for a merge with conflicts.
pub(crate) fn merge_name(path: &RelPath) -> Option<RelPath> {
    with_suffix(path, ".pkmmerge")
}

/// Returns the first of `NAME`, `NAME-2`, `NAME-3`… that nothing has.
pub(crate) fn free_name(
    root: &RootDir,
    name: Option<RelPath>,
) -> Result<Option<RelPath>, RootError> {
    let Some(name) = name else {
        return Ok(None);
    };
    for number in 1..NAMES_MAX {
        let candidate = match number {
            1 => Some(name.clone()),
            _ => with_suffix(&name, &format!("-{number}")),
        };
        let Some(candidate) = candidate else {
            return Ok(None);
        };
        if root.metadata(&candidate)?.is_none() {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}
