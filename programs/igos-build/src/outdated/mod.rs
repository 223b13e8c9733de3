//! Which recipes are behind what the Debian archive offers.
//!
//! A recipe has a source package of Debian in one of three ways: a source of it lies in the archive, by its digest; it
//! names a file of the archive as an alternative; or a source package has its name. What suites have of that package is
//! compared with the recipe's version. [`compare()`] is a pure function of recipes and indices.
//!
//! `docs/outdated.md` says how versions are read.

mod compare;
mod report;
mod version;

pub use compare::{Compared, Found, Offer, Origin, State, compare};
pub use report::Report;
pub use version::{Remark, Upstream};
