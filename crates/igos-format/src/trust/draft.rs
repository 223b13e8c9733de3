//! Root and targets on their way from one holder of a key to the next: a key draft.
//!
//! Whoever signs has nothing but this file and a key, so it has both what is published and what is to follow.
//! Nothing in it is verified by reading it.

use super::field::Field;
use super::{Envelope, Json, ReadMetadataError};

/// What the field `_type` says.
const TYPE: &str = "igos-key-draft";
/// The version of the format, and the one that a reader must know at least.
const FORMAT: u64 = 1;

/// Largest key draft, in bytes: four metadata files of 64 KiB.
pub const KEY_DRAFT_MAX_BYTES: u64 = 256 * 1024;

/// What offline keys have signed, and what they are to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDraft {
    /// The root that is published.
    pub old_root: Envelope,
    /// The targets that are published.
    pub old_targets: Envelope,
    /// The root that is to follow, if it changes, with the signatures so far.
    pub root: Option<Envelope>,
    /// The targets that are to follow, if they change, with the signatures so far.
    pub targets: Option<Envelope>,
}

impl KeyDraft {
    /// Reads a key draft of at most [`KEY_DRAFT_MAX_BYTES`].
    ///
    /// # Errors
    ///
    /// Returns what is wrong with size, JSON or fields.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadMetadataError> {
        let (size_bytes, limit) = (bytes.len() as u64, KEY_DRAFT_MAX_BYTES);
        if size_bytes > limit {
            return Err(ReadMetadataError::TooLarge { size_bytes, limit });
        }
        let json = Json::read(bytes).map_err(ReadMetadataError::Json)?;
        let top = Field::top(&json, "draft");
        let kind = top.required("_type")?;
        if kind.text()? != TYPE {
            return Err(kind.refuse("is not `igos-key-draft`"));
        }
        let reader = top.required("reader")?;
        if reader.count()? > FORMAT {
            return Err(reader.refuse("asks for a newer version of this program"));
        }
        top.required("format")?.count()?;
        let (old, new) = (top.required("published")?, top.required("proposed")?);
        let proposed = |name: &str| {
            let field = new.optional(name)?;
            field.map(|field| Envelope::from_field(&field)).transpose()
        };
        let draft = KeyDraft {
            old_root: Envelope::from_field(&old.required("root")?)?,
            old_targets: Envelope::from_field(&old.required("targets")?)?,
            root: proposed("root")?,
            targets: proposed("targets")?,
        };
        if draft.root.is_none() && draft.targets.is_none() {
            return Err(new.refuse("proposes nothing"));
        }
        Ok(draft)
    }

    /// Returns the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let proposed = [("root", &self.root), ("targets", &self.targets)];
        let proposed = proposed
            .into_iter()
            .filter_map(|(name, envelope)| Some((name.to_owned(), envelope.as_ref()?.to_json())));
        let published = Json::object([
            ("root", self.old_root.to_json()),
            ("targets", self.old_targets.to_json()),
        ]);
        Json::object([
            ("_type", Json::text(TYPE)),
            ("format", Json::number(FORMAT)),
            ("reader", Json::number(FORMAT)),
            ("published", published),
            ("proposed", Json::Object(proposed.collect())),
        ])
        .to_text()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{KEY_DRAFT_MAX_BYTES, KeyDraft};
    use crate::trust::{Envelope, Json, SignatureBytes};

    fn envelope(number: u64) -> Envelope {
        let id = "7ab6b86cb2c9684b0ddc10896153aa2595decf4d4327a5ff1a8ab7422c828b12";
        Envelope {
            signed: Json::object([("version", Json::number(number))]),
            signatures: BTreeMap::from([(
                id.parse().expect("it is the name of a key"),
                SignatureBytes([7; 64]),
            )]),
        }
    }

    fn draft() -> KeyDraft {
        KeyDraft {
            old_root: envelope(1),
            old_targets: envelope(2),
            root: Some(envelope(3)),
            targets: None,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let half = draft();
        assert_eq!(KeyDraft::read(&half.to_bytes()).ok(), Some(half.clone()));
        let both = KeyDraft {
            targets: Some(envelope(4)),
            ..half
        };
        assert_eq!(KeyDraft::read(&both.to_bytes()).ok(), Some(both));
    }

    #[test]
    fn draft_that_is_none_is_refused_by_its_field() {
        let text = String::from_utf8(draft().to_bytes()).expect("it is text");
        for (from, to, expected) in [
            (
                "igos-key-draft",
                "root",
                "the metadata's field `draft._type` is not `igos-key-draft`",
            ),
            (
                "\"reader\":1",
                "\"reader\":2",
                "the metadata's field `draft.reader` asks for a newer version of this program",
            ),
            (
                "\"published\"",
                "\"before\"",
                "the metadata's field `draft.published` is missing",
            ),
            (
                "\"proposed\":{",
                "\"proposed\":{},\"other\":{",
                "the metadata's field `draft.proposed` proposes nothing",
            ),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let error = KeyDraft::read(changed.as_bytes()).expect_err("it is none");
            assert_eq!(error.to_string(), expected);
        }
        let long = " ".repeat(usize::try_from(KEY_DRAFT_MAX_BYTES).expect("it fits") + 1);
        assert_eq!(
            KeyDraft::read(long.as_bytes())
                .expect_err("it is too long")
                .to_string(),
            "the metadata has 262145 bytes, at most 262144 are allowed"
        );
    }
}
