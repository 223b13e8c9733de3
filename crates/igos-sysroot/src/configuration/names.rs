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

/// Returns the path that a name we give stands beside: that of `a.conf` for `a.conf.pkmnew` and `a.conf.pkmold-2`.
pub(crate) fn stands_beside(path: &RelPath) -> Option<RelPath> {
    let mut bytes = path.as_bytes();
    let digits = bytes
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if digits > 0
        && let Some(rest) = bytes[..bytes.len() - digits].strip_suffix(b"-")
    {
        bytes = rest;
    }
    let mut is_beside = false;
    while let Some(rest) = [&b".pkmnew"[..], b".pkmold", b".pkmmerge"]
        .iter()
        .find_map(|suffix| bytes.strip_suffix(*suffix))
    {
        (bytes, is_beside) = (rest, true);
    }
    is_beside.then(|| RelPath::from_bytes(bytes).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::stands_beside;

    #[test]
    fn names_that_we_give_are_told_from_others() {
        for (path, expected) in [
            ("etc/a.pkmnew", Some("etc/a")),
            ("etc/a.pkmold-12", Some("etc/a")),
            ("etc/a.pkmnew.pkmold", Some("etc/a")),
            ("etc/a-2", None),
            ("etc/a.pkmnew-x", None),
            ("etc/a", None),
        ] {
            let found = stands_beside(&path.parse().expect("a path"));
            assert_eq!(found.map(|path| path.to_string()).as_deref(), expected);
        }
    }
}
