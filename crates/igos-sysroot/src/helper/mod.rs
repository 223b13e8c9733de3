//! Helpers: programs of packages that bring software which cannot be redistributed, as packages like all others.
//!
//! A helper is a file of an installed package in `usr/lib/igos/helpers`. It runs confined and unprivileged, sees the
//! root read-only, reaches the network only if its declaration says so, and leaves a staged tree and a manifest. Both
//! are hostile until compared with each other; what comes of them is an archive, which is installed by an ordinary
//! transaction. `docs/formats/helper.md` is the normative description.

mod collect;
mod declared;
mod error;
mod manifest;
mod run;

pub use declared::Helper;
pub use error::HelperError;
pub use manifest::HelperManifest;
pub use run::{HelperOutput, run_helper};
