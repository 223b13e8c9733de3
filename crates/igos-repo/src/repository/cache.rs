//! The cache: archives by their digests, parts of archives, heads.
//!
//! ```text
//! archives/DIGEST.NAME   a whole archive, compared with DIGEST before it got there
//! heads/SEAL             the head frame of the archive with this seal
//! partial/DIGEST.part    the beginning of an archive on its way
//! partial/DIGEST.frames  frames of an archive, each at its place, with holes between them
//! ```
//!
//! Names come from signed data, never from a server. The format is normative in
//! `docs/formats/repository-client.md`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::index::ArchiveLocation;

use super::{PlaceError, RepositoryPlaces};
use crate::fetch::partial::Partial;
use crate::store::open_regular;

/// Archives and parts of them, below a root.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveCache {
    directory: PathBuf,
}

/// The cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A file of it cannot be read or written.
    #[error("cannot {action} {} in the cache", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Its directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

impl CacheError {
    pub(super) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        CacheError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl igos_report::Explain for CacheError {
    fn code(&self) -> &'static str {
        match self {
            CacheError::Io { .. } => "archive-cache-unusable",
            CacheError::Place(source) => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            CacheError::Io { .. } => vec![
                "look at owner, mode and free space of the cache, or make room: `pkm cache clean`"
                    .into(),
            ],
            CacheError::Place(source) => source.hints(),
        }
    }
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> CacheError + 'a {
    move |source| CacheError::new(action, path, source)
}

impl ArchiveCache {
    /// Opens the cache below a root, or `own` if that one cannot be written to; its directories are made when
    /// something is put into them.
    pub(super) fn open(
        places: &RepositoryPlaces,
        own: Option<PathBuf>,
    ) -> Result<Self, PlaceError> {
        let made = places.make_cache();
        let is_writable =
            |path: &PathBuf| rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok();
        match (made, own) {
            (Ok(directory), None) => Ok(Self::at(directory)),
            (Ok(directory), Some(_)) if is_writable(&directory) => Ok(Self::at(directory)),
            (_, Some(own)) => Ok(Self::at(own)),
            (Err(error), None) => Err(error),
        }
    }

    /// Returns the cache in this directory.
    pub(super) fn at(directory: PathBuf) -> Self {
        ArchiveCache { directory }
    }

    pub(super) fn archives(&self) -> PathBuf {
        self.directory.join("archives")
    }

    pub(super) fn heads(&self) -> PathBuf {
        self.directory.join("heads")
    }

    pub(super) fn partials(&self) -> PathBuf {
        self.directory.join("partial")
    }

    fn path_of(&self, archive: &ArchiveLocation) -> PathBuf {
        self.archives()
            .join(format!("{}.{}", archive.sha256, archive.file_name))
    }

    /// Returns the path of an archive that is there and as long as it has to be; its bytes are not looked at.
    pub(super) fn peek(&self, archive: &ArchiveLocation) -> Option<PathBuf> {
        let path = self.path_of(archive);
        // What cannot be looked at is not there for us; fetching it says more.
        let found = fs_err::symlink_metadata(&path).ok()?;
        (found.is_file() && found.len() == archive.size_bytes).then_some(path)
    }

    /// Returns the path of an archive that is there, after comparing all its bytes with its digest. One that
    /// differs is deleted.
    pub(super) fn find(&self, archive: &ArchiveLocation) -> Result<Option<PathBuf>, CacheError> {
        let Some(path) = self.peek(archive) else {
            return Ok(None);
        };
        if digest_of(&path).map_err(failed("read", &path))? == archive.sha256 {
            return Ok(Some(path));
        }
        fs_err::remove_file(&path).map_err(failed("delete", &path))?;
        Ok(None)
    }

    /// Opens the place where an archive is collected, when nobody else works on it.
    pub(super) fn partial(&self, sha256: &Sha256) -> Result<Partial, CacheError> {
        let path = self.partials().join(format!("{sha256}.part"));
        make_parent(&path)?;
        Partial::open(path.clone()).map_err(failed("open", &path))
    }

    /// Returns the path of the file that holds frames of an archive.
    pub(super) fn frames(&self, sha256: &Sha256) -> Result<PathBuf, CacheError> {
        let path = self.partials().join(format!("{sha256}.frames"));
        make_parent(&path)?;
        Ok(path)
    }

    /// Takes a collected archive into the cache, whose bytes were compared already.
    pub(super) fn admit(
        &self,
        partial: &Path,
        archive: &ArchiveLocation,
    ) -> Result<PathBuf, CacheError> {
        let path = self.path_of(archive);
        make_parent(&path)?;
        fs_err::rename(partial, &path).map_err(failed("rename", partial))?;
        let mode = std::fs::Permissions::from_mode(0o444);
        fs_err::set_permissions(&path, mode).map_err(failed("change the mode of", &path))?;
        Ok(path)
    }

    /// Returns the path of the head of an archive, by its seal.
    pub(super) fn head(&self, seal: &Sha256) -> PathBuf {
        self.heads().join(seal.to_string())
    }

    /// Keeps the head of an archive.
    pub(super) fn write_head(&self, seal: &Sha256, bytes: &[u8]) -> Result<PathBuf, CacheError> {
        let path = self.head(seal);
        make_parent(&path)?;
        write_whole(&path, bytes, 0o444).map_err(failed("write", &path))?;
        Ok(path)
    }

    /// Deletes everything that is there of an archive besides the archive itself.
    pub(super) fn forget_parts(&self, seal: &Sha256, sha256: &Sha256) -> Result<(), CacheError> {
        for path in [
            self.head(seal),
            self.partials().join(format!("{sha256}.part")),
            self.partials().join(format!("{sha256}.frames")),
        ] {
            match fs_err::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("delete", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn make_parent(path: &Path) -> Result<(), CacheError> {
    let parent = path
        .parent()
        .expect("files of the cache lie in directories");
    fs_err::create_dir_all(parent).map_err(failed("make", parent))
}

/// Writes a file beside its place and renames it there.
pub(super) fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(parent)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    fs_err::File::open(parent)?.sync_all()
}

/// Returns the digest of a regular file.
pub(super) fn digest_of(path: &Path) -> io::Result<Sha256> {
    Sha256::read(open_regular(path)?)
}

/// Returns the first `length` bytes of a file; `None` if it has fewer.
pub(super) fn read_exactly(file: &File, length: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // Short and unreadable are the same to those who ask: it is fetched again.
    file.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}
