//! Tiers: sets of packages that are built in a fixed order.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of packages built in this order; a package may depend only on its own tier and earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// Compilers and what bootstraps them.
    Toolchain,
    /// What boots to a shell.
    Core,
    /// What an administrator expects.
    Base,
    /// Graphical programs.
    Desktop,
    /// Everything else.
    Extra,
    /// The local assistant.
    Ai,
}

impl Tier {
    /// All tiers in build order.
    pub const ALL: [Tier; 6] = [
        Tier::Toolchain,
        Tier::Core,
        Tier::Base,
        Tier::Desktop,
        Tier::Extra,
        Tier::Ai,
    ];

    /// Returns the name as recipes and directories write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Tier::Toolchain => "toolchain",
            Tier::Core => "core",
            Tier::Base => "base",
            Tier::Desktop => "desktop",
            Tier::Extra => "extra",
            Tier::Ai => "ai",
        }
    }
}

/// A text is not a tier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a tier; tiers are toolchain, core, base, desktop, extra and ai")]
pub struct TierError(String);

impl FromStr for Tier {
    type Err = TierError;

    fn from_str(text: &str) -> Result<Self, TierError> {
        Tier::ALL
            .into_iter()
            .find(|tier| tier.as_str() == text)
            .ok_or_else(|| TierError(text.to_owned()))
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
