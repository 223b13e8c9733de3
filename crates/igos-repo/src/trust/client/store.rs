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

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::trust::{ENVELOPE_MAX_BYTES, Json, KeyId, Root, TopRole, UtcTime};
use igos_root::delete_tree;

use super::TrustStoreError;
use crate::below::DirectoryBelow;

/// Everybody may read what is kept: queries are for all users.
const MODE: u16 = 0o644;

/// One directory and everything below it.
#[derive(Debug, Clone)]
pub(super) struct Store {
    directory: DirectoryBelow,
    /// Its name in the directory that it is in, of those that are kept by their keys.
    name: String,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl Fn(io::Error) -> TrustStoreError + 'a {
    move |source| TrustStoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

impl Store {
    pub(super) fn new(directory: DirectoryBelow) -> Self {
        Store {
            directory,
            name: String::new(),
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
        let name = format!("keys-{}", &digest[..16]);
        Store {
            directory: self.directory.join(&name),
            name,
        }
    }

    /// Returns the path of a file, for messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.file(name).path()
    }

    /// Returns a file, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, TrustStoreError> {
        let file = self.directory.file(name);
        let path = file.path();
        let file = match file.open() {
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
        let file = self.directory.file(name);
        let written = file.write(bytes, MODE);
        written.map_err(failed("write", &file.path()))
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
        self.delete_files(|name| !names.iter().any(|kept| kept == name))
    }

    /// Deletes what was verified with other keys than those of `kept`.
    pub(super) fn forget_other_keys(&self, kept: &Store) -> Result<(), TrustStoreError> {
        let shown = self.directory.shown();
        let entries = self.directory.entries().map_err(failed("list", &shown))?;
        for entry in entries {
            if !entry.name.starts_with(b"keys-") || entry.name == kept.name.as_bytes() {
                continue;
            }
            let deleted = match self.directory.open() {
                Ok(Some(directory)) => delete_tree(&directory, &entry.name),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            deleted.map_err(failed("delete", &shown))?;
        }
        Ok(())
    }

    /// Deletes the chain of roots, all but the newest.
    pub(super) fn forget_chain(&self) -> Result<(), TrustStoreError> {
        self.delete_files(|name| name.ends_with(".root.json"))
    }

    fn delete_files(&self, is_past: impl Fn(&str) -> bool) -> Result<(), TrustStoreError> {
        let shown = self.directory.shown();
        for (file, _) in self.directory.files().map_err(failed("list", &shown))? {
            if is_past(file.name()) {
                file.delete().map_err(failed("delete", &file.path()))?;
            }
        }
        Ok(())
    }
}

/// Reads to the end, or returns nothing if that is more than `max_bytes` away.
fn read_bounded(file: impl Read, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= max_bytes).then_some(bytes))
}
