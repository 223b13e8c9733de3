//! What is asked for: a source of a recipe, as plain data.

use std::fmt;

use igos_format::{Digest, PackageName, RelPath, Sha256};

/// Longest location, in bytes; the longest of 749 real recipes has 180.
const LOCATION_MAX_BYTES: usize = 4096;

/// What to do about a source that no digest pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpinned {
    /// Refuse it.
    Refuse,
    /// Fetch it and record what came: the user asked for that.
    Allow,
}

/// Where a recipe says that a source is, validated.
///
/// Only these kinds reach the network. Local files and directories are the caller's business, and there is
/// no way to say `file://` here: a recipe must not name files of the machine it is built on by URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// One file at an `http://` or `https://` address.
    Http(String),
    /// A git repository at one point of its history.
    Git {
        /// Address of the repository: `https://` or `http://`.
        url: String,
        /// A full commit id, or the name of a branch or tag; the default branch where absent.
        reference: Option<String>,
    },
    /// A file of the Debian archive by its path there, as a signed index gives it. Not for recipes, whose sources
    /// are found by digest: binary packages for a toolchain are had this way.
    Debian {
        /// The path, such as `pool/main/m/make-dfsg/make_4.3-4.1_amd64.deb`.
        path: String,
        /// The size in bytes.
        size: u64,
    },
}

/// A location cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The scheme is neither http nor https.
    #[error("location {location:?} does not begin with http:// or https://")]
    Scheme {
        /// The location.
        location: String,
    },
    /// A character has no place in an address, or would be read as an option.
    #[error("location {location:?} has {character:?}, which an address cannot have")]
    Character {
        /// The location.
        location: String,
        /// The character.
        character: char,
    },
    /// There is no host, or user data stand before it.
    #[error("location {location:?} has no plain host name")]
    Host {
        /// The location.
        location: String,
    },
    /// A reference of a git repository cannot be used.
    #[error("{reference:?} does not name a commit, branch or tag")]
    Reference {
        /// The reference.
        reference: String,
    },
    /// It is longer than the limit.
    #[error("location of {length} bytes, at most {LOCATION_MAX_BYTES} are allowed")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl Location {
    /// Returns the location of one file.
    ///
    /// # Errors
    ///
    /// Refuses every scheme but http and https, and characters that an address cannot have.
    pub fn http(url: &str) -> Result<Self, LocationError> {
        test_url(url).map(|()| Location::Http(url.to_owned()))
    }

    /// Returns the location of a git repository at a commit, branch or tag.
    ///
    /// # Errors
    ///
    /// Refuses what [`Location::http`] refuses, and references that git would read as something else.
    pub fn git(url: &str, reference: Option<&str>) -> Result<Self, LocationError> {
        test_url(url)?;
        if let Some(reference) = reference {
            test_reference(reference)?;
        }
        Ok(Location::Git {
            url: url.to_owned(),
            reference: reference.map(str::to_owned),
        })
    }

    /// Returns the commit id, if that is what a git location names.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        match self {
            Location::Git {
                reference: Some(reference),
                ..
            } if is_commit_id(reference) => Some(reference),
            _ => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Http(url) => f.write_str(url),
            Location::Debian { path, .. } => write!(f, "debian:{path}"),
            Location::Git {
                url,
                reference: None,
            } => write!(f, "git+{url}"),
            Location::Git {
                url,
                reference: Some(reference),
            } => write!(f, "git+{url}@{reference}"),
        }
    }
}

/// Tells whether `reference` is a full commit id: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits.
///
/// A shorter one can come to mean something else when the repository grows.
pub(crate) fn is_commit_id(reference: &str) -> bool {
    matches!(reference.len(), 40 | 64)
        && reference
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(crate) fn test_url(url: &str) -> Result<(), LocationError> {
    if url.len() > LOCATION_MAX_BYTES {
        return Err(LocationError::TooLong { length: url.len() });
    }
    if let Some(character) = url.chars().find(|c| {
        c.is_whitespace() || c.is_control() || !c.is_ascii() || "\"<>\\^`{|}".contains(*c)
    }) {
        return Err(LocationError::Character {
            location: url.to_owned(),
            character,
        });
    }
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
        .ok_or_else(|| LocationError::Scheme {
            location: url.to_owned(),
        })?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_is_plain = authority.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
        && !authority.contains('@');
    if host_is_plain {
        Ok(())
    } else {
        Err(LocationError::Host {
            location: url.to_owned(),
        })
    }
}

/// Tests a part of git's own rules (git-check-ref-format(1)) that keeps a reference from being an option, a
/// range, a reflog entry or a pattern.
fn test_reference(reference: &str) -> Result<(), LocationError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
    let is_fine = reference.len() <= 255
        && reference.starts_with(|c: char| c.is_ascii_alphanumeric())
        && reference.chars().all(allowed)
        && !reference.contains("..")
        && !reference.contains("//")
        && !reference.ends_with(['/', '.'])
        && !reference.ends_with(".lock");
    if is_fine {
        Ok(())
    } else {
        Err(LocationError::Reference {
            reference: reference.to_owned(),
        })
    }
}

/// Where other bytes are that serve as well as the source itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum AlternativeLocation {
    /// An `http://` or `https://` address.
    Url(String),
    /// A file of the Debian source archive; the text is for people, the digest finds it.
    Debian(String),
}

impl fmt::Display for AlternativeLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AlternativeLocation::Url(url) => f.write_str(url),
            AlternativeLocation::Debian(file) => write!(f, "debian:{file}"),
        }
    }
}

/// A file inside an alternative that is the wanted one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Inner {
    /// Its path inside the outer archive.
    pub path: RelPath,
    /// Its digest.
    pub sha256: Sha256,
}

/// Bytes that a recipe accepts in place of its source: a repacked tarball, or one that wraps the real one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alternative {
    /// Where.
    pub location: AlternativeLocation,
    /// Digest of the whole file.
    pub sha256: Sha256,
    /// The file inside it that matters, if not the whole. Passed on; this crate unpacks nothing.
    pub inner: Option<Inner>,
    /// Why the bytes differ from upstream's. Passed on.
    pub repack: Option<String>,
}

/// One source to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRequest {
    /// The package it is for, used in messages and to find candidates for a BLAKE3 digest.
    pub package: PackageName,
    /// The version, as the recipe writes it, used for the same.
    pub version: String,
    /// The name of the file as mirrors keep it: the last component counts.
    pub cache_name: String,
    /// Where the recipe says it is.
    pub location: Location,
    /// What pins it.
    pub digest: Option<Digest>,
    /// Other bytes that will do.
    pub alternatives: Vec<Alternative>,
    /// What to do if nothing pins it: no digest, or a git reference that is not a commit id.
    pub unpinned: Unpinned,
}

#[cfg(test)]
mod tests {
    use super::{Location, LocationError};

    #[test]
    fn only_plain_web_addresses_are_locations() {
        assert!(Location::http("https://example.org/a-1.0.tar.gz?download=1").is_ok());
        assert!(Location::http("http://[::1]:8080/a").is_ok());
        for scheme in [
            "file:///etc/passwd",
            "ftp://h/a",
            "/etc/passwd",
            "--config=x",
            "HTTP://h/a",
            "",
        ] {
            assert!(
                matches!(Location::http(scheme), Err(LocationError::Scheme { .. })),
                "{scheme}"
            );
        }
        for character in [
            "http://h/a b",
            "http://h/a\nb",
            "http://h/\u{7f}",
            "https://h/é",
            "http://h/a\\b",
        ] {
            assert!(
                matches!(
                    Location::http(character),
                    Err(LocationError::Character { .. })
                ),
                "{character:?}"
            );
        }
        for host in [
            "http:///a",
            "https://-x/a",
            "https://user@h/a",
            "http://user:secret@h/a",
        ] {
            assert!(
                matches!(Location::http(host), Err(LocationError::Host { .. })),
                "{host}"
            );
        }
        assert!(matches!(
            Location::http(&format!("http://h/{}", "a".repeat(4096))),
            Err(LocationError::TooLong { .. })
        ));
    }

    #[test]
    fn git_reference_cannot_be_an_option_a_range_or_a_pattern() {
        for reference in [
            "--upload-pack=x",
            "a..b",
            "a@{1}",
            "a~1",
            "a^",
            "*",
            "a b",
            "",
            "a.lock",
            "/a",
            "a/",
        ] {
            assert!(
                Location::git("https://h/r", Some(reference)).is_err(),
                "{reference}"
            );
        }
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let location =
            Location::git("https://h/r", Some(commit)).expect("a commit id is a reference");
        assert_eq!(location.commit(), Some(commit));
        let branch =
            Location::git("https://h/r", Some("release/1.0")).expect("a branch is a reference");
        assert_eq!(branch.commit(), None);
        assert_eq!(branch.to_string(), "git+https://h/r@release/1.0");
        let short =
            Location::git("https://h/r", Some(&commit[..12])).expect("a short id is a reference");
        assert_eq!(short.commit(), None);
    }
}
