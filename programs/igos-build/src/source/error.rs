//! Why sources cannot be had.

use std::path::PathBuf;

use igos_format::{Digest, PackageName, PathError};
use igos_repo::{FetchError, LocationError};
use igos_report::{Diagnostic, Explain, diagnose};

use crate::tree::AboveError;

/// The sources of a package cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// Some could not be fetched.
    #[error("cannot get {} of the sources of {package}", failures.len())]
    Fetch {
        /// The package.
        package: PackageName,
        /// Why, for each.
        failures: Vec<FetchError>,
    },
    /// A location of the recipe cannot be used.
    #[error("source {location} of {package} cannot be used")]
    Location {
        /// The package.
        package: PackageName,
        /// The location.
        location: String,
        /// Why not.
        #[source]
        source: LocationError,
    },
    /// The path of a file inside an alternative cannot be used.
    #[error(
        "an alternative of source {location} of {package} names a file that no archive can have"
    )]
    InnerPath {
        /// The package.
        package: PackageName,
        /// The source.
        location: String,
        /// Why not.
        #[source]
        source: PathError,
    },
    /// Nothing pins a local source that must be pinned.
    #[error("source {location} of {package} is not pinned by a digest")]
    Unpinned {
        /// The package.
        package: PackageName,
        /// The source.
        location: String,
    },
    /// A local source cannot be read.
    #[error("cannot read source {} of {package}", path.display())]
    Unreadable {
        /// The package.
        package: PackageName,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A directory above the recipe cannot be its source.
    #[error("a source of {package} cannot be used")]
    Above {
        /// The package.
        package: PackageName,
        /// Why not.
        #[source]
        source: AboveError,
    },
    /// A local source is not what the recipe says.
    #[error("source {} of {package} has digest {actual}, recipe says {expected}", path.display())]
    WrongDigest {
        /// The package.
        package: PackageName,
        /// The file.
        path: PathBuf,
        /// What the recipe says.
        expected: Digest,
        /// What it is.
        actual: Digest,
    },
}

impl Explain for GatherError {
    fn code(&self) -> &'static str {
        match self {
            GatherError::Fetch { .. } => "sources-not-fetched",
            GatherError::Location { .. }
            | GatherError::InnerPath { .. }
            | GatherError::Above { .. } => "source-location-invalid",
            GatherError::Unpinned { .. } => "source-unpinned",
            GatherError::Unreadable { .. } => "source-unreadable",
            GatherError::WrongDigest { .. } => "source-digest-mismatch",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            GatherError::WrongDigest { package, .. } => {
                vec![format!(
                    "if the change is meant, correct the recipe: `igos-build recipe checksum {package}`"
                )]
            }
            GatherError::Unpinned { package, .. } => vec![
                format!("pin it: `igos-build recipe checksum {package}`"),
                "or accept whatever is there, which is recorded: `--allow-unpinned`".into(),
            ],
            GatherError::Location { .. } | GatherError::InnerPath { .. } => {
                vec!["correct the recipe".into()]
            }
            GatherError::Above { .. } => vec![
                "keep the recipe tree in the directory that its recipes name as their source"
                    .into(),
            ],
            GatherError::Fetch { .. } | GatherError::Unreadable { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            // One wrong digest is the answer no, whatever else could not be reached.
            GatherError::Fetch { failures, .. } => {
                let codes: Vec<u8> = failures.iter().map(Explain::exit_code).collect();
                if codes.contains(&1) {
                    1
                } else {
                    codes.first().copied().unwrap_or(4)
                }
            }
            GatherError::Unreadable { source, .. }
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                1
            }
            GatherError::Unreadable { .. } => 4,
            _ => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            GatherError::Fetch { failures, .. } => {
                failures.iter().flat_map(Explain::diagnostics).collect()
            }
            _ => vec![diagnose(self)],
        }
    }
}
