//! Files that appear whole: written elsewhere, synced, renamed.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use igos_format::{Hasher, Sha256};
use igos_report::Explain;

use super::layout;

/// Asked before every step that readers can see; true ends the work there.
pub type Stop<'a> = dyn Fn() -> bool + Sync + 'a;

/// A file of a repository cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The file system or the caller's rights do not allow it.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is not what it was when it was looked at.
    #[error("{} changed while it was published: it has digest {actual}, expected {expected}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What it was.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
    /// The caller wants to stop.
    #[error("publishing was stopped before {} was in place", path.display())]
    Stopped {
        /// The file that comes next.
        path: PathBuf,
    },
}

impl PlaceError {
    pub(super) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> PlaceError + 'a {
        move |source| PlaceError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl Explain for PlaceError {
    fn code(&self) -> &'static str {
        match self {
            PlaceError::Io { .. } => "repository-unwritable",
            PlaceError::Changed { .. } => "publish-file-changed",
            PlaceError::Stopped { .. } => "publish-stopped",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PlaceError::Io { .. } => {
                vec!["check owner, mode and free space of the repository".to_owned()]
            }
            PlaceError::Changed { .. } => Vec::new(),
            PlaceError::Stopped { .. } => {
                vec!["publish again: readers see what was published before".to_owned()]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PlaceError::Io { .. } => 4,
            PlaceError::Changed { .. } => 1,
            PlaceError::Stopped { .. } => 130,
        }
    }
}

/// A file that is written and waits to be put in place.
pub(super) struct Pending {
    file: tempfile::TempPath,
    path: String,
}

/// Puts files into a repository, so that readers see none or all of each.
pub(super) struct Placer<'a> {
    directory: &'a Path,
    stop: &'a Stop<'a>,
}

impl<'a> Placer<'a> {
    /// Returns what puts files below `directory`; makes its directories, and deletes what a publisher left on the way.
    pub(super) fn new(directory: &'a Path, stop: &'a Stop<'a>) -> Result<Self, PlaceError> {
        for part in [
            layout::METADATA.to_owned(),
            format!("{}/{}", layout::TARGETS, layout::INDEX),
            format!("{}/{}", layout::TARGETS, layout::ARCHIVES),
            format!("{}/{}", layout::TARGETS, layout::SOURCES),
        ] {
            let path = directory.join(part);
            fs_err::create_dir_all(&path).map_err(PlaceError::io("make", &path))?;
        }
        let placer = Placer { directory, stop };
        placer.settle(layout::TARGETS)?;
        placer.settle("")?;
        let work = directory.join(layout::WORK);
        for entry in fs_err::read_dir(&work).map_err(PlaceError::io("list", &work))? {
            let path = entry.map_err(PlaceError::io("list", &work))?.path();
            if path != directory.join(layout::LOCK) {
                fs_err::remove_file(&path).map_err(PlaceError::io("delete", &path))?;
            }
        }
        Ok(placer)
    }

    /// Tells whether a file that is named by its digest is there already: it was put there whole.
    pub(super) fn is_there(&self, path: &str, size_bytes: u64) -> bool {
        let found = fs_err::symlink_metadata(self.directory.join(path));
        found.is_ok_and(|found| found.is_file() && found.len() == size_bytes)
    }

    /// Puts `bytes` at `path` below the repository.
    pub(super) fn bytes(&self, path: &str, bytes: &[u8]) -> Result<(), PlaceError> {
        let new = self.begin()?;
        let io = PlaceError::io("write", new.path());
        new.as_file().write_all(bytes).map_err(io)?;
        self.finish(new, path)
    }

    /// Copies the file `from`, to become `path` below the repository, and compares what was copied with its digest.
    pub(super) fn copy(
        &self,
        from: &Path,
        sha256: &Sha256,
        path: String,
    ) -> Result<Pending, PlaceError> {
        let mut source = crate::store::open_regular(from).map_err(PlaceError::io("open", from))?;
        self.stream(&mut source, from, sha256, path)
    }

    /// Writes all of `source`, to become `path` below the repository, and compares it with its digest.
    pub(super) fn stream(
        &self,
        source: &mut dyn Read,
        from: &Path,
        sha256: &Sha256,
        path: String,
    ) -> Result<Pending, PlaceError> {
        let new = self.begin()?;
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(PlaceError::io("read", from)(error)),
            };
            hasher.update(&buffer[..count]);
            let io = PlaceError::io("write", new.path());
            new.as_file().write_all(&buffer[..count]).map_err(io)?;
        }
        if hasher.sha256() != *sha256 {
            return Err(PlaceError::Changed {
                path: from.to_owned(),
                expected: *sha256,
                actual: hasher.sha256(),
            });
        }
        set_public(&new)?;
        Ok(Pending {
            file: new.into_temp_path(),
            path,
        })
    }

    /// Syncs files that were written, all at once, and puts them in place.
    ///
    /// Syncing each by itself takes as long as the disk needs to turn, thousands of times.
    pub(super) fn place(&self, pending: Vec<Pending>) -> Result<(), PlaceError> {
        if pending.is_empty() {
            return Ok(());
        }
        let work = self.directory.join(layout::WORK);
        let io = PlaceError::io("sync", &work);
        let directory = fs_err::File::open(&work).map_err(PlaceError::io("open", &work))?;
        rustix::fs::syncfs(&directory).map_err(|error| io(error.into()))?;
        for Pending { file, path } in pending {
            let path = self.directory.join(path);
            self.step(&path)?;
            file.persist(&path)
                .map_err(|error| PlaceError::io("rename", &path)(error.error))?;
        }
        Ok(())
    }

    fn begin(&self) -> Result<tempfile::NamedTempFile, PlaceError> {
        let work = self.directory.join(layout::WORK);
        tempfile::Builder::new()
            .prefix("new-")
            .tempfile_in(&work)
            .map_err(PlaceError::io("make a file in", &work))
    }

    fn finish(&self, new: tempfile::NamedTempFile, path: &str) -> Result<(), PlaceError> {
        let path = self.directory.join(path);
        set_public(&new)?;
        let synced = new.as_file().sync_all();
        synced.map_err(PlaceError::io("sync", new.path()))?;
        self.step(&path)?;
        new.persist(&path)
            .map_err(|error| PlaceError::io("rename", &path)(error.error))?;
        Ok(())
    }

    /// Makes what was put into a directory last, so that nothing that follows can be seen without it.
    pub(super) fn settle(&self, directory: &str) -> Result<(), PlaceError> {
        let path = self.directory.join(directory);
        fs_err::File::open(&path)
            .and_then(|directory| directory.sync_all())
            .map_err(PlaceError::io("sync", &path))
    }

    /// Returns unless the caller wants to stop before `path` changes.
    pub(super) fn step(&self, path: &Path) -> Result<(), PlaceError> {
        if (self.stop)() {
            return Err(PlaceError::Stopped {
                path: path.to_owned(),
            });
        }
        Ok(())
    }
}

/// Lets everybody read a file: web servers are other users.
fn set_public(new: &tempfile::NamedTempFile) -> Result<(), PlaceError> {
    let mode = std::fs::Permissions::from_mode(0o644);
    let changed = new.as_file().set_permissions(mode);
    changed.map_err(PlaceError::io("change the mode of", new.path()))
}

/// How much is copied at once, in bytes.
const COPY_BYTES: usize = 256 * 1024;
