//! What the publisher knows about defects, from a file that people write.

use std::collections::BTreeSet;

use igos_format::index::{Advisory, AdvisoryId, AdvisorySeverity, AdvisoryState};
use igos_format::{PackageId, PackageName, Release, Version};
use igos_report::Explain;
use serde::Deserialize;

/// Largest file of advisories, in bytes; tested before it is parsed. All advisories of Alpine 3.20 have 2 MB.
pub const ADVISORIES_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Advisories, each about the versions of one package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advisories {
    list: Vec<Row>,
    text: String,
}

/// One advisory as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: AdvisoryId,
    package: PackageName,
    #[serde(default)]
    severity: AdvisorySeverity,
    #[serde(default)]
    fixed: Option<Version>,
    #[serde(default)]
    fixed_release: Option<Release>,
    #[serde(default)]
    fixed_epoch: u32,
    /// For people: it is published as it is written.
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    advisory: Vec<Row>,
}

/// A text is not a list of advisories.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoriesError {
    /// It is too long.
    #[error("the advisories have {size} bytes, at most {ADVISORIES_MAX_BYTES} are allowed")]
    TooLarge {
        /// How many there are.
        size: usize,
    },
    /// It is not UTF-8.
    #[error("the advisories are not UTF-8")]
    NotText(#[source] std::str::Utf8Error),
    /// It does not have the form it must have.
    #[error("the advisories cannot be read")]
    Form(#[source] toml::de::Error),
    /// One says a release but no version.
    #[error("advisory {id} has a `fixed_release` without `fixed`")]
    ReleaseAlone {
        /// The advisory.
        id: AdvisoryId,
    },
    /// One is there twice for a package.
    #[error("advisory {id} is there twice for {package}")]
    Twice {
        /// The advisory.
        id: AdvisoryId,
        /// The package.
        package: PackageName,
    },
}

impl Explain for AdvisoriesError {
    fn code(&self) -> &'static str {
        match self {
            AdvisoriesError::TooLarge { .. } => "advisories-too-large",
            AdvisoriesError::NotText(_) | AdvisoriesError::Form(_) => "advisories-form",
            AdvisoriesError::ReleaseAlone { .. } => "advisories-release-alone",
            AdvisoriesError::Twice { .. } => "advisories-twice",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["the form is described in `docs/formats/repository.md`".to_owned()]
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

impl Advisories {
    /// Returns the advisories that `bytes` are.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, AdvisoriesError> {
        if bytes.len() > ADVISORIES_MAX_BYTES {
            return Err(AdvisoriesError::TooLarge { size: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(AdvisoriesError::NotText)?;
        let document: Document = toml::from_str(text).map_err(AdvisoriesError::Form)?;
        let mut seen = BTreeSet::new();
        for row in &document.advisory {
            if row.fixed.is_none() && row.fixed_release.is_some() {
                return Err(AdvisoriesError::ReleaseAlone { id: row.id.clone() });
            }
            if !seen.insert((&row.id, &row.package)) {
                return Err(AdvisoriesError::Twice {
                    id: row.id.clone(),
                    package: row.package.clone(),
                });
            }
        }
        Ok(Advisories {
            list: document.advisory,
            text: text.to_owned(),
        })
    }

    /// Returns the text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what is known about one version of a package.
    #[must_use]
    pub fn of(&self, package: &PackageId) -> BTreeSet<Advisory> {
        self.list
            .iter()
            .filter(|row| row.package == package.name)
            .map(|row| Advisory {
                id: row.id.clone(),
                severity: row.severity,
                state: row.state(package),
            })
            .collect()
    }
}

impl Row {
    fn state(&self, package: &PackageId) -> AdvisoryState {
        let is_fixed = self.fixed.as_ref().is_some_and(|fixed| {
            let order = (package.epoch, &package.version).cmp(&(self.fixed_epoch, fixed));
            order.is_gt()
                || order.is_eq()
                    && self
                        .fixed_release
                        .as_ref()
                        .is_none_or(|release| package.release >= *release)
        });
        if is_fixed {
            AdvisoryState::Fixed
        } else {
            AdvisoryState::Affected
        }
    }
}

#[cfg(test)]
mod tests {
    use igos_format::{Arch, PackageId};

    use super::{Advisories, AdvisoriesError};

    fn package(epoch: u32, version: &str, release: &str) -> PackageId {
        PackageId {
            name: "openssl".parse().expect("a name"),
            epoch,
            version: version.parse().expect("a version"),
            release: release.parse().expect("a release"),
            arch: Arch::X86_64,
        }
    }

    fn said(text: &str, package: &PackageId) -> Vec<String> {
        let advisories = Advisories::parse(text.as_bytes()).expect("the text is sound");
        advisories
            .of(package)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn version_decides_whether_a_package_is_affected() {
        let text = "[[advisory]]\nid = \"CVE-2026-1\"\npackage = \"openssl\"\nseverity = \"high\"\n\
            fixed = \"3.5.1\"\nfixed_release = \"2\"\ntext = \"Reads past the end\"\n\
            [[advisory]]\nid = \"CVE-2026-2\"\npackage = \"zlib\"\n";
        for (package, expected) in [
            (package(0, "3.5", "9"), "affected"),
            (package(0, "3.5.1", "1"), "affected"),
            (package(0, "3.5.1", "2"), "fixed"),
            (package(0, "3.5.2", "1"), "fixed"),
            (package(1, "1.0", "1"), "fixed"),
        ] {
            assert_eq!(
                said(text, &package),
                [format!("CVE-2026-1 high {expected}")],
                "{package}"
            );
        }
    }

    #[test]
    fn defect_without_a_fix_affects_every_version() {
        let text = "[[advisory]]\nid = \"CVE-1\"\npackage = \"openssl\"\n";
        assert_eq!(
            said(text, &package(7, "99", "1")),
            ["CVE-1 unknown affected"]
        );
    }

    #[test]
    fn advisories_with_unknown_words_or_twice_are_refused() {
        let row = "[[advisory]]\nid = \"CVE-1\"\npackage = \"a\"\n";
        for text in [
            format!("{row}fixt = \"1\"\n"),
            format!("{row}severity = \"mild\"\n"),
            "[[advisory]]\nid = \"CVE-1\"\n".to_owned(),
            "[[advisories]]\n".to_owned(),
        ] {
            assert!(matches!(
                Advisories::parse(text.as_bytes()),
                Err(AdvisoriesError::Form(_))
            ));
        }
        assert!(matches!(
            Advisories::parse(format!("{row}{row}").as_bytes()),
            Err(AdvisoriesError::Twice { .. })
        ));
        assert!(matches!(
            Advisories::parse(format!("{row}fixed_release = \"1\"\n").as_bytes()),
            Err(AdvisoriesError::ReleaseAlone { .. })
        ));
    }
}
