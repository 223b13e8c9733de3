//! Declared sets: what a root is to be, as a text that people write and `pkm world` prints.
//!
//! `docs/formats/world.md` is the normative description.

mod declared;
mod definition;
mod error;

pub(crate) use declared::{Declared, WORLD_MAX_BYTES};
pub(crate) use definition::{Defined, Definition};
pub(crate) use error::WorldError;
