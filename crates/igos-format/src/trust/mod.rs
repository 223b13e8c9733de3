//! What a repository's signed metadata says: TUF 1.0 as types, one strict reader, one canonical form.
//!
//! Metadata arrives as an [`Envelope`]: JSON whose signed part nobody has vouched for. Signatures cover the
//! [canonical form](Json::to_canonical) of exactly the value that was read; only when they were verified (which takes
//! cryptography, so it is igos-repo's) does [`Metadata::from_json`] give the value a meaning.
//!
//! The format is normative in `docs/formats/trust.md`.

mod draft;
mod envelope;
mod error;
mod field;
mod json;
mod key;
mod pattern;
mod role;
mod root;
mod snapshot;
mod targets;
mod time;

pub use draft::{KEY_DRAFT_MAX_BYTES, KeyDraft};
pub use envelope::{ENVELOPE_MAX_BYTES, Envelope, SignatureBytes, Signatures};
pub use error::ReadMetadataError;
pub use json::{Json, JsonError};
pub use key::{KeyId, PublicKey};
pub use role::{Authority, Metadata, RoleKeys, SPECIFICATION, TopRole};
pub use root::Root;
pub use snapshot::{MetaFile, Snapshot, Timestamp};
pub use targets::{Delegation, Delegations, Scope, TargetFile, Targets};
pub use time::{UtcTime, UtcTimeError};
