//! Adding and removing repositories.

use std::io;
use std::path::PathBuf;

use igos_format::trust::{KeyId, Root, TopRole};
use igos_report::{Diagnostic, Explain, Reporter, diagnose};
use igos_root::delete_tree;

use super::places::LOCK;
use super::transport::TransportError;
use super::{
    FailedCopy, PlaceError, RepositoryClient, RepositoryName, RepositoryPlaces, RepositorySettings,
    TrustedRoot,
};
use crate::below::FileBelow;
use crate::fetch::http::{HttpError, Status};
use crate::lock::{self, LockError, Waiting, Work};
use crate::repository::copies::Blame;
use crate::trust::{VerifyError, open_alone};

/// Largest root we read, in bytes: the same limit as for roots that follow.
const ROOT_MAX_BYTES: u64 = 64 * 1024;

/// Most roots that are asked for when a repository is added.
const ROOTS_MAX: u64 = 256;

/// A root that vouches for itself. Only somebody's word says that it is the right one.
#[derive(Debug, Clone)]
pub struct OfferedRoot {
    bytes: Vec<u8>,
    root: Root,
}

/// A repository cannot be added or removed.
#[derive(Debug, thiserror::Error)]
pub enum EditRepositoryError {
    /// There is one of this name.
    #[error("there is a repository {name} already: {}", path.display())]
    Exists {
        /// The name.
        name: RepositoryName,
        /// Its settings.
        path: PathBuf,
    },
    /// No copy has a root.
    #[error("repository {name} offers no root")]
    NoRoot {
        /// The name.
        name: RepositoryName,
        /// What every copy did.
        failed: Vec<FailedCopy>,
    },
    /// The root does not vouch for itself.
    #[error("the root of repository {name} cannot be used")]
    Root {
        /// The name.
        name: RepositoryName,
        /// Why.
        #[source]
        source: VerifyError,
    },
    /// The root is not vouched for by the keys that were named.
    #[error("the root of repository {name} is signed by other keys than those named")]
    OtherKeys {
        /// The name.
        name: RepositoryName,
        /// How many keys have to sign the newest root that it offers.
        threshold: u64,
        /// The keys of the newest root that it offers.
        keys: Vec<KeyId>,
    },
    /// A directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Another process synchronises it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file cannot be written or deleted.
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
}

impl Explain for EditRepositoryError {
    fn code(&self) -> &'static str {
        match self {
            EditRepositoryError::Exists { .. } => "repository-exists",
            EditRepositoryError::NoRoot { .. } => "repository-root-unavailable",
            EditRepositoryError::Root { source, .. } => source.code(),
            EditRepositoryError::OtherKeys { .. } => "repository-root-other-keys",
            EditRepositoryError::Place(source) => source.code(),
            EditRepositoryError::Lock(source) => source.code(),
            EditRepositoryError::Io { .. } => "repository-settings-unwritable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            EditRepositoryError::Exists { name, .. } => vec![
                format!("remove it first: `pkm repository remove {name}`"),
                "or edit its settings, which is all that adding writes".into(),
            ],
            EditRepositoryError::NoRoot { .. } => {
                vec!["see whether the address is that of a repository, and the network up".into()]
            }
            EditRepositoryError::Root { source, .. } => source.hints(),
            EditRepositoryError::OtherKeys {
                threshold, keys, ..
            } => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                vec![
                    format!(
                        "its newest root names these keys, of which {threshold} have to sign: {}",
                        keys.join(", ")
                    ),
                    "compare them with what those who run it publish elsewhere, and name them: `--fingerprint KEYID`"
                        .into(),
                ]
            }
            EditRepositoryError::Place(source) => source.hints(),
            EditRepositoryError::Lock(source) => source.hints(),
            EditRepositoryError::Io { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            EditRepositoryError::Exists { .. } | EditRepositoryError::OtherKeys { .. } => 1,
            EditRepositoryError::Root { source, .. } => source.exit_code(),
            EditRepositoryError::Place(source) => source.exit_code(),
            EditRepositoryError::Lock(source) => source.exit_code(),
            EditRepositoryError::NoRoot { .. } | EditRepositoryError::Io { .. } => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        if let EditRepositoryError::NoRoot { failed, .. } = self {
            diagnostic
                .because
                .extend(failed.iter().map(ToString::to_string));
        }
        vec![diagnostic]
    }
}

impl OfferedRoot {
    /// Returns the root that `bytes` are, if it vouches for itself.
    ///
    /// # Errors
    ///
    /// Returns why it does not.
    pub fn read(name: &RepositoryName, bytes: Vec<u8>) -> Result<Self, EditRepositoryError> {
        match open_alone(&bytes) {
            Ok(root) => Ok(OfferedRoot { bytes, root }),
            Err(source) => Err(EditRepositoryError::Root {
                name: name.clone(),
                source,
            }),
        }
    }

    /// Returns the bytes of the root, as they were read.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the keys of the role `root`.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyId> {
        let keys = &self.root.role(TopRole::Root).keys;
        keys.iter().copied().collect()
    }

    /// Tells whether all these keys are its own, and enough to sign it.
    fn is_vouched_for_by(&self, fingerprints: &[KeyId]) -> bool {
        let role = self.root.role(TopRole::Root);
        let mut named = fingerprints.to_vec();
        named.sort_unstable();
        named.dedup();
        named.iter().all(|key| role.keys.contains(key)) && named.len() as u64 >= role.threshold
    }
}

impl RepositoryClient {
    /// Returns the newest root that a repository of this client offers and that these keys vouch for: all of them are
    /// keys of its role `root`, and as many as have to sign.
    ///
    /// # Errors
    ///
    /// Returns which keys the newest root has, if it is not theirs.
    pub fn offered_root(
        &self,
        name: &RepositoryName,
        fingerprints: &[KeyId],
    ) -> Result<OfferedRoot, EditRepositoryError> {
        let (mut newest, mut found) = (None, None);
        for version in 1..=ROOTS_MAX {
            let Some(bytes) = self.fetch_root(name, version)? else {
                break;
            };
            let root = OfferedRoot::read(name, bytes)?;
            if root.is_vouched_for_by(fingerprints) {
                found = Some(root.clone());
            }
            newest = Some(root);
        }
        match (found, newest) {
            (Some(root), _) => Ok(root),
            (None, Some(newest)) => Err(EditRepositoryError::OtherKeys {
                name: name.clone(),
                threshold: newest.root.role(TopRole::Root).threshold,
                keys: newest.keys(),
            }),
            (None, None) => Err(EditRepositoryError::NoRoot {
                name: name.clone(),
                failed: Vec::new(),
            }),
        }
    }

    /// Returns a root by its version; `None` if there is none after the first.
    fn fetch_root(
        &self,
        name: &RepositoryName,
        version: u64,
    ) -> Result<Option<Vec<u8>>, EditRepositoryError> {
        let path = format!("metadata/{version}.root.json");
        let copies = self.copies(name);
        let copies = copies.expect("the client has the copies of its repositories");
        let mut is_absent = false;
        let asked = copies.ask(
            |copy| match self.transport.read(copy, &path, ROOT_MAX_BYTES) {
                Err(error) => {
                    is_absent |= is_not_there(&error);
                    Err(error)
                }
                read => read,
            },
            |error| {
                if is_not_there(error) {
                    Blame::File
                } else {
                    Blame::Copy
                }
            },
        );
        match asked {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(_) if is_absent && version > 1 => Ok(None),
            Err(failed) => Err(EditRepositoryError::NoRoot {
                name: name.clone(),
                failed,
            }),
        }
    }
}

fn is_not_there(error: &TransportError) -> bool {
    match error {
        TransportError::NotThere => true,
        TransportError::Http(HttpError::Status { status }) => *status == Status(403),
        _ => false,
    }
}

impl RepositoryPlaces {
    /// Adds a repository that is trusted by `root`: writes the root, and then the settings. Returns the path of the
    /// settings.
    ///
    /// # Errors
    ///
    /// Refuses a name that is taken.
    pub fn add(
        &self,
        settings: &RepositorySettings,
        root: &OfferedRoot,
    ) -> Result<PathBuf, EditRepositoryError> {
        let name = &settings.name;
        let file = self.settings()?.file(format!("{name}.toml"));
        if file.look().map_err(failed("look at", &file))?.is_some() {
            return Err(EditRepositoryError::Exists {
                name: name.clone(),
                path: file.path(),
            });
        }
        self.put(settings, root)
    }

    /// Writes the settings of a repository that is trusted by `root`, in the place of what they were: the root, and then
    /// the settings. Returns the path of the settings.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn put(
        &self,
        settings: &RepositorySettings,
        root: &OfferedRoot,
    ) -> Result<PathBuf, EditRepositoryError> {
        let directory = self.settings()?;
        let name = &settings.name;
        let file = directory.file(format!("{name}.toml"));
        let root_name = root_file_name(name);
        let settings = RepositorySettings {
            trusted_root: TrustedRoot::File(root_name.clone()),
            ..settings.clone()
        };
        let root_file = directory.file(root_name);
        let written = root_file.write(&root.bytes, 0o644);
        written.map_err(failed("write", &root_file))?;
        let written = file.write(settings.to_text().as_bytes(), 0o644);
        written.map_err(failed("write", &file))?;
        Ok(file.path())
    }

    /// Removes a repository: its settings, its root if adding wrote it, and what is known of it. Archives stay in the
    /// cache.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted.
    pub fn remove(
        &self,
        settings: &RepositorySettings,
        waiting: Waiting,
        reporter: &dyn Reporter,
    ) -> Result<(), EditRepositoryError> {
        let directory = self.settings()?;
        let name = &settings.name;
        let (state, opened) = self.make_state(name)?;
        let _lock = lock::take(
            opened.open_or_create_file(LOCK.as_bytes()),
            &state.file(LOCK).path(),
            Work::Synchronising,
            waiting,
            reporter,
        )?;
        let mut files = vec![directory.file(format!("{name}.toml"))];
        let root_name = root_file_name(name);
        if settings.trusted_root == TrustedRoot::File(root_name.clone()) {
            files.push(directory.file(root_name));
        }
        for file in files {
            file.delete().map_err(failed("delete", &file))?;
        }
        let deleted = delete_tree(&self.states()?, name.as_str().as_bytes());
        deleted.map_err(|source| EditRepositoryError::Io {
            action: "delete",
            path: state.shown(),
            source,
        })
    }
}

fn root_file_name(name: &RepositoryName) -> String {
    format!("{name}.root.json")
}

fn failed<'a>(
    action: &'static str,
    file: &'a FileBelow,
) -> impl FnOnce(io::Error) -> EditRepositoryError + 'a {
    move |source| EditRepositoryError::Io {
        action,
        path: file.path(),
        source,
    }
}
