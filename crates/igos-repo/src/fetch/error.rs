//! Why a source could not be had.

use igos_format::{Digest, PackageName};
use igos_report::{Diagnostic, Explain, diagnose};

use crate::{LocationError, StoreError};

/// One provider that was asked and why it did not deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who was asked.
    pub provider: String,
    /// What came of it.
    pub reason: String,
    /// The expected and the actual digest, if a file was delivered and was the wrong one.
    pub wrong: Option<(Digest, Digest)>,
}

/// A source could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nothing pins it and the caller did not allow that.
    #[error("source {location} of {package} is not pinned by a digest or commit id")]
    Unpinned {
        /// The package.
        package: PackageName,
        /// The location.
        location: String,
    },
    /// The request itself cannot be used.
    #[error("source {cache_name:?} of {package} has no usable file name")]
    CacheName {
        /// The package.
        package: PackageName,
        /// The name.
        cache_name: String,
    },
    /// An alternative's address cannot be used.
    #[error("alternative {number} of source {cache_name} of {package} cannot be used")]
    Alternative {
        /// The package.
        package: PackageName,
        /// The source.
        cache_name: String,
        /// Which one, counted from 1.
        number: usize,
        /// Why.
        #[source]
        source: LocationError,
    },
    /// Some provider delivered a file with another digest and no other one delivered the right one.
    #[error("source {cache_name} of {package} has digest {actual}, recipe says {expected}")]
    WrongDigest {
        /// The package.
        package: PackageName,
        /// The source.
        cache_name: String,
        /// What the recipe says.
        expected: Digest,
        /// What was delivered first.
        actual: Digest,
        /// Everything that was tried.
        attempts: Vec<Attempt>,
    },
    /// No provider has it.
    #[error("cannot fetch source {cache_name} of {package}")]
    Exhausted {
        /// The package.
        package: PackageName,
        /// The source.
        cache_name: String,
        /// The digest, if there is one.
        expected: Option<Digest>,
        /// Everything that was tried.
        attempts: Vec<Attempt>,
    },
    /// The store failed.
    #[error("cannot keep source {cache_name} of {package}")]
    Store {
        /// The package.
        package: PackageName,
        /// The source.
        cache_name: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}

impl FetchError {
    /// Returns everything that was tried, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            FetchError::WrongDigest { attempts, .. } | FetchError::Exhausted { attempts, .. } => {
                attempts
            }
            FetchError::Unpinned { .. }
            | FetchError::CacheName { .. }
            | FetchError::Alternative { .. }
            | FetchError::Store { .. } => &[],
        }
    }
}

impl Explain for FetchError {
    fn code(&self) -> &'static str {
        match self {
            FetchError::Unpinned { .. } => "source-unpinned",
            FetchError::CacheName { .. } => "source-name-invalid",
            FetchError::Alternative { .. } => "source-alternative-invalid",
            FetchError::WrongDigest { .. } => "source-digest-mismatch",
            FetchError::Exhausted { .. } => "source-not-found",
            FetchError::Store { .. } => "source-store-unusable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            FetchError::Unpinned { package, .. } => vec![
                format!("pin it: `igos-build recipe checksum {package}`"),
                "or accept whatever comes, which is recorded: `--allow-unpinned`".into(),
            ],
            FetchError::WrongDigest { package, .. } => vec![format!(
                "compare with upstream's announcement; if the release was replaced, correct the recipe: `igos-build recipe checksum {package}`"
            )],
            FetchError::Exhausted { cache_name, .. } => vec![
                "name a mirror or a directory that has it: `--mirror URL-OR-DIR`".into(),
                format!(
                    "or put a copy of {cache_name} into such a directory by hand: it is verified like any other"
                ),
            ],
            FetchError::CacheName { .. } | FetchError::Alternative { .. } => {
                vec!["correct the recipe".into()]
            }
            FetchError::Store { source, .. } => source.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            FetchError::Exhausted { .. } | FetchError::Store { .. } => 4,
            FetchError::Unpinned { .. }
            | FetchError::CacheName { .. }
            | FetchError::Alternative { .. }
            | FetchError::WrongDigest { .. } => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        for attempt in self.attempts() {
            diagnostic = diagnostic.because(format!("{}: {}", attempt.provider, attempt.reason));
        }
        vec![diagnostic]
    }
}
