//! What can be installed: the verified head of an archive.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;

use igos_format::archive::{Head, ReadArchiveError};
use igos_format::manifest::Manifest;
use igos_format::{EntryKind, RelPath, Sha256};
use igos_report::Explain;
use igos_root::FollowedLinks;

use crate::Trust;

/// An archive that may be installed: its manifest, verified against its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    seal: Sha256,
    trust: Trust,
}

/// The head of an archive cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the archive cannot be installed")]
pub struct CandidateError(#[source] ReadArchiveError);

impl Explain for CandidateError {
    fn code(&self) -> &'static str {
        self.0.code()
    }

    fn hints(&self) -> Vec<String> {
        self.0.hints()
    }

    fn exit_code(&self) -> u8 {
        self.0.exit_code()
    }
}

impl Candidate {
    /// Reads and verifies the head of an archive; `trust` is what the caller found out about its signatures.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive.
    pub fn read(archive: impl Read, trust: Trust) -> Result<Self, CandidateError> {
        let head = Head::read(archive).map_err(CandidateError)?;
        Ok(Candidate {
            manifest: head.manifest().clone(),
            manifest_bytes: head.manifest_bytes().to_vec(),
            seal: head.seal_digest(),
            trust,
        })
    }

    /// Returns what the package is.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the manifest as the archive has it.
    #[must_use]
    pub fn manifest_bytes(&self) -> &[u8] {
        &self.manifest_bytes
    }

    /// Returns the digest that identifies the archive.
    #[must_use]
    pub fn seal(&self) -> Sha256 {
        self.seal
    }

    /// Returns who vouches for it.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }
}

/// Returns the bytes that the files of a package take, hard links once.
pub(crate) fn installed_bytes(manifest: &Manifest) -> u64 {
    let mut groups = HashSet::new();
    manifest
        .entries
        .iter()
        .filter_map(|entry| match entry.kind {
            EntryKind::File {
                size, link_group, ..
            } => link_group
                .is_none_or(|group| groups.insert(group))
                .then_some(size),
            _ => None,
        })
        .fold(0, u64::saturating_add)
}

/// Returns the places of directories that a package needs and does not declare.
pub(crate) fn implied_directories(manifest: &Manifest, links: &FollowedLinks) -> BTreeSet<RelPath> {
    let mut declared = HashSet::new();
    let mut implied = BTreeSet::new();
    for entry in &manifest.entries {
        let place = match entry.kind {
            EntryKind::Directory => links.directory_place(&entry.path),
            _ => links.place(&entry.path),
        };
        let mut above = place.parent();
        if entry.kind == EntryKind::Directory {
            declared.insert(place);
        }
        while let Some(directory) = above {
            above = directory.parent();
            if declared.contains(&directory) || !implied.insert(directory) {
                // Its own parents were seen when it was.
                break;
            }
        }
    }
    implied.retain(|directory| !declared.contains(directory));
    implied
}
