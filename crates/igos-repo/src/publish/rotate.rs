//! New keys for old ones, and longer lives for what offline keys signed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use igos_format::trust::{KeyId, PublicKey, RoleKeys, Root, Targets, TopRole};

use super::error::PublishError;
use super::lifetimes::after;
use super::publisher::{Publisher, Redraft, read_or_begin};
use super::request::{Execution, Publication, PublishRequest};
use super::ring::{KEY_SUFFIX, KeyRing};
use super::state::{ARCHIVES, PACKAGES, State, authority};
use crate::trust::{SecretKey, Signed, sign};

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

/// A key that took the place of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The role.
    pub role: String,
    /// The key that went.
    pub old: KeyId,
    /// The key that came.
    pub new: KeyId,
    /// Its file.
    pub file: PathBuf,
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
    /// Replaces keys: makes new ones, names them in a new root or targets, and signs everything anew that the old ones
    /// signed. The new key's file goes to `into`, else to where the old one is.
    ///
    /// # Errors
    ///
    /// Returns why not; then nothing that readers see has changed.
    pub fn replace_keys(
        &self,
        replace: &Replace,
        farewell: Farewell,
        into: Option<&Path>,
    ) -> Result<(Vec<Replaced>, Publication), PublishError> {
        let opened = self.open()?;
        let state = opened.published(self.directory)?;
        let mut change = Change::of(state);
        let mut ring = self.ring.reload()?;
        let mut replaced = Vec::new();
        for (role, old) in chosen(state, replace)? {
            self.test_signers(state, &role)?;
            let directory = into.map(Path::to_owned).or_else(|| {
                let file = self.ring.file_of(&old)?;
                file.parent().map(Path::to_owned)
            });
            let directory =
                directory.ok_or_else(|| PublishError::NoPlaceForKey { role: role.clone() })?;
            let key = SecretKey::generate()?;
            let id = key.id();
            let file = directory.join(format!("{role}-{}.{KEY_SUFFIX}", &id.to_string()[..8]));
            change.replace(&role, old, key.public(), farewell);
            replaced.push((
                Replaced {
                    role,
                    old,
                    new: id,
                    file: file.clone(),
                },
                key,
            ));
        }
        let mut done = Vec::new();
        for (one, key) in replaced {
            ring.add(key, one.file.clone());
            done.push(one);
        }
        let draft = change.finish(self, &ring, state)?;
        let publisher = Publisher {
            ring: &ring,
            ..*self
        };
        let prepared = publisher.prepare(&opened, draft)?;
        if self.execution == Execution::Real {
            for one in &done {
                if let Some(key) = ring.key(&one.new) {
                    key.store(&one.file)?;
                }
            }
        }
        Ok((done, publisher.finish(prepared, PublishRequest::KEEP)?))
    }

    /// Signs root and targets anew with longer lives.
    ///
    /// # Errors
    ///
    /// Returns why not, above all that keys of these roles are not at hand.
    pub fn renew(&self) -> Result<Publication, PublishError> {
        let opened = self.open()?;
        let state = opened.published(self.directory)?;
        let mut change = Change::of(state);
        change.is_root_new = true;
        change.are_targets_new = true;
        let draft = change.finish(self, self.ring, state)?;
        let prepared = self.prepare(&opened, draft)?;
        self.finish(prepared, PublishRequest::KEEP)
    }

    /// Tests that the offline keys which have to sign the change of a role are at hand, before a new key is made.
    fn test_signers(&self, state: &State, role: &str) -> Result<(), PublishError> {
        let signer = match role {
            PACKAGES | ARCHIVES => "targets",
            _ => "root",
        };
        self.ring.of(signer, &state.authority(signer))?;
        Ok(())
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

/// Root and targets as they will be.
struct Change {
    root: Root,
    targets: Targets,
    is_root_new: bool,
    are_targets_new: bool,
}

impl Change {
    fn of(state: &State) -> Self {
        Change {
            root: state.root.signed.value().clone(),
            targets: state.targets.signed.value().clone(),
            is_root_new: false,
            are_targets_new: false,
        }
    }

    fn replace(&mut self, role: &str, old: KeyId, new: PublicKey, farewell: Farewell) {
        let exchange = |keys: &mut RoleKeys| {
            keys.keys.remove(&old);
            keys.keys.insert(new.id());
        };
        match TopRole::ALL.into_iter().find(|top| top.name() == role) {
            Some(top) => {
                exchange(match top {
                    TopRole::Root => &mut self.root.root,
                    TopRole::Targets => &mut self.root.targets,
                    TopRole::Snapshot => &mut self.root.snapshot,
                    TopRole::Timestamp => &mut self.root.timestamp,
                });
                self.root.keys.insert(new.id(), new);
                self.is_root_new = true;
                // Nobody who trusts the new root would believe what the old key signed.
                self.are_targets_new |= top == TopRole::Targets;
            }
            None => {
                let delegations = &mut self.targets.delegations;
                let roles = delegations.roles.iter_mut();
                roles
                    .filter(|delegation| delegation.name == role)
                    .for_each(|delegation| exchange(&mut delegation.keys));
                delegations.keys.insert(new.id(), new);
                // Other roles sign nothing that stays installed.
                let old_key = delegations.keys.get(&old).filter(|_| role == PACKAGES);
                if let (Some(key), Farewell::Retire) = (old_key, farewell) {
                    self.targets.retired_keys.insert(old, *key);
                }
                self.are_targets_new = true;
            }
        }
        if farewell == Farewell::Revoke {
            self.targets.retired_keys.remove(&old);
        }
    }

    /// Signs the new root, and returns what is to be published.
    fn finish(
        mut self,
        publisher: &Publisher<'_>,
        ring: &KeyRing,
        state: &State,
    ) -> Result<Redraft, PublishError> {
        let used: BTreeSet<KeyId> = TopRole::ALL
            .into_iter()
            .flat_map(|role| self.root.role(role).keys.clone())
            .collect();
        self.root.keys.retain(|id, _| used.contains(id));
        let roles = self.targets.delegations.roles.iter();
        let used: BTreeSet<KeyId> = roles.flat_map(|role| role.keys.keys.clone()).collect();
        self.targets
            .delegations
            .keys
            .retain(|id, _| used.contains(id));
        let signing = publisher.signing();
        let root = self
            .is_root_new
            .then(|| -> Result<Signed<Root>, PublishError> {
                self.root.version += 1;
                self.root.expires = after(signing.now, signing.lifetimes.root_seconds);
                let mut keys = ring.of("root", &state.authority("root"))?;
                keys.extend(ring.of("root", &authority(&self.root, &self.targets, "root"))?);
                Ok(sign(self.root.clone(), keys))
            });
        let root = root.transpose()?;
        if self.are_targets_new {
            self.targets.version += 1;
            self.targets.expires = after(signing.now, signing.lifetimes.targets_seconds);
        }
        Ok(Redraft {
            root,
            targets: self.are_targets_new.then_some(self.targets),
        })
    }
}
