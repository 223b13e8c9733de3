//! Whether a package is what the index said of it when it was chosen.

use igos_format::archive::{Head, Signature};
use igos_format::index::IndexEntry;
use igos_format::trust::KeyId;
use igos_format::{PackageId, Sha256};
use igos_report::Explain;

use super::{KeyStanding, SealKeys, VerifySealError, verify_seal};

/// A package is not to be installed on the word of this index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyOfferError {
    /// The archive is another one.
    #[error("the archive offered as {package} has seal {actual}, the index says {expected}")]
    WrongSeal {
        /// What the index offers.
        package: PackageId,
        /// The seal that the index names.
        expected: Sha256,
        /// The archive's.
        actual: Sha256,
    },
    /// The archive is the one that the index names, and not what the index says of it.
    #[error(
        "the index says something else about {package} than the package itself: its {field} differ"
    )]
    Differs {
        /// What the index offers.
        package: PackageId,
        /// What is different.
        field: &'static str,
    },
    /// The index has no signature of it.
    #[error("{package} is not signed")]
    Unsigned {
        /// What the index offers.
        package: PackageId,
    },
    /// The signature is bad, or by a key that is not trusted.
    #[error("{package} is not signed by a key that its repository trusts")]
    Seal {
        /// What the index offers.
        package: PackageId,
        /// What is wrong.
        #[source]
        source: VerifySealError,
    },
    /// The key signs nothing new any more.
    #[error("{package} is signed by key {key}, which was replaced")]
    Retired {
        /// What the index offers.
        package: PackageId,
        /// The key.
        key: KeyId,
    },
}

impl Explain for VerifyOfferError {
    fn code(&self) -> &'static str {
        match self {
            VerifyOfferError::WrongSeal { .. } => "package-not-the-offered-one",
            VerifyOfferError::Differs { .. } => "package-differs-from-index",
            VerifyOfferError::Unsigned { .. } => "package-unsigned",
            VerifyOfferError::Seal { source, .. } => source.code(),
            VerifyOfferError::Retired { .. } => "package-key-retired",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            VerifyOfferError::WrongSeal { .. } => {
                vec!["use another mirror, and tell who runs this one".into()]
            }
            VerifyOfferError::Differs { .. }
            | VerifyOfferError::Unsigned { .. }
            | VerifyOfferError::Seal { .. }
            | VerifyOfferError::Retired { .. } => vec![
                "its repository was made wrongly, or by a thief of its keys: tell those who run it"
                    .into(),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Verifies that an archive is the one that an index offers, that the index says of it what it says itself, and that
/// a key which signs packages now signed it.
///
/// What was chosen by the index (name, version, relations, features) is thereby what will be installed: an index
/// cannot drag in other packages by dependencies that the package does not have, nor pass off one package as another.
/// Returns the signature that was verified.
///
/// # Errors
///
/// Returns the first difference.
pub fn verify_offer<'a>(
    entry: &'a IndexEntry,
    head: &Head,
    keys: &SealKeys,
) -> Result<&'a Signature, VerifyOfferError> {
    let package = || entry.package.clone();
    let actual = head.seal_digest();
    if actual != entry.seal {
        return Err(VerifyOfferError::WrongSeal {
            package: package(),
            expected: entry.seal,
            actual,
        });
    }
    if let Some(field) = difference(entry, &IndexEntry::of(head, entry.archive.clone())) {
        let package = package();
        return Err(VerifyOfferError::Differs { package, field });
    }
    let Some(signature) = &entry.signature else {
        return Err(VerifyOfferError::Unsigned { package: package() });
    };
    match verify_seal(&head.seal().to_bytes(), signature, keys) {
        Ok(KeyStanding::Authorised) => Ok(signature),
        Ok(KeyStanding::Retired) => Err(VerifyOfferError::Retired {
            package: package(),
            key: KeyId::from_sha256(signature.key),
        }),
        Err(source) => Err(VerifyOfferError::Seal {
            package: package(),
            source,
        }),
    }
}

/// Returns what an index says otherwise than the package: everything but what only a repository can know.
fn difference(offered: &IndexEntry, own: &IndexEntry) -> Option<&'static str> {
    let fields = [
        ("names and versions", offered.package == own.package),
        ("recipes", offered.recipe == own.recipe),
        (
            "texts",
            (&offered.description, &offered.license, &offered.homepage)
                == (&own.description, &own.license, &own.homepage),
        ),
        (
            "kinds",
            (offered.tier, offered.origin, offered.is_essential)
                == (own.tier, own.origin, own.is_essential),
        ),
        ("sizes", offered.installed_bytes == own.installed_bytes),
        ("dependencies", offered.depends == own.depends),
        ("provided names", offered.provides == own.provides),
        ("conflicts", offered.conflicts == own.conflicts),
        ("superseded packages", offered.supersedes == own.supersedes),
        (
            "features",
            (&offered.features_provided, &offered.features_required)
                == (&own.features_provided, &own.features_required),
        ),
        ("programs", offered.programs == own.programs),
    ];
    let differs = fields.into_iter().find(|(_, is_same)| !is_same);
    differs.map(|(field, _)| field)
}
