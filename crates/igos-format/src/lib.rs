//! Our nouns and file formats: parse, print, compare.
//!
//! This crate has no power: no paths are opened, no clock is read, no environment is looked at. Parsing takes
//! `&str` or `&[u8]`, printing gives text or bytes, and equal inputs give equal outputs.

mod arch;
pub mod archive;
pub mod declaration;
mod dependency;
mod digest;
mod entry;
pub mod escape;
pub mod index;
pub mod manifest;
mod name;
mod package;
mod path;
mod pattern;
mod repository;
mod tier;
pub mod trust;
mod version;

pub use arch::{Arch, ArchError, Triple};
pub use dependency::{Constraint, Dependency, DependencyKind, Operator};
pub use digest::{Blake3, Digest, DigestError, Hasher, Sha256};
pub use entry::{Capabilities, EntryKind, FileEntry, Owner, Xattrs, installed_bytes};
pub use name::{NameError, PackageName};
pub use package::PackageId;
pub use path::{PathError, RelPath};
pub use pattern::{PathPattern, PatternError};
pub use repository::{RepositoryName, RepositoryNameError};
pub use tier::Tier;
pub use version::{Release, Version, VersionError};
