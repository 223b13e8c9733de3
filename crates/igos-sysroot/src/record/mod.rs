//! The text record of one installed package: how it came here, then its manifest byte for byte.
//!
//! `docs/formats/record.md` is the normative description. Records are the truth about a root; the database is made
//! from them.

mod agree;
mod load;
mod read;
mod restore;
mod unknown;
mod write;

#[cfg(test)]
mod tests;

pub use agree::Forget;
pub(crate) use agree::{Agreed, Agreeing, Known};
pub use igos_format::{RepositoryName, RepositoryNameError};
pub use igos_solve::Reason;
pub(crate) use load::{RootTexts, last_in_history};
pub use read::RecordError;
pub(crate) use read::{FormatError, Lines, SplitError, body_lines, check_format, split_end};
pub(crate) use restore::compare;
pub use unknown::{Unknown, UnknownRecords};
pub(crate) use write::time_text;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use igos_format::archive::{Seal, Signature};
use igos_format::manifest::Manifest;
use igos_format::{FileEntry, PackageId, PackageName, Sha256};
use serde::{Serialize, Serializer};

use crate::{Exclusions, Ownership};

/// The newest version of the text this program reads; it writes the oldest that can say what there is to say.
const FORMAT: u32 = 2;

/// Longest record, in bytes: the longest manifest and a generous head.
pub(crate) const RECORD_MAX_BYTES: u64 = 17 * 1024 * 1024;

/// Who vouches for an archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "id")]
pub enum Trust {
    /// Nobody: the user allowed it.
    Unsigned,
    /// The owner of the key with this id.
    Key(String),
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trust::Unsigned => f.write_str("unsigned"),
            Trust::Key(id) => write!(f, "key {id}"),
        }
    }
}

/// A text does not say who vouches for an archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is neither `unsigned` nor `key` and a key's id")]
pub struct TrustError {
    text: String,
}

impl FromStr for Trust {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        if text == "unsigned" {
            return Ok(Trust::Unsigned);
        }
        let is_id = |id: &str| {
            !id.is_empty() && id.len() <= 128 && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        match text.strip_prefix("key ") {
            Some(id) if is_id(id) => Ok(Trust::Key(id.to_owned())),
            _ => Err(TrustError {
                text: text.to_owned(),
            }),
        }
    }
}

/// How a package came to be in a root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// The package.
    pub package: PackageId,
    /// Why it is there.
    pub reason: Reason,
    /// When it was installed, in seconds since 1970.
    pub installed: i64,
    /// The transaction that installed it.
    pub transaction: u64,
    /// The repository it came from; `None` for an archive that was given as a file.
    pub repository: Option<RepositoryName>,
    /// Whether it stays at its version until it is released.
    pub held: bool,
    /// The seal digest of the archive it came from.
    pub seal: Sha256,
    /// The seal itself, which signatures sign; `None` in records of format 1.
    #[serde(skip)]
    pub sealed: Option<Seal>,
    /// The signature of the seal that was verified when it was installed.
    #[serde(serialize_with = "serialize_signature")]
    pub signature: Option<Signature>,
    /// Who vouches for that archive.
    pub trust: Trust,
    /// Whether owners and special bits were applied.
    pub ownership: Ownership,
    /// Packages that took over those of its paths that they have too, while they are installed.
    pub yielded_to: BTreeSet<PackageName>,
    /// Paths of the manifest that were left out.
    pub excluded: Exclusions,
}

pub(crate) fn serialize_signature<S: Serializer>(
    signature: &Option<Signature>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = signature.as_ref().map(ToString::to_string);
    text.serialize(serializer)
}

/// The whole record of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How it came here.
    pub installed: Installed,
    /// What it is.
    pub manifest: Manifest,
    /// The manifest as the archive had it.
    pub manifest_bytes: Vec<u8>,
}

impl Record {
    /// Returns the entries of the manifest that are in the root, in their order.
    pub fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        self.manifest
            .entries
            .iter()
            .filter(|entry| !self.installed.excluded.leaves_out(entry))
    }
}
