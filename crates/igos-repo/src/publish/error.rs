//! Why something is not published.

use std::io;
use std::path::PathBuf;

use igos_format::PackageName;
use igos_format::index::WriteIndexError;
use igos_format::trust::KeyId;
use igos_report::{Diagnostic, Explain, diagnose};

use super::advisories::AdvisoriesError;
use super::archive::ReadGivenError;
use super::findings::Finding;
use super::offline::OfflineError;
use super::place::PlaceError;
use super::ring::KeyRingError;
use super::sources::SourcesAbsent;
use super::state::StateError;
use crate::lock::LockError;
use crate::trust::SecretKeyError;

/// Nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Somebody else publishes.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What is published cannot be read or is not what it was.
    #[error(transparent)]
    State(#[from] StateError),
    /// An archive cannot be used.
    #[error(transparent)]
    Archive(#[from] ReadGivenError),
    /// A key is absent or cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// A new key cannot be made.
    #[error(transparent)]
    Key(#[from] SecretKeyError),
    /// What offline keys sign cannot be used.
    #[error(transparent)]
    Offline(#[from] OfflineError),
    /// A file cannot be put in place.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The advisories cannot be used.
    #[error(transparent)]
    Advisories(#[from] AdvisoriesError),
    /// The packages do not fit together.
    #[error("the packages are not consistent")]
    Inconsistent {
        /// Everything that is wrong.
        findings: Vec<Finding>,
    },
    /// An index cannot be written.
    #[error("cannot write the index")]
    Index {
        /// Why not.
        #[source]
        source: WriteIndexError,
    },
    /// Nothing says which root is the right one.
    #[error("no directory of keys has the `root.json` that {} begins with", directory.display())]
    NoRoot {
        /// The directory.
        directory: PathBuf,
    },
    /// A package that is to be taken out is not there.
    #[error("{name} is not in the repository")]
    Absent {
        /// The package.
        name: PackageName,
    },
    /// A package does not wait in the staging area.
    #[error("{name} is not in the staging area")]
    NotStaged {
        /// The package.
        name: PackageName,
    },
    /// An archive in the staging area was not put there by a publisher.
    #[error("{} was not put into the staging area by a publisher of this repository", path.display())]
    StagedByOthers {
        /// The archive.
        path: PathBuf,
    },
    /// Sources of a package are not at hand.
    #[error("cannot publish the sources of {package}")]
    Sources {
        /// The package.
        package: PackageName,
        /// Why not.
        #[source]
        source: SourcesAbsent,
    },
    /// A source cannot be read.
    #[error("cannot read a source of {package}")]
    SourceUnreadable {
        /// The package.
        package: PackageName,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A published archive is gone or shorter.
    #[error("published archive {} is gone or has another length", path.display())]
    ArchiveLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// No role has this name, or it has no keys of its own to replace.
    #[error(
        "{role:?} is no role: there are root, targets, packages, archives, snapshot and timestamp"
    )]
    NoRole {
        /// The name.
        role: String,
    },
    /// No role has this key.
    #[error("no role has key {key}")]
    NoKey {
        /// The key.
        key: KeyId,
    },
    /// It has to be said which of several keys is meant.
    #[error("{role} has {count} keys")]
    SeveralKeys {
        /// The role.
        role: String,
        /// How many.
        count: usize,
    },
    /// A new key has no place.
    #[error("there is no directory for the new key of {role}")]
    NoPlaceForKey {
        /// The role.
        role: String,
    },
}

impl PublishError {
    /// Returns the error of one operation that this is, if it is not one of its own.
    fn inner(&self) -> Option<&dyn Explain> {
        Some(match self {
            PublishError::Lock(error) => error,
            PublishError::State(error) => error,
            PublishError::Archive(error) => error,
            PublishError::Keys(error) => error,
            PublishError::Key(error) => error,
            PublishError::Offline(error) => error,
            PublishError::Place(error) => error,
            PublishError::Advisories(error) => error,
            _ => return None,
        })
    }
}

impl Explain for PublishError {
    fn code(&self) -> &'static str {
        match self {
            PublishError::Inconsistent { .. } => "publish-inconsistent",
            PublishError::Index { source } => source.code(),
            PublishError::NoRoot { .. } => "publish-no-root",
            PublishError::Absent { .. } => "publish-absent",
            PublishError::NotStaged { .. } => "publish-not-staged",
            PublishError::StagedByOthers { .. } => "publish-staged-by-others",
            PublishError::Sources { source, .. } => source.code(),
            PublishError::SourceUnreadable { .. } => "publish-source-unreadable",
            PublishError::ArchiveLost { .. } => "publish-archive-lost",
            PublishError::NoRole { .. } => "key-no-role",
            PublishError::NoKey { .. } => "key-unknown",
            PublishError::SeveralKeys { .. } => "key-several",
            PublishError::NoPlaceForKey { .. } => "key-no-place",
            other => other.inner().map_or("publish-failed", Explain::code),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PublishError::Index { source } => source.hints(),
            PublishError::NoRoot { .. } => vec![
                "for a new repository make keys: `igos-build key new DIR`, then `--keys DIR`".to_owned(),
                "for one that is there name the directory `online` of its keys: `--keys DIR`".to_owned(),
                "if that is lost, copy `root.json` from a machine that uses the repository, not from the repository itself".to_owned(),
            ],
            PublishError::StagedByOthers { .. } => vec![
                "find out who did, and drop it: `igos-build staging drop DIR NAME`".to_owned(),
            ],
            PublishError::Sources { source, .. } => source.hints(),
            PublishError::ArchiveLost { .. } => vec![
                "name a directory that has it, and it is taken again: `--archives DIR`".to_owned(),
            ],
            PublishError::NoKey { .. } => vec!["see them: `igos-build key show DIR`".to_owned()],
            PublishError::SeveralKeys { .. } => {
                vec![
                    "say which one is replaced: `--key KEYID`, see `igos-build key show DIR`"
                        .to_owned(),
                ]
            }
            PublishError::NoPlaceForKey { .. } => vec!["name one: `--into DIR`".to_owned()],
            other => other.inner().map(Explain::hints).unwrap_or_default(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PublishError::Inconsistent { .. }
            | PublishError::Absent { .. }
            | PublishError::NotStaged { .. }
            | PublishError::StagedByOthers { .. }
            | PublishError::NoRoot { .. }
            | PublishError::ArchiveLost { .. }
            | PublishError::NoKey { .. } => 1,
            PublishError::NoRole { .. }
            | PublishError::SeveralKeys { .. }
            | PublishError::NoPlaceForKey { .. } => 2,
            PublishError::Index { source } => source.exit_code(),
            PublishError::Sources { source, .. } => source.exit_code(),
            PublishError::SourceUnreadable { .. } => 4,
            other => other.inner().map_or(4, Explain::exit_code),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            PublishError::Inconsistent { findings } => {
                findings.iter().map(Finding::diagnostic).collect()
            }
            other => vec![diagnose(other)],
        }
    }
}
