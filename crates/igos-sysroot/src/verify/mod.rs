//! Comparing the disk with the record.
//!
//! What should be there comes from the text records, cross-checked with the database; what is there is looked at and
//! hashed in parallel, through the root's descriptor. The comparison itself ([`compare()`]) is pure. What cannot be
//! read is a finding of its own and never counts as fine.

mod compare;
mod declared;
mod expected;
mod extra;
mod finding;
mod links;
mod observe;
mod run;
mod signed;

pub use compare::{Expected, Mismatch, compare};
pub use finding::{Class, Counts, Difference, Finding, VerifyReport};
pub use observe::Observed;
pub(crate) use observe::{Unobserved, observe};
pub use run::VerifyError;
pub use signed::{JudgeSeal, SealVerdict, VerifySignedError};

use std::collections::BTreeSet;

use igos_format::PackageName;

/// Which files that no package brought are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extras {
    /// None.
    No,
    /// Those directly in directories of the packages.
    PackageDirectories,
    /// All of the root; a directory that no package has counts as one.
    WholeRoot,
}

/// What to verify.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// The packages; `None` for all.
    pub packages: Option<BTreeSet<PackageName>>,
    /// Which extra files are looked for.
    pub extras: Extras,
}

impl VerifyRequest {
    /// Returns the request to verify all packages, without looking for extra files.
    #[must_use]
    pub fn all() -> Self {
        VerifyRequest {
            packages: None,
            extras: Extras::No,
        }
    }
}
