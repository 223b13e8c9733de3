//! What can be installed: the verified head of an archive.

use std::io::Read;
use std::sync::Arc;

use igos_format::Sha256;
use igos_format::archive::{Head, ReadArchiveError, Seal, Signature};
use igos_format::manifest::Manifest;
use igos_report::Explain;

use crate::{Record, RepositoryName, Trust};

/// An archive that may be installed: its manifest, verified against its seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    manifest: Arc<Manifest>,
    manifest_bytes: Arc<[u8]>,
    seal: Sha256,
    sealed: Option<Seal>,
    vouch: Vouch,
}

/// What the caller found out about an archive before it was offered: who vouches for it and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouch {
    /// Who vouches for it.
    pub trust: Trust,
    /// The signature of its seal that was verified.
    pub signature: Option<Signature>,
    /// The repository whose index names it.
    pub repository: Option<RepositoryName>,
}

impl Vouch {
    /// Returns what is known of a file that nobody signed.
    #[must_use]
    pub fn unsigned() -> Self {
        Vouch {
            trust: Trust::Unsigned,
            signature: None,
            repository: None,
        }
    }
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
    /// Reads and verifies the head of an archive; `vouch` is what the caller found out about it.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive.
    pub fn read(archive: impl Read, vouch: Vouch) -> Result<Self, CandidateError> {
        let head = Head::read(archive).map_err(CandidateError)?;
        Ok(Candidate::of(&head, vouch))
    }

    /// Returns the candidate with this head.
    #[must_use]
    pub fn of(head: &Head, vouch: Vouch) -> Self {
        Candidate {
            manifest: head.manifest().clone(),
            manifest_bytes: head.manifest_bytes().clone(),
            seal: head.seal_digest(),
            sealed: Some(*head.seal()),
            vouch,
        }
    }

    /// Returns what a record says was installed.
    pub(crate) fn restored(record: &Record) -> Self {
        let installed = &record.installed;
        Candidate {
            manifest: Arc::new(record.manifest.clone()),
            manifest_bytes: record.manifest_bytes.as_slice().into(),
            seal: installed.seal,
            sealed: installed.sealed,
            vouch: Vouch {
                trust: installed.trust.clone(),
                signature: installed.signature.clone(),
                repository: installed.repository.clone(),
            },
        }
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

    /// Returns the seal itself; `None` where an old record did not keep it.
    #[must_use]
    pub fn sealed(&self) -> Option<&Seal> {
        self.sealed.as_ref()
    }

    /// Returns who vouches for it.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.vouch.trust
    }

    /// Returns who vouches for it, by which signature, and where it came from.
    #[must_use]
    pub fn vouch(&self) -> &Vouch {
        &self.vouch
    }
}
