//! Key drafts as files.

use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use igos_format::trust::{KEY_DRAFT_MAX_BYTES, KeyDraft};

use super::change::OfflineChange;
use super::error::OfflineError;

/// Largest root that is read, in bytes, as clients have it.
pub(super) const ROOT_MAX_BYTES: u64 = 64 * 1024;

fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl Fn(io::Error) -> OfflineError + Copy + 'a {
    move |source| OfflineError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

impl OfflineChange {
    /// Reads a key draft from its file.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be read or used.
    pub fn load(path: &Path) -> Result<Self, OfflineError> {
        let bytes = read(path, KEY_DRAFT_MAX_BYTES)?;
        OfflineChange::read(KeyDraft::read(&bytes)?)
    }

    /// Tests that this follows the root in a file that whoever signs has had from elsewhere.
    ///
    /// # Errors
    ///
    /// Returns that it is another one, or cannot be read.
    pub fn test_root_file(&self, path: &Path) -> Result<(), OfflineError> {
        self.test_root(&read(path, ROOT_MAX_BYTES)?)
    }

    /// Writes the key draft; a file that is there is replaced as a whole.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be written.
    pub fn store(&self, path: &Path) -> Result<(), OfflineError> {
        let failed = failed("write", path);
        let directory = path.parent().filter(|parent| *parent != Path::new(""));
        let directory = directory.unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        // It holds nothing secret, and passes through many hands.
        let mode = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(mode).map_err(failed)?;
        file.write_all(&self.draft().to_bytes()).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

/// Reads at most one byte more than is allowed, which tells that there are more.
fn read(path: &Path, limit: u64) -> Result<Vec<u8>, OfflineError> {
    let failed = failed("read", path);
    let file = crate::store::open_regular(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}
