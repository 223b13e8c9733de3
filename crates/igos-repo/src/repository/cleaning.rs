//! What is in the cache, and what of it to delete: planned first.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use igos_format::archive::Head;
use igos_format::{PackageId, Sha256};
use igos_root::Metadata;
use rustix::fs::FlockOperation;
use serde::Serialize;

use super::RepositoryPlaces;
use super::cache::{ArchiveCache, CacheError};
use crate::below::{DirectoryBelow, FileBelow};

/// An archive in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CachedArchive {
    /// The file; where answers are data, its path.
    #[serde(rename = "path")]
    pub file: FileBelow,
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
    /// The file; where answers are data, its path.
    #[serde(rename = "path")]
    pub file: FileBelow,
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
    pub files: Vec<FileBelow>,
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
                cleaning.files.push(archive.file.clone());
                cleaning.size_bytes += archive.size_bytes;
            }
        }
        for part in &self.parts {
            cleaning.files.push(part.file.clone());
            cleaning.size_bytes += part.size_bytes;
        }
        cleaning.files.sort_by_key(FileBelow::path);
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
        for file in &self.files {
            let deleted = match is_in_use(file) {
                Ok(true) => continue,
                Ok(false) => file.delete(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => Err(error),
            };
            deleted.map_err(|source| CacheError::new("delete", &file.path(), source))?;
        }
        Ok(())
    }
}

/// Tells whether a download writes to a file now.
fn is_in_use(file: &FileBelow) -> io::Result<bool> {
    match rustix::fs::flock(file.open()?, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn list(cache: &ArchiveCache) -> Result<CacheContents, CacheError> {
    let mut contents = CacheContents::default();
    for (file, found) in files(&cache.archives())? {
        contents.archives.push(CachedArchive {
            package: package_of(&file),
            size_bytes: found.size,
            file,
        });
    }
    contents.archives.sort_by_cached_key(|archive| {
        let id = archive.package.as_ref().map(|found| found.id.clone());
        (id, archive.file.path())
    });
    for directory in [cache.heads(), cache.partials()] {
        for (file, found) in files(&directory)? {
            contents.parts.push(CachedPart {
                size_bytes: found.allocated,
                file,
            });
        }
    }
    Ok(contents)
}

fn files(directory: &DirectoryBelow) -> Result<Vec<(FileBelow, Metadata)>, CacheError> {
    let listed = directory.files();
    listed.map_err(|source| CacheError::new("list", &directory.shown(), source))
}

fn package_of(file: &FileBelow) -> Option<CachedPackage> {
    // A damaged archive is listed as one that says nothing of itself.
    let head = Head::read(file.open().ok()?).ok()?;
    Some(CachedPackage {
        id: head.manifest().package.clone(),
        seal: head.seal_digest(),
    })
}
