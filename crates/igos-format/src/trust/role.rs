//! Roles: who may sign what, and how many must.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::field::Field;
use super::{Json, KeyId, PublicKey, ReadMetadataError, UtcTime};

/// The version of TUF's specification that our metadata names.
pub const SPECIFICATION: &str = "1.0.31";

/// The roles that the root names keys for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TopRole {
    /// Says which keys all other roles have.
    Root,
    /// Says what files there are, or delegates that.
    Targets,
    /// Says which versions of all other metadata belong together.
    Snapshot,
    /// Says which snapshot is the newest.
    Timestamp,
}

/// Keys of a role, and how many of them must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// Names of the keys.
    pub keys: BTreeSet<KeyId>,
    /// How many different ones must have signed; at least 1.
    pub threshold: u64,
}

/// [`RoleKeys`] together with the keys themselves: all that it takes to verify metadata of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The keys.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// How many different ones must have signed.
    pub threshold: u64,
}

/// The signed part of one kind of metadata.
pub trait Metadata: Sized {
    /// What the field `_type` says.
    const TYPE: &'static str;

    /// Returns the version, which only grows.
    fn version(&self) -> u64;

    /// Returns the time from which on it is not to be relied on.
    fn expires(&self) -> UtcTime;

    /// Returns the value that is signed.
    fn to_json(&self) -> Json;

    /// Gives a meaning to a signed value. Verify its signatures first.
    ///
    /// # Errors
    ///
    /// Returns the first field that is missing or not allowed. Fields that nobody knows are ignored, as TUF asks.
    fn from_json(signed: &Json) -> Result<Self, ReadMetadataError>;
}

impl TopRole {
    /// All roles.
    pub const ALL: [TopRole; 4] = [
        TopRole::Root,
        TopRole::Targets,
        TopRole::Snapshot,
        TopRole::Timestamp,
    ];

    /// Returns the name, as metadata and file names have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TopRole::Root => "root",
            TopRole::Targets => "targets",
            TopRole::Snapshot => "snapshot",
            TopRole::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for TopRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl RoleKeys {
    /// Returns the role that these keys have, of which `threshold` must sign.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = KeyId>, threshold: u64) -> Self {
        RoleKeys {
            keys: keys.into_iter().collect(),
            threshold,
        }
    }

    /// Returns the same with the keys themselves; those that `all` lacks are left out, and cannot verify anything.
    pub(super) fn authority(&self, all: &BTreeMap<KeyId, PublicKey>) -> Authority {
        let found = |id: &KeyId| all.get(id).map(|key| (*id, *key));
        Authority {
            keys: self.keys.iter().filter_map(found).collect(),
            threshold: self.threshold,
        }
    }

    /// Adds the fields `keyids` and `threshold` to an object.
    pub(super) fn write(&self, fields: &mut BTreeMap<String, Json>) {
        let ids = self.keys.iter().map(Json::text).collect();
        fields.insert("keyids".into(), Json::List(ids));
        fields.insert("threshold".into(), Json::number(self.threshold));
    }

    /// Reads the fields `keyids` and `threshold` of an object; all keys must be among `known`.
    pub(super) fn read(
        field: &Field<'_>,
        known: &BTreeMap<KeyId, PublicKey>,
    ) -> Result<Self, ReadMetadataError> {
        let mut keys = BTreeSet::new();
        for item in field.required("keyids")?.items()? {
            let id: KeyId = item.parse("is not the name of a key")?;
            if !known.contains_key(&id) {
                return Err(item.refuse("names a key that is not among `keys`"));
            }
            if !keys.insert(id) {
                return Err(item.refuse("names a key a second time"));
            }
        }
        let field = field.required("threshold")?;
        let threshold = field.count()?;
        if threshold > keys.len() as u64 {
            return Err(field.refuse("asks for more signatures than there are keys"));
        }
        Ok(RoleKeys { keys, threshold })
    }
}

/// Reads what all metadata has, after testing that it is of this kind and for this reader.
pub(super) fn read_common<T: Metadata>(
    signed: &Field<'_>,
) -> Result<(u64, UtcTime), ReadMetadataError> {
    let kind = signed.required("_type")?;
    if kind.text()? != T::TYPE {
        return Err(kind.refuse("is of another kind of metadata"));
    }
    let specification = signed.required("spec_version")?;
    let found = specification.text()?;
    if found.split('.').next() != Some("1") {
        return Err(ReadMetadataError::Specification {
            found: found.chars().take(80).collect(),
        });
    }
    let version = signed.required("version")?.count()?;
    let expires = signed
        .required("expires")?
        .parse("is not a time of the form 2030-01-31T12:00:00Z")?;
    Ok((version, expires))
}

/// Returns the fields that all metadata has.
pub(super) fn write_common<T: Metadata>(metadata: &T) -> BTreeMap<String, Json> {
    let fields = [
        ("_type", Json::text(T::TYPE)),
        ("spec_version", Json::text(SPECIFICATION)),
        ("version", Json::number(metadata.version())),
        ("expires", Json::text(metadata.expires())),
    ];
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}
