//! What in a root matches a pattern of `glob(7)`.

use std::collections::BTreeSet;

use igos_format::RelPath;
use igos_root::{RootDir, RootError};

/// Most matches of one pattern.
const MATCHES_MAX: usize = 100_000;

/// Tells whether a component is a pattern.
fn is_pattern(component: &[u8]) -> bool {
    component.iter().any(|byte| b"*?[{".contains(byte))
}

/// Tells whether a path has a component that is a pattern.
pub(super) fn has_pattern(path: &RelPath) -> bool {
    path.components().any(is_pattern)
}

/// Returns what is there and matches, sorted; no link is followed.
///
/// # Errors
///
/// Returns why the pattern is not understood.
pub(super) fn matches(root: &RootDir, pattern: &RelPath) -> Result<BTreeSet<RelPath>, String> {
    if pattern.as_bytes().contains(&b'{') {
        return Err("braces in patterns are not understood".to_owned());
    }
    let mut found: Vec<Option<RelPath>> = vec![None];
    for component in pattern.components() {
        let mut next = Vec::new();
        for above in found {
            if is_pattern(component) {
                next.extend(
                    matches_in(root, above.as_ref(), component)?
                        .into_iter()
                        .map(Some),
                );
            } else {
                let path = join(above.as_ref(), component)?;
                if is_there(root, &path)? {
                    next.push(Some(path));
                }
            }
            if next.len() > MATCHES_MAX {
                return Err(format!("it matches more than {MATCHES_MAX} paths"));
            }
        }
        found = next;
    }
    Ok(found.into_iter().flatten().collect())
}

fn matches_in(
    root: &RootDir,
    above: Option<&RelPath>,
    pattern: &[u8],
) -> Result<Vec<RelPath>, String> {
    let failed = |error: std::io::Error| error.to_string();
    let directory = match above {
        None => root.top().try_clone().map_err(failed)?,
        Some(above) => match root.directory(above) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() || error.is_way_blocked() => return Ok(Vec::new()),
            Err(error) => return Err(failed(error.into_io())),
        },
    };
    let mut found = Vec::new();
    for entry in directory.entries().map_err(failed)? {
        if is_match(pattern, &entry.name) {
            // Names that no path can have are nobody's.
            found.extend(join(above, &entry.name));
        }
    }
    Ok(found)
}

fn join(above: Option<&RelPath>, name: &[u8]) -> Result<RelPath, String> {
    let joined = match above {
        None => RelPath::from_bytes(name),
        Some(above) => above.join(name),
    };
    joined.map_err(|error| error.to_string())
}

fn is_there(root: &RootDir, path: &RelPath) -> Result<bool, String> {
    match root.metadata(path) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if error.is_way_blocked() => Ok(false),
        Err(error) => Err(RootError::into_io(error).to_string()),
    }
}

/// Tells whether a whole path matches a pattern.
pub(super) fn is_match_of(pattern: &RelPath, path: &RelPath) -> bool {
    pattern.components().count() == path.components().count()
        && pattern
            .components()
            .zip(path.components())
            .all(|(pattern, name)| pattern == name || is_match(pattern, name))
}

/// Tells whether a name matches: `*`, `?` and `[…]`, where a dot at the beginning stands for itself alone.
fn is_match(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    // Remembering the last star is enough: an earlier one can give nothing that it cannot.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        match one(&pattern[p..], name[n]) {
            Some(length) => {
                p += length;
                n += 1;
            }
            None => match star {
                Some((after, from)) => {
                    p = after;
                    n = from + 1;
                    star = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// Returns how long the beginning of a pattern is that matches one byte; `None` if it does not.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern.first()? {
        b'?' => Some(1),
        b'[' => match set(pattern) {
            Some((length, is_in)) => is_in(byte).then_some(length),
            // A bracket that nothing closes is one.
            None => (byte == b'[').then_some(1),
        },
        other => (*other == byte).then_some(1),
    }
}

/// Returns the length of a set at the beginning of a pattern, and what is in it.
fn set(pattern: &[u8]) -> Option<(usize, impl Fn(u8) -> bool)> {
    let is_negated = matches!(pattern.get(1), Some(b'!' | b'^'));
    let start = if is_negated { 2 } else { 1 };
    // A closing bracket at the beginning is one of the set.
    let end = pattern
        .iter()
        .skip(start + 1)
        .position(|byte| *byte == b']')?
        + start
        + 1;
    let members = pattern[start..end].to_vec();
    let is_in = move |byte: u8| {
        let mut at = 0;
        let mut found = false;
        while at < members.len() {
            let range = members.get(at + 1) == Some(&b'-') && at + 2 < members.len();
            let last = if range { members[at + 2] } else { members[at] };
            found |= (members[at]..=last).contains(&byte);
            at += if range { 3 } else { 1 };
        }
        found != is_negated
    };
    Some((end + 1, is_in))
}

#[cfg(test)]
mod tests {
    use super::is_match;

    #[test]
    fn names_match_as_glob_says() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", ".a", false),
            (".*", ".a", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b", "a", false),
            ("?", "ab", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]", "b", true),
            ("[]]", "]", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("*.conf", "x.conf", true),
            ("system.journal", "system.journal", true),
            ("[a-]", "-", true),
            ("", "", true),
            ("a", "", false),
            ("**", "", true),
        ] {
            assert_eq!(
                is_match(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
    }
}
