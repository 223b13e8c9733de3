//! The phases, their order, and which of them a recipe belongs to.

use std::fmt;
use std::str::FromStr;

use igos_format::Tier;
use serde::{Serialize, Serializer};

/// One phase of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Recipes, profile and bootstrap chain are read, and their graph is tested.
    Validate,
    /// Every source is fetched and verified.
    VerifySources,
    /// The work directory and the seed toolchain are made.
    Setup,
    /// The packages of the first generation are built with the seed.
    Toolchain,
    /// A toolchain is made of them, and nothing of the host is in it.
    ChrootPrep,
    /// The later generations are built, up to the one that builds the system.
    ChrootTools,
    /// What other packages need of tier core.
    Core,
    /// The profile's configuration, as a package.
    Config,
    /// What only the profile asks for of tier core.
    CoreExtra,
    /// Tier base.
    Base,
    /// The kernel of the profile.
    Kernel,
    /// Tier desktop.
    Desktop,
    /// Tier ai.
    Ai,
    /// Tier extra, and the whole root.
    Extra,
    /// The boot loader.
    Bootloader,
    /// The disk image.
    Image,
    /// The list of all archives.
    Manifest,
    /// The compressed file system.
    Squashfs,
    /// Kernel images with the digest of the file system in them.
    UkisVerity,
    /// The installation medium.
    Iso,
    /// A signed repository of all archives, on request.
    Publish,
}

impl Phase {
    /// All phases in their order.
    pub const ALL: [Phase; 21] = [
        Phase::Validate,
        Phase::VerifySources,
        Phase::Setup,
        Phase::Toolchain,
        Phase::ChrootPrep,
        Phase::ChrootTools,
        Phase::Core,
        Phase::Config,
        Phase::CoreExtra,
        Phase::Base,
        Phase::Kernel,
        Phase::Desktop,
        Phase::Ai,
        Phase::Extra,
        Phase::Bootloader,
        Phase::Image,
        Phase::Manifest,
        Phase::Squashfs,
        Phase::UkisVerity,
        Phase::Iso,
        Phase::Publish,
    ];

    /// The phases that build packages of the system, in their order.
    pub const SYSTEM: [Phase; 8] = [
        Phase::Core,
        Phase::Config,
        Phase::CoreExtra,
        Phase::Base,
        Phase::Kernel,
        Phase::Desktop,
        Phase::Ai,
        Phase::Extra,
    ];

    /// Returns the name of command lines and receipts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Validate => "validate",
            Phase::VerifySources => "verify-sources",
            Phase::Setup => "setup",
            Phase::Toolchain => "toolchain",
            Phase::ChrootPrep => "chroot-prep",
            Phase::ChrootTools => "chroot-tools",
            Phase::Core => "core",
            Phase::Config => "config",
            Phase::CoreExtra => "core-extra",
            Phase::Base => "base",
            Phase::Kernel => "kernel",
            Phase::Desktop => "desktop",
            Phase::Ai => "ai",
            Phase::Extra => "extra",
            Phase::Bootloader => "bootloader",
            Phase::Image => "image",
            Phase::Manifest => "manifest",
            Phase::Squashfs => "squashfs",
            Phase::UkisVerity => "ukis-verity",
            Phase::Iso => "iso",
            Phase::Publish => "publish",
        }
    }

    /// Returns its place in the order, from 1; that of publishing comes after all others.
    #[must_use]
    pub fn number(self) -> usize {
        self as usize + 1
    }

    /// Tells whether this program can carry it out.
    #[must_use]
    pub fn is_there(self) -> bool {
        self <= Phase::Extra || self == Phase::Publish
    }

    /// Tells whether it builds packages of the system and installs them.
    #[must_use]
    pub fn builds_system(self) -> bool {
        Phase::SYSTEM.contains(&self)
    }

    /// Returns the phases from the first up to this one; publishing follows whatever there is so far.
    #[must_use]
    pub fn up_to(self) -> Vec<Phase> {
        Phase::ALL
            .into_iter()
            .filter(|one| *one <= self && (self != Phase::Publish || one.is_there()))
            .collect()
    }

    /// Returns the phase that builds the recipes of a tier, apart from those that only the profile asks for and from
    /// the kernel.
    #[must_use]
    pub fn of_tier(tier: Tier) -> Phase {
        match tier {
            Tier::Toolchain | Tier::Core => Phase::Core,
            Tier::Base => Phase::Base,
            Tier::Desktop => Phase::Desktop,
            Tier::Ai => Phase::Ai,
            Tier::Extra => Phase::Extra,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A text is no phase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a phase; `igos-build pipeline list` names all")]
pub struct PhaseNameError(String);

impl FromStr for Phase {
    type Err = PhaseNameError;

    fn from_str(text: &str) -> Result<Self, PhaseNameError> {
        Phase::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| PhaseNameError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    #[test]
    fn order_is_that_of_the_list_and_names_are_read_back() {
        assert!(Phase::ALL.is_sorted());
        for (number, phase) in (1..).zip(Phase::ALL) {
            assert_eq!(phase.number(), number);
            assert_eq!(phase.as_str().parse(), Ok(phase));
        }
        assert!("kernels".parse::<Phase>().is_err());
    }

    #[test]
    fn publishing_follows_what_there_is() {
        let last = Phase::Publish.up_to();
        assert_eq!(last.len(), 15);
        assert_eq!(last[13], Phase::Extra);
        assert_eq!(Phase::Setup.up_to().len(), 3);
        assert_eq!(Phase::Iso.up_to().len(), 20);
    }
}
