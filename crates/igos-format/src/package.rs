//! What names one package exactly.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

use crate::{Arch, PackageName, Release, Version};

/// The name, version and machine of one package.
///
/// It is never parsed out of a file name; [`PackageId::file_stem`] only makes one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PackageId {
    /// The name.
    pub name: PackageName,
    /// Compared before the version; raised only when upstream's versions went backwards.
    pub epoch: u32,
    /// The upstream version.
    pub version: Version,
    /// The packager's count.
    pub release: Release,
    /// The machine.
    pub arch: Arch,
}

impl PackageId {
    /// Returns `NAME-VERSION-RELEASE.ARCH`, the archive's file name without its suffix.
    #[must_use]
    pub fn file_stem(&self) -> String {
        format!(
            "{}-{}-{}.{}",
            self.name, self.version, self.release, self.arch
        )
    }

    /// Returns `VERSION-RELEASE`, with `EPOCH:` before it unless the epoch is 0.
    #[must_use]
    pub fn full_version(&self) -> String {
        match self.epoch {
            0 => format!("{}-{}", self.version, self.release),
            epoch => format!("{epoch}:{}-{}", self.version, self.release),
        }
    }

    /// Returns which of two packages of one name is newer: by epoch, then version, then release.
    ///
    /// The machine does not matter, so that packages which differ in it alone are equal here.
    #[must_use]
    pub fn compare_versions(&self, other: &PackageId) -> Ordering {
        (self.epoch, &self.version, &self.release).cmp(&(
            other.epoch,
            &other.version,
            &other.release,
        ))
    }
}

impl fmt::Display for PackageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.full_version())
    }
}
