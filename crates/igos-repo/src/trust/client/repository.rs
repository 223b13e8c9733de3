//! One repository, as far as it is trusted.

use igos_format::trust::{Root, UtcTime};

use super::line::{ADOPTED, Line};
use super::root::open_alone;
use super::store::Store;
use super::{TrustStoreError, Trusted, Update};
use crate::below::DirectoryBelow;

/// What is trusted of one repository, kept in a directory.
///
/// Only one process at a time may [refresh](TrustedRepository::refresh) and adopt; any number may look.
#[derive(Debug)]
pub struct TrustedRepository {
    pub(super) store: Store,
    /// The root that the settings name, under the name that it has in the chain.
    anchor: (String, Vec<u8>),
    pub(super) root: Root,
    pub(super) line: Line,
}

impl TrustedRepository {
    /// Loads what is kept in a directory, which need not be there yet. Nothing is written, so any user may do this.
    ///
    /// `anchor` is the root file that the administrator trusts. It is where the chain of roots begins; a newer root
    /// that was reached from it counts more, also when the administrator names a later root of the same chain. A root
    /// that is not part of the chain begins another one.
    ///
    /// # Errors
    ///
    /// Returns that the anchor is not a root that vouches for itself, or that what is kept is damaged.
    pub fn open(directory: DirectoryBelow, anchor: &[u8]) -> Result<Self, TrustStoreError> {
        let store = Store::new(directory);
        let mut root = open_alone(anchor).map_err(TrustStoreError::Anchor)?;
        let link = link(&root);
        if store.read(&link)?.as_deref() == Some(anchor)
            && let Some(bytes) = store.read(ROOT)?
        {
            root = open_alone(&bytes).map_err(|source| TrustStoreError::Damaged {
                path: store.path(ROOT),
                source: Some(source),
            })?;
        }
        Ok(TrustedRepository {
            anchor: (link, anchor.to_owned()),
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

    /// Takes a root into the chain, as its newest.
    pub(super) fn take_root(&mut self, root: Root, bytes: &[u8]) -> Result<(), TrustStoreError> {
        self.store.write(&link(&root), bytes)?;
        self.store.write(ROOT, bytes)?;
        self.root = root;
        Ok(())
    }

    /// Begins another chain, unless the anchor is part of the one that is kept.
    pub(super) fn keep_anchor(&self) -> Result<(), TrustStoreError> {
        let (link, anchor) = &self.anchor;
        if self.store.read(link)?.as_deref() == Some(anchor) {
            return Ok(());
        }
        self.store.write(ROOT, anchor)?;
        self.store.forget_chain()?;
        self.store.write(link, anchor)
    }
}

/// The newest root.
const ROOT: &str = "root.json";

/// Returns the name of a root as part of the chain.
fn link(root: &Root) -> String {
    format!("{}.root.json", root.version)
}
