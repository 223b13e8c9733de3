//! The packages that a `Cargo.lock` pins, as sources.
//!
//! What the file says is described in the Cargo Book, "Cargo.toml vs Cargo.lock"; its `checksum` is the SHA-256 of the
//! file that the registry serves.

use std::collections::BTreeSet;

use igos_format::{Digest, Sha256};
use serde::Deserialize;

use crate::{Source, SourceKind};

/// Where the packages of the registry lie, which serves what `crates.io` publishes.
const FILES: &str = "https://static.crates.io/crates";
/// What a `Cargo.lock` calls that registry, by its old and its new protocol.
const REGISTRY: [&str; 2] = [
    "registry+https://github.com/rust-lang/crates.io-index",
    "sparse+https://index.crates.io/",
];
/// Versions of the file that are read. Before 3, digests stand elsewhere.
const VERSIONS: [u32; 2] = [3, 4];
/// Most packages of one file; a large program has a thousand.
const CRATES_MAX: usize = 10_000;

/// The text of a `Cargo.lock` is not at hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockAbsent {
    /// It is not there: the recipe lies apart from what it builds.
    #[error("it is not there")]
    Missing,
    /// It may not or cannot be read.
    #[error("{0}")]
    Refused(String),
}

/// A `Cargo.lock` does not say which packages are needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// It is not text of this kind.
    #[error("it is not a `Cargo.lock`: {0}")]
    Syntax(String),
    /// It has a version that we do not know.
    #[error("it has version {0}, and this program reads 3 and 4")]
    Version(u32),
    /// A package has a name or version that none can have.
    #[error("{name:?} {version:?} is no package of the registry")]
    Name {
        /// The name.
        name: String,
        /// The version.
        version: String,
    },
    /// A package comes from another place than the registry.
    #[error("{name} comes from {source_text}, and only what crates.io publishes can be a source")]
    Place {
        /// The package.
        name: String,
        /// Where it comes from.
        source_text: String,
    },
    /// Nothing pins a package.
    #[error("{name} {version} has no checksum")]
    Unpinned {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// A package is there twice.
    #[error("{0} is there twice")]
    Twice(String),
    /// There are too many packages.
    #[error("it has more than {CRATES_MAX} packages")]
    TooMany,
}

#[derive(Deserialize)]
struct Lock {
    version: u32,
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<Sha256>,
}

/// Returns the packages that a `Cargo.lock` names and that lie not beside it, in its order; each goes to
/// `NAME-VERSION` below `destination`.
pub(crate) fn crates_of_lock(bytes: &[u8], destination: &str) -> Result<Vec<Source>, LockError> {
    let syntax = |error: &dyn std::error::Error| LockError::Syntax(error.to_string());
    let text = std::str::from_utf8(bytes).map_err(|error| syntax(&error))?;
    let lock: Lock =
        toml::from_str(text).map_err(|error| LockError::Syntax(error.message().to_owned()))?;
    if !VERSIONS.contains(&lock.version) {
        return Err(LockError::Version(lock.version));
    }
    let mut seen = BTreeSet::new();
    let mut sources = Vec::new();
    for package in lock.package {
        // What has no source lies beside the file: a member of the workspace.
        let Some(source) = one(package, destination)? else {
            continue;
        };
        if !seen.insert(source.destination.clone()) {
            return Err(LockError::Twice(source.cache_name));
        }
        sources.push(source);
        if sources.len() > CRATES_MAX {
            return Err(LockError::TooMany);
        }
    }
    Ok(sources)
}

fn one(package: Package, destination: &str) -> Result<Option<Source>, LockError> {
    let Package {
        name,
        version,
        source,
        checksum,
    } = package;
    let Some(source_text) = source else {
        return Ok(None);
    };
    // Both become parts of a path and of a URL.
    if !is_name(&name) || !is_version(&version) {
        return Err(LockError::Name { name, version });
    }
    if !REGISTRY.contains(&source_text.as_str()) {
        return Err(LockError::Place { name, source_text });
    }
    let Some(checksum) = checksum else {
        return Err(LockError::Unpinned { name, version });
    };
    let full = format!("{name}-{version}");
    Ok(Some(Source {
        location: format!("{FILES}/{name}/{full}.crate"),
        kind: SourceKind::Crate,
        destination: format!("{destination}/{full}"),
        cache_name: format!("{full}.crate"),
        extract: true,
        digest: Some(Digest::Sha256(checksum)),
        is_unpinned: false,
        alternatives: Vec::new(),
    }))
}

/// Tells whether the registry takes a name.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Tells whether a text is made of what versions are made of (Semantic Versioning 2.0.0).
fn is_version(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
}

#[cfg(test)]
mod tests {
    use super::{CRATES_MAX, LockError, crates_of_lock};

    const DIGEST: &str = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23";
    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn package(name: &str, version: &str, source: &str, checksum: &str) -> String {
        format!(
            "[[package]]\nname = {name:?}\nversion = {version:?}\nsource = {source:?}\nchecksum = {checksum:?}\n"
        )
    }

    fn refusal(text: &str) -> LockError {
        crates_of_lock(text.as_bytes(), "vendor").expect_err("the test gives what is refused")
    }

    #[test]
    fn our_own_lock_names_what_cargo_fetches() {
        let text = include_str!("../../../Cargo.lock");
        let sources = crates_of_lock(text.as_bytes(), "vendor").expect("it is one");
        assert_eq!(sources.len(), text.matches("checksum = ").count());
        let toml = sources
            .iter()
            .find(|one| one.cache_name.starts_with("toml-"));
        let toml = toml.expect("this crate needs it");
        let name = toml.cache_name.strip_suffix(".crate").expect("all end so");
        assert_eq!(
            toml.location,
            format!("https://static.crates.io/crates/toml/{name}.crate")
        );
        assert_eq!(toml.destination, format!("vendor/{name}"));
        assert!(text.contains(&toml.digest.expect("it is pinned").to_string()));
    }

    #[test]
    fn members_of_the_workspace_are_no_sources() {
        let text = "version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n";
        assert_eq!(crates_of_lock(text.as_bytes(), "vendor"), Ok(Vec::new()));
    }

    #[test]
    fn packages_of_other_places_and_unpinned_ones_are_refused() {
        let other = "registry+https://example.org/index";
        let text = format!("version = 4\n{}", package("a", "1.0.0", other, DIGEST));
        assert_eq!(
            refusal(&text),
            LockError::Place {
                name: "a".to_owned(),
                source_text: other.to_owned()
            }
        );
        let text = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = {REGISTRY:?}\n"
        );
        assert_eq!(
            refusal(&text),
            LockError::Unpinned {
                name: "a".to_owned(),
                version: "1.0.0".to_owned()
            }
        );
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for (name, version) in [
            ("../a", "1.0.0"),
            ("", "1.0.0"),
            ("a/b", "1.0.0"),
            ("-a", "1.0.0"),
            ("a", "../1"),
            ("a", ""),
            ("a", "1.0.0?x"),
            ("a", "v1"),
        ] {
            let text = format!("version = 4\n{}", package(name, version, REGISTRY, DIGEST));
            assert_eq!(
                refusal(&text),
                LockError::Name {
                    name: name.to_owned(),
                    version: version.to_owned()
                }
            );
        }
    }

    #[test]
    fn other_versions_and_other_texts_are_refused() {
        assert_eq!(refusal("version = 2\n"), LockError::Version(2));
        assert_eq!(refusal("version = 5\n"), LockError::Version(5));
        let bad = package("a", "1.0.0", REGISTRY, "zz");
        for text in ["", "version = \"4\"\n", "[", &format!("version = 4\n{bad}")] {
            assert!(matches!(refusal(text), LockError::Syntax(_)), "{text:?}");
        }
        let error = crates_of_lock(b"version = 4 # \xff", "vendor");
        assert!(matches!(error, Err(LockError::Syntax(_))), "{error:?}");
    }

    #[test]
    fn package_that_is_there_twice_is_refused() {
        let one = package("a", "1.0.0", REGISTRY, DIGEST);
        let text = format!("version = 3\n{one}{one}");
        assert_eq!(refusal(&text), LockError::Twice("a-1.0.0.crate".to_owned()));
        let other = package("a", "2.0.0", REGISTRY, DIGEST);
        let text = format!("version = 3\n{one}{other}");
        let sources = crates_of_lock(text.as_bytes(), "v").expect("two versions are two packages");
        assert_eq!(sources.len(), 2);
    }

    #[test]
    fn packages_are_counted() {
        let mut text = "version = 4\n".to_owned();
        for number in 0..=CRATES_MAX {
            text.push_str(&package("a", &format!("1.0.{number}"), REGISTRY, DIGEST));
        }
        assert_eq!(refusal(&text), LockError::TooMany);
    }
}
