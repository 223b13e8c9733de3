//! What is known about the safety of one version of a package.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::test_token;

/// The name of an advisory, such as `CVE-2024-3094`: a letter or digit, then letters, digits and `: . _ -`, 128
/// bytes at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AdvisoryId(String);

/// How bad it is, as the advisory says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum AdvisorySeverity {
    /// Nobody has said yet.
    #[default]
    Unknown,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// What this version of the package has to do with an advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdvisoryState {
    /// This version has the defect.
    Affected,
    /// Versions before this one had the defect, this one has not.
    Fixed,
}

/// One advisory, seen from one version of a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Advisory {
    /// Its name.
    pub id: AdvisoryId,
    /// How bad it is.
    pub severity: AdvisorySeverity,
    /// Whether this version has the defect.
    pub state: AdvisoryState,
}

/// A text is none of the words that are known at its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {expected}")]
pub struct AdvisoryWordError {
    text: String,
    expected: &'static str,
}

/// A text is not an advisory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an advisory such as `CVE-2024-3094 critical fixed`")]
pub struct AdvisoryError {
    text: String,
}

impl AdvisoryId {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AdvisoryId {
    type Err = AdvisoryWordError;

    fn from_str(text: &str) -> Result<Self, AdvisoryWordError> {
        test_token(text, ":._-").map_err(|_| AdvisoryWordError {
            text: text.to_owned(),
            expected: "the name of an advisory such as CVE-2024-3094",
        })?;
        Ok(AdvisoryId(text.to_owned()))
    }
}

impl TryFrom<String> for AdvisoryId {
    type Error = AdvisoryWordError;

    fn try_from(text: String) -> Result<Self, AdvisoryWordError> {
        text.parse()
    }
}

impl From<AdvisoryId> for String {
    fn from(id: AdvisoryId) -> String {
        id.0
    }
}

impl fmt::Display for AdvisoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AdvisorySeverity {
    /// All severities, mildest first.
    pub const ALL: [AdvisorySeverity; 5] = [
        AdvisorySeverity::Unknown,
        AdvisorySeverity::Low,
        AdvisorySeverity::Medium,
        AdvisorySeverity::High,
        AdvisorySeverity::Critical,
    ];

    /// Returns the word of indexes and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AdvisorySeverity::Unknown => "unknown",
            AdvisorySeverity::Low => "low",
            AdvisorySeverity::Medium => "medium",
            AdvisorySeverity::High => "high",
            AdvisorySeverity::Critical => "critical",
        }
    }
}

impl FromStr for AdvisorySeverity {
    type Err = AdvisoryWordError;

    fn from_str(text: &str) -> Result<Self, AdvisoryWordError> {
        AdvisorySeverity::ALL
            .into_iter()
            .find(|severity| severity.as_str() == text)
            .ok_or_else(|| AdvisoryWordError {
                text: text.to_owned(),
                expected: "unknown, low, medium, high or critical",
            })
    }
}

impl fmt::Display for AdvisorySeverity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl AdvisoryState {
    /// Returns the word of indexes and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AdvisoryState::Affected => "affected",
            AdvisoryState::Fixed => "fixed",
        }
    }
}

impl FromStr for AdvisoryState {
    type Err = AdvisoryWordError;

    fn from_str(text: &str) -> Result<Self, AdvisoryWordError> {
        [AdvisoryState::Affected, AdvisoryState::Fixed]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| AdvisoryWordError {
                text: text.to_owned(),
                expected: "affected or fixed",
            })
    }
}

impl fmt::Display for AdvisoryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Advisory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.severity, self.state)
    }
}

impl FromStr for Advisory {
    type Err = AdvisoryError;

    fn from_str(text: &str) -> Result<Self, AdvisoryError> {
        let mut words = text.split(' ');
        let mut advisory = || {
            let advisory = Advisory {
                id: words.next()?.parse().ok()?,
                severity: words.next()?.parse().ok()?,
                state: words.next()?.parse().ok()?,
            };
            words.next().is_none().then_some(advisory)
        };
        advisory().ok_or_else(|| AdvisoryError {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Advisory;

    #[test]
    fn advisory_text_round_trips_and_nothing_else_is_one() {
        for text in ["CVE-2024-3094 critical fixed", "IGSA-2026:1 low affected"] {
            assert_eq!(
                text.parse::<Advisory>().map(|a| a.to_string()).as_deref(),
                Ok(text)
            );
        }
        for text in [
            "",
            "CVE-1",
            "CVE-1 low",
            "CVE-1 low open",
            "CVE-1 mild fixed",
            "C/E low fixed",
            "CVE-1 low fixed ",
            "CVE-1  low fixed",
        ] {
            assert!(text.parse::<Advisory>().is_err(), "{text:?}");
        }
    }
}
