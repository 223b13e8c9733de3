//! The directory of one running build.
//!
//! ```text
//! build/     what the build sees as /build: sources, objects
//! dest/      /dest, where it installs
//! recipe/    /recipe, a copy of the recipe's directory
//! sources/   /sources, the verified sources and the patches
//! output/    archives on their way into the cache
//! ```
//!
//! It belongs to whom builds run as, is closed to everybody else, and is locked by the process that uses it, so
//! that a later run can tell a stale one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use fs_err as fs;
use igos_format::PackageName;
use igos_root::{RootDir, delete_tree};
use rustix::fs::FlockOperation;

use super::directory::set_mode;
use super::{Cache, CacheError};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// The directory of one running build; deleted when dropped, unless it was kept.
#[derive(Debug)]
pub struct WorkDirectory {
    path: PathBuf,
    _lock: fs::File,
}

impl WorkDirectory {
    /// Makes an empty one.
    ///
    /// # Errors
    ///
    /// Returns what cannot be made.
    pub fn create(cache: &Cache, package: &PackageName) -> Result<Self, CacheError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{package}-{}-{number}", std::process::id());
        let path = cache.root().join("work").join(name);
        delete(&path)?;
        fs::create_dir(&path).map_err(CacheError::io("make", &path))?;
        let lock = lock(&path)?.ok_or_else(|| CacheError::Locked { path: path.clone() })?;
        let work = WorkDirectory { path, _lock: lock };
        for (name, is_builders) in [
            ("build", true),
            ("dest", true),
            ("recipe", false),
            ("sources", false),
            ("output", false),
        ] {
            let path = work.path.join(name);
            fs::create_dir(&path).map_err(CacheError::io("make", &path))?;
            set_mode(&path, 0o755)?;
            if is_builders {
                cache.give_to_builds(&path)?;
            }
        }
        set_mode(&work.path, 0o700)?;
        cache.give_to_builds(&work.path)?;
        Ok(work)
    }

    /// Opens what a failed build of `package` left, `None` if nothing was kept.
    ///
    /// # Errors
    ///
    /// Returns that somebody else has it open, or what the kernel says.
    pub fn open_failed(
        cache: &Cache,
        package: &PackageName,
    ) -> Result<Option<FailedDirectory>, CacheError> {
        let path = cache.failed(package);
        if !path.exists() {
            return Ok(None);
        }
        let lock = lock(&path)?.ok_or_else(|| CacheError::Locked { path: path.clone() })?;
        Ok(Some(FailedDirectory { path, _lock: lock }))
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the directory as that of the last failed build of `package`.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted or renamed.
    pub fn keep_as_failed(
        mut self,
        cache: &Cache,
        package: &PackageName,
    ) -> Result<PathBuf, CacheError> {
        let kept = cache.failed(package);
        delete(&kept)?;
        fs::rename(&self.path, &kept).map_err(CacheError::io("rename", &self.path))?;
        // Nothing is left at the old path; dropping finds nothing to delete.
        self.path = cache.root().join("work").join(".moved");
        Ok(kept)
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        // What cannot be deleted now is stale to the next run, which deletes it or says why it cannot.
        let _deleted = delete(&self.path).is_ok();
    }
}

/// What a failed build left, held open.
#[derive(Debug)]
pub struct FailedDirectory {
    path: PathBuf,
    _lock: fs::File,
}

impl FailedDirectory {
    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Cache {
    /// Deletes the directories of builds whose process is dead, and returns how many there were.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted.
    pub fn delete_stale_work(&self) -> Result<usize, CacheError> {
        let work = self.root().join("work");
        let mut count = 0;
        for entry in fs::read_dir(&work).map_err(CacheError::io("read", &work))? {
            let path = entry.map_err(CacheError::io("read", &work))?.path();
            let Some(_lock) = lock(&path)? else { continue };
            delete(&path)?;
            count += 1;
        }
        Ok(count)
    }
}

/// Locks a directory, `None` if a living process has it.
fn lock(path: &Path) -> Result<Option<fs::File>, CacheError> {
    let directory = fs::File::open(path).map_err(CacheError::io("open", path))?;
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(directory)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(CacheError::io("lock", path)(error.into())),
    }
}

/// Deletes a tree of the cache, whatever a build made of it.
pub(super) fn delete(path: &Path) -> Result<(), CacheError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(());
    };
    let parent =
        RootDir::open(parent).map_err(|error| CacheError::io("open", parent)(error.into_io()))?;
    delete_tree(parent.top(), name.as_encoded_bytes()).map_err(CacheError::io("delete", path))
}
