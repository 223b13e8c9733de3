//! The directory in which packages are made again: a cache of its own, gone when it is no longer needed.

use std::path::Path;

use igos_format::PackageName;

use crate::cache::{Cache, CacheError, WorkDirectory, set_mode};

/// A cache of its own for one package, deleted when dropped.
#[derive(Debug)]
pub struct Scratch {
    cache: Cache,
    _holder: Holder,
}

/// What deletes it.
#[derive(Debug)]
#[expect(dead_code, reason = "it is held to be dropped")]
enum Holder {
    Work(WorkDirectory),
    Temporary(tempfile::TempDir),
}

impl Scratch {
    /// Makes an empty one for `package`: in the directory `elsewhere`, else among the running builds of `cache`.
    ///
    /// # Errors
    ///
    /// Returns what cannot be made.
    pub fn create(
        cache: &Cache,
        package: &PackageName,
        elsewhere: Option<&Path>,
    ) -> Result<Self, CacheError> {
        let (holder, directory) = match elsewhere {
            None => {
                let work = WorkDirectory::create(cache, package)?;
                // Its other directories are given to builds; this one stays ours.
                let directory = work.path().join("output");
                (Holder::Work(work), directory)
            }
            Some(elsewhere) => {
                let made = tempfile::Builder::new()
                    .prefix("igos-reproduce-")
                    .tempdir_in(elsewhere)
                    .map_err(CacheError::io("make a directory in", elsewhere))?;
                // Builds run as another user must get through to their own directories.
                set_mode(made.path(), 0o755)?;
                let directory = made.path().join("cache");
                (Holder::Temporary(made), directory)
            }
        };
        Ok(Scratch {
            cache: Cache::open(&directory, cache.identity())?,
            _holder: holder,
        })
    }

    /// Returns the cache.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }
}
