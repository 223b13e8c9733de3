//! The directory of a toolchain: archives under their seals, and the document that is replaced last.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::ToolchainArchive;
use super::document::{DOCUMENT, Document};

/// A file of the toolchain's directory could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    /// Returns a function that adds what was tried to the kernel's answer.
    pub(super) fn new(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| FileError {
            action,
            path,
            source,
        }
    }
}

pub(super) fn write_document(directory: &Path, document: &Document) -> Result<(), FileError> {
    let path = directory.join(DOCUMENT);
    let mut out =
        tempfile::NamedTempFile::new_in(directory).map_err(FileError::new("write", &path))?;
    out.write_all(document.to_text().as_bytes())
        .map_err(FileError::new("write", &path))?;
    persist(out, path)
}

/// Copies an archive into the directory, unless it is there.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    if to.exists() {
        return Ok(());
    }
    let directory = to.parent().unwrap_or(Path::new("/"));
    let mut out =
        tempfile::NamedTempFile::new_in(directory).map_err(FileError::new("write", to))?;
    let mut file = fs::File::open(from).map_err(FileError::new("open", from))?;
    io::copy(&mut file, &mut out).map_err(FileError::new("write", to))?;
    persist(out, to.to_owned())
}

/// Syncs a temporary file, makes it readable for all and gives it its name.
pub(super) fn persist(file: tempfile::NamedTempFile, path: PathBuf) -> Result<(), FileError> {
    let mode = std::fs::Permissions::from_mode(0o644);
    file.as_file()
        .set_permissions(mode)
        .and_then(|()| file.as_file().sync_all())
        .map_err(FileError::new("sync", &path))?;
    file.persist(&path)
        .map(drop)
        .map_err(|error| FileError::new("rename", path)(error.error))
}

/// Deletes archives that the document does not name. It is in force already, so that a run that is killed here leaves a
/// few files too many and nothing else.
pub(super) fn delete_others(archives: &Path, document: &Document) -> Result<(), FileError> {
    let ours: BTreeSet<String> = document
        .archives
        .iter()
        .map(ToolchainArchive::file_name)
        .collect();
    for entry in fs::read_dir(archives).map_err(FileError::new("list", archives))? {
        let entry = entry.map_err(FileError::new("list", archives))?;
        if !entry
            .file_name()
            .to_str()
            .is_some_and(|name| ours.contains(name))
        {
            fs::remove_file(entry.path()).map_err(FileError::new("delete", entry.path()))?;
        }
    }
    Ok(())
}
