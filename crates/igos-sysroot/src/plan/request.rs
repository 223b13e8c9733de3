//! What is asked of a plan.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{Arch, PackageName, Sha256};

use crate::{Exclusions, Ownership, Reason};

/// Whether unsigned archives are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsigned {
    /// They are not.
    Refuse,
    /// They are, and the record says so.
    Allow,
}

/// What happens to a file in the way that no package owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unowned {
    /// It is a conflict.
    Refuse,
    /// It is kept beside as `NAME.pkmold`.
    Backup,
}

/// Whether an older version may take the place of a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// It may not.
    Refuse,
    /// It may.
    Allow,
}

/// Whether essential packages may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Essential {
    /// They may not.
    Keep,
    /// They may.
    Remove,
}

/// What happens to edited configuration files of which a new version comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditedConfiguration {
    /// They stay, and the new version is put beside.
    Keep,
    /// What is new is merged into them where nothing is in doubt.
    Merge,
}

/// Whether a package stays at its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It does, until it is released.
    Held,
    /// It does not.
    Released,
}

/// What is known of the kernel that runs on this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunningKernel {
    /// The kernel of this release runs, and nothing of it may go.
    Keep {
        /// As `uname -r` tells it.
        release: String,
    },
    /// None runs here, or what becomes of it does not matter.
    Ignore,
}

/// The rules a plan obeys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Whether unsigned archives are accepted.
    pub unsigned: Unsigned,
    /// What to do about unowned files in the way.
    pub unowned: Unowned,
    /// What to do about edited configuration files.
    pub edited: EditedConfiguration,
    /// Patterns of paths that are left out from now on; `None` leaves those of the root as they are.
    pub exclusions: Option<Exclusions>,
    /// Whether versions may go backwards.
    pub downgrade: Downgrade,
    /// Whether essential packages may go.
    pub essential: Essential,
    /// The kernel that has to stay.
    pub kernel: RunningKernel,
    /// The machine the root is for.
    pub arch: Arch,
    /// Whether owners and special bits are applied.
    pub ownership: Ownership,
}

impl Policy {
    /// Returns the strictest rules, for this machine and this caller.
    #[must_use]
    pub fn strict(kernel: RunningKernel) -> Self {
        Policy {
            unsigned: Unsigned::Refuse,
            unowned: Unowned::Refuse,
            edited: EditedConfiguration::Keep,
            exclusions: None,
            downgrade: Downgrade::Refuse,
            essential: Essential::Keep,
            kernel,
            arch: Arch::native(),
            ownership: Ownership::of_caller(),
        }
    }
}

/// One exact transaction: everything that comes and everything that goes.
#[derive(Debug, Clone)]
pub struct Request {
    /// The candidates that come, by seal, and why; what was asked for once stays asked for.
    pub install: Vec<(Sha256, Reason)>,
    /// The packages that go.
    pub remove: BTreeSet<PackageName>,
    /// Packages whose reason changes; also of those that come.
    pub reasons: BTreeMap<PackageName, Reason>,
    /// Packages that are held or released; also of those that come.
    pub holds: BTreeMap<PackageName, Hold>,
    /// The rules.
    pub policy: Policy,
}

impl Request {
    /// Returns a request for nothing, under these rules.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Request {
            install: Vec::new(),
            remove: BTreeSet::new(),
            reasons: BTreeMap::new(),
            holds: BTreeMap::new(),
            policy,
        }
    }
}
