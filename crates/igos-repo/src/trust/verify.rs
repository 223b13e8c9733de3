//! Whether enough of the right keys signed.

use std::collections::BTreeSet;
use std::fmt;

use igos_format::trust::{
    Authority, Envelope, KeyId, Metadata, PublicKey, ReadMetadataError, SignatureBytes,
};
use igos_report::Explain;
use ring::signature::{ED25519, UnparsedPublicKey};

use super::Signed;

/// Signatures do not vouch for metadata, or what they vouch for cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A key of the role is said to have signed, and did not sign this.
    #[error("the signature by key {key} is not of these bytes")]
    BadSignature {
        /// The key.
        key: KeyId,
    },
    /// No key of the role signed.
    #[error("signed by {}, trusted are {}", Listed(.signers), Listed(.trusted))]
    UnknownKey {
        /// Who is said to have signed.
        signers: Vec<KeyId>,
        /// Who may.
        trusted: Vec<KeyId>,
    },
    /// Some keys of the role signed, too few.
    #[error("signed by {valid} of its keys, {threshold} must sign")]
    TooFew {
        /// How many signed.
        valid: u64,
        /// How many must.
        threshold: u64,
    },
    /// The signatures are right and the metadata cannot be read.
    #[error(transparent)]
    Read(#[from] ReadMetadataError),
}

/// Names of keys in a message, the first few.
struct Listed<'a>(&'a [KeyId]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        if self.0.is_empty() {
            return f.write_str("nobody");
        }
        for (at, key) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{key}")?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Explain for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            VerifyError::BadSignature { .. } => "signature-bad",
            VerifyError::UnknownKey { .. } => "signature-key-unknown",
            VerifyError::TooFew { .. } => "signatures-too-few",
            VerifyError::Read(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            VerifyError::BadSignature { .. } => vec![
                "the bytes were changed after signing: use another mirror, and tell who runs this one".into(),
            ],
            VerifyError::UnknownKey { .. } | VerifyError::TooFew { .. } => vec![
                "if the repository has replaced all its keys, get its new root from those who run it, by a way you trust".into(),
            ],
            VerifyError::Read(error) => error.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Verifies that enough keys of a role signed the metadata, and gives it its meaning.
///
/// Each key counts once, and only keys of the role count; a bad signature is passed over if enough others are good,
/// as TUF 1.0 asks (section 4.2.1).
///
/// # Errors
///
/// Returns why the signatures do not suffice or the metadata cannot be read.
pub fn verify<T: Metadata>(
    envelope: Envelope,
    authority: &Authority,
) -> Result<Signed<T>, VerifyError> {
    test_signatures(&envelope, authority)?;
    let value = T::from_json(&envelope.signed)?;
    Ok(Signed::new(value, envelope))
}

/// Tells whether this key made this signature of these bytes.
pub(super) fn is_by(key: &PublicKey, bytes: &[u8], signature: &SignatureBytes) -> bool {
    let key = UnparsedPublicKey::new(&ED25519, key.as_bytes());
    key.verify(bytes, &signature.0).is_ok()
}

/// Returns which keys of a role have signed; one whose signature is bad is an error.
pub(crate) fn good_signers(
    envelope: &Envelope,
    authority: &Authority,
) -> Result<BTreeSet<KeyId>, VerifyError> {
    match judge(envelope, authority) {
        (good, None) => Ok(good),
        (_, Some(key)) => Err(VerifyError::BadSignature { key }),
    }
}

/// Returns the keys of a role with a good signature, and one with a bad one.
fn judge(envelope: &Envelope, authority: &Authority) -> (BTreeSet<KeyId>, Option<KeyId>) {
    let bytes = envelope.signed.to_canonical();
    let (mut good, mut bad) = (BTreeSet::new(), None);
    for (id, signature) in &envelope.signatures {
        match authority.keys.get(id) {
            Some(key) if is_by(key, &bytes, signature) => {
                good.insert(*id);
            }
            Some(_) => bad = Some(*id),
            None => {}
        }
    }
    (good, bad)
}

/// Tests the signatures of a value without giving it a meaning.
pub(super) fn test_signatures(
    envelope: &Envelope,
    authority: &Authority,
) -> Result<(), VerifyError> {
    let (good, bad) = judge(envelope, authority);
    let valid = good.len() as u64;
    // A threshold of nothing would let everything pass.
    if valid >= authority.threshold.max(1) {
        return Ok(());
    }
    if let Some(key) = bad {
        return Err(VerifyError::BadSignature { key });
    }
    if valid > 0 {
        let threshold = authority.threshold;
        return Err(VerifyError::TooFew { valid, threshold });
    }
    Err(VerifyError::UnknownKey {
        signers: envelope.signatures.keys().copied().collect(),
        trusted: authority.keys.keys().copied().collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use igos_format::trust::{Authority, MetaFile, Timestamp, UtcTime};
    use igos_report::Explain;

    use super::verify;
    use crate::trust::{SecretKey, Signed, countersign, sign};

    fn key(number: u8) -> SecretKey {
        SecretKey::from_seed([number; 32])
    }

    fn authority(keys: &[u8], threshold: u64) -> Authority {
        let public = |number: &u8| key(*number).public();
        Authority {
            keys: keys.iter().map(public).map(|key| (key.id(), key)).collect(),
            threshold,
        }
    }

    fn signed(keys: &[u8]) -> Signed<Timestamp> {
        let timestamp = Timestamp {
            version: 1,
            expires: UtcTime::from_seconds(1_900_000_000).expect("it is a time"),
            created: None,
            snapshot: MetaFile::of(1, b"{}"),
        };
        let keys: Vec<SecretKey> = keys.iter().map(|number| key(*number)).collect();
        sign(timestamp, &keys)
    }

    fn code(signed: &Signed<Timestamp>, authority: &Authority) -> &'static str {
        let result = verify::<Timestamp>(signed.envelope().clone(), authority);
        result.map_or_else(|error| error.code(), |_| "verified")
    }

    #[test]
    fn as_many_different_keys_of_the_role_as_the_threshold_says_must_sign() {
        for (signers, trusted, threshold, expected) in [
            (&[1][..], &[1][..], 1, "verified"),
            (&[1, 2], &[1, 2, 3], 2, "verified"),
            (&[1, 2, 9], &[1, 2, 3], 2, "verified"),
            (&[1, 9], &[1, 2, 3], 2, "signatures-too-few"),
            (&[9, 8], &[1, 2], 1, "signature-key-unknown"),
            (&[], &[1], 1, "signature-key-unknown"),
            (&[], &[1], 0, "signature-key-unknown"),
            (&[1], &[1], 0, "verified"),
        ] {
            let found = code(&signed(signers), &authority(trusted, threshold));
            assert_eq!(found, expected, "{signers:?} {trusted:?} {threshold}");
        }
    }

    #[test]
    fn a_bad_signature_is_told_from_an_unknown_key_and_does_not_spoil_good_ones() {
        let mut envelope = signed(&[1, 2]).envelope().clone();
        let signature = envelope.signatures.get_mut(&key(1).id());
        signature.expect("it signed").0[5] ^= 1;
        let forged = Signed::new(signed(&[]).value().clone(), envelope.clone());
        assert_eq!(code(&forged, &authority(&[1, 2], 1)), "verified");
        assert_eq!(code(&forged, &authority(&[1, 2], 2)), "signature-bad");
        assert_eq!(code(&forged, &authority(&[1], 1)), "signature-bad");
        let mended = Signed::new(forged.value().clone(), countersign(envelope, &[key(1)]));
        assert_eq!(code(&mended, &authority(&[1, 2], 2)), "verified");
    }

    #[test]
    fn metadata_of_another_kind_is_refused_although_it_is_signed() {
        let envelope = signed(&[1]).envelope().clone();
        let error = verify::<igos_format::trust::Snapshot>(envelope, &authority(&[1], 1));
        assert_eq!(
            error.map_err(|error| error.code()).err(),
            Some("metadata-malformed")
        );
        let nobody = Authority {
            keys: BTreeMap::new(),
            threshold: 1,
        };
        assert_eq!(code(&signed(&[1]), &nobody), "signature-key-unknown");
    }
}
