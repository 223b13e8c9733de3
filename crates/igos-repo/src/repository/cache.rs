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
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::index::ArchiveLocation;
use igos_root::Kind;

use super::{PlaceError, RepositoryPlaces};
use crate::below::{DirectoryBelow, FileBelow};
use crate::fetch::partial::Partial;

/// Archives and parts of them, below a root.
#[derive(Debug, Clone)]
pub(crate) struct ArchiveCache {
    directory: DirectoryBelow,
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
                "none of its directories may be a symbolic link".into(),
            ],
            CacheError::Place(source) => source.hints(),
        }
    }
}

fn failed<'a>(
    action: &'static str,
    file: &'a FileBelow,
) -> impl FnOnce(io::Error) -> CacheError + 'a {
    move |source| CacheError::new(action, &file.path(), source)
}

impl ArchiveCache {
    /// Opens the cache below a root, or `own` if the caller has not the right to write to that one; its directories
    /// are made when something is put into them.
    pub(super) fn open(
        places: &RepositoryPlaces,
        own: Option<PathBuf>,
    ) -> Result<Self, PlaceError> {
        let made = places.make_cache();
        let (directory, own) = match (made, own) {
            (Ok((cache, opened)), own) => {
                let own = own.filter(|_| opened.may_change_entries().is_err());
                (Ok(cache), own)
            }
            (Err(error), own) => {
                let own = own.filter(|_| error.is_refusal_to_write());
                (Err(error), own)
            }
        };
        let directory = match own {
            Some(own) => places.own_cache(&own)?,
            None => directory?,
        };
        Ok(Self::at(directory))
    }

    /// Returns the cache in this directory.
    pub(super) fn at(directory: DirectoryBelow) -> Self {
        ArchiveCache { directory }
    }

    pub(super) fn archives(&self) -> DirectoryBelow {
        self.directory.join("archives")
    }

    pub(super) fn heads(&self) -> DirectoryBelow {
        self.directory.join("heads")
    }

    pub(super) fn partials(&self) -> DirectoryBelow {
        self.directory.join("partial")
    }

    fn archive(&self, archive: &ArchiveLocation) -> FileBelow {
        self.archives()
            .file(format!("{}.{}", archive.sha256, archive.file_name))
    }

    /// Returns an archive that is there and as long as it has to be; its bytes are not looked at.
    pub(super) fn peek(&self, archive: &ArchiveLocation) -> Option<FileBelow> {
        let file = self.archive(archive);
        // What cannot be looked at is not there for us; fetching it says more.
        let found = file.look().ok()??;
        (found.kind == Kind::File && found.size == archive.size_bytes).then_some(file)
    }

    /// Returns an archive that is there, after comparing all its bytes with its digest. One that differs is deleted.
    pub(super) fn find(&self, archive: &ArchiveLocation) -> Result<Option<FileBelow>, CacheError> {
        let Some(file) = self.peek(archive) else {
            return Ok(None);
        };
        let digest = file.open().and_then(Sha256::read);
        if digest.map_err(failed("read", &file))? == archive.sha256 {
            return Ok(Some(file));
        }
        file.delete().map_err(failed("delete", &file))?;
        Ok(None)
    }

    /// Opens the place where an archive is collected, when nobody else works on it.
    pub(super) fn partial(&self, sha256: &Sha256) -> Result<Partial, CacheError> {
        let file = self.partials().file(format!("{sha256}.part"));
        Partial::open(&file).map_err(failed("open", &file))
    }

    /// Returns the file that holds frames of an archive.
    pub(super) fn frames(&self, sha256: &Sha256) -> FileBelow {
        self.partials().file(format!("{sha256}.frames"))
    }

    /// Takes a collected archive into the cache, whose bytes were compared already.
    pub(super) fn admit(
        &self,
        partial: Partial,
        archive: &ArchiveLocation,
    ) -> Result<FileBelow, CacheError> {
        let file = self.archive(archive);
        partial.place(&file, 0o444).map_err(failed("make", &file))?;
        Ok(file)
    }

    /// Returns the head of an archive, by its seal.
    pub(super) fn head(&self, seal: &Sha256) -> FileBelow {
        self.heads().file(seal.to_string())
    }

    /// Keeps the head of an archive.
    pub(super) fn write_head(&self, seal: &Sha256, bytes: &[u8]) -> Result<FileBelow, CacheError> {
        let file = self.head(seal);
        file.write(bytes, 0o444).map_err(failed("write", &file))?;
        Ok(file)
    }

    /// Deletes everything that is there of an archive besides the archive itself.
    pub(super) fn forget_parts(&self, seal: &Sha256, sha256: &Sha256) -> Result<(), CacheError> {
        for file in [
            self.head(seal),
            self.partials().file(format!("{sha256}.part")),
            self.frames(sha256),
        ] {
            file.delete().map_err(failed("delete", &file))?;
        }
        Ok(())
    }
}

/// Returns the first `length` bytes of a file; `None` if it has fewer.
pub(super) fn read_exactly(file: &File, length: u64) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    // Short and unreadable are the same to those who ask: it is fetched again.
    file.take(length).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == length).then_some(bytes)
}
