//! Why the Debian archive could not help.

use std::io;
use std::path::PathBuf;

use igos_report::Explain;

use crate::host::HostError;

/// The Debian archive could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum DebianError {
    /// A program that we need is not there.
    #[error("program {} is not installed", program.display())]
    MissingProgram {
        /// The program.
        program: PathBuf,
    },
    /// The keys that sign the archive are not there.
    #[error("keyring {} is not there", keyring.display())]
    MissingKeyring {
        /// The keyring.
        keyring: PathBuf,
    },
    /// A setting cannot be written into apt's configuration.
    #[error("setting {name} of the Debian archive has {value:?}, which cannot be used")]
    Setting {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The indices could not be fetched or their signature is wrong.
    #[error("cannot update the indices of {suites}: {reason}")]
    Update {
        /// The suites.
        suites: String,
        /// What apt said.
        reason: String,
    },
    /// An index cannot be read.
    #[error("cannot read index {}: {reason}", file.display())]
    Index {
        /// The index.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no index and the network may not be used.
    #[error("there is no index of {suites} yet, and we are offline")]
    Offline {
        /// The suites.
        suites: String,
    },
    /// A file could not be downloaded.
    #[error("cannot download {path}: {reason}")]
    Download {
        /// Its path in the archive.
        path: String,
        /// What apt said.
        reason: String,
    },
    /// Our own files for it cannot be used.
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
}

impl DebianError {
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| DebianError::Io {
            action,
            path,
            source,
        }
    }

    /// Returns a missing program as what it is, and everything else as `other` makes it.
    pub(super) fn from_host(error: HostError, other: impl FnOnce(String) -> Self) -> Self {
        match error {
            HostError::Missing { program } => DebianError::MissingProgram { program },
            error => other(crate::host::chain(&error)),
        }
    }
}

impl Explain for DebianError {
    fn code(&self) -> &'static str {
        match self {
            DebianError::MissingProgram { .. } => "program-missing",
            DebianError::MissingKeyring { .. } => "keyring-missing",
            DebianError::Setting { .. } => "debian-setting-invalid",
            DebianError::Update { .. } => "debian-update-failed",
            DebianError::Index { .. } => "debian-index-unreadable",
            DebianError::Offline { .. } => "debian-index-absent",
            DebianError::Download { .. } => "debian-download-failed",
            DebianError::Io { .. } => "debian-state-unusable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            DebianError::MissingProgram { .. } => {
                vec![
                    "install the package `apt`, or run on a Debian system or one derived from it"
                        .into(),
                ]
            }
            DebianError::MissingKeyring { .. } => {
                vec!["install the package `debian-archive-keyring`".into()]
            }
            DebianError::Setting { .. } => vec!["correct the settings".into()],
            DebianError::Offline { .. } => vec!["run once without `--offline`".into()],
            DebianError::Update { .. } | DebianError::Download { .. } => {
                vec!["see whether the network is up and the archive's address in the settings is right".into()]
            }
            DebianError::Index { .. } | DebianError::Io { .. } => {
                vec![
                    "delete the directory `debian` below the cache directory; it is made anew"
                        .into(),
                ]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            DebianError::Setting { .. } => 3,
            _ => 4,
        }
    }
}
