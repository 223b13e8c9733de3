//! Where things are in a published repository.
//!
//! `docs/formats/repository.md` is the normative description.

use igos_format::Sha256;
use igos_format::index::FileName;

/// The publisher's own directory: the lock, and files on their way. No reader asks for it.
pub(super) const WORK: &str = ".publishing";
/// The lock of publishers.
pub(super) const LOCK: &str = ".publishing/lock";
/// Metadata.
pub(super) const METADATA: &str = "metadata";
/// Everything that metadata names.
pub(super) const TARGETS: &str = "targets";
/// Archives that wait until what needs them was rebuilt.
pub(super) const STAGING: &str = "staging";

/// Targets of the role `packages`, by their kind.
pub(super) const PACKAGES_INDEX: &str = "index/packages.index";
/// The list of all paths.
pub(super) const FILES_INDEX: &str = "index/files.index";
/// What is known about defects, as the publisher wrote it.
pub(super) const ADVISORIES: &str = "index/advisories.toml";

/// Directories below `targets`.
pub(super) const INDEX: &str = "index";
/// Archives.
pub(super) const ARCHIVES: &str = "archives";
/// Corresponding sources.
pub(super) const SOURCES: &str = "sources";

/// Returns the name of an archive or source as metadata has it: without the digest that the name of its file has.
pub(super) fn target(directory: &str, name: &FileName) -> String {
    format!("{directory}/{name}")
}

/// Returns the path of a target below the repository: `targets/DIRECTORY/DIGEST.NAME`.
pub(super) fn target_path(target: &str, sha256: &Sha256) -> String {
    match target.rsplit_once('/') {
        Some((directory, name)) => format!("{TARGETS}/{directory}/{sha256}.{name}"),
        None => format!("{TARGETS}/{sha256}.{target}"),
    }
}

/// Returns the path of versioned metadata below the repository.
pub(super) fn metadata_path(role: &str, version: u64) -> String {
    format!("{METADATA}/{version}.{role}.json")
}

/// The one metadata file whose name has no version.
pub(super) const TIMESTAMP: &str = "metadata/timestamp.json";
