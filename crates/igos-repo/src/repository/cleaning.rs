//! What is in the cache, and what of it to delete: planned first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use igos_format::archive::Head;
use igos_format::{PackageId, Sha256};
use rustix::fs::FlockOperation;
use serde::Serialize;

use super::RepositoryPlaces;
use super::cache::{ArchiveCache, CacheError};
use crate::store::open_regular;

/// An archive in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CachedArchive {
    /// Its path.
    pub path: PathBuf,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// The package and its seal, as its head says; absent if it is damaged.
    pub package: Option<CachedPackage>,
}

/// What an archive in the cache is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CachedPackage {
    /// The package.
    pub id: PackageId,
    /// Digest of its seal.
    pub seal: Sha256,
}

/// A part of an archive in the cache: a head, frames, or the beginning of a download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CachedPart {
    /// Its path.
    pub path: PathBuf,
    /// What it takes on the disk, in bytes.
    pub size_bytes: u64,
}

/// What is in the cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CacheContents {
    /// Archives, by package; damaged ones first.
    pub archives: Vec<CachedArchive>,
    /// Parts of archives.
    pub parts: Vec<CachedPart>,
}

/// Which archives stay in the cache. Parts of archives never do, unless somebody works on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CachePolicy {
    /// None.
    Nothing,
    /// So many versions of each package, the newest.
    Newest(usize),
    /// Those of these packages, by their seals: what repositories offer, and what is installed.
    Current(BTreeSet<Sha256>),
}

/// What to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheCleaning {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What they take, in bytes.
    pub size_bytes: u64,
}

impl CacheContents {
    /// Lists what is in the cache below a root, if there is one.
    ///
    /// # Errors
    ///
    /// Returns why the directory cannot be used. What cannot be looked at inside of it is an error too.
    pub fn read(places: &RepositoryPlaces) -> Result<Self, CacheError> {
        match places.cache()? {
            Some(directory) => list(&ArchiveCache::at(directory)),
            None => Ok(CacheContents::default()),
        }
    }

    /// Plans what to delete under a policy.
    #[must_use]
    pub fn plan(&self, policy: &CachePolicy) -> CacheCleaning {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut cleaning = CacheCleaning {
            files: Vec::new(),
            size_bytes: 0,
        };
        // The newest version of each package comes first.
        for archive in self.archives.iter().rev() {
            let is_kept = match (&archive.package, policy) {
                (None, _) | (_, CachePolicy::Nothing) => false,
                (Some(package), CachePolicy::Newest(count)) => {
                    let seen = seen.entry(package.id.name.as_str()).or_default();
                    *seen += 1;
                    *seen <= *count
                }
                (Some(package), CachePolicy::Current(seals)) => seals.contains(&package.seal),
            };
            if !is_kept {
                cleaning.files.push(archive.path.clone());
                cleaning.size_bytes += archive.size_bytes;
            }
        }
        for part in &self.parts {
            cleaning.files.push(part.path.clone());
            cleaning.size_bytes += part.size_bytes;
        }
        cleaning.files.sort();
        cleaning
    }
}

impl CacheCleaning {
    /// Deletes the files, but for those that somebody works on.
    ///
    /// # Errors
    ///
    /// Returns the first that cannot be deleted.
    pub fn carry_out(&self) -> Result<(), CacheError> {
        for path in &self.files {
            let deleted = match is_in_use(path) {
                Ok(true) => continue,
                Ok(false) => fs_err::remove_file(path),
                Err(error) => Err(error),
            };
            match deleted {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(CacheError::new("delete", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Tells whether a download writes to a file now.
fn is_in_use(path: &Path) -> io::Result<bool> {
    let file = open_regular(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn list(cache: &ArchiveCache) -> Result<CacheContents, CacheError> {
    let mut contents = CacheContents::default();
    for (path, found) in files(&cache.archives())? {
        contents.archives.push(CachedArchive {
            package: package_of(&path),
            size_bytes: found.len(),
            path,
        });
    }
    contents.archives.sort_by(|a, b| {
        let id = |archive: &CachedArchive| archive.package.as_ref().map(|found| found.id.clone());
        id(a).cmp(&id(b)).then_with(|| a.path.cmp(&b.path))
    });
    for directory in [cache.heads(), cache.partials()] {
        for (path, found) in files(&directory)? {
            contents.parts.push(CachedPart {
                size_bytes: found.blocks() * 512,
                path,
            });
        }
    }
    Ok(contents)
}

/// Returns the regular files of a directory of the cache, by name.
fn files(directory: &Path) -> Result<Vec<(PathBuf, std::fs::Metadata)>, CacheError> {
    let failed = |source| CacheError::new("list", directory, source);
    let entries = match fs_err::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        match fs_err::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => found.push((path, metadata)),
            Ok(_) => {}
            // Another process finished it meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn package_of(path: &Path) -> Option<CachedPackage> {
    // A damaged archive is listed as one that says nothing of itself.
    let head = Head::read(open_regular(path).ok()?).ok()?;
    Some(CachedPackage {
        id: head.manifest().package.clone(),
        seal: head.seal_digest(),
    })
}
