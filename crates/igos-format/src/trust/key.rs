//! Public keys and their names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::field::Field;
use super::{Json, ReadMetadataError};
use crate::digest::{parse_hex, write_hex};
use crate::{DigestError, Sha256};

/// Most keys in one list: a bound, far above any use.
const KEYS_MAX: usize = 1024;

/// A public key of Ed25519 (RFC 8032): 32 bytes, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

/// The name of a key: SHA-256 of the canonical form of what metadata says of it, as securesystemslib computes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Sha256);

impl PublicKey {
    /// Returns the key whose bytes these are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        PublicKey(bytes)
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the name of the key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(Sha256::of(&self.to_json().to_canonical()))
    }

    /// Returns what metadata says of the key.
    #[must_use]
    pub fn to_json(&self) -> Json {
        Json::object([
            ("keytype", Json::text("ed25519")),
            ("keyval", Json::object([("public", Json::text(self))])),
            ("scheme", Json::text("ed25519")),
        ])
    }

    /// Reads a key. A field more would give the same key a second name, which could be counted twice.
    fn from_field(field: &Field<'_>) -> Result<Self, ReadMetadataError> {
        for name in ["keytype", "scheme"] {
            let field = field.required(name)?;
            if field.text()? != "ed25519" {
                return Err(field.refuse("is not `ed25519`"));
            }
        }
        let key: PublicKey = field
            .required("keyval")?
            .required("public")?
            .parse("is not 64 lowercase hexadecimal digits")?;
        if *field.value() != key.to_json() {
            return Err(field.refuse("has more than a key has"));
        }
        Ok(key)
    }
}

/// Reads keys by their names.
pub(super) fn read_keys(
    field: &Field<'_>,
) -> Result<BTreeMap<KeyId, PublicKey>, ReadMetadataError> {
    let entries = field.entries()?;
    if entries.len() > KEYS_MAX {
        return Err(field.refuse("has more than 1024 keys"));
    }
    let mut keys = BTreeMap::new();
    for (listed, field) in entries {
        let key = PublicKey::from_field(&field)?;
        let actual = key.id();
        if listed.parse() != Ok(actual) {
            return Err(ReadMetadataError::KeyId {
                listed: listed.chars().take(80).collect(),
                actual,
            });
        }
        keys.insert(actual, key);
    }
    Ok(keys)
}

/// Returns keys as metadata lists them.
pub(super) fn write_keys(keys: &BTreeMap<KeyId, PublicKey>) -> Json {
    let field = |(id, key): (&KeyId, &PublicKey)| (id.to_string(), key.to_json());
    Json::Object(keys.iter().map(field).collect())
}

impl KeyId {
    /// Returns the name as a digest, as signatures of archives have it.
    #[must_use]
    pub fn as_sha256(&self) -> Sha256 {
        self.0
    }

    /// Returns the name with this digest.
    #[must_use]
    pub fn from_sha256(digest: Sha256) -> Self {
        KeyId(digest)
    }
}

impl FromStr for PublicKey {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        parse_hex(text, "a public key has 64").map(PublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl FromStr for KeyId {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        text.parse().map(KeyId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
