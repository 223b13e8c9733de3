//! The directory in which a client keeps what it was told. Each file is replaced as a whole.
//!
//! ```text
//! N.root.json            the chain of roots, from the one that the settings named
//! root.json              the newest of them
//! probed                 when a newer root was last asked for, in seconds since 1970
//! keys-DIGEST/           what was verified with these keys of timestamp and snapshot
//!   timestamp.json         of the set in use
//!   newest.json            the newest timestamp seen: that of the set in use, or of one that is on its way
//!   N.snapshot.json  N.targets.json  N.packages.json
//! ```
//!
//! A root that changes the keys of timestamp or snapshot leads to another directory, so nothing that a stolen key
//! said is compared with any longer (TUF 1.0, 5.3.11), whenever the power fails.

use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::trust::{ENVELOPE_MAX_BYTES, Json, KeyId, Root, TopRole, UtcTime};
use tempfile::NamedTempFile;

use super::TrustStoreError;

/// One directory and everything below it.
#[derive(Debug, Clone)]
pub(super) struct Store {
    directory: PathBuf,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> TrustStoreError + 'a {
    move |source| TrustStoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

impl Store {
    pub(super) fn new(directory: &Path) -> Self {
        Store {
            directory: directory.to_owned(),
        }
    }

    /// Returns the directory for what is verified with the keys of this root.
    pub(super) fn below_keys(&self, root: &Root) -> Store {
        let role = |role: TopRole| {
            let keys = root.role(role);
            let ids = keys.keys.iter().map(KeyId::to_string).map(Json::Text);
            Json::List(ids.chain([Json::text(keys.threshold)]).collect())
        };
        let keys = Json::List([TopRole::Timestamp, TopRole::Snapshot].map(role).into());
        let digest = Sha256::of(&keys.to_canonical()).to_string();
        Store {
            directory: self.directory.join(format!("keys-{}", &digest[..16])),
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Returns a file, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, TrustStoreError> {
        let path = self.path(name);
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let bytes = read_bounded(file, ENVELOPE_MAX_BYTES).map_err(failed("read", &path))?;
        let damaged = || TrustStoreError::Damaged {
            path: path.clone(),
            source: None,
        };
        bytes.ok_or_else(damaged).map(Some)
    }

    /// Writes a file, so that after a power cut it is either as it was or as it shall be.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), TrustStoreError> {
        let path = self.path(name);
        let error = failed("write", &path);
        self.make_directory().map_err(&error)?;
        let mut file = NamedTempFile::new_in(&self.directory).map_err(&error)?;
        file.write_all(bytes).map_err(&error)?;
        let readable = Permissions::from_mode(0o644);
        file.as_file().set_permissions(readable).map_err(&error)?;
        file.as_file().sync_all().map_err(&error)?;
        file.persist(&path)
            .map_err(|failure| error(failure.error))?;
        self.sync().map_err(&error)
    }

    /// Makes the directory, which everybody may read whatever the umask: queries are for all users.
    fn make_directory(&self) -> io::Result<()> {
        if self.directory.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.directory)?;
        fs::set_permissions(&self.directory, Permissions::from_mode(0o755))
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.directory)?.sync_all()
    }

    /// Returns when a newer root was last asked for; an unreadable note counts as none.
    pub(super) fn probed(&self) -> Result<Option<UtcTime>, TrustStoreError> {
        let bytes = self.read("probed")?;
        let parse = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).ok()?;
            UtcTime::from_seconds(text.strip_suffix('\n')?.parse().ok()?).ok()
        };
        Ok(bytes.and_then(parse))
    }

    pub(super) fn set_probed(&self, time: UtcTime) -> Result<(), TrustStoreError> {
        self.write("probed", format!("{}\n", time.seconds()).as_bytes())
    }

    /// Deletes all files but those named.
    pub(super) fn keep_only(&self, names: &[String]) -> Result<(), TrustStoreError> {
        for path in self.entries()? {
            let is_kept = names.iter().any(|name| self.path(name) == path);
            if !is_kept {
                fs::remove_file(&path).map_err(failed("delete", &path))?;
            }
        }
        Ok(())
    }

    /// Deletes what was verified with other keys than those of `kept`.
    pub(super) fn forget_other_keys(&self, kept: &Store) -> Result<(), TrustStoreError> {
        for path in self.entries()? {
            if name(&path).starts_with("keys-") && path != kept.directory {
                fs::remove_dir_all(&path).map_err(failed("delete", &path))?;
            }
        }
        Ok(())
    }

    /// Deletes the chain of roots, all but the newest.
    pub(super) fn forget_chain(&self) -> Result<(), TrustStoreError> {
        for path in self.entries()? {
            if name(&path).ends_with(".root.json") {
                fs::remove_file(&path).map_err(failed("delete", &path))?;
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<PathBuf>, TrustStoreError> {
        let error = failed("list", &self.directory);
        let entries = fs::read_dir(&self.directory).map_err(&error)?;
        let path = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.path());
        entries.map(path).collect::<io::Result<_>>().map_err(&error)
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Reads to the end, or returns nothing if that is more than `max_bytes` away.
fn read_bounded(file: impl Read, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max_bytes).then_some(bytes))
}
