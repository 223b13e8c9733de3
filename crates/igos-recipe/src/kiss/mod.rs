//! KISS directories, in three dialects.
//!
//! A recipe is a directory: `version`, `depends`, `sources` and `checksums` are lists of words, `build` is a
//! program, and the name is that of the directory. What such a recipe cannot say comes from the overlay of its
//! repository ([`crate::Overlay`]).

mod checksums;
mod depends;
mod directory;
mod lines;
mod sources;
mod version;

pub use checksums::{ChecksumsKind, checksums_kind, write_checksums};
pub use directory::{KissDirectory, hook_place, parse_kiss_directory};
