//! Paths below a root.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::escape;

/// Longest component, in bytes (`NAME_MAX` of Linux).
const COMPONENT_MAX_BYTES: usize = 255;
/// Longest path, in bytes (`PATH_MAX` of Linux without its end mark).
const PATH_MAX_BYTES: usize = 4095;
/// Most components (threats note, X7).
const DEPTH_MAX: usize = 256;

/// A path below a root: never absolute, never empty, without `.`, `..`, empty components and control bytes.
///
/// It is made of bytes, as Linux has them; the order is that of the components, so that the contents of a
/// directory directly follow it. A copy shares the bytes: plans name each path many times.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RelPath(Arc<[u8]>);

/// Bytes are not a path below a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There are no bytes.
    #[error("a path is empty")]
    Empty,
    /// It begins with a slash.
    #[error("path {path} is absolute")]
    Absolute {
        /// The path, escaped.
        path: String,
    },
    /// A component is `.`, `..` or empty.
    #[error("path {path} has the component {component:?}")]
    Component {
        /// The path, escaped.
        path: String,
        /// The component.
        component: &'static str,
    },
    /// A byte below 0x20, or 0x7f.
    #[error("path {path} has the control byte 0x{byte:02x}")]
    Control {
        /// The path, escaped.
        path: String,
        /// The byte.
        byte: u8,
    },
    /// A component, the path or its depth passes a limit.
    #[error("path {path} has {found} {unit}, at most {limit} are allowed")]
    TooLong {
        /// The first bytes of the path, escaped.
        path: String,
        /// What was found.
        found: usize,
        /// What was counted.
        unit: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl RelPath {
    /// Returns the path that `bytes` are.
    ///
    /// # Errors
    ///
    /// Returns what is not allowed in them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PathError> {
        let shown = || escape::escape(&bytes[..bytes.len().min(200)]);
        if bytes.is_empty() {
            return Err(PathError::Empty);
        }
        if bytes.len() > PATH_MAX_BYTES {
            return Err(PathError::TooLong {
                path: shown(),
                found: bytes.len(),
                unit: "bytes",
                limit: PATH_MAX_BYTES,
            });
        }
        if bytes[0] == b'/' {
            return Err(PathError::Absolute { path: shown() });
        }
        if let Some(&byte) = bytes.iter().find(|byte| byte.is_ascii_control()) {
            return Err(PathError::Control {
                path: shown(),
                byte,
            });
        }
        let mut depth = 0;
        for component in bytes.split(|byte| *byte == b'/') {
            let refused = match component {
                b"" => Some(""),
                b"." => Some("."),
                b".." => Some(".."),
                _ => None,
            };
            if let Some(component) = refused {
                return Err(PathError::Component {
                    path: shown(),
                    component,
                });
            }
            if component.len() > COMPONENT_MAX_BYTES {
                return Err(PathError::TooLong {
                    path: shown(),
                    found: component.len(),
                    unit: "bytes in one component",
                    limit: COMPONENT_MAX_BYTES,
                });
            }
            depth += 1;
        }
        if depth > DEPTH_MAX {
            return Err(PathError::TooLong {
                path: shown(),
                found: depth,
                unit: "components",
                limit: DEPTH_MAX,
            });
        }
        Ok(RelPath(bytes.into()))
    }

    /// Returns the path that `text` is, where one leading slash, as people write it, is dropped.
    ///
    /// # Errors
    ///
    /// Returns what is not allowed in it.
    pub fn from_user(text: &OsStr) -> Result<Self, PathError> {
        let bytes = text.as_bytes();
        let bytes = bytes.strip_prefix(b"/").unwrap_or(bytes);
        RelPath::from_bytes(bytes.strip_suffix(b"/").unwrap_or(bytes))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the path for calls of the standard library; it is relative.
    #[must_use]
    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(OsStr::from_bytes(&self.0))
    }

    /// Returns the components, never empty.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/')
    }

    /// Returns the last component.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        self.components()
            .next_back()
            .expect("a path has at least one component")
    }

    /// Returns the path without its last component, `None` for a path of one component.
    #[must_use]
    pub fn parent(&self) -> Option<RelPath> {
        let slash = self.0.iter().rposition(|byte| *byte == b'/')?;
        Some(RelPath(self.0[..slash].into()))
    }

    /// Returns this path with one more component.
    ///
    /// # Errors
    ///
    /// Returns what is not allowed in the result.
    pub fn join(&self, component: &[u8]) -> Result<RelPath, PathError> {
        RelPath::from_bytes(&[&self.0, component].join(&b'/'))
    }

    /// Tells whether this path is `other` or lies below it.
    #[must_use]
    pub fn starts_with(&self, other: &RelPath) -> bool {
        self.0
            .strip_prefix(&*other.0)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

impl Ord for RelPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.components().cmp(other.components())
    }
}

impl PartialOrd for RelPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl std::str::FromStr for RelPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        RelPath::from_bytes(text.as_bytes())
    }
}

impl fmt::Display for RelPath {
    /// Writes the path escaped, safe for a terminal and a line of a text file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&escape::escape(&self.0))
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelPath({self})")
    }
}

impl serde::Serialize for RelPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::{PathError, RelPath};

    #[test]
    fn paths_that_leave_a_root_are_refused() {
        for text in [
            "", "/etc", "..", "a/../b", "./a", "a//b", "a/", "a/.", "a\nb", "a\0b", "a\x7fb",
        ] {
            assert!(text.parse::<RelPath>().is_err(), "{text:?}");
        }
        assert!(matches!(
            "a".repeat(256).parse::<RelPath>(),
            Err(PathError::TooLong { limit: 255, .. })
        ));
        assert!(matches!(
            ["a"; 257].join("/").parse::<RelPath>(),
            Err(PathError::TooLong { limit: 256, .. })
        ));
    }

    #[test]
    fn contents_follow_their_directory_directly() {
        let mut paths: Vec<RelPath> = ["a-b", "a/c", "a", "a.d"]
            .iter()
            .map(|text| text.parse().expect("the test gives a path"))
            .collect();
        paths.sort();
        assert_eq!(
            paths.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["a", "a/c", "a-b", "a.d"]
        );
    }
}
