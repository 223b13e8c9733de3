//! The secret keys that a publisher has at hand.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use igos_format::trust::{Authority, KeyId};
use igos_report::Explain;

use crate::trust::{SecretKey, SecretKeyError};

/// Directories below a key directory in which keys are looked for too.
pub(super) const OFFLINE: &str = "offline";
/// Where keys are that sign every day.
pub(super) const ONLINE: &str = "online";
/// What the name of a key file ends with.
pub(super) const KEY_SUFFIX: &str = "key";

/// Secret keys by their names, each with its file.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: BTreeMap<KeyId, (SecretKey, PathBuf)>,
    directories: Vec<PathBuf>,
}

/// Keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// A directory cannot be listed.
    #[error("cannot list the keys in {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A key file is refused.
    #[error(transparent)]
    Key(#[from] SecretKeyError),
    /// Too few keys of a role are at hand.
    #[error(
        "{role} needs {threshold} of its keys, {found} are at hand; its keys are {}",
        list(keys)
    )]
    TooFew {
        /// The role.
        role: String,
        /// How many must sign.
        threshold: u64,
        /// How many are at hand.
        found: u64,
        /// All keys of the role.
        keys: Vec<KeyId>,
    },
}

fn list(keys: &[KeyId]) -> String {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    keys.join(", ")
}

impl Explain for KeyRingError {
    fn code(&self) -> &'static str {
        match self {
            KeyRingError::Directory { .. } => "key-directory-unreadable",
            KeyRingError::Key(error) => error.code(),
            KeyRingError::TooFew { .. } => "keys-absent",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            KeyRingError::Directory { .. } => {
                vec!["make the keys of a new repository: `igos-build key new DIR`".to_owned()]
            }
            KeyRingError::Key(error) => error.hints(),
            KeyRingError::TooFew { role, .. } => vec![format!(
                "name the directories that hold keys of {role}, several times if need be: `--keys DIR`"
            )],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            KeyRingError::Directory { .. } => 4,
            KeyRingError::Key(error) => error.exit_code(),
            KeyRingError::TooFew { .. } => 1,
        }
    }
}

impl KeyRing {
    /// Loads every `*.key` of these directories and of `offline` and `online` below them.
    ///
    /// # Errors
    ///
    /// Returns the first directory or key that cannot be used.
    pub fn load(directories: &[PathBuf]) -> Result<Self, KeyRingError> {
        let mut ring = KeyRing::default();
        for directory in directories {
            ring.load_directory(directory)?;
            for below in [OFFLINE, ONLINE] {
                let below = directory.join(below);
                if below.is_dir() {
                    ring.load_directory(&below)?;
                }
            }
        }
        Ok(ring)
    }

    fn load_directory(&mut self, path: &Path) -> Result<(), KeyRingError> {
        let failed = |source| KeyRingError::Directory {
            path: path.to_owned(),
            source,
        };
        for entry in fs_err::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|end| end == KEY_SUFFIX) {
                self.add(SecretKey::load(&file)?, file);
            }
        }
        self.directories.push(path.to_owned());
        Ok(())
    }

    /// Loads the same keys again, for a ring that gets more.
    pub(super) fn reload(&self) -> Result<Self, KeyRingError> {
        KeyRing::load(&self.directories)
    }

    pub(super) fn add(&mut self, key: SecretKey, file: PathBuf) {
        self.keys.insert(key.id(), (key, file));
    }

    /// Returns the directories that were looked into, those that were named before what lies below them.
    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// Returns the file of a key that is at hand.
    #[must_use]
    pub fn file_of(&self, id: &KeyId) -> Option<&Path> {
        self.keys.get(id).map(|(_, file)| file.as_path())
    }

    /// Returns a key that is at hand.
    pub(super) fn key(&self, id: &KeyId) -> Option<&SecretKey> {
        self.keys.get(id).map(|(key, _)| key)
    }

    /// Returns those keys of a role that are at hand, as many as must sign or more.
    pub(super) fn of(
        &self,
        role: &str,
        authority: &Authority,
    ) -> Result<Vec<&SecretKey>, KeyRingError> {
        let found: Vec<&SecretKey> = authority
            .keys
            .keys()
            .filter_map(|id| self.key(id))
            .collect();
        if (found.len() as u64) < authority.threshold.max(1) {
            return Err(KeyRingError::TooFew {
                role: role.to_owned(),
                threshold: authority.threshold,
                found: found.len() as u64,
                keys: authority.keys.keys().copied().collect(),
            });
        }
        Ok(found)
    }
}
