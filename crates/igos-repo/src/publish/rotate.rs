//! New keys for old ones, and longer lives for what offline keys signed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use igos_format::trust::{KeyId, PublicKey};

use super::change::Change;
use super::error::PublishError;
use super::offline::OfflineChange;
use super::publisher::{Publisher, read_or_begin};
use super::request::{Execution, Publication, PublishRequest};
use super::ring::{KEY_SUFFIX, KeyRing};
use super::state::{ARCHIVES, PACKAGES, State};
use crate::trust::SecretKey;

/// All roles that have keys.
pub(super) const ROLES: [&str; 6] = [
    "root",
    "targets",
    PACKAGES,
    ARCHIVES,
    "snapshot",
    "timestamp",
];

/// What becomes of a key that is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// It was not stolen: what it signed stays what it is.
    Retire,
    /// Somebody else may have it: nothing that it signed counts any more.
    Revoke,
}

/// Which keys are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replace {
    /// The only key of a role, or this one of its keys.
    OfRole(String, Option<KeyId>),
    /// This key, in every role that it has.
    Key(KeyId),
}

/// Which key takes the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKey {
    /// One that is made now.
    Made {
        /// The directory that gets its file; else the one of the old key.
        into: Option<PathBuf>,
    },
    /// One that its holder has made elsewhere.
    Public(PublicKey),
}

/// A key that took the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The role.
    pub role: String,
    /// The key that went.
    pub old: KeyId,
    /// The key that came.
    pub new: KeyId,
    /// Its file, if it was made here.
    pub file: Option<PathBuf>,
}

/// A role as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleState {
    /// Its name.
    pub name: &'static str,
    /// How many of its keys must sign.
    pub threshold: u64,
    /// Its keys, with the files of those that are at hand.
    pub keys: BTreeMap<KeyId, Option<PathBuf>>,
}

/// Returns which keys the repository in `directory` has, or one that begins with the keys of `ring`.
///
/// Where no root lies beside these keys, they are what the repository says of itself.
///
/// # Errors
///
/// Returns why there is none.
pub fn roles(directory: &Path, ring: &KeyRing) -> Result<Vec<RoleState>, PublishError> {
    let state = match read_or_begin(directory, ring) {
        Err(error @ PublishError::NoRoot { .. }) => {
            State::read_any(directory).map_err(|_| error)?
        }
        other => other?,
    };
    Ok(ROLES
        .into_iter()
        .map(|name| {
            let authority = state.authority(name);
            let file = |id: &KeyId| (*id, ring.file_of(id).map(Path::to_owned));
            RoleState {
                name,
                threshold: authority.threshold,
                keys: authority.keys.keys().map(file).collect(),
            }
        })
        .collect())
}

impl Publisher<'_> {
    /// Replaces keys: names new ones in a new root or targets, and signs everything anew that the old ones signed.
    ///
    /// # Errors
    ///
    /// Returns why not; then nothing that readers see has changed.
    pub fn replace_keys(
        &self,
        replace: &Replace,
        farewell: Farewell,
        new: &NewKey,
    ) -> Result<(Vec<Replaced>, Publication), PublishError> {
        let opened = self.open()?;
        let state = opened.published(self.directory)?;
        for (role, _) in chosen(state, replace)? {
            self.test_signers(state, signer_of(&role))?;
        }
        let replacement = self.replacement(state, replace, farewell, new)?;
        let publisher = Publisher {
            ring: &replacement.ring,
            ..*self
        };
        let redraft = replacement.change.clone().complete(self.now)?;
        let prepared = publisher.prepare(&opened, redraft)?;
        self.store(&replacement)?;
        let publication = publisher.finish(prepared, PublishRequest::KEEP)?;
        Ok((replacement.replaced, publication))
    }

    /// Returns what offline keys have to sign so that keys are replaced, with the signatures of those at hand. New
    /// keys are made, and nothing is published.
    ///
    /// # Errors
    ///
    /// Returns why not.
    pub fn draft_replacement(
        &self,
        replace: &Replace,
        farewell: Farewell,
        new: &NewKey,
    ) -> Result<(Vec<Replaced>, OfflineChange), PublishError> {
        let opened = self.open()?;
        let state = opened.published(self.directory)?;
        let replacement = self.replacement(state, replace, farewell, new)?;
        self.store(&replacement)?;
        Ok((replacement.replaced, replacement.change))
    }

    /// Signs root and targets anew with longer lives.
    ///
    /// # Errors
    ///
    /// Returns why not, above all that keys of these roles are not at hand.
    pub fn renew(&self) -> Result<Publication, PublishError> {
        let opened = self.open()?;
        let state = opened.published(self.directory)?;
        for role in ["root", "targets"] {
            self.test_signers(state, role)?;
        }
        let redraft = self.renewal(state)?.complete(self.now)?;
        let prepared = self.prepare(&opened, redraft)?;
        self.finish(prepared, PublishRequest::KEEP)
    }

    /// Returns root and targets with longer lives, signed by the offline keys at hand. Nothing is published.
    ///
    /// # Errors
    ///
    /// Returns why not.
    pub fn draft_renewal(&self) -> Result<OfflineChange, PublishError> {
        let opened = self.open()?;
        self.renewal(opened.published(self.directory)?)
    }

    /// Publishes what offline keys have signed, and signs with online keys everything that follows from it.
    ///
    /// # Errors
    ///
    /// Returns why not, above all that signatures are missing; then nothing that readers see has changed.
    pub fn apply_change(&self, change: OfflineChange) -> Result<Publication, PublishError> {
        let opened = self.open()?;
        change.test_follows(opened.published(self.directory)?)?;
        let prepared = self.prepare(&opened, change.complete(self.now)?)?;
        self.finish(prepared, PublishRequest::KEEP)
    }

    fn renewal(&self, state: &State) -> Result<OfflineChange, PublishError> {
        let mut change = Change::renewal(state).unsigned(state, self.signing());
        change.sign_with(self.ring)?;
        Ok(change)
    }

    fn replacement(
        &self,
        state: &State,
        replace: &Replace,
        farewell: Farewell,
        new: &NewKey,
    ) -> Result<Replacement, PublishError> {
        let mut change = Change::of(state);
        let mut ring = self.ring.reload()?;
        let mut replaced = Vec::new();
        for (role, old) in chosen(state, replace)? {
            let (public, file) = match new {
                NewKey::Public(key) => (*key, None),
                NewKey::Made { into } => {
                    let key = SecretKey::generate()?;
                    let file = self.place_of(&role, old, into.as_deref(), &key)?;
                    let public = key.public();
                    ring.add(key, file.clone());
                    (public, Some(file))
                }
            };
            change.replace(&role, old, public, farewell);
            let new = public.id();
            replaced.push(Replaced {
                role,
                old,
                new,
                file,
            });
        }
        let mut change = change.unsigned(state, self.signing());
        change.sign_with(&ring)?;
        Ok(Replacement {
            ring,
            replaced,
            change,
        })
    }

    /// Returns the file of a new key: in `into`, else where the old one is.
    fn place_of(
        &self,
        role: &str,
        old: KeyId,
        into: Option<&Path>,
        key: &SecretKey,
    ) -> Result<PathBuf, PublishError> {
        let beside = || self.ring.file_of(&old)?.parent();
        let directory = into.or_else(beside);
        let directory = directory.ok_or_else(|| PublishError::NoPlaceForKey {
            role: role.to_owned(),
        })?;
        let id = key.id().to_string();
        Ok(directory.join(format!("{role}-{}.{KEY_SUFFIX}", &id[..8])))
    }

    /// Writes the new keys into their files.
    fn store(&self, replacement: &Replacement) -> Result<(), PublishError> {
        if self.execution == Execution::DryRun {
            return Ok(());
        }
        for one in &replacement.replaced {
            if let (Some(file), Some(key)) = (&one.file, replacement.ring.key(&one.new)) {
                key.store(file)?;
            }
        }
        Ok(())
    }

    /// Tests that as many keys of an offline role are at hand as must sign, before a new key is made.
    fn test_signers(&self, state: &State, role: &str) -> Result<(), PublishError> {
        self.ring.of(role, &state.authority(role))?;
        Ok(())
    }
}

/// Keys that are replaced, and what offline keys have to sign for that.
struct Replacement {
    /// All keys at hand, the new ones among them.
    ring: KeyRing,
    replaced: Vec<Replaced>,
    change: OfflineChange,
}

/// Returns the offline role that says which keys a role has.
fn signer_of(role: &str) -> &'static str {
    match role {
        PACKAGES | ARCHIVES => "targets",
        _ => "root",
    }
}

/// Returns the roles and keys that are meant.
fn chosen(state: &State, replace: &Replace) -> Result<Vec<(String, KeyId)>, PublishError> {
    let keys_of =
        |role: &str| -> Vec<KeyId> { state.authority(role).keys.keys().copied().collect() };
    match replace {
        Replace::Key(key) => {
            let has = |role: &&str| keys_of(role).contains(key);
            let found: Vec<_> = ROLES.into_iter().filter(has).collect();
            if found.is_empty() {
                return Err(PublishError::NoKey { key: *key });
            }
            Ok(found
                .into_iter()
                .map(|role| (role.to_owned(), *key))
                .collect())
        }
        Replace::OfRole(role, key) => {
            if !ROLES.contains(&role.as_str()) {
                return Err(PublishError::NoRole { role: role.clone() });
            }
            let keys = keys_of(role);
            match (key, keys.as_slice()) {
                (Some(key), _) if keys.contains(key) => Ok(vec![(role.clone(), *key)]),
                (Some(key), _) => Err(PublishError::NoKey { key: *key }),
                (None, [only]) => Ok(vec![(role.clone(), *only)]),
                (None, _) => Err(PublishError::SeveralKeys {
                    role: role.clone(),
                    count: keys.len(),
                }),
            }
        }
    }
}
