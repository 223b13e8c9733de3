//! Licence expressions (SPDX 2.3, annex D), as far as their grammar goes.

/// What a manifest says of the licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum License {
    /// Nothing.
    Unknown,
    /// An expression.
    Expression(String),
    /// A text that is none.
    Text(String),
}

/// Returns what `text` says of the licence. Whether the names in an expression are on SPDX's list is not known here.
#[must_use]
pub fn license(text: &str) -> License {
    let text = text.trim();
    if text.is_empty() {
        return License::Unknown;
    }
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    if expression(&mut rest, 0) && rest.is_empty() {
        License::Expression(text.to_owned())
    } else {
        License::Text(text.to_owned())
    }
}

/// Deepest nesting of an expression.
const DEPTH_MAX: usize = 32;

/// Takes an expression from the beginning of `words` and tells whether there was one.
fn expression(words: &mut &[&str], depth: usize) -> bool {
    if depth > DEPTH_MAX || !term(words, depth) {
        return false;
    }
    while let Some((&"AND" | &"OR", rest)) = words.split_first() {
        *words = rest;
        if !term(words, depth) {
            return false;
        }
    }
    true
}

fn term(words: &mut &[&str], depth: usize) -> bool {
    match words.split_first() {
        Some((&"(", rest)) => {
            *words = rest;
            if !expression(words, depth + 1) || words.first() != Some(&")") {
                return false;
            }
            *words = &words[1..];
            true
        }
        Some((name, rest)) if is_id(name.strip_suffix('+').unwrap_or(name)) => {
            *words = rest;
            if let Some((&"WITH", rest)) = words.split_first() {
                let exception = rest.first().is_some_and(|name| is_id(name));
                *words = rest.get(1..).unwrap_or_default();
                return exception;
            }
            true
        }
        _ => false,
    }
}

fn is_id(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    !word.is_empty() && word.chars().all(is_plain) && !["AND", "OR", "WITH"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::{License, license};

    #[test]
    fn expressions_are_told_from_texts() {
        for text in [
            "MIT",
            "GPL-2.0-only WITH Linux-syscall-note",
            "BSD-3-Clause OR GPL-2.0-only",
            "(MIT OR Apache-2.0) AND (ISC AND (Zlib))",
            "GPL-2.0+",
        ] {
            assert_eq!(license(text), License::Expression(text.into()));
        }
        for text in [
            "see the file COPYING",
            "MIT OR",
            "(MIT",
            "MIT)",
            "MIT WITH",
            "AND",
            "GPL, with exceptions",
        ] {
            assert_eq!(license(text), License::Text(text.into()));
        }
        assert_eq!(license(" "), License::Unknown);
        let deep = format!("{}MIT{}", "(".repeat(100), ")".repeat(100));
        assert_eq!(license(&deep), License::Text(deep.clone()));
    }
}
