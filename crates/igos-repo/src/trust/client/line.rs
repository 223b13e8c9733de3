//! What was verified with one set of timestamp and snapshot keys, and is kept.

use igos_format::trust::{Root, Snapshot, Timestamp, TopRole};

use super::complete::{Shelf, complete};
use super::judge;
use super::store::Store;
use super::{RefreshError, TrustStoreError, Trusted};
use crate::trust::VerifyError;

/// The newest that was seen, and the set in use.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) store: Store,
    /// The newest timestamp that was verified, and its bytes.
    pub(super) newest: Option<(Timestamp, Vec<u8>)>,
    /// The newest snapshot that was verified.
    pub(super) snapshot: Option<Snapshot>,
    /// The set in use, and the bytes of its timestamp.
    pub(super) adopted: Option<(Trusted, Vec<u8>)>,
}

impl Line {
    /// Loads what is kept for this root.
    ///
    /// Another process may adopt a newer set meanwhile and delete the old one's files; then it is loaded again.
    pub(super) fn load(store: &Store, root: &Root) -> Result<Line, TrustStoreError> {
        let store = store.below_keys(root);
        loop {
            let before = store.read(ADOPTED)?;
            match Line::load_once(&store, root, before.clone()) {
                Err(_) if store.read(ADOPTED)? != before => {}
                loaded => return loaded,
            }
        }
    }

    fn load_once(
        store: &Store,
        root: &Root,
        adopted: Option<Vec<u8>>,
    ) -> Result<Line, TrustStoreError> {
        let authority = root.authority(TopRole::Timestamp);
        let open = |file: &str, bytes: &[u8]| {
            judge::open::<Timestamp>(file, bytes, &authority).map_err(damaged(store, file))
        };
        let newest = store.read(NEWEST)?;
        let newest = newest.map(|bytes| Ok((open(NEWEST, &bytes)?, bytes)));
        let newest: Option<(Timestamp, Vec<u8>)> = newest.transpose()?;
        let shelf = Shelf {
            store,
            source: None,
        };
        let adopted = match adopted {
            Some(bytes) => {
                let timestamp = open(ADOPTED, &bytes)?;
                let set = complete(root, timestamp, None, shelf, None);
                kept(set, store)?.map(|set| (set, bytes))
            }
            None => None,
        };
        let snapshot = newest.as_ref().map(|(newest, _)| {
            let authority = root.authority(TopRole::Snapshot);
            shelf.open::<Snapshot>("snapshot", &newest.snapshot, &authority)
        });
        // The newest set may not have been fetched yet; then the one in use is the newest there is.
        let snapshot = snapshot.and_then(Result::ok);
        let in_use = || adopted.as_ref().map(|(set, _)| set.snapshot.clone());
        Ok(Line {
            store: store.clone(),
            snapshot: snapshot.or_else(in_use),
            newest,
            adopted,
        })
    }
}

/// The timestamp of the set in use.
pub(super) const ADOPTED: &str = "timestamp.json";
/// The newest timestamp that was verified.
pub(super) const NEWEST: &str = "newest.json";

/// Returns a set that was loaded, or nothing where a newer root gave its roles other keys.
fn kept(
    set: Result<Trusted, RefreshError>,
    store: &Store,
) -> Result<Option<Trusted>, TrustStoreError> {
    match set {
        Ok(set) => Ok(Some(set)),
        Err(RefreshError::Verify {
            source: VerifyError::UnknownKey { .. } | VerifyError::TooFew { .. },
            ..
        }) => Ok(None),
        Err(error) => Err(damaged(store, ADOPTED)(error)),
    }
}

/// Returns what it means that a kept file is not what it was when it was kept.
fn damaged<'a>(store: &'a Store, file: &'a str) -> impl Fn(RefreshError) -> TrustStoreError + 'a {
    move |error| match error {
        RefreshError::Store(error) => error,
        RefreshError::Verify { file, source } => TrustStoreError::Damaged {
            path: store.path(&file),
            source: Some(source),
        },
        RefreshError::Absent { file } => TrustStoreError::Damaged {
            path: store.path(&file),
            source: None,
        },
        _ => TrustStoreError::Damaged {
            path: store.path(file),
            source: None,
        },
    }
}
