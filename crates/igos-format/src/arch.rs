//! Machine architectures and the triples that name them to compilers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The architecture a package is for, or `any` for one that has no machine code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// No machine code: scripts, data, documentation.
    Any,
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit RISC-V with the G and C extensions.
    Riscv64,
    /// 64-bit x86.
    #[serde(rename = "x86_64")]
    X86_64,
}

/// A text is not an architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an architecture; known are any, aarch64, riscv64 and x86_64")]
pub struct ArchError(String);

impl Arch {
    /// All architectures.
    pub const ALL: [Arch; 4] = [Arch::Any, Arch::Aarch64, Arch::Riscv64, Arch::X86_64];

    /// Returns the token of file names and manifests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Arch::Any => "any",
            Arch::Aarch64 => "aarch64",
            Arch::Riscv64 => "riscv64",
            Arch::X86_64 => "x86_64",
        }
    }

    /// Returns the architecture that this program was compiled for.
    #[must_use]
    pub fn native() -> Arch {
        match std::env::consts::ARCH {
            "aarch64" => Arch::Aarch64,
            "riscv64" => Arch::Riscv64,
            _ => Arch::X86_64,
        }
    }
}

impl FromStr for Arch {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        Arch::ALL
            .into_iter()
            .find(|arch| arch.as_str() == text)
            .ok_or_else(|| ArchError(text.to_owned()))
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A triple that names a system to compilers, such as `x86_64-linux-musl`: two to four words of letters,
/// digits and `_`, joined by `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Triple(String);

impl Triple {
    /// Returns the triple as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Triple {
    type Err = ArchError;

    fn from_str(text: &str) -> Result<Self, ArchError> {
        let word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        let words = text.split('-').count();
        if (2..=4).contains(&words) && text.split('-').all(word) {
            Ok(Triple(text.to_owned()))
        } else {
            Err(ArchError(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Triple {
    type Error = ArchError;

    fn try_from(text: String) -> Result<Self, ArchError> {
        text.parse()
    }
}

impl From<Triple> for String {
    fn from(triple: Triple) -> String {
        triple.0
    }
}

impl fmt::Display for Triple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
