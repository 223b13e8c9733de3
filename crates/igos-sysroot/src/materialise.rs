//! Unpacking an archive into a directory as a build layer: no record, no journal, nothing waits for the disk.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use igos_format::archive::{ArchiveReader, Content, ReadArchiveError};
use igos_format::{EntryKind, FileEntry, PackageId, RelPath, Sha256};
use igos_report::Explain;
use igos_root::{Directory, Kind, RootDir, set_mode, set_modified, set_owner};

use crate::LayerOwner;
use crate::transaction::modified_of;

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaterialiseSummary {
    /// The package.
    pub package: PackageId,
    /// The digest that identifies its archive.
    pub seal: Sha256,
    /// How many paths.
    pub paths: usize,
    /// Bytes of its files.
    pub bytes: u64,
}

/// An archive cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum MaterialiseError {
    /// The archive is not what it has to be.
    #[error("the archive cannot be unpacked")]
    Archive {
        /// Why.
        #[source]
        source: ReadArchiveError,
    },
    /// A path cannot be made.
    #[error("cannot make {path}")]
    Path {
        /// The path.
        path: RelPath,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for MaterialiseError {
    fn code(&self) -> &'static str {
        match self {
            MaterialiseError::Archive { source } => source.code(),
            MaterialiseError::Path { .. } => "layer-path-failed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            MaterialiseError::Archive { source } => source.hints(),
            MaterialiseError::Path { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            MaterialiseError::Archive { source } => source.exit_code(),
            MaterialiseError::Path { .. } => 4,
        }
    }
}

/// Unpacks an archive below `target`; every content is verified, everything is made through descriptors.
///
/// Setuid and setgid bits, capabilities and extended attributes are left out and everything belongs to `owner`: a
/// layer is only ever read by builds. Directories that are there already are used; anything else there is an error.
/// Equal files become hard links of one another.
///
/// # Errors
///
/// Returns what is wrong with the archive, or which path cannot be made. What was made until then stays.
pub fn materialise(
    archive: impl Read,
    target: &RootDir,
    owner: LayerOwner,
) -> Result<MaterialiseSummary, MaterialiseError> {
    let damaged = |source| MaterialiseError::Archive { source };
    let mut reader = ArchiveReader::open(archive).map_err(damaged)?;
    let modified = modified_of(reader.manifest().source_date_epoch);
    let mut layer = Layer {
        target,
        owner,
        modified,
        last: None,
    };
    let mut bytes = 0;
    let paths: Vec<RelPath> = reader
        .manifest()
        .entries
        .iter()
        .map(|entry| entry.path.clone())
        .collect();
    while let Some(entry) = reader.next_entry().map_err(damaged)? {
        let row = entry.entry.clone();
        let path = |source| MaterialiseError::Path {
            path: row.path.clone(),
            source,
        };
        match entry.content {
            Content::Nothing => layer.make(&row).map_err(path)?,
            Content::HardLink(first) | Content::SameAs(first) => {
                layer.link(&paths[first], &row.path).map_err(path)?;
            }
            Content::Bytes(mut content) => {
                let parent = layer.parent(&row.path).map_err(path)?;
                let mut file = parent.create_file(row.path.file_name()).map_err(path)?;
                while let Some(chunk) = content.next_chunk().map_err(damaged)? {
                    file.write_all(chunk).map_err(path)?;
                    bytes += chunk.len() as u64;
                }
                layer
                    .finish(file.as_fd(), Some(row.mode & 0o777))
                    .map_err(path)?;
            }
        }
    }
    // Making what is inside changed their times.
    for entry in &reader.manifest().entries {
        if entry.kind == EntryKind::Directory {
            layer
                .set_directory_time(&entry.path)
                .map_err(|source| MaterialiseError::Path {
                    path: entry.path.clone(),
                    source,
                })?;
        }
    }
    let summary = MaterialiseSummary {
        package: reader.manifest().package.clone(),
        seal: reader.seal_digest(),
        paths: paths.len(),
        bytes,
    };
    reader.finish().map_err(damaged)?;
    Ok(summary)
}

struct Layer<'a> {
    target: &'a RootDir,
    owner: LayerOwner,
    modified: i64,
    last: Option<(Option<RelPath>, Arc<Directory>)>,
}

impl Layer<'_> {
    /// Opens the directory that holds `path`, making it and those above it where the archive does not have them.
    fn parent(&mut self, path: &RelPath) -> io::Result<Arc<Directory>> {
        let above = path.parent();
        if let Some((known, directory)) = &self.last
            && *known == above
        {
            return Ok(Arc::clone(directory));
        }
        let mut current = self.target.top().try_clone()?;
        if let Some(above) = &above {
            for name in above.components() {
                current = self.enter(&current, name)?;
            }
        }
        let directory = Arc::new(current);
        self.last = Some((above, Arc::clone(&directory)));
        Ok(directory)
    }

    fn enter(&self, parent: &Directory, name: &[u8]) -> io::Result<Directory> {
        match parent.open_directory(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = parent.create_directory(name, 0o755)?;
                self.finish(made.as_fd(), Some(0o755))?;
                Ok(made)
            }
            other => other,
        }
    }

    fn make(&mut self, row: &FileEntry) -> io::Result<()> {
        let parent = self.parent(&row.path)?;
        let name = row.path.file_name();
        if let EntryKind::Symlink { target } = &row.kind {
            parent.create_symlink(target, name)?;
            return self.finish(parent.open_handle(name)?.as_fd(), None);
        }
        // Its owner can always read it and work in it, or nothing could be unpacked below.
        let mode = row.mode & 0o1777 | 0o700;
        let made = match parent.create_directory(name, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let found = parent.metadata(name)?;
                if found.kind == Kind::Directory {
                    return Ok(());
                }
                return Err(error);
            }
            other => other?,
        };
        self.finish(made.as_fd(), Some(mode))
    }

    fn link(&mut self, first: &RelPath, path: &RelPath) -> io::Result<()> {
        let from = self
            .target
            .parent_of(first)
            .map_err(igos_root::RootError::into_io)?;
        let to = self.parent(path)?;
        from.link(first.file_name(), &to, path.file_name())
    }

    fn finish(&self, file: BorrowedFd<'_>, mode: Option<u16>) -> io::Result<()> {
        if let LayerOwner::Numbers { uid, gid } = self.owner {
            set_owner(file, uid, gid)?;
        }
        if let Some(mode) = mode {
            set_mode(file, mode)?;
        }
        set_modified(file, self.modified)
    }

    fn set_directory_time(&self, path: &RelPath) -> io::Result<()> {
        let directory = self
            .target
            .directory(path)
            .map_err(igos_root::RootError::into_io)?;
        set_modified(&directory, self.modified)
    }
}
