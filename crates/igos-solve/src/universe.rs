//! What is installed.

use std::collections::BTreeMap;

use igos_format::{Arch, PackageId, PackageName, Sha256};
use serde::Serialize;

use crate::{Relations, Source};

/// Why a package is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was asked for.
    Explicit,
    /// Another package needed it.
    Automatic,
}

impl Reason {
    /// Returns the word of records: `explicit` or `automatic`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Explicit => "explicit",
            Reason::Automatic => "automatic",
        }
    }
}

/// A package that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// The package.
    pub package: PackageId,
    /// The digest that identifies the archive it came from.
    pub seal: Sha256,
    /// What it is to others.
    pub relations: Relations,
    /// Why it is there.
    pub reason: Reason,
    /// Whether the administrator wants it to stay as it is.
    pub is_held: bool,
    /// Whether the system may not start without it.
    pub is_essential: bool,
    /// The repository it came from, if that one is still in use.
    pub source: Option<Source>,
    /// Bytes of its files.
    pub installed_bytes: u64,
}

/// All packages of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Universe {
    /// The machine the root is for.
    pub arch: Arch,
    /// What is installed, by name.
    pub packages: BTreeMap<PackageName, InstalledPackage>,
}

impl Universe {
    /// Returns a root without packages.
    #[must_use]
    pub fn empty(arch: Arch) -> Self {
        Universe {
            arch,
            packages: BTreeMap::new(),
        }
    }
}
