//! Where settings, state and cache of repositories are below a root.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use igos_format::RelPath;
use igos_report::Explain;
use igos_root::{Directory, RootDir, RootError};

use super::{CacheError, RepositoryName};
use crate::below::DirectoryBelow;

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
/// The root is opened when it is needed for the first time, and kept open; everything is reached below that descriptor
/// with no symbolic link followed.
#[derive(Debug, Clone)]
pub struct RepositoryPlaces {
    root: PathBuf,
    opened: OnceLock<Arc<RootDir>>,
}

/// A directory of settings, state or cache cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the directory {path} of {of}")]
pub struct PlaceError {
    /// The root, or the user whose own cache it is.
    of: String,
    /// The directory below it.
    path: String,
    /// Why.
    #[source]
    source: RootError,
}

impl PlaceError {
    /// Tells whether all that is wrong is that the caller may not write there.
    pub(super) fn is_refusal_to_write(&self) -> bool {
        let refusals = [
            rustix::io::Errno::ACCESS,
            rustix::io::Errno::PERM,
            rustix::io::Errno::ROFS,
        ];
        refusals
            .iter()
            .any(|error| self.source.errno() == Some(error.raw_os_error()))
    }
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
            opened: OnceLock::new(),
        }
    }

    /// Returns the root, for messages alone.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory of the settings.
    pub(super) fn settings(&self) -> Result<DirectoryBelow, PlaceError> {
        self.make(SETTINGS).map(|(directory, _)| directory)
    }

    /// Returns the directory of what is known of a repository, which is made if it is not there.
    pub(super) fn make_state(
        &self,
        name: &RepositoryName,
    ) -> Result<(DirectoryBelow, Directory), PlaceError> {
        self.make(&format!("{STATE}/{name}"))
    }

    /// Returns the directory of what is known of all repositories, in which each has one of its own.
    pub(super) fn states(&self) -> Result<Directory, PlaceError> {
        self.make(STATE).map(|(_, opened)| opened)
    }

    /// Returns the directory of what is known of a repository, `None` if there is none.
    pub(super) fn state(
        &self,
        name: &RepositoryName,
    ) -> Result<Option<DirectoryBelow>, PlaceError> {
        self.find(&format!("{STATE}/{name}"))
    }

    /// Returns the directory of the cache, which is made if it is not there.
    pub(super) fn make_cache(&self) -> Result<(DirectoryBelow, Directory), PlaceError> {
        self.make(CACHE)
    }

    /// Returns the directory of the cache, `None` if there is none.
    pub(super) fn cache(&self) -> Result<Option<DirectoryBelow>, PlaceError> {
        self.find(CACHE)
    }

    /// Returns the directory of a user's own cache, which is made if it is not there.
    pub(super) fn own_cache(&self, path: &Path) -> Result<DirectoryBelow, PlaceError> {
        let shown = path.display().to_string();
        DirectoryBelow::make_at(path).map_err(|source| PlaceError {
            of: "this user".to_owned(),
            path: shown.clone(),
            source: RootError::new("make", shown, source),
        })
    }

    /// Writes what could be upgraded, for programs that tell people: readers see the old text or the new one.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be written.
    pub fn write_available_updates(&self, text: &str) -> Result<(), CacheError> {
        let file = self.make(STATE_OF_PACKAGES)?.0.file(UPDATES);
        file.write(text.as_bytes(), 0o644)
            .map_err(|source| CacheError::new("write", &file.path(), source))
    }

    /// Returns the root, opened.
    pub(super) fn open(&self) -> Result<Arc<RootDir>, RootError> {
        if let Some(root) = self.opened.get() {
            return Ok(Arc::clone(root));
        }
        let root = Arc::new(RootDir::open(&self.root)?);
        Ok(Arc::clone(self.opened.get_or_init(|| root)))
    }

    fn make(&self, path: &str) -> Result<(DirectoryBelow, Directory), PlaceError> {
        let directory = self.at(path)?;
        let made = directory.make();
        let made = made.map_err(|source| self.unusable(path, source))?;
        Ok((directory, made))
    }

    fn find(&self, path: &str) -> Result<Option<DirectoryBelow>, PlaceError> {
        let directory = self.at(path)?;
        let opened = directory.open();
        let opened = opened.map_err(|source| self.unusable(path, source))?;
        Ok(opened.map(|_| directory))
    }

    fn at(&self, path: &str) -> Result<DirectoryBelow, PlaceError> {
        let relative: RelPath = path.parse().expect("our own paths are paths");
        let root = self.open().map_err(|source| self.failed(path, source))?;
        Ok(DirectoryBelow::new(root, relative))
    }

    fn unusable(&self, path: &str, source: io::Error) -> PlaceError {
        self.failed(path, RootError::new("open directory", path, source))
    }

    fn failed(&self, path: &str, source: RootError) -> PlaceError {
        PlaceError {
            of: format!("the root {}", self.root.display()),
            path: path.to_owned(),
            source,
        }
    }
}
