//! Why a change is not signed or not published.

use std::fmt;
use std::io;
use std::path::PathBuf;

use igos_format::trust::{KeyId, ReadMetadataError, UtcTime};
use igos_report::Explain;

use super::documents::Demand;
use crate::trust::VerifyError;

/// A change that offline keys sign cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OfflineError {
    /// The file cannot be read or written.
    #[error("cannot {action} key draft {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is no key draft, or says what metadata cannot say.
    #[error(transparent)]
    Read(#[from] ReadMetadataError),
    /// What it says is published is not signed by those who have to.
    #[error("what the key draft calls published does not vouch for itself")]
    Published {
        /// Why not.
        #[source]
        source: VerifyError,
    },
    /// A signature is bad.
    #[error(transparent)]
    Signature(#[from] VerifyError),
    /// It is not the next version.
    #[error("the key draft proposes {role} {proposed} after {role} {published}")]
    NotNext {
        /// What it is.
        role: &'static str,
        /// The published version.
        published: u64,
        /// The proposed one.
        proposed: u64,
    },
    /// It changes something of which nobody would be told.
    #[error("the key draft changes more of {role} than keys, thresholds and times")]
    Unexpected {
        /// What it is.
        role: &'static str,
    },
    /// It expired before it was published.
    #[error("the proposed {role} expired at {expires}")]
    Expired {
        /// What it is.
        role: &'static str,
        /// When.
        expires: UtcTime,
    },
    /// It follows another root than the one that is trusted here.
    #[error("the key draft follows root {drafted}, which is not the root {known} that was named")]
    OtherRoot {
        /// The version of the root that was named.
        known: u64,
        /// The version of the root that it follows.
        drafted: u64,
    },
    /// Something else was published since.
    #[error(
        "the key draft follows root {} and targets {}, published are root {} and targets {}",
        drafted.0, drafted.1, published.0, published.1
    )]
    Outdated {
        /// Versions of root and targets that it follows.
        drafted: (u64, u64),
        /// Versions that are published.
        published: (u64, u64),
    },
    /// The key signs nothing here.
    #[error("key {key} has nothing to sign in this key draft")]
    NotItsKey {
        /// The key.
        key: KeyId,
    },
    /// Not all who must have signed.
    #[error("signatures are missing: {}", Wanted(demands))]
    Missing {
        /// What is not met.
        demands: Vec<Demand>,
    },
}

/// Demands in a message.
struct Wanted<'a>(&'a [Demand]);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, demand) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            let (signed, role) = (demand.signed.len(), demand.document);
            write!(
                f,
                "{separator}{role} needs {} keys of those that root {} names, has {signed}, and may be signed by",
                demand.threshold, demand.by_root
            )?;
            for (at, key) in demand.unsigned.iter().enumerate() {
                write!(f, "{}{key}", if at == 0 { " " } else { ", " })?;
            }
        }
        Ok(())
    }
}

impl Explain for OfflineError {
    fn code(&self) -> &'static str {
        match self {
            OfflineError::File { .. } => "key-draft-unreadable",
            OfflineError::Read(error) => error.code(),
            OfflineError::Published { source } | OfflineError::Signature(source) => source.code(),
            OfflineError::NotNext { .. } => "key-draft-version",
            OfflineError::Unexpected { .. } => "key-draft-unexpected",
            OfflineError::Expired { .. } => "key-draft-expired",
            OfflineError::OtherRoot { .. } => "key-draft-other-root",
            OfflineError::Outdated { .. } => "key-draft-outdated",
            OfflineError::NotItsKey { .. } => "key-signs-nothing",
            OfflineError::Missing { .. } => "signatures-missing",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            OfflineError::File { .. } | OfflineError::NotItsKey { .. } => Vec::new(),
            OfflineError::Read(error) => error.hints(),
            OfflineError::Missing { .. } => vec![
                "have holders of these keys sign: `igos-build key sign FILE --key KEY`".to_owned(),
            ],
            OfflineError::Outdated { .. } | OfflineError::Expired { .. } => {
                vec!["make a new one with `--draft FILE`".to_owned()]
            }
            _ => vec!["do not sign it, and ask whoever sent it".to_owned()],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            OfflineError::File { .. } => 4,
            _ => 1,
        }
    }
}
