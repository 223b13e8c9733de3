//! Patterns of paths, as recipes use them for outputs, configuration files and triggers.

use std::fmt;
use std::str::FromStr;

use crate::RelPath;

/// A pattern of paths below a root: in a component `*` stands for any characters and `?` for one; a component
/// `**` stands for any number of components, also none. A pattern that matches a directory does not match
/// what is in it: write `usr/share/doc/**` for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathPattern {
    text: String,
}

/// A text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a path pattern such as `usr/lib/*.so` or `usr/share/doc/**`: it is {what}"
)]
pub struct PatternError {
    text: String,
    what: &'static str,
}

impl PathPattern {
    /// Returns the pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether `path` matches, in time proportional to the product of both lengths at most.
    #[must_use]
    pub fn is_match(&self, path: &RelPath) -> bool {
        let pattern: Vec<&[u8]> = self.text.split('/').map(str::as_bytes).collect();
        let path: Vec<&[u8]> = path.components().collect();
        wildcard(
            &pattern,
            &path,
            |component| *component == b"**",
            |component, name| match_component(component, name),
        )
    }

    /// Tells whether a path in the directory `path`, however deep, can match.
    #[must_use]
    pub fn may_match_below(&self, path: &RelPath) -> bool {
        let pattern: Vec<&[u8]> = self.text.split('/').map(str::as_bytes).collect();
        // How many components of the pattern what was read so far can have used up.
        let mut used = vec![false; pattern.len() + 1];
        used[0] = true;
        for name in path.components() {
            let mut next = vec![false; used.len()];
            for (at, component) in pattern.iter().enumerate() {
                if *component == b"**" {
                    used[at + 1] |= used[at];
                    next[at] |= used[at];
                } else if used[at] && match_component(component, name) {
                    next[at + 1] = true;
                }
            }
            used = next;
        }
        used[..pattern.len()].contains(&true)
    }
}

fn match_component(pattern: &[u8], name: &[u8]) -> bool {
    wildcard(
        pattern,
        name,
        |byte| *byte == b'*',
        |byte, other| *byte == b'?' || byte == other,
    )
}

/// Matches a sequence in which some elements stand for any run; remembering only the last such element is
/// enough, because an earlier one can give nothing that the last one cannot (Kirk Krauss, 2008).
fn wildcard<T, U>(
    pattern: &[T],
    text: &[U],
    is_any: impl Fn(&T) -> bool,
    is_equal: impl Fn(&T, &U) -> bool,
) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while read < text.len() {
        if at < pattern.len() && is_any(&pattern[at]) {
            retry = Some((at, read));
            at += 1;
        } else if at < pattern.len() && is_equal(&pattern[at], &text[read]) {
            at += 1;
            read += 1;
        } else if let Some((star, start)) = retry {
            retry = Some((star, start + 1));
            at = star + 1;
            read = start + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(is_any)
}

impl FromStr for PathPattern {
    type Err = PatternError;

    /// Takes a pattern with or without a leading slash.
    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = |what| PatternError {
            text: text.to_owned(),
            what,
        };
        let relative = text.strip_prefix('/').unwrap_or(text);
        if relative.is_empty() {
            return Err(error("empty"));
        }
        if relative.chars().any(char::is_control) {
            return Err(error("one with control characters"));
        }
        if relative
            .split('/')
            .any(|component| matches!(component, "" | "." | ".."))
        {
            return Err(error("one with an empty, `.` or `..` component"));
        }
        Ok(PathPattern {
            text: relative.to_owned(),
        })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl serde::Serialize for PathPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::PathPattern;

    fn is_match(pattern: &str, path: &str) -> bool {
        pattern
            .parse::<PathPattern>()
            .expect("a pattern")
            .is_match(&path.parse().expect("a path"))
    }

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("usr/bin/a", "usr/bin/a", true),
            ("/usr/bin/a", "usr/bin/a", true),
            ("usr/bin", "usr/bin/a", false),
            ("usr/lib/*.so", "usr/lib/libz.so", true),
            ("usr/lib/*.so", "usr/lib/x/libz.so", false),
            ("usr/lib/lib?.so*", "usr/lib/libz.so.1.3", true),
            ("**", "a", true),
            ("usr/**", "usr", true),
            ("usr/**", "usr/a/b", true),
            ("**/*.h", "usr/include/a/b.h", true),
            ("usr/**/a/**/z", "usr/a/b/a/c/z", true),
            ("usr/**/a/**/z", "usr/b/c/z", false),
            ("*a*b*c", "xxaxxbxxbxc", true),
            ("*a*b*c", "xxaxxcxb", false),
        ] {
            assert_eq!(is_match(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn directories_that_hold_nothing_wanted_are_told_from_others() {
        for (pattern, directory, expected) in [
            ("crates/**", "crates", true),
            ("crates/**", "crates/a/b", true),
            ("crates/**", "target", false),
            ("crates/*/src/**", "crates/a", true),
            ("crates/*/src/**", "crates/a/target", false),
            ("Cargo.toml", "Cargo.toml", false),
            ("Cargo.toml", "crates", false),
            ("**/*.rs", "any/where", true),
            ("a/**/b/c", "a/x/y", true),
            ("a/**/b/c", "b", false),
            ("a/*", "a", true),
            ("a/*", "a/b", false),
        ] {
            let pattern: PathPattern = pattern.parse().expect("a pattern");
            let path = directory.parse().expect("a path");
            assert_eq!(
                pattern.may_match_below(&path),
                expected,
                "{pattern} {directory}"
            );
        }
    }

    #[test]
    fn pattern_that_could_never_match_is_refused() {
        for text in ["", "/", "a//b", "../x", "a/.", "a\nb"] {
            assert!(text.parse::<PathPattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn hostile_pattern_ends_quickly() {
        let pattern = "*a".repeat(100);
        assert!(!is_match(&pattern, &"a".repeat(99)));
        assert!(!is_match(
            &vec!["**/a"; 50].join("/"),
            &vec!["a"; 200].join("/").replace("a/a", "a/b")[..]
        ));
    }
}
