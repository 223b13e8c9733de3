//! What is asked for, and under which rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use igos_format::{Constraint, PackageId, PackageName, Sha256};

use crate::Offer;

/// One package that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name, or a name that one package alone provides.
    pub name: PackageName,
    /// Which of that name.
    pub which: Which,
}

/// Which package of a name is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The newest that is possible.
    Newest,
    /// The newest possible of those that satisfy this.
    Constraint(Constraint),
    /// The one with this version, or with this version and release, as `1.3.1` or `1:1.3.1-2`.
    Version(String),
    /// Exactly this archive, even if the same version is installed.
    Seal(Sha256),
    /// What is installed once more, from any archive of the same version.
    Again,
}

impl Which {
    /// Tells whether `package` with this seal is one of those that are meant.
    #[must_use]
    pub fn accepts(&self, package: &PackageId, seal: &Sha256) -> bool {
        match self {
            Which::Newest | Which::Again => true,
            Which::Constraint(constraint) => constraint.is_satisfied_by(&package.version),
            Which::Version(text) => {
                *text == package.version.as_str() || *text == package.full_version()
            }
            Which::Seal(wanted) => wanted == seal,
        }
    }

    pub(crate) fn accepts_offer(&self, offer: &Offer) -> bool {
        self.accepts(&offer.package, &offer.seal)
    }

    /// Tells whether the user chose the version, so that repositories and directions were left to nobody else.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self, Which::Version(_) | Which::Seal(_))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        match &self.which {
            Which::Newest | Which::Seal(_) | Which::Again => Ok(()),
            Which::Constraint(constraint) => write!(f, "{constraint}"),
            Which::Version(text) => write!(f, "={text}"),
        }
    }
}

/// What is to be upgraded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing but what the rest of the request needs.
    #[default]
    Nothing,
    /// Everything that can be.
    All,
    /// These, or the request fails.
    Names(BTreeSet<PackageName>),
    /// Everything for which a newer offer mends something that an advisory names.
    Security,
}

/// Whether versions may go backwards where nobody asked for the older version by its number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Downgrades {
    /// They may not.
    #[default]
    Refuse,
    /// They may.
    Allow,
}

/// What holds are worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Holds {
    /// A held package stays as it is.
    #[default]
    Keep,
    /// They are as if they were not.
    Ignore,
}

/// Whether packages may go that nobody asked to remove.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Removals {
    /// They may not, except when another package takes their place.
    #[default]
    Refuse,
    /// They may, as a last resort.
    Allow,
}

/// Whether essential packages may be removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Essentials {
    /// They may not.
    #[default]
    Keep,
    /// They may.
    Remove,
}

/// The rules of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Whether versions may go backwards.
    pub downgrades: Downgrades,
    /// What holds are worth.
    pub holds: Holds,
    /// Whether others may go.
    pub removals: Removals,
    /// Whether essential packages may go.
    pub essentials: Essentials,
    /// Names that come from one repository alone.
    pub pins: BTreeMap<PackageName, String>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// What will be installed.
    pub install: Vec<Wanted>,
    /// What will not be.
    pub remove: BTreeSet<PackageName>,
    /// What is to be upgraded.
    pub upgrade: Upgrade,
    /// The rules.
    pub policy: Policy,
}

impl Request {
    /// Returns the request to install these packages, under the strictest rules.
    #[must_use]
    pub fn install(wanted: Vec<Wanted>) -> Self {
        Request {
            install: wanted,
            ..Request::default()
        }
    }

    /// Returns the request to remove these packages, under the strictest rules.
    #[must_use]
    pub fn remove(names: BTreeSet<PackageName>) -> Self {
        Request {
            remove: names,
            ..Request::default()
        }
    }

    /// Returns the request to upgrade, under the strictest rules.
    #[must_use]
    pub fn upgrade(upgrade: Upgrade) -> Self {
        Request {
            upgrade,
            ..Request::default()
        }
    }

    /// Tells whether nothing but removals is asked for, in which case nothing arrives.
    pub(crate) fn is_removal(&self) -> bool {
        self.install.is_empty() && self.upgrade == Upgrade::Nothing
    }

    /// Tells whether the request names a package.
    pub(crate) fn names(&self, name: &PackageName) -> bool {
        self.wanted(name).is_some()
            || self.remove.contains(name)
            || matches!(&self.upgrade, Upgrade::Names(names) if names.contains(name))
    }

    pub(crate) fn wanted(&self, name: &PackageName) -> Option<&Wanted> {
        self.install.iter().find(|wanted| wanted.name == *name)
    }
}
