//! Names of published files.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name, in bytes: a digest and a dot still fit before it (`NAME_MAX` of Linux is 255).
const MAX_BYTES: usize = 190;

/// Marks allowed after the first character: none that a URL, a shell or a path gives a meaning.
const MARKS: &str = "+._-~@:=,";

/// The last component of a published file's path, without the digest before it: a letter or digit, then letters,
/// digits and `+ . _ - ~ @ : = ,`, 190 bytes at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// A text is not the name of a published file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// There are no bytes, or too many.
    #[error("a file name of {length} bytes; 1 to {MAX_BYTES} are allowed")]
    Length {
        /// How many there are.
        length: usize,
    },
    /// A character is not allowed at its place.
    #[error(
        "file name {text:?} has {character:?}; allowed are letters, digits and, after the first, {MARKS}"
    )]
    Character {
        /// The text.
        text: String,
        /// The character.
        character: char,
    },
}

impl FileName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = FileNameError;

    fn from_str(text: &str) -> Result<Self, FileNameError> {
        if text.is_empty() || text.len() > MAX_BYTES {
            return Err(FileNameError::Length { length: text.len() });
        }
        let is_allowed = |(index, character): &(usize, char)| {
            character.is_ascii_alphanumeric() || (*index > 0 && MARKS.contains(*character))
        };
        match text.char_indices().find(|found| !is_allowed(found)) {
            Some((_, character)) => Err(FileNameError::Character {
                text: text.to_owned(),
                character,
            }),
            None => Ok(FileName(text.to_owned())),
        }
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, FileNameError> {
        text.parse()
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> String {
        name.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::FileName;

    #[test]
    fn names_that_a_url_or_a_path_would_read_otherwise_are_refused() {
        for text in [
            "", ".", "..", "a/b", "-a", "a b", "a%2f", "a?b", "a#b", "é", "a\\b", "a\nb",
        ] {
            assert!(text.parse::<FileName>().is_err(), "{text:?}");
        }
        assert!("a".repeat(191).parse::<FileName>().is_err());
        for text in [
            "zlib-1.3.1-2.x86_64.igos.tar.zst",
            "gtk+-3.0~rc1.tar.xz",
            "a@b:c=d,e",
        ] {
            assert_eq!(
                text.parse::<FileName>().map(String::from).as_deref(),
                Ok(text)
            );
        }
    }
}
