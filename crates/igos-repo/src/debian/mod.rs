//! The Debian archive as a place where files are found by their digest.
//!
//! `apt-get` fetches and verifies the signed indices into a private state of ours; the host's own configuration
//! of package sources, its lists and its cache are neither read nor changed (its proxy settings are read). From
//! the verified `Sources` indices we make one sorted lookup file, so that finding a file by its SHA-256 reads a
//! few blocks. From a verified `Packages` index a named list of binary packages is closed under its dependencies,
//! by rules of our own, so that equal indices give equal lists whatever apt's version.

mod apt;
mod archive;
mod candidate;
mod closure;
mod control;
mod error;
mod lookup;
mod offers;
mod settings;

pub use archive::{DebianArchive, Refresh};
pub use closure::{BinaryPackage, ClosureError, Wanted};
pub use error::DebianError;
pub use lookup::SourceFile;
pub use offers::SourcePackage;
pub use settings::DebianSettings;
