//! Metadata that was signed by us, or whose signatures were verified.

use igos_format::trust::{Envelope, Metadata};

use super::SecretKey;

/// Metadata together with the file that says it. Only [`sign()`] and [`super::verify()`] make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed<T> {
    value: T,
    envelope: Envelope,
}

impl<T> Signed<T> {
    /// Joins a value with the envelope whose signed part it is.
    pub(super) fn new(value: T, envelope: Envelope) -> Self {
        Signed { value, envelope }
    }

    /// Returns what the metadata says.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Returns what the metadata says, without its signatures.
    pub fn into_value(self) -> T {
        self.value
    }

    /// Returns the metadata with its signatures.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Returns the bytes of the file. Of metadata that was read these need not be those it was read from, which
    /// count for lengths and digests.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.envelope.to_bytes()
    }
}

/// Signs metadata with all these keys.
#[must_use]
pub fn sign<'k, T: Metadata>(value: T, keys: impl IntoIterator<Item = &'k SecretKey>) -> Signed<T> {
    let envelope = Envelope {
        signed: value.to_json(),
        signatures: Default::default(),
    };
    Signed {
        value,
        envelope: countersign(envelope, keys),
    }
}

/// Adds the signatures of these keys to metadata: several people sign a root one after the other.
///
/// Signing says nothing about the signatures that are there.
#[must_use]
pub fn countersign<'k>(
    mut envelope: Envelope,
    keys: impl IntoIterator<Item = &'k SecretKey>,
) -> Envelope {
    let bytes = envelope.signed.to_canonical();
    for key in keys {
        envelope.signatures.insert(key.id(), key.sign(&bytes));
    }
    envelope
}
