//! The name of the repository that a package came from.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// Longest name, in bytes.
const MAX_BYTES: usize = 128;

/// The name that a repository has in the settings of this machine: visible ASCII without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RepositoryName(String);

/// A text is not the name of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the name of a repository: 1 to 128 visible ASCII characters")]
pub struct RepositoryNameError {
    text: String,
}

impl RepositoryName {
    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepositoryName {
    type Err = RepositoryNameError;

    fn from_str(text: &str) -> Result<Self, RepositoryNameError> {
        let is_name = !text.is_empty()
            && text.len() <= MAX_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_name {
            Ok(RepositoryName(text.to_owned()))
        } else {
            Err(RepositoryNameError {
                text: text.to_owned(),
            })
        }
    }
}
