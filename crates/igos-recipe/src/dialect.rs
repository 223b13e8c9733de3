//! The languages that recipes are written in.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A language of recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `package.yml`, usually with `build.sh` beside it.
    PackageYml,
    /// KISS as of its version 5: SHA-256 and placeholders.
    KissClassic,
    /// KISS as its community continues it: BLAKE3, no placeholders.
    KissCommunity,
    /// KISS as kiss-ng reads it: BLAKE3, pinned sources only.
    KissNg,
}

impl Dialect {
    /// All dialects.
    pub const ALL: [Dialect; 4] = [
        Dialect::PackageYml,
        Dialect::KissClassic,
        Dialect::KissCommunity,
        Dialect::KissNg,
    ];

    /// Returns the word of settings and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::PackageYml => "package-yml",
            Dialect::KissClassic => "kiss-classic",
            Dialect::KissCommunity => "kiss-community",
            Dialect::KissNg => "kiss-ng",
        }
    }

    /// Tells whether recipes are KISS directories.
    #[must_use]
    pub fn is_kiss(self) -> bool {
        self != Dialect::PackageYml
    }

    /// Tells whether `SKIP` in place of a digest can be allowed; to kiss-ng it is a digest that does not match.
    #[must_use]
    pub fn allows_skip(self) -> bool {
        self != Dialect::KissNg
    }
}

/// A text is not a dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a dialect; dialects are package-yml, kiss-classic, kiss-community and kiss-ng"
)]
pub struct DialectError {
    text: String,
}

impl FromStr for Dialect {
    type Err = DialectError;

    fn from_str(text: &str) -> Result<Self, DialectError> {
        Dialect::ALL
            .into_iter()
            .find(|dialect| dialect.as_str() == text)
            .ok_or_else(|| DialectError {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
