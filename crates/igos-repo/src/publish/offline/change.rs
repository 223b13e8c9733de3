//! The change itself: what it needs, what it has, and when it is complete.

use std::collections::BTreeSet;

use igos_format::trust::{
    Authority, Envelope, KeyDraft, KeyId, Metadata, Root, Targets, TopRole, UtcTime,
};

use super::error::OfflineError;
use crate::publish::publisher::Redraft;
use crate::publish::ring::KeyRing;
use crate::publish::state::State;
use crate::trust::{SecretKey, Signed, VerifyError, countersign, good_signers, verify};

/// A new root, new targets, or both, on their way from one holder of a key to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineChange {
    pub(super) old_root: Signed<Root>,
    pub(super) old_targets: Signed<Targets>,
    pub(super) root: Option<Proposed<Root>>,
    pub(super) targets: Option<Proposed<Targets>>,
}

/// Metadata with some of its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proposed<T> {
    pub(super) value: T,
    pub(super) envelope: Envelope,
}

/// Keys some of which have to sign.
pub(super) struct Signers {
    /// The root that names them, by its version.
    pub(super) root: u64,
    pub(super) authority: Authority,
    /// Whether nothing can be published without them.
    pub(super) is_required: bool,
}

impl<T: Metadata> Proposed<T> {
    fn unsigned(value: T) -> Self {
        let envelope = Envelope {
            signed: value.to_json(),
            signatures: Default::default(),
        };
        Proposed { value, envelope }
    }

    fn read(envelope: Envelope) -> Result<Self, OfflineError> {
        let value = T::from_json(&envelope.signed)?;
        // What this program does not understand it cannot tell those who are to sign it.
        if value.to_json() != envelope.signed {
            return Err(OfflineError::Unexpected { role: T::TYPE });
        }
        Ok(Proposed { value, envelope })
    }

    /// Signs unless the key is none of those that count.
    fn sign(&mut self, key: &SecretKey, signers: &[Signers]) -> bool {
        let counts = counts(signers, &key.id());
        if counts {
            self.envelope = countersign(self.envelope.clone(), [key]);
        }
        counts
    }

    /// Returns the metadata if all who must have signed; signatures of others are left out.
    fn complete(mut self, signers: &[Signers], now: UtcTime) -> Result<Signed<T>, OfflineError> {
        let expires = self.value.expires();
        if expires <= now {
            let role = T::TYPE;
            return Err(OfflineError::Expired { role, expires });
        }
        let signatures = &mut self.envelope.signatures;
        signatures.retain(|id, _| counts(signers, id));
        let mut signed = None;
        for signers in signers.iter().filter(|signers| signers.is_required) {
            let envelope = self.envelope.clone();
            signed = Some(verify::<T>(envelope, &signers.authority)?);
        }
        signed.ok_or(OfflineError::Unexpected { role: T::TYPE })
    }
}

fn counts(signers: &[Signers], id: &KeyId) -> bool {
    let mut authorities = signers.iter().map(|signers| &signers.authority);
    authorities.any(|authority| authority.keys.contains_key(id))
}

impl OfflineChange {
    /// Returns a change that nobody has signed.
    pub(in crate::publish) fn unsigned(
        old_root: Signed<Root>,
        old_targets: Signed<Targets>,
        root: Option<Root>,
        targets: Option<Targets>,
    ) -> Self {
        OfflineChange {
            old_root,
            old_targets,
            root: root.map(Proposed::unsigned),
            targets: targets.map(Proposed::unsigned),
        }
    }

    /// Gives a meaning to a key draft. What is published must vouch for itself, what is proposed must be the next
    /// version of it, change keys, thresholds and times alone, and have no bad signature.
    ///
    /// # Errors
    ///
    /// Returns what is not so.
    pub fn read(draft: KeyDraft) -> Result<Self, OfflineError> {
        let published = |source| OfflineError::Published { source };
        let own = Root::from_json(&draft.old_root.signed)?.authority(TopRole::Root);
        let old_root = verify::<Root>(draft.old_root, &own).map_err(published)?;
        let targets = old_root.value().authority(TopRole::Targets);
        let old_targets = verify::<Targets>(draft.old_targets, &targets).map_err(published)?;
        let change = OfflineChange {
            old_root,
            old_targets,
            root: draft.root.map(Proposed::read).transpose()?,
            targets: draft.targets.map(Proposed::read).transpose()?,
        };
        change.test()?;
        Ok(change)
    }

    /// Returns the key draft that says this.
    #[must_use]
    pub fn draft(&self) -> KeyDraft {
        KeyDraft {
            old_root: self.old_root.envelope().clone(),
            old_targets: self.old_targets.envelope().clone(),
            root: self.root.as_ref().map(|root| root.envelope.clone()),
            targets: self.targets.as_ref().map(|one| one.envelope.clone()),
        }
    }

    fn test(&self) -> Result<(), OfflineError> {
        if let Some(root) = &self.root {
            test_next(self.old_root.value(), &root.value)?;
            test_signatures(&root.envelope, &self.signers_of_root())?;
        }
        if let Some(targets) = &self.targets {
            let (old, new) = (self.old_targets.value(), &targets.value);
            test_next(old, new)?;
            let places = |targets: &Targets| -> Vec<_> {
                let roles = targets.delegations.roles.iter().cloned();
                roles
                    .map(|role| (role.name, role.is_terminating, role.scope))
                    .collect()
            };
            if places(old) != places(new) || old.targets != new.targets {
                return Err(OfflineError::Unexpected { role: "targets" });
            }
            test_signatures(&targets.envelope, &self.signers_of_targets())?;
        }
        Ok(())
    }

    /// A root has to be signed by those whom the old one names and by those whom it names itself.
    pub(super) fn signers_of_root(&self) -> Vec<Signers> {
        let roots = [Some(self.old_root.value()), self.new_root()];
        let signers = roots.into_iter().flatten().map(|root| Signers {
            root: root.version,
            authority: root.authority(TopRole::Root),
            is_required: true,
        });
        without_repetition(signers.collect())
    }

    /// Targets have to be signed by those whom the root beside them names. Until that root has reached everybody,
    /// signatures of those whom the old one names help.
    pub(super) fn signers_of_targets(&self) -> Vec<Signers> {
        let old = self.old_root.value();
        let new = self.new_root().unwrap_or(old);
        let signers = [(new, true), (old, false)];
        let signers = signers.map(|(root, is_required)| Signers {
            root: root.version,
            authority: root.authority(TopRole::Targets),
            is_required,
        });
        without_repetition(signers.into())
    }

    fn new_root(&self) -> Option<&Root> {
        self.root.as_ref().map(|root| &root.value)
    }

    /// Adds the signature of a key to everything that it may sign here, and returns the roles.
    ///
    /// # Errors
    ///
    /// Returns that there is nothing for this key.
    pub fn sign(&mut self, key: &SecretKey) -> Result<Vec<TopRole>, OfflineError> {
        let (for_root, for_targets) = (self.signers_of_root(), self.signers_of_targets());
        let mut signed = Vec::new();
        if self
            .root
            .as_mut()
            .is_some_and(|root| root.sign(key, &for_root))
        {
            signed.push(TopRole::Root);
        }
        let targets = self.targets.as_mut();
        if targets.is_some_and(|targets| targets.sign(key, &for_targets)) {
            signed.push(TopRole::Targets);
        }
        if signed.is_empty() {
            return Err(OfflineError::NotItsKey { key: key.id() });
        }
        Ok(signed)
    }

    /// Adds the signatures of all keys at hand that may sign here.
    pub(in crate::publish) fn sign_with(&mut self, ring: &KeyRing) -> Result<(), OfflineError> {
        let signers = self
            .signers_of_root()
            .into_iter()
            .chain(self.signers_of_targets());
        let ids: BTreeSet<KeyId> = signers
            .flat_map(|one| one.authority.keys.into_keys())
            .collect();
        for key in ids.iter().filter_map(|id| ring.key(id)) {
            match self.sign(key) {
                // A key of targets where the root alone changes.
                Ok(_) | Err(OfflineError::NotItsKey { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Tests that this follows what is published in a repository.
    pub(in crate::publish) fn test_follows(&self, state: &State) -> Result<(), OfflineError> {
        let (root, targets) = (&state.root.signed, &state.targets.signed);
        let is_same = self.old_root.envelope().signed == root.envelope().signed
            && self.old_targets.envelope().signed == targets.envelope().signed;
        if is_same {
            return Ok(());
        }
        Err(OfflineError::Outdated {
            drafted: (
                self.old_root.value().version,
                self.old_targets.value().version,
            ),
            published: (root.value().version, targets.value().version),
        })
    }

    /// Tests that this follows a root that whoever signs has had from elsewhere.
    ///
    /// # Errors
    ///
    /// Returns that it is another one, or cannot be read.
    pub fn test_root(&self, known: &[u8]) -> Result<(), OfflineError> {
        let known = Envelope::read(known, super::file::ROOT_MAX_BYTES)?;
        if known.signed == self.old_root.envelope().signed {
            return Ok(());
        }
        Err(OfflineError::OtherRoot {
            known: Root::from_json(&known.signed)?.version,
            drafted: self.old_root.value().version,
        })
    }

    /// Returns what is to be published, if everybody who must has signed.
    pub(in crate::publish) fn complete(self, now: UtcTime) -> Result<Redraft, OfflineError> {
        let documents = self.documents();
        let (for_root, for_targets) = (self.signers_of_root(), self.signers_of_targets());
        let missing: Vec<_> = documents
            .into_iter()
            .flat_map(|document| {
                let demands = document.demands.into_iter();
                demands.filter(|demand| !demand.is_met())
            })
            .collect();
        if !missing.is_empty() {
            return Err(OfflineError::Missing { demands: missing });
        }
        let root = self.root.map(|root| root.complete(&for_root, now));
        let targets = self
            .targets
            .map(|targets| targets.complete(&for_targets, now));
        Ok(Redraft {
            root: root.transpose()?,
            targets: targets.transpose()?,
        })
    }
}

fn test_next<T: Metadata>(old: &T, new: &T) -> Result<(), OfflineError> {
    if old.version().checked_add(1) == Some(new.version()) {
        return Ok(());
    }
    Err(OfflineError::NotNext {
        role: T::TYPE,
        published: old.version(),
        proposed: new.version(),
    })
}

fn test_signatures(envelope: &Envelope, signers: &[Signers]) -> Result<(), VerifyError> {
    for signers in signers {
        good_signers(envelope, &signers.authority)?;
    }
    Ok(())
}

fn without_repetition(mut signers: Vec<Signers>) -> Vec<Signers> {
    signers.dedup_by(|second, first| second.authority == first.authority);
    signers
}
