//! Metadata of repositories.

use igos_format::trust::{Envelope, Json, KeyDraft, Metadata, Root, Snapshot, Targets, Timestamp};
use igos_repo::publish::OfflineChange;

/// Reads bytes as JSON, as a file of metadata, and as what each role signs: what is read is written again.
pub fn metadata(data: &[u8]) {
    let Ok(json) = Json::read(data) else {
        return;
    };
    assert_eq!(Json::read(&json.to_text()).ok().as_ref(), Some(&json));
    roles(&json);
    if let Ok(envelope) = Envelope::read(data, u64::MAX) {
        assert_eq!(
            Envelope::read(&envelope.to_bytes(), u64::MAX).ok().as_ref(),
            Some(&envelope)
        );
        roles(&envelope.signed);
    }
}

/// Reads bytes as a key draft, and what it means: what is read is written again.
pub fn drafts(data: &[u8]) {
    if let Ok(draft) = KeyDraft::read(data) {
        let written = draft.to_bytes();
        let read = KeyDraft::read(&written).expect("what is written is read");
        assert_eq!(read.to_bytes(), written);
        let _ = OfflineChange::read(draft);
    }
}

fn roles(signed: &Json) {
    again::<Root>(signed);
    again::<Targets>(signed);
    again::<Snapshot>(signed);
    again::<Timestamp>(signed);
}

fn again<T: Metadata>(signed: &Json) {
    if let Ok(value) = T::from_json(signed) {
        let written = value.to_json();
        let read = T::from_json(&written).expect("what is written is read");
        assert_eq!(read.to_json(), written);
        assert!(value.version() > 0);
    }
}
