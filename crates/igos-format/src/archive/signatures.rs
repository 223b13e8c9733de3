//! The slot for signatures: outside of what is signed, so that they can be added and replaced later.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::text::{self, Lines};
use super::{Part, ReadArchiveError};
use crate::Sha256;

/// Longest text of signatures, in bytes; tested before allocating.
pub(super) const MAX_BYTES: u64 = 64 * 1024;

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignatureAlgorithm {
    /// Ed25519 (RFC 8032) over the bytes of the seal: 64 bytes.
    Ed25519,
}

/// One signature of a seal. Nothing here has verified it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// How it is made.
    pub algorithm: SignatureAlgorithm,
    /// The id of the key that verifies it ([`crate::trust::KeyId`]).
    pub key: Sha256,
    /// The signature.
    pub value: [u8; 64],
}

/// A text is not a signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a signature such as `ed25519 KEY VALUE`, with 64 and 128 hexadecimal digits")]
pub struct SignatureError;

/// The signatures that an archive carries.
pub type Signatures = BTreeSet<Signature>;

/// Returns the text of the member `.igos/signatures`.
pub(super) fn write(signatures: &Signatures) -> String {
    let mut text = format!("igos-signatures {0} {0}\n", super::FORMAT);
    for signature in signatures {
        writeln!(text, "signature {signature}").expect("writing to a string cannot fail");
    }
    text
}

pub(super) fn read(bytes: &[u8]) -> Result<Signatures, ReadArchiveError> {
    let mut lines = Lines::new(Part::Signatures, "igos-signatures", bytes)?;
    let mut signatures = Signatures::new();
    while let Some(fields) = lines.next() {
        let signature = match fields[..] {
            ["signature", algorithm, key, value] => signature(algorithm, key, value),
            _ => None,
        };
        signatures.insert(signature.ok_or_else(|| lines.refuse())?);
    }
    if signatures.is_empty() {
        return Err(lines.refuse());
    }
    text::compare(Part::Signatures, &write(&signatures), bytes)?;
    Ok(signatures)
}

impl fmt::Display for Signature {
    /// Writes `ALGORITHM KEY VALUE`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SignatureAlgorithm::Ed25519 = self.algorithm;
        write!(f, "ed25519 {} ", self.key)?;
        self.value
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, SignatureError> {
        let mut fields = text.splitn(3, ' ');
        let mut next = || fields.next().ok_or(SignatureError);
        signature(next()?, next()?, next()?).ok_or(SignatureError)
    }
}

fn signature(algorithm: &str, key: &str, value: &str) -> Option<Signature> {
    (algorithm == "ed25519").then_some(())?;
    Some(Signature {
        algorithm: SignatureAlgorithm::Ed25519,
        key: key.parse().ok()?,
        value: signature_value(value)?,
    })
}

fn signature_value(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let halves: [Sha256; 2] = [first.parse().ok()?, second.parse().ok()?];
    let mut value = [0; 64];
    value[..32].copy_from_slice(halves[0].as_bytes());
    value[32..].copy_from_slice(halves[1].as_bytes());
    Some(value)
}
