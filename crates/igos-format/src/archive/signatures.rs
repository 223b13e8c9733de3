//! The slot for signatures: outside of what is signed, so that they can be added and replaced later.

use std::collections::BTreeSet;
use std::fmt::Write as _;

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
    /// Digest of the public key that verifies it.
    pub key: Sha256,
    /// The signature.
    pub value: [u8; 64],
}

/// The signatures that an archive carries.
pub type Signatures = BTreeSet<Signature>;

/// Returns the text of the member `.igos/signatures`.
pub(super) fn write(signatures: &Signatures) -> String {
    let mut text = format!("igos-signatures {0} {0}\n", super::FORMAT);
    for signature in signatures {
        write!(text, "signature ed25519 {} ", signature.key)
            .expect("writing to a string cannot fail");
        for byte in signature.value {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        text.push('\n');
    }
    text
}

pub(super) fn read(bytes: &[u8]) -> Result<Signatures, ReadArchiveError> {
    let mut lines = Lines::new(Part::Signatures, "igos-signatures", bytes)?;
    let mut signatures = Signatures::new();
    while let Some(fields) = lines.next() {
        let signature = match fields[..] {
            ["signature", "ed25519", key, value] => key
                .parse()
                .ok()
                .zip(signature_value(value))
                .map(|(key, value)| Signature {
                    algorithm: SignatureAlgorithm::Ed25519,
                    key,
                    value,
                }),
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

fn signature_value(text: &str) -> Option<[u8; 64]> {
    let (first, second) = text.split_at_checked(64)?;
    let halves: [Sha256; 2] = [first.parse().ok()?, second.parse().ok()?];
    let mut value = [0; 64];
    value[..32].copy_from_slice(halves[0].as_bytes());
    value[32..].copy_from_slice(halves[1].as_bytes());
    Some(value)
}
