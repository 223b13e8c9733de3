//! Root and targets as they will be, when keys are replaced or lives are made longer.

use std::collections::BTreeSet;

use igos_format::trust::{KeyId, PublicKey, RoleKeys, Root, Targets, TopRole};

use super::commit::Signing;
use super::lifetimes::after;
use super::offline::OfflineChange;
use super::rotate::Farewell;
use super::state::{PACKAGES, State};

/// Root and targets as they will be.
pub(super) struct Change {
    root: Root,
    targets: Targets,
    is_root_new: bool,
    are_targets_new: bool,
}

impl Change {
    /// Returns what is published, nothing of it changed.
    pub(super) fn of(state: &State) -> Self {
        Change {
            root: state.root.signed.value().clone(),
            targets: state.targets.signed.value().clone(),
            is_root_new: false,
            are_targets_new: false,
        }
    }

    /// Returns what is published, to be signed again as it is.
    pub(super) fn renewal(state: &State) -> Self {
        Change {
            is_root_new: true,
            are_targets_new: true,
            ..Change::of(state)
        }
    }

    /// Puts a new key in the place of an old one.
    pub(super) fn replace(&mut self, role: &str, old: KeyId, new: PublicKey, farewell: Farewell) {
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

    /// Returns what offline keys have to sign.
    pub(super) fn unsigned(mut self, state: &State, signing: Signing<'_>) -> OfflineChange {
        let used: BTreeSet<KeyId> = TopRole::ALL
            .into_iter()
            .flat_map(|role| self.root.role(role).keys.clone())
            .collect();
        self.root.keys.retain(|id, _| used.contains(id));
        let roles = self.targets.delegations.roles.iter();
        let used: BTreeSet<KeyId> = roles.flat_map(|role| role.keys.keys.clone()).collect();
        let keys = &mut self.targets.delegations.keys;
        keys.retain(|id, _| used.contains(id));
        let lives = signing.lifetimes;
        self.root.version += 1;
        self.root.expires = after(signing.now, lives.root_seconds);
        self.targets.version += 1;
        self.targets.expires = after(signing.now, lives.targets_seconds);
        OfflineChange::unsigned(
            state.root.signed.clone(),
            state.targets.signed.clone(),
            self.is_root_new.then_some(self.root),
            self.are_targets_new.then_some(self.targets),
        )
    }
}
