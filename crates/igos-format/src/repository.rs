//! The name of a repository, which is also the name of its files.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Longest name, in bytes: with a suffix it still is a file name everywhere.
const MAX_BYTES: usize = 64;

/// The name that a repository has on this machine: `[a-z0-9][a-z0-9._-]{0,63}`.
///
/// It is not part of what a repository says about itself: whoever adds one chooses the name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RepositoryName(String);

/// A text is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not the name of a repository: 1 to {MAX_BYTES} of a-z 0-9 . _ -, the first a letter or digit"
)]
pub struct RepositoryNameError {
    text: String,
}

impl RepositoryName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, RepositoryNameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_name = text.len() <= MAX_BYTES
            && text.bytes().next().is_some_and(plain)
            && text
                .bytes()
                .all(|byte| plain(byte) || b"._-".contains(&byte));
        if is_name {
            Ok(RepositoryName(text.to_owned()))
        } else {
            Err(RepositoryNameError {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::RepositoryName;

    #[test]
    fn name_is_a_plain_file_name() {
        for text in ["igos", "igos-testing", "0.1_x"] {
            assert!(text.parse::<RepositoryName>().is_ok(), "{text}");
        }
        let long = "a".repeat(65);
        for text in ["", ".", "..", ".a", "-a", "a/b", "A", "a b", "é", &long] {
            assert!(text.parse::<RepositoryName>().is_err(), "{text}");
        }
    }
}
