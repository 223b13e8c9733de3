//! A metadata file: a value and signatures of its canonical form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::field::Field;
use super::{Json, KeyId, ReadMetadataError};
use crate::DigestError;
use crate::digest::{parse_hex, write_hex};

/// Longest metadata file of any role, in bytes; tested before parsing.
///
/// A list of 100 000 archives has about 15 MiB.
pub const ENVELOPE_MAX_BYTES: u64 = 128 * 1024 * 1024;

/// Most signatures of one file.
const SIGNATURES_MAX: usize = 1024;

/// A signature of Ed25519, written as 128 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignatureBytes(pub [u8; 64]);

/// Signatures by the names of the keys that are said to have made them.
pub type Signatures = BTreeMap<KeyId, SignatureBytes>;

/// A metadata file as it was read or will be written. Nothing here has verified it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The value that signatures are about.
    pub signed: Json,
    /// The signatures.
    pub signatures: Signatures,
}

impl Envelope {
    /// Reads a metadata file of at most `limit` bytes, and never more than [`ENVELOPE_MAX_BYTES`].
    ///
    /// Signatures that are not of Ed25519 are dropped; two by one key are refused.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with size, JSON or fields.
    pub fn read(bytes: &[u8], limit: u64) -> Result<Self, ReadMetadataError> {
        let limit = limit.min(ENVELOPE_MAX_BYTES);
        let size_bytes = bytes.len() as u64;
        if size_bytes > limit {
            return Err(ReadMetadataError::TooLarge { size_bytes, limit });
        }
        let json = Json::read(bytes).map_err(ReadMetadataError::Json)?;
        Self::from_field(&Field::top(&json, "metadata"))
    }

    /// Reads the metadata file that is part of another one.
    pub(super) fn from_field(top: &Field<'_>) -> Result<Self, ReadMetadataError> {
        let signed = top.required("signed")?.value().clone();
        let items = top.required("signatures")?;
        let mut signatures = Signatures::new();
        let mut ids = BTreeSet::new();
        for item in items.items()? {
            let id: KeyId = item.required("keyid")?.parse("is not the name of a key")?;
            if !ids.insert(id) {
                return Err(item.refuse("is by a key that signed already"));
            }
            if ids.len() > SIGNATURES_MAX {
                return Err(items.refuse("has more than 1024 signatures"));
            }
            // What another kind of key made, or the empty place of one still to come, vouches for nothing.
            if let Ok(value) = item.required("sig")?.text()?.parse() {
                signatures.insert(id, value);
            }
        }
        Ok(Envelope { signed, signatures })
    }

    /// Returns the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.to_json().to_text()
    }

    /// Returns the file as a value.
    pub(super) fn to_json(&self) -> Json {
        let signature = |(id, value): (&KeyId, &SignatureBytes)| {
            Json::object([("keyid", Json::text(id)), ("sig", Json::text(value))])
        };
        let signatures = self.signatures.iter().map(signature).collect();
        let fields = [
            ("signed", self.signed.clone()),
            ("signatures", Json::List(signatures)),
        ];
        Json::object(fields)
    }
}

impl FromStr for SignatureBytes {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        parse_hex(text, "a signature has 128").map(SignatureBytes)
    }
}

impl fmt::Display for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignatureBytes({self})")
    }
}
