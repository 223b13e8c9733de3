//! Archives unpacked once, to be seen by many builds.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::archive::ArchiveReader;
use igos_format::manifest::Manifest;
use igos_root::RootDir;
use igos_sysroot::{LayerOwner, materialise};

use super::directory::set_mode;
use super::work::delete;
use super::{Cache, CacheError};

/// An archive unpacked into a directory of its own, which builds see read-only.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The directory, relative to the cache.
    pub directory: PathBuf,
    /// What the archive says it is.
    pub manifest: Manifest,
    /// The digest of the archive's seal.
    pub seal: Sha256,
}

impl Cache {
    /// Returns the layer of an archive, unpacking it unless that was done before.
    ///
    /// # Errors
    ///
    /// Returns why the archive cannot be read or unpacked.
    pub fn layer(&self, archive: &Path) -> Result<Layer, CacheError> {
        let (manifest, seal) = read_head(archive)?;
        let directory = self.merged_layer(&seal.to_string(), &[archive.to_owned()])?;
        Ok(Layer {
            directory,
            manifest,
            seal,
        })
    }

    /// Returns one layer, called `name`, of several archives that have no file in common; relative to the cache.
    ///
    /// # Errors
    ///
    /// Returns why an archive cannot be read or unpacked.
    pub fn merged_layer(&self, name: &str, archives: &[PathBuf]) -> Result<PathBuf, CacheError> {
        let path = self.root().join("layers").join(name);
        if !path.exists() {
            self.unpack_layer(archives, &path)?;
        }
        Ok(self.relative(&path).to_owned())
    }

    fn unpack_layer(&self, archives: &[PathBuf], path: &Path) -> Result<(), CacheError> {
        static NEXT: AtomicU32 = AtomicU32::new(0);

        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let partial = path.with_added_extension(format!("partial-{}-{number}", std::process::id()));
        delete(&partial)?;
        fs::create_dir(&partial).map_err(CacheError::io("make", &partial))?;
        set_mode(&partial, 0o755)?;
        self.give_to_builds(&partial)?;
        let root = RootDir::open(&partial)
            .map_err(|error| CacheError::io("open", &partial)(error.into_io()))?;
        for archive in archives {
            let file = fs::File::open(archive).map_err(CacheError::io("open", archive))?;
            materialise(std::io::BufReader::new(file), &root, self.layer_owner()).map_err(
                |source| CacheError::Layer {
                    archive: archive.clone(),
                    source,
                },
            )?;
        }
        match fs::rename(&partial, path) {
            Ok(()) => Ok(()),
            // Another thread was faster; its layer has the same bytes.
            Err(_) if path.exists() => delete(&partial),
            Err(error) => Err(CacheError::io("rename", &partial)(error)),
        }
    }

    fn layer_owner(&self) -> LayerOwner {
        if rustix::process::geteuid().is_root() {
            LayerOwner::Numbers {
                uid: self.identity().uid,
                gid: self.identity().gid,
            }
        } else {
            LayerOwner::Caller
        }
    }
}

/// Returns what an archive says it is, and the digest of its seal.
pub(crate) fn read_head(archive: &Path) -> Result<(Manifest, Sha256), CacheError> {
    let file = fs::File::open(archive).map_err(CacheError::io("open", archive))?;
    let reader = ArchiveReader::open(std::io::BufReader::new(file)).map_err(|source| {
        CacheError::Archive {
            archive: archive.to_owned(),
            source,
        }
    })?;
    Ok((reader.manifest().clone(), reader.seal_digest()))
}
