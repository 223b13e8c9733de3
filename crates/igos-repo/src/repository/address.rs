//! Where a copy of a repository is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::request::{LocationError, test_url};

/// Where a copy of a repository is: on a web server, or in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum RepositoryAddress {
    /// An `http://` or `https://` address, without a slash at its end.
    Web(String),
    /// An absolute path, also written `file:///PATH`.
    Directory(PathBuf),
}

/// A text does not say where a repository is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryAddressError {
    /// It is neither a web address nor an absolute path.
    #[error(
        "{text:?} is not https://HOST/PATH, http://HOST/PATH, file:///PATH or an absolute path"
    )]
    Form {
        /// The text.
        text: String,
    },
    /// It is a web address with something in it that none can have.
    #[error(transparent)]
    Web(#[from] LocationError),
    /// It has a question mark or a number sign, behind which no file of the repository can be named.
    #[error("address {text:?} has {character:?}, so that nothing can be appended to it")]
    Query {
        /// The text.
        text: String,
        /// The character.
        character: char,
    },
}

impl RepositoryAddress {
    /// Returns the path, if it is a directory.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            RepositoryAddress::Directory(path) => Some(path),
            RepositoryAddress::Web(_) => None,
        }
    }
}

impl FromStr for RepositoryAddress {
    type Err = RepositoryAddressError;

    fn from_str(text: &str) -> Result<Self, RepositoryAddressError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            let url = text.trim_end_matches('/');
            if let Some(character) = url.chars().find(|c| "?#".contains(*c)) {
                return Err(RepositoryAddressError::Query {
                    text: text.to_owned(),
                    character,
                });
            }
            test_url(url)?;
            return Ok(RepositoryAddress::Web(url.to_owned()));
        }
        let path = Path::new(text.strip_prefix("file://").unwrap_or(text));
        if path.is_absolute() && !text.contains('\0') {
            Ok(RepositoryAddress::Directory(path.to_owned()))
        } else {
            Err(RepositoryAddressError::Form {
                text: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for RepositoryAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RepositoryAddress::Web(url) => f.write_str(url),
            RepositoryAddress::Directory(path) => write!(f, "{}", path.display()),
        }
    }
}

impl TryFrom<String> for RepositoryAddress {
    type Error = RepositoryAddressError;

    fn try_from(text: String) -> Result<Self, RepositoryAddressError> {
        text.parse()
    }
}

impl Serialize for RepositoryAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{RepositoryAddress, RepositoryAddressError};

    #[test]
    fn repository_is_on_a_web_server_or_in_a_directory() {
        let shown = |text: &str| text.parse::<RepositoryAddress>().map(|a| a.to_string());
        for (text, expected) in [
            ("https://example.org/igos/", "https://example.org/igos"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("file:///srv/igos", "/srv/igos"),
            ("/srv/igos", "/srv/igos"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
        for text in ["", "srv/igos", "ftp://example.org/", "file://srv", "~/igos"] {
            assert!(
                matches!(shown(text), Err(RepositoryAddressError::Form { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            shown("https://user:secret@example.org/"),
            Err(RepositoryAddressError::Web(_))
        ));
        assert!(matches!(
            shown("https://example.org/?a"),
            Err(RepositoryAddressError::Query { .. })
        ));
    }
}
