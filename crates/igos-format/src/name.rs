//! Names of packages.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Longest name, in bytes (threats note, P9).
const NAME_MAX_BYTES: usize = 128;

/// The name of a package, `[A-Za-z0-9][A-Za-z0-9+._-]{0,127}`.
///
/// A name is never parsed out of a file name: `go` and `go-task` are both names. A copy shares the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PackageName(Arc<str>);

/// A text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name is empty")]
    Empty,
    /// The text has more than 128 bytes.
    #[error("name has {length} bytes, at most {NAME_MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A character is not allowed at its place.
    #[error(
        "name {text:?} has {character:?} at position {position}; allowed are letters, digits and, after the first, + . _ -"
    )]
    Character {
        /// The text.
        text: String,
        /// The character.
        character: char,
        /// Its one-based position in characters.
        position: usize,
    },
}

impl PackageName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tests the grammar that names and versions share: `extra` lists the marks allowed after the first character.
pub(crate) fn test_token(text: &str, extra: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > NAME_MAX_BYTES {
        return Err(NameError::TooLong { length: text.len() });
    }
    for (index, character) in text.chars().enumerate() {
        let allowed = character.is_ascii_alphanumeric() || (index > 0 && extra.contains(character));
        if !allowed {
            return Err(NameError::Character {
                text: text.to_owned(),
                character,
                position: index + 1,
            });
        }
    }
    Ok(())
}

impl FromStr for PackageName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        test_token(text, "+._-")?;
        Ok(PackageName(text.into()))
    }
}

impl TryFrom<String> for PackageName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<PackageName> for String {
    fn from(name: PackageName) -> String {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackageName({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{NameError, PackageName};

    #[test]
    fn real_names_are_names() {
        for text in ["zlib", "libX11", "gtk+3.0", "7zip", "go-task", "python_x"] {
            assert_eq!(
                text.parse::<PackageName>().map(|name| name.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn names_that_could_be_paths_options_or_shell_are_refused() {
        for text in [
            "", "-x", ".git", "..", "a/b", "a b", "a\nb", "a;b", "é", "a*",
        ] {
            assert!(text.parse::<PackageName>().is_err(), "{text:?}");
        }
        let long = "a".repeat(129);
        assert_eq!(
            long.parse::<PackageName>(),
            Err(NameError::TooLong { length: 129 })
        );
    }
}
