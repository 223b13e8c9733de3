//! Paths that several packages can serve: a symbolic link of ours to the file of one of them.
//!
//! Manifests declare `alternative PATH TARGET PRIORITY`. The link at PATH belongs to no package's entries; which
//! package it leads to follows from the declarations of the installed packages and from what the administrator chose
//! ([`choices`]), by a pure function ([`winners`]). A transaction that changes either changes the links with it.

mod ask;
mod choices;
mod services;
mod winners;

pub use ask::{Alternative, Choice, Offer};
pub(crate) use choices::Choices;
pub use services::{InstalledService, ServiceLink, ServiceWish};
pub(crate) use winners::{Declared, Link, links_of, relative_target};
