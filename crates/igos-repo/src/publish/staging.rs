//! Archives that wait: a library in a new form, until everything that needs the old one was rebuilt.
//!
//! The area lies where a web server's programs may write, and what lies there is published some day. So each archive
//! has a file beside it with a signature by the key of the role `packages`, which says that the publisher put it there.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use igos_format::archive::Signature;
use igos_format::index::IndexEntry;
use igos_format::{PackageId, PackageName, Sha256};
use igos_report::Reporter;

use super::archive::Given;
use super::collect;
use super::error::PublishError;
use super::layout;
use super::place::{PlaceError, Placer, Stop};
use super::state::{PACKAGES, State};
use crate::lock::{self, Waiting, Work, open_shared};
use crate::trust::{SealKeys, SecretKey, verify_seal};

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

/// What the name of a signature's file has after the archive's.
const SIGNATURE_SUFFIX: &str = ".signature";
/// Longest file with a signature, in bytes.
const SIGNATURE_MAX_BYTES: u64 = 1024;

/// Returns the archives in the staging area, whoever put them there.
fn archives(directory: &Path) -> Result<Vec<PathBuf>, PlaceError> {
    let staging = directory.join(layout::STAGING);
    let names = collect::list(&staging)?;
    let archives = names
        .into_iter()
        .filter(|name| !name.ends_with(SIGNATURE_SUFFIX));
    Ok(archives.map(|name| staging.join(name)).collect())
}

/// Returns the archives in the staging area, each of which a publisher put there.
pub(super) fn verified(directory: &Path, state: &State) -> Result<Vec<Given>, PublishError> {
    let keys = SealKeys {
        authorised: state.authority(PACKAGES).keys,
        retired: state.targets.signed.value().retired_keys.clone(),
    };
    let mut verified = Vec::new();
    for path in archives(directory)? {
        let signature = read_signature(&signature_path(&path));
        let given = Given::read(path)?;
        let statement = statement(&given.seal);
        let is_ours = signature.is_some_and(|one| verify_seal(&statement, &one, &keys).is_ok());
        if !is_ours {
            return Err(PublishError::StagedByOthers { path: given.path });
        }
        verified.push(given);
    }
    Ok(verified)
}

/// Returns what is signed when an archive is put into the staging area; nothing else that is signed begins so.
fn statement(seal: &Sha256) -> Vec<u8> {
    format!("igos-staged 1 {seal}\n").into_bytes()
}

fn signature_path(archive: &Path) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(SIGNATURE_SUFFIX);
    path.into()
}

fn read_signature(path: &Path) -> Option<Signature> {
    // What cannot be read vouches for nothing.
    let file = crate::store::open_regular(path).ok()?;
    let mut text = String::new();
    file.take(SIGNATURE_MAX_BYTES)
        .read_to_string(&mut text)
        .ok()?;
    text.strip_suffix('\n')?.parse().ok()
}

/// Copies archives into the staging area; those that lie there already stay.
pub(super) fn add(
    directory: &Path,
    new: &[(PathBuf, IndexEntry)],
    key: &SecretKey,
    stop: &Stop<'_>,
) -> Result<(), PlaceError> {
    let placer = Placer::new(directory, stop)?;
    let staging = directory.join(layout::STAGING);
    fs_err::create_dir_all(&staging).map_err(PlaceError::io("make", &staging))?;
    let mut pending = Vec::new();
    for (from, entry) in new {
        if !from.starts_with(&staging) {
            let path = format!("{}/{}", layout::STAGING, entry.archive.file_name);
            let signature = key.sign_seal(&statement(&entry.seal));
            let text = format!("{signature}\n");
            placer.bytes(&format!("{path}{SIGNATURE_SUFFIX}"), text.as_bytes())?;
            pending.push(placer.copy(from, &entry.archive.sha256, path)?);
        }
    }
    placer.place(pending)?;
    placer.settle(layout::STAGING)
}

/// Deletes archives from the staging area, and their signatures after them.
pub(super) fn delete<'p>(
    archives: impl IntoIterator<Item = &'p PathBuf>,
) -> Result<(), PlaceError> {
    for archive in archives {
        for path in [archive.clone(), signature_path(archive)] {
            match fs_err::remove_file(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(PlaceError::io("delete", &path)(error)),
            }
        }
    }
    Ok(())
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
    let place = directory.join(layout::LOCK);
    let _lock = lock::take(
        open_shared(&place),
        &place,
        Work::Publishing,
        waiting,
        reporter,
    )?;
    let dropped = selection.of(staged(directory)?)?;
    delete(dropped.iter().map(|staged| &staged.path))?;
    Ok(dropped)
}
