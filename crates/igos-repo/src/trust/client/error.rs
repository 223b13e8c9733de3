//! Why a repository's metadata was not taken.

use std::io;
use std::path::PathBuf;

use igos_format::Sha256;
use igos_format::trust::UtcTime;
use igos_report::Explain;

use super::SourceError;
use crate::trust::VerifyError;

/// What is known of a repository cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum TrustStoreError {
    /// A file or directory cannot be read, written or deleted.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The root that the settings name is not one.
    #[error("the root that the settings name cannot be used")]
    Anchor(#[source] VerifyError),
    /// A file that was verified when it was written no longer is what it was.
    #[error("{} was changed or damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, if more than its digest.
        #[source]
        source: Option<VerifyError>,
    },
}

/// Newer metadata was not taken. What was trusted before still is.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The source cannot be read.
    #[error("cannot fetch {file}")]
    Unreachable {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: SourceError,
    },
    /// The source lacks a file that it must have.
    #[error("{file} is missing")]
    Absent {
        /// The file.
        file: String,
    },
    /// A file is larger than was signed, or than any such file may be.
    #[error("{file} has more than {limit} bytes, which is all it may have")]
    TooLarge {
        /// The file.
        file: String,
        /// How many it may have.
        limit: u64,
    },
    /// A file has another length than was signed.
    #[error("{file} has {actual} bytes, {expected} were signed")]
    WrongLength {
        /// The file.
        file: String,
        /// What was signed.
        expected: u64,
        /// What came.
        actual: u64,
    },
    /// A file is not the one that was signed for.
    #[error("{file} has digest {actual}, {expected} was signed")]
    WrongDigest {
        /// The file.
        file: String,
        /// What was signed.
        expected: Sha256,
        /// What came.
        actual: Sha256,
    },
    /// A file is genuine and belongs to another state of the repository.
    #[error("{file} is version {actual}, which does not belong to version {expected} of the rest")]
    MixAndMatch {
        /// The file.
        file: String,
        /// The version that belongs to the rest.
        expected: u64,
        /// The version that came.
        actual: u64,
    },
    /// The signatures do not vouch for a file, or it cannot be read.
    #[error("{file} is not to be trusted")]
    Verify {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: VerifyError,
    },
    /// A file is older than what is known already.
    #[error("{file} is version {offered}, version {trusted} is known already")]
    Rollback {
        /// The file.
        file: String,
        /// The version that is known.
        trusted: u64,
        /// The version that came.
        offered: u64,
    },
    /// A role that was there is no longer.
    #[error("{file} was part of the repository and is no longer")]
    Vanished {
        /// The file.
        file: String,
    },
    /// A version jumps so far that no later one could follow.
    #[error("{file} jumps from version {trusted} to {offered}")]
    FastForward {
        /// The file.
        file: String,
        /// The version that is known.
        trusted: u64,
        /// The version that came.
        offered: u64,
    },
    /// The newest file there is has expired.
    #[error("the newest {file} is version {version}, which expired at {expires}; it is {now}")]
    Frozen {
        /// The file.
        file: String,
        /// Its version.
        version: u64,
        /// When it expired.
        expires: UtcTime,
        /// The time it was compared with.
        now: UtcTime,
    },
    /// What came is good and cannot be kept.
    #[error("cannot keep what the repository says")]
    Store(#[from] TrustStoreError),
}

impl RefreshError {
    /// Tells whether another mirror may do better: everything but our own disk.
    #[must_use]
    pub fn concerns_mirror(&self) -> bool {
        !matches!(self, RefreshError::Store(_))
    }
}

impl Explain for TrustStoreError {
    fn code(&self) -> &'static str {
        match self {
            TrustStoreError::Io { .. } => "trust-store-unusable",
            TrustStoreError::Anchor(_) => "trust-root-unusable",
            TrustStoreError::Damaged { .. } => "trust-store-damaged",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            TrustStoreError::Io { .. } => Vec::new(),
            TrustStoreError::Anchor(_) => vec![
                "get the repository's root from those who run it, by a way you trust, and name it in the repository's settings".into(),
            ],
            TrustStoreError::Damaged { path, .. } => vec![
                format!("delete it and ask again: `rm {}`, `pkm sync`", path.display()),
                "then an older state of the repository could not be told from the newest this one time".into(),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            TrustStoreError::Anchor(_) => 3,
            TrustStoreError::Io { .. } | TrustStoreError::Damaged { .. } => 4,
        }
    }
}

impl Explain for RefreshError {
    fn code(&self) -> &'static str {
        match self {
            RefreshError::Unreachable { .. } => "metadata-unreachable",
            RefreshError::Absent { .. } => "metadata-absent",
            RefreshError::TooLarge { .. } => "metadata-too-large",
            RefreshError::WrongLength { .. } => "metadata-length-mismatch",
            RefreshError::WrongDigest { .. } => "metadata-digest-mismatch",
            RefreshError::MixAndMatch { .. } => "metadata-mixed",
            RefreshError::Verify { source, .. } => source.code(),
            RefreshError::Rollback { .. } => "metadata-rollback",
            RefreshError::Vanished { .. } => "metadata-vanished",
            RefreshError::FastForward { .. } => "metadata-fast-forward",
            RefreshError::Frozen { .. } => "metadata-frozen",
            RefreshError::Store(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let mirror = "use another mirror, and tell who runs this one".to_owned();
        match self {
            RefreshError::Unreachable { .. } => {
                vec!["see whether the network is up and the repository's address is right".into()]
            }
            RefreshError::Absent { .. }
            | RefreshError::WrongLength { .. }
            | RefreshError::WrongDigest { .. } => vec![
                "the mirror is damaged or being copied: try again later, or use another mirror".into(),
            ],
            RefreshError::Rollback { .. } => vec![
                "the mirror is behind, or holds you back on purpose: use another mirror".into(),
                "if those who run the repository went back themselves: `pkm sync --allow-rollback`".into(),
            ],
            RefreshError::Frozen { .. } => vec![
                "see whether this machine's clock is right: `date`".into(),
                "the mirror no longer follows, or holds back what is new: use another mirror".into(),
            ],
            RefreshError::FastForward { .. } | RefreshError::Vanished { .. } => vec![
                "ask those who run the repository whether a key was stolen; new keys in a new root repair this".into(),
            ],
            RefreshError::TooLarge { .. } | RefreshError::MixAndMatch { .. } => vec![mirror],
            RefreshError::Verify { source, .. } => source.hints(),
            RefreshError::Store(error) => error.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            RefreshError::Unreachable { .. } | RefreshError::Absent { .. } => 4,
            RefreshError::Store(error) => error.exit_code(),
            _ => 1,
        }
    }
}
