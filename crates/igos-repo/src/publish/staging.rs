//! Archives that wait: a library in a new form, until everything that needs the old one was rebuilt.

use std::path::{Path, PathBuf};

use igos_format::index::IndexEntry;
use igos_format::{PackageId, PackageName, Sha256};
use igos_report::Reporter;

use super::archive::Given;
use super::collect;
use super::error::PublishError;
use super::layout;
use super::lock::{Lock, Waiting};
use super::place::{PlaceError, Placer, Stop};

/// An archive in the staging area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Its file.
    pub path: PathBuf,
    /// What it holds.
    pub package: PackageId,
    /// The digest of its seal.
    pub seal: Sha256,
}

/// Returns the files of the staging area.
pub(super) fn archives(directory: &Path) -> Result<Vec<PathBuf>, PlaceError> {
    let staging = directory.join(layout::STAGING);
    let names = collect::list(&staging)?;
    Ok(names.into_iter().map(|name| staging.join(name)).collect())
}

/// Copies archives into the staging area; those that lie there already stay.
pub(super) fn add(
    directory: &Path,
    new: &[(PathBuf, IndexEntry)],
    stop: &Stop<'_>,
) -> Result<(), PlaceError> {
    let placer = Placer::new(directory, stop)?;
    let staging = directory.join(layout::STAGING);
    fs_err::create_dir_all(&staging).map_err(PlaceError::io("make", &staging))?;
    let mut pending = Vec::new();
    for (from, entry) in new {
        if !from.starts_with(&staging) {
            let path = format!("{}/{}", layout::STAGING, entry.archive.file_name);
            pending.push(placer.copy(from, &entry.archive.sha256, path)?);
        }
    }
    placer.place(pending)?;
    placer.settle(layout::STAGING)
}

/// Returns what waits in the repository in `directory`, sorted.
///
/// # Errors
///
/// Returns the first archive that cannot be read.
pub fn staged(directory: &Path) -> Result<Vec<Staged>, PublishError> {
    let mut all = Vec::new();
    for path in archives(directory)? {
        let given = Given::read(path)?;
        all.push(Staged {
            path: given.path,
            package: given.package,
            seal: given.seal,
        });
    }
    all.sort_by(|a, b| a.package.cmp(&b.package));
    Ok(all)
}

/// Which staged archives are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StagedSelection {
    /// All.
    All,
    /// Those of packages with these names.
    Named(Vec<PackageName>),
}

impl StagedSelection {
    /// Returns those of `all` that are meant.
    ///
    /// # Errors
    ///
    /// Returns the first name that none of them has.
    pub fn of(&self, mut all: Vec<Staged>) -> Result<Vec<Staged>, PublishError> {
        if let StagedSelection::Named(names) = self {
            let is_absent = |name: &&PackageName| !all.iter().any(|one| one.package.name == **name);
            if let Some(name) = names.iter().find(is_absent) {
                return Err(PublishError::NotStaged { name: name.clone() });
            }
            all.retain(|one| names.contains(&one.package.name));
        }
        Ok(all)
    }
}

/// Deletes archives from the staging area, and returns them.
///
/// # Errors
///
/// Returns that somebody publishes, that a name is not there, or what cannot be deleted.
pub fn drop_staged(
    directory: &Path,
    selection: &StagedSelection,
    waiting: Waiting,
    reporter: &dyn Reporter,
) -> Result<Vec<Staged>, PublishError> {
    let work = directory.join(layout::WORK);
    fs_err::create_dir_all(&work).map_err(PlaceError::io("make", &work))?;
    let _lock = Lock::take(directory, waiting, reporter)?;
    let dropped = selection.of(staged(directory)?)?;
    for staged in &dropped {
        fs_err::remove_file(&staged.path).map_err(PlaceError::io("delete", &staged.path))?;
    }
    Ok(dropped)
}
