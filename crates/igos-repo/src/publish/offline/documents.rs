//! What a change says, for those who are to sign it.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::trust::{Envelope, KeyId, Metadata, RoleKeys, Root, Targets, TopRole, UtcTime};

use super::change::{OfflineChange, Signers};
use crate::trust::good_signers;

/// One file of metadata that is to be signed: everything that it says otherwise than the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineDocument {
    /// What it is.
    pub role: TopRole,
    /// The version that is published.
    pub old_version: u64,
    /// The version that it has.
    pub version: u64,
    /// Until when the published one counts.
    pub old_expires: UtcTime,
    /// Until when it will count.
    pub expires: UtcTime,
    /// All roles that it names keys for, in its order.
    pub roles: Vec<RoleChange>,
    /// Keys whose signatures of packages stay good although they sign nothing new.
    pub retired: BTreeMap<KeyId, Stay>,
    /// Whose signatures it needs, and which it has.
    pub demands: Vec<Demand>,
}

/// The keys of a role, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// Its name.
    pub name: String,
    /// How many keys have to sign now.
    pub old_threshold: u64,
    /// How many will have to.
    pub threshold: u64,
    /// All keys that it has or will have.
    pub keys: BTreeMap<KeyId, Stay>,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// It stays.
    Stays,
    /// It is new.
    Comes,
    /// It is there no longer.
    Goes,
}

/// Keys some of which have to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What is to be signed.
    pub document: TopRole,
    /// The version of the root that names them.
    pub by_root: u64,
    /// Whether it can be published without them.
    pub need: Need,
    /// How many have to sign.
    pub threshold: u64,
    /// Those that signed.
    pub signed: BTreeSet<KeyId>,
    /// Those that did not.
    pub unsigned: BTreeSet<KeyId>,
}

/// Whether signatures are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing is published without them.
    Required,
    /// Readers who have the old root yet can go on without waiting for the new one.
    Welcome,
}

impl Demand {
    /// Tells whether enough have signed, or none has to.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.need == Need::Welcome || self.signed.len() as u64 >= self.threshold.max(1)
    }
}

impl OfflineChange {
    /// Returns everything that whoever signs has to know, the root first.
    #[must_use]
    pub fn documents(&self) -> Vec<OfflineDocument> {
        let root = self.root.as_ref().map(|new| {
            let signers = self.signers_of_root();
            let demands = demands(TopRole::Root, &new.envelope, signers);
            of_root(self.old_root.value(), &new.value, demands)
        });
        let targets = self.targets.as_ref().map(|new| {
            let signers = self.signers_of_targets();
            let demands = demands(TopRole::Targets, &new.envelope, signers);
            of_targets(self.old_targets.value(), &new.value, demands)
        });
        root.into_iter().chain(targets).collect()
    }
}

fn demands(document: TopRole, envelope: &Envelope, signers: Vec<Signers>) -> Vec<Demand> {
    let demand = |signers: Signers| {
        // Bad signatures were refused when the change was read; a bad one counts for nothing anyway.
        let signed = good_signers(envelope, &signers.authority).unwrap_or_default();
        let keys = signers.authority.keys.into_keys();
        Demand {
            document,
            by_root: signers.root,
            need: if signers.is_required {
                Need::Required
            } else {
                Need::Welcome
            },
            threshold: signers.authority.threshold,
            unsigned: keys.filter(|id| !signed.contains(id)).collect(),
            signed,
        }
    };
    signers.into_iter().map(demand).collect()
}

fn of_root(old: &Root, new: &Root, demands: Vec<Demand>) -> OfflineDocument {
    let role = |role: TopRole| role_change(role.name(), old.role(role), new.role(role));
    OfflineDocument {
        roles: TopRole::ALL.map(role).into(),
        retired: BTreeMap::new(),
        ..document(TopRole::Root, old, new, demands)
    }
}

fn of_targets(old: &Targets, new: &Targets, demands: Vec<Demand>) -> OfflineDocument {
    let pairs = old.delegations.roles.iter().zip(&new.delegations.roles);
    let roles = pairs.map(|(old, new)| role_change(&new.name, &old.keys, &new.keys));
    let [before, after] = [old, new].map(|targets| {
        targets
            .retired_keys
            .keys()
            .copied()
            .collect::<BTreeSet<_>>()
    });
    OfflineDocument {
        roles: roles.collect(),
        retired: stays(&before, &after),
        ..document(TopRole::Targets, old, new, demands)
    }
}

fn document<T: Metadata>(role: TopRole, old: &T, new: &T, demands: Vec<Demand>) -> OfflineDocument {
    OfflineDocument {
        role,
        old_version: old.version(),
        version: new.version(),
        old_expires: old.expires(),
        expires: new.expires(),
        roles: Vec::new(),
        retired: BTreeMap::new(),
        demands,
    }
}

fn role_change(name: &str, old: &RoleKeys, new: &RoleKeys) -> RoleChange {
    RoleChange {
        name: name.to_owned(),
        old_threshold: old.threshold,
        threshold: new.threshold,
        keys: stays(&old.keys, &new.keys),
    }
}

fn stays(old: &BTreeSet<KeyId>, new: &BTreeSet<KeyId>) -> BTreeMap<KeyId, Stay> {
    let stay = |id: &KeyId| match (old.contains(id), new.contains(id)) {
        (true, true) => (*id, Stay::Stays),
        (false, _) => (*id, Stay::Comes),
        (true, false) => (*id, Stay::Goes),
    };
    old.union(new).map(stay).collect()
}
