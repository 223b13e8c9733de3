//! The answer: which packages come, which go, and why.

use std::fmt;
use std::sync::Arc;

use igos_format::{PackageId, PackageName};
use serde::Serialize;

use crate::{Offer, Reason};

/// Which packages come, which go, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Solution {
    /// What is installed, by name.
    pub install: Vec<Choice>,
    /// What is removed, by name.
    pub remove: Vec<Removal>,
    /// What was asked for and is there already.
    pub unchanged: Vec<PackageId>,
    /// What was asked for, is there already, and was not asked for before.
    pub now_explicit: Vec<PackageName>,
    /// What was to be upgraded, and is not although something newer is offered.
    pub kept_back: Vec<KeptBack>,
}

impl Solution {
    /// Tells whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.install.is_empty() && self.remove.is_empty() && self.now_explicit.is_empty()
    }
}

/// A package that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The package.
    pub offer: Arc<Offer>,
    /// What is installed of that name.
    pub installed: Option<PackageId>,
    /// Whether it counts as asked for from then on.
    pub reason: Reason,
    /// Why it comes.
    pub why: Why,
}

/// Why a package comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Why {
    /// It was asked for.
    Requested,
    /// It is newer than what is installed.
    Upgrade,
    /// Something needs it.
    Needed {
        /// Who.
        by: PackageName,
        /// What for: a dependency or a feature.
        what: String,
    },
    /// It takes the place of another package.
    Succeeds {
        /// That package.
        of: PackageName,
    },
    /// What is installed of it cannot stay.
    Outdated {
        /// Why that would have to go.
        because: RemovalWhy,
    },
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Requested => f.write_str("asked for"),
            Why::Upgrade => f.write_str("newer"),
            Why::Needed { by, what } => write!(f, "{by} needs {what}"),
            Why::Succeeds { of } => write!(f, "takes the place of {of}"),
            Why::Outdated { because } => write!(f, "the installed version {because}"),
        }
    }
}

/// A package that goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The package.
    pub package: PackageId,
    /// Why it goes.
    pub why: RemovalWhy,
}

/// Why a package goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum RemovalWhy {
    /// That was asked for.
    Requested,
    /// Nothing that was asked for needs it.
    Orphaned,
    /// Another package takes its place.
    Succeeded {
        /// That package.
        by: PackageName,
    },
    /// It cannot be there with another.
    Conflicts {
        /// That package.
        with: PackageId,
    },
    /// Nothing will be there any more that it needs.
    Lacks {
        /// What it needs.
        what: String,
    },
}

impl fmt::Display for RemovalWhy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemovalWhy::Requested => f.write_str("asked for"),
            RemovalWhy::Orphaned => f.write_str("nothing that was asked for needs it"),
            RemovalWhy::Succeeded { by } => write!(f, "{by} takes its place"),
            RemovalWhy::Conflicts { with } => write!(f, "conflicts with {with}"),
            RemovalWhy::Lacks { what } => write!(f, "needs {what}, which nothing will have"),
        }
    }
}

/// A package that stays although something newer is offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptBack {
    /// What is installed, and stays.
    pub installed: PackageId,
    /// The newest that is offered.
    pub offered: PackageId,
    /// Why, as the end of a sentence about what is offered; `None` if other packages stand against it.
    pub why: Option<String>,
}
