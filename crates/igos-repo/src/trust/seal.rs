//! Whether a key that is trusted signed an archive's seal.

use std::collections::BTreeMap;

use igos_format::archive::{Signature, SignatureAlgorithm};
use igos_format::trust::{KeyId, PublicKey, SignatureBytes};
use igos_report::Explain;

use super::verify::is_by;

/// What a key that signed may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStanding {
    /// It signs packages now.
    Authorised,
    /// It was replaced: what it signed may stay installed, nothing new comes from it.
    Retired,
}

/// Keys that may have signed packages, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SealKeys {
    /// Those that sign now.
    pub authorised: BTreeMap<KeyId, PublicKey>,
    /// Those that were replaced without being compromised.
    pub retired: BTreeMap<KeyId, PublicKey>,
}

/// Nobody who is trusted signed the seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifySealError {
    /// The key is trusted and did not sign these bytes.
    #[error("the signature of the package's seal by key {key} is bad")]
    BadSignature {
        /// The key.
        key: KeyId,
    },
    /// The key is neither authorised nor retired: it never was, or was revoked.
    #[error("the package's seal is signed by key {key}, which no repository trusts")]
    UnknownKey {
        /// The key.
        key: KeyId,
    },
}

impl Explain for VerifySealError {
    fn code(&self) -> &'static str {
        match self {
            VerifySealError::BadSignature { .. } => "seal-signature-bad",
            VerifySealError::UnknownKey { .. } => "seal-key-unknown",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            VerifySealError::BadSignature { .. } => vec![
                "the record or the archive was changed after signing: install the package again from its repository".into(),
            ],
            VerifySealError::UnknownKey { .. } => vec![
                "learn of keys that changed: `pkm sync`".into(),
                "if the key was revoked, replace the package by one that is signed anew: `pkm upgrade`".into(),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Verifies a signature of the bytes of an archive's seal, and returns what its key may still do.
///
/// # Errors
///
/// Returns that the key is not trusted, or did not sign these bytes.
pub fn verify_seal(
    seal: &[u8],
    signature: &Signature,
    keys: &SealKeys,
) -> Result<KeyStanding, VerifySealError> {
    let SignatureAlgorithm::Ed25519 = signature.algorithm;
    let id = KeyId::from_sha256(signature.key);
    let authorised = keys.authorised.get(&id);
    let authorised = authorised.map(|key| (key, KeyStanding::Authorised));
    let retired = || keys.retired.get(&id).map(|key| (key, KeyStanding::Retired));
    let Some((key, standing)) = authorised.or_else(retired) else {
        return Err(VerifySealError::UnknownKey { key: id });
    };
    if is_by(key, seal, &SignatureBytes(signature.value)) {
        Ok(standing)
    } else {
        Err(VerifySealError::BadSignature { key: id })
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyStanding, SealKeys, VerifySealError, verify_seal};
    use crate::trust::SecretKey;

    #[test]
    fn a_seal_is_believed_by_what_became_of_the_key() {
        let [new, old, revoked] = [1, 2, 3].map(|number| SecretKey::from_seed([number; 32]));
        let keys = SealKeys {
            authorised: [(new.id(), new.public())].into(),
            retired: [(old.id(), old.public())].into(),
        };
        let seal = b"igos-seal 1 1\n";
        let standing = |key: &SecretKey| verify_seal(seal, &key.sign_seal(seal), &keys);
        assert_eq!(standing(&new), Ok(KeyStanding::Authorised));
        assert_eq!(standing(&old), Ok(KeyStanding::Retired));
        let key = revoked.id();
        assert_eq!(standing(&revoked), Err(VerifySealError::UnknownKey { key }));
        let key = new.id();
        let other = verify_seal(b"igos-seal 1 2\n", &new.sign_seal(seal), &keys);
        assert_eq!(other, Err(VerifySealError::BadSignature { key }));
        let mut pretended = revoked.sign_seal(seal);
        pretended.key = new.id().as_sha256();
        assert_eq!(
            verify_seal(seal, &pretended, &keys),
            Err(VerifySealError::BadSignature { key })
        );
    }
}
