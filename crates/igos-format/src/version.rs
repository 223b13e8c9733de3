//! Versions and releases of packages.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::test_token;
use crate::{NameError, name};

/// An upstream version: a letter or digit, then letters, digits and `+ . _ - ~`, 128 bytes at most.
///
/// Versions have a total order that never gives up. A version is cut into runs of digits and runs of letters;
/// other characters only separate. Digits compare as numbers of any length, letters as bytes, and a run of
/// digits is newer than a run of letters. Where one version ends, the other is newer (`1.2` < `1.2.1`), except
/// that a `~` sorts before the end (`1.0~rc1` < `1.0`), as do the words `alpha`, `beta`, `pre`, `preview`,
/// `rc` and `dev` (`1.0-rc1` < `1.0`). Versions that are alike so far compare as bytes, so that only equal
/// texts are equal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(String);

/// The packager's count of one version, with the grammar and the order of a [`Version`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Release(Version);

/// A text is not a version or release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a version")]
pub struct VersionError(#[from] NameError);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Run<'a> {
    /// `~` or a word for "not yet released".
    Before(&'a str),
    End,
    Letters(&'a str),
    /// Length without leading zeros first, so that numbers of any length compare.
    Digits(usize, &'a str),
}

const BEFORE_RELEASE: [&str; 6] = ["alpha", "beta", "dev", "pre", "preview", "rc"];

fn runs(text: &str) -> Vec<Run<'_>> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let class = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_alphabetic());
        let kind = class(bytes[at]);
        at += 1;
        if kind == (false, false) {
            if bytes[start] == b'~' {
                found.push(Run::Before(""));
            }
            continue;
        }
        while at < bytes.len() && class(bytes[at]) == kind {
            at += 1;
        }
        let run = &text[start..at];
        found.push(if kind.0 {
            let significant = run.trim_start_matches('0');
            Run::Digits(significant.len(), significant)
        } else if BEFORE_RELEASE.contains(&run.to_ascii_lowercase().as_str()) {
            Run::Before(run)
        } else {
            Run::Letters(run)
        });
    }
    found.push(Run::End);
    found
}

impl Version {
    /// Returns the version as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Release {
    /// Returns the release as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        runs(&self.0)
            .cmp(&runs(&other.0))
            .then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        name::test_token(text, "+._-~")?;
        Ok(Version(text.to_owned()))
    }
}

impl FromStr for Release {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        test_token(text, "+._~")?;
        Ok(Release(Version(text.to_owned())))
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl TryFrom<String> for Release {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.0
    }
}

impl From<Release> for String {
    fn from(release: Release) -> String {
        release.0.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({:?})", self.0)
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Release({:?})", self.0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Version;

    fn version(text: &str) -> Version {
        text.parse().expect("the test gives a version")
    }

    #[test]
    fn real_versions_sort_as_people_expect() {
        let sorted = [
            "0.9",
            "1.0-alpha1",
            "1.0-beta2",
            "1.0-rc1",
            "1.0",
            "1.0a",
            "1.0.1",
            "1.0.9",
            "1.0.10",
            "1.1",
            "9p1",
            "10.0p1",
            "10.0p2",
            "20230101",
            "20240101",
        ];
        for pair in sorted.windows(2) {
            assert!(
                version(pair[0]) < version(pair[1]),
                "{} < {}",
                pair[0],
                pair[1]
            );
        }
        assert!(version("1.0~rc1") < version("1.0-rc1"));
        assert!(version("99999999999999999999999") < version("100000000000000000000000"));
    }

    #[test]
    fn versions_that_other_package_managers_could_not_compare_have_their_order() {
        for chain in [
            &["9.6p1", "9.9p1", "9.9p2", "10.0p1"][..],
            &["1.9.15", "1.9.15p1", "1.9.15p5", "1.9.15p10", "1.9.16"],
            &["138.0", "138.0.1", "138.0.4", "138.0.10", "138.1"],
            &[
                "1.0~rc1", "1.0-rc1", "1.0_rc2", "1.0", "1.0_p1", "1.0_p2", "1.1",
            ],
            &["0+git20231231", "0+git20240101", "0.1", "1+git20200101"],
            &["1.0", "1.0+git20240101", "1.0+git20240102", "1.0.1"],
            &["3.14.0a1", "3.14.0b2", "3.14.1"],
            &["2.0-alpha", "2.0-beta", "2.0-pre", "2.0-rc", "2.0"],
            &["2024a", "2024b", "2025a"],
            &["1.1.1", "1.1.1a", "1.1.1w", "3.0"],
            &["20200101", "20240229", "20250101"],
            &["6.12", "6.12.1", "6.12.10", "6.13-rc1", "6.13"],
        ] {
            for (at, older) in chain.iter().enumerate() {
                for newer in &chain[at + 1..] {
                    assert!(version(older) < version(newer), "{older} < {newer}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn order_is_total(a in "[A-Za-z0-9][A-Za-z0-9+._~-]{0,9}", b in "[A-Za-z0-9][A-Za-z0-9+._~-]{0,9}",
                          c in "[A-Za-z0-9][A-Za-z0-9+._~-]{0,9}") {
            let (a, b, c) = (version(&a), version(&b), version(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
