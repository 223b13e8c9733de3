//! One repository, opened to be asked.

use std::fs::File;
use std::sync::OnceLock;

use igos_format::index::{FilesIndexReader, IndexEntry, IndexReader, ReadIndexError};

use super::{CatalogueError, Offered};
use crate::repository::index_files::{IndexFile, IndexFiles};
use crate::repository::{RepositoryName, RepositoryPlaces, RepositorySettings};
use crate::trust::{Clock, SealKeys, Standing, Trusted, TrustedRepository};

/// One repository of which something is known, opened to be asked.
#[derive(Debug)]
pub struct OpenRepository {
    pub(super) settings: RepositorySettings,
    trusted: Trusted,
    pub(super) standing: Standing,
    seal_keys: SealKeys,
    pub(super) index: IndexReader<File>,
    files: Option<File>,
    /// The list of paths, read when it is asked for the first time.
    read_files: OnceLock<FilesIndexReader<File>>,
}

impl OpenRepository {
    /// Returns its settings.
    #[must_use]
    pub fn settings(&self) -> &RepositorySettings {
        &self.settings
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &RepositoryName {
        &self.settings.name
    }

    /// Returns the version of what is known of it.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.trusted.timestamp().version
    }

    /// Returns what it says, verified from the root down.
    #[must_use]
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Tells whether what is known of it is good enough to install from, or only to look things up.
    #[must_use]
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Returns the keys that sign its packages, and those that did.
    #[must_use]
    pub fn seal_keys(&self) -> &SealKeys {
        &self.seal_keys
    }

    /// Returns its index, which is not held to pins and priorities.
    #[must_use]
    pub fn index(&self) -> &IndexReader<File> {
        &self.index
    }

    /// Tells whether it has a list of paths.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.files.is_some()
    }

    /// Returns its list of paths, if it has one.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be used.
    pub fn files(&self) -> Result<Option<&FilesIndexReader<File>>, CatalogueError> {
        let Some(file) = &self.files else {
            return Ok(None);
        };
        if let Some(reader) = self.read_files.get() {
            return Ok(Some(reader));
        }
        let reader = file
            .try_clone()
            .map_err(|source| ReadIndexError::Input { source })
            .and_then(FilesIndexReader::open)
            .map_err(|error| self.failed(error))?;
        Ok(Some(self.read_files.get_or_init(|| reader)))
    }

    pub(super) fn offered(&self, entry: IndexEntry) -> Offered {
        Offered {
            repository: self.settings.name.clone(),
            priority: self.settings.priority,
            entry,
        }
    }

    pub(super) fn failed(&self, source: ReadIndexError) -> CatalogueError {
        CatalogueError::Index {
            repository: self.settings.name.clone(),
            source,
        }
    }
}

/// Opens what is known of a repository.
pub(super) fn open(
    places: &RepositoryPlaces,
    settings: &RepositorySettings,
    clock: &Clock,
) -> Result<OpenRepository, CatalogueError> {
    let repository = &settings.name;
    let never = || CatalogueError::NeverSynced {
        repository: repository.clone(),
    };
    let anchor = places.trusted_root(settings)?;
    let state = places.state(repository)?.ok_or_else(never)?;
    let opened = TrustedRepository::open(state.join("trust"), &anchor);
    let opened = opened.map_err(|source| CatalogueError::Store {
        repository: repository.clone(),
        source,
    })?;
    let trusted = opened.trusted().ok_or_else(never)?;
    let files = IndexFiles::below(&state);
    let listed = |file: IndexFile| Some(files.file(file, &file.listed(trusted)?));
    let unusable = |source| CatalogueError::Index {
        repository: repository.clone(),
        source,
    };
    let input = |source| unusable(ReadIndexError::Input { source });
    let packages = listed(IndexFile::Packages).ok_or_else(never)?;
    let packages = packages.open().map_err(input)?;
    let files = listed(IndexFile::Files)
        .map(|file| file.open().map_err(input))
        .transpose()?;
    Ok(OpenRepository {
        standing: trusted.standing(clock),
        seal_keys: trusted.seal_keys(),
        trusted: trusted.clone(),
        index: IndexReader::open(packages).map_err(unusable)?,
        files,
        read_files: OnceLock::new(),
        settings: settings.clone(),
    })
}
