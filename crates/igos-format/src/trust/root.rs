//! The root: which keys all roles have.

use std::collections::BTreeMap;

use super::field::Field;
use super::key::{read_keys, write_keys};
use super::role::{read_common, write_common};
use super::{
    Authority, Json, KeyId, Metadata, PublicKey, ReadMetadataError, RoleKeys, TopRole, UtcTime,
};

/// The role `root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its version.
    pub version: u64,
    /// From when on it is not to be relied on.
    pub expires: UtcTime,
    /// All keys.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// Who signs the root itself.
    pub root: RoleKeys,
    /// Who signs `targets`.
    pub targets: RoleKeys,
    /// Who signs `snapshot`.
    pub snapshot: RoleKeys,
    /// Who signs `timestamp`.
    pub timestamp: RoleKeys,
}

impl Root {
    /// Returns the keys of a role and their threshold, by name.
    #[must_use]
    pub fn role(&self, role: TopRole) -> &RoleKeys {
        match role {
            TopRole::Root => &self.root,
            TopRole::Targets => &self.targets,
            TopRole::Snapshot => &self.snapshot,
            TopRole::Timestamp => &self.timestamp,
        }
    }

    /// Returns what it takes to verify metadata of a role.
    #[must_use]
    pub fn authority(&self, role: TopRole) -> Authority {
        self.role(role).authority(&self.keys)
    }
}

impl Metadata for Root {
    const TYPE: &'static str = "root";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn to_json(&self) -> Json {
        let role = |role: TopRole| {
            let mut fields = BTreeMap::new();
            self.role(role).write(&mut fields);
            (role.name().to_owned(), Json::Object(fields))
        };
        let mut fields = write_common(self);
        fields.insert("consistent_snapshot".into(), Json::Boolean(true));
        fields.insert("keys".into(), write_keys(&self.keys));
        fields.insert("roles".into(), Json::Object(TopRole::ALL.map(role).into()));
        Json::Object(fields)
    }

    fn from_json(signed: &Json) -> Result<Self, ReadMetadataError> {
        let signed = Field::top(signed, "signed");
        let (version, expires) = read_common::<Root>(&signed)?;
        let consistent = signed.required("consistent_snapshot")?;
        if !consistent.boolean()? {
            return Err(consistent
                .refuse("is false: files whose names do not change cannot be replaced safely"));
        }
        let keys = read_keys(&signed.required("keys")?)?;
        let roles = signed.required("roles")?;
        let role = |role: TopRole| RoleKeys::read(&roles.required(role.name())?, &keys);
        Ok(Root {
            version,
            expires,
            root: role(TopRole::Root)?,
            targets: role(TopRole::Targets)?,
            snapshot: role(TopRole::Snapshot)?,
            timestamp: role(TopRole::Timestamp)?,
            keys,
        })
    }
}
