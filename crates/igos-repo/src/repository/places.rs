//! Where settings, state and cache of repositories are below a root.

use std::path::{Path, PathBuf};

use igos_format::RelPath;
use igos_report::Explain;
use igos_root::{RootDir, RootError};

use super::cache::write_whole;
use super::{CacheError, RepositoryName};

/// Settings of repositories, one file each.
pub(super) const SETTINGS: &str = "etc/igos/repositories.d";
/// What is known of repositories.
const STATE: &str = "var/lib/igos/repositories";
/// The lock of what is known of a repository.
pub(super) const LOCK: &str = "lock";
/// What is known of packages.
const STATE_OF_PACKAGES: &str = "var/lib/igos";
/// What could be upgraded, for programs that tell people.
const UPDATES: &str = "available-updates.json";
/// Archives and parts of them.
const CACHE: &str = "var/cache/igos";

/// Where settings, state and cache of repositories are.
///
/// Every directory is opened below the root with no symbolic link followed before it is used.
#[derive(Debug, Clone)]
pub struct RepositoryPlaces {
    root: PathBuf,
}

/// A directory of settings, state or cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the directory {path} of the root {}", root.display())]
pub struct PlaceError {
    /// The root.
    root: PathBuf,
    /// The directory below it.
    path: String,
    /// Why.
    #[source]
    source: RootError,
}

impl Explain for PlaceError {
    fn code(&self) -> &'static str {
        "repository-directory-unusable"
    }

    fn hints(&self) -> Vec<String> {
        vec![
            "look at owner and mode of the directory; no directory above it may be a symbolic link"
                .into(),
            "as an ordinary user, work on a root of your own: `pkm --root DIR`".into(),
        ]
    }
}

impl RepositoryPlaces {
    /// Returns the places below `root`.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        RepositoryPlaces {
            root: root.to_owned(),
        }
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory of the settings, which is made if it is not there.
    pub(super) fn make_settings(&self) -> Result<PathBuf, PlaceError> {
        self.make(SETTINGS, 0o755)
    }

    /// Returns the directory of what is known of a repository, which is made if it is not there.
    pub(super) fn make_state(&self, name: &RepositoryName) -> Result<PathBuf, PlaceError> {
        self.make(&format!("{STATE}/{name}"), 0o755)
    }

    /// Returns the directory of what is known of a repository, `None` if there is none.
    pub(super) fn state(&self, name: &RepositoryName) -> Result<Option<PathBuf>, PlaceError> {
        self.find(&format!("{STATE}/{name}"))
    }

    /// Returns the directory of the cache, which is made if it is not there.
    pub(super) fn make_cache(&self) -> Result<PathBuf, PlaceError> {
        self.make(CACHE, 0o755)
    }

    /// Returns the directory of the cache, `None` if there is none.
    pub(super) fn cache(&self) -> Result<Option<PathBuf>, PlaceError> {
        self.find(CACHE)
    }

    /// Writes what could be upgraded, for programs that tell people: readers see the old text or the new one.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be written.
    pub fn write_available_updates(&self, text: &str) -> Result<(), CacheError> {
        let path = self.make(STATE_OF_PACKAGES, 0o755)?.join(UPDATES);
        write_whole(&path, text.as_bytes(), 0o644)
            .map_err(|source| CacheError::new("write", &path, source))
    }

    fn make(&self, path: &str, mode: u16) -> Result<PathBuf, PlaceError> {
        self.with(path, |root, relative| {
            root.create_directories(relative, mode).map(drop)
        })
        .map(|()| self.root.join(path))
    }

    fn find(&self, path: &str) -> Result<Option<PathBuf>, PlaceError> {
        match self.with(path, |root, relative| root.directory(relative).map(drop)) {
            Ok(()) => Ok(Some(self.root.join(path))),
            Err(error) if error.source.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn with<T>(
        &self,
        path: &str,
        work: impl FnOnce(&RootDir, &RelPath) -> Result<T, RootError>,
    ) -> Result<T, PlaceError> {
        let relative: RelPath = path.parse().expect("our own paths are paths");
        RootDir::open(&self.root)
            .and_then(|root| work(&root, &relative))
            .map_err(|source| PlaceError {
                root: self.root.clone(),
                path: path.to_owned(),
                source,
            })
    }
}
