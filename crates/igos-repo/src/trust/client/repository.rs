//! One repository, as far as it is trusted.

use std::path::Path;

use igos_format::trust::{Root, UtcTime};

use super::line::{ADOPTED, Line};
use super::root::open_alone;
use super::store::Store;
use super::{TrustStoreError, Trusted, Update};

/// What is trusted of one repository, kept in a directory.
///
/// Only one process at a time may [refresh](TrustedRepository::refresh) and adopt; any number may look.
#[derive(Debug)]
pub struct TrustedRepository {
    pub(super) store: Store,
    anchor: Vec<u8>,
    pub(super) root: Root,
    pub(super) line: Line,
}

impl TrustedRepository {
    /// Loads what is kept in a directory, which need not be there yet. Nothing is written, so any user may do this.
    ///
    /// `anchor` is the root file that the administrator trusts. It is where the chain of roots begins; a newer root
    /// that was reached from it counts more, until the administrator names another anchor.
    ///
    /// # Errors
    ///
    /// Returns that the anchor is not a root that vouches for itself, or that what is kept is damaged.
    pub fn open(directory: &Path, anchor: &[u8]) -> Result<Self, TrustStoreError> {
        let store = Store::new(directory);
        let mut root = open_alone(anchor).map_err(TrustStoreError::Anchor)?;
        if store.read(ANCHOR)?.as_deref() == Some(anchor)
            && let Some(bytes) = store.read(ROOT)?
        {
            root = open_alone(&bytes).map_err(|source| TrustStoreError::Damaged {
                path: store.path(ROOT),
                source: Some(source),
            })?;
        }
        Ok(TrustedRepository {
            anchor: anchor.to_owned(),
            line: Line::load(&store, &root)?,
            root,
            store,
        })
    }

    /// Returns the newest root.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the set in use, unless nothing was ever adopted. It may have expired: see [`Trusted::standing`].
    #[must_use]
    pub fn trusted(&self) -> Option<&Trusted> {
        self.line.adopted.as_ref().map(|(trusted, _)| trusted)
    }

    /// Lets a newer set take the place of the one in use, and deletes what is needed no longer.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written or deleted.
    pub fn adopt(&mut self, update: Update) -> Result<(), TrustStoreError> {
        let Update {
            trusted,
            timestamp_bytes,
            ..
        } = update;
        let store = &self.line.store;
        store.write(ADOPTED, &timestamp_bytes)?;
        let versioned = |role: &str, version: u64| format!("{version}.{role}.json");
        let mut kept = vec![
            ADOPTED.to_owned(),
            super::line::NEWEST.to_owned(),
            versioned("snapshot", trusted.snapshot.version),
            versioned("targets", trusted.targets.version),
        ];
        let packages = trusted.packages.as_ref();
        kept.extend(packages.map(|role| versioned("packages", role.version)));
        store.keep_only(&kept)?;
        self.store.forget_other_keys(store)?;
        self.line.adopted = Some((trusted, timestamp_bytes));
        Ok(())
    }

    /// Returns when the newest timestamp was made: no clock is right that is before it.
    pub(super) fn created(&self) -> Option<UtcTime> {
        self.line
            .newest
            .as_ref()
            .and_then(|(newest, _)| newest.created)
    }

    /// Keeps the anchor; a new one begins a new chain.
    pub(super) fn keep_anchor(&self) -> Result<(), TrustStoreError> {
        if self.store.read(ANCHOR)?.as_deref() == Some(&self.anchor) {
            return Ok(());
        }
        self.store.write(ROOT, &self.anchor)?;
        self.store.write(ANCHOR, &self.anchor)
    }
}

/// The root that the settings named.
const ANCHOR: &str = "anchor.json";
/// The newest root.
const ROOT: &str = "root.json";
