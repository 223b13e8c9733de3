//! Signing what changed and putting it where readers see it, the timestamp last.

use std::collections::BTreeMap;

use igos_format::trust::{
    Delegations, MetaFile, Metadata, Root, Snapshot, TargetFile, Targets, Timestamp, UtcTime,
};

use super::bins::{self, Files};
use super::error::PublishError;
use super::layout;
use super::lifetimes::{Lifetimes, after};
use super::place::Placer;
use super::ring::KeyRing;
use super::state::{ARCHIVES, Lists, PACKAGES, Published, State, authority};
use crate::trust::{SecretKey, Signed, sign};

/// Whether what did not change is signed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It stays as it is.
    None,
    /// Snapshot and timestamp get their full lifetime again, and lists that have passed half of theirs.
    Online,
}

/// What is to be published: values without versions and expiry of their own.
#[derive(Debug)]
pub(super) struct Draft {
    /// A new root, already signed by the keys of the old and the new one.
    pub(super) root: Option<Signed<Root>>,
    /// New targets, already signed.
    pub(super) targets: Option<Signed<Targets>>,
    /// Files of the role `packages`.
    pub(super) packages: BTreeMap<String, TargetFile>,
    /// Files of the role `archives`.
    pub(super) archives: BTreeMap<String, TargetFile>,
    pub(super) renewal: Renewal,
}

/// Everything that signing needs.
#[derive(Clone, Copy)]
pub(super) struct Signing<'a> {
    pub(super) ring: &'a KeyRing,
    pub(super) lifetimes: &'a Lifetimes,
    pub(super) now: UtcTime,
}

/// Metadata files to be put in place, in this order.
#[derive(Debug)]
pub(super) struct Commit {
    ///
    /// A new root comes after the timestamp that old and new keys signed, so that whoever has either root can verify
    /// everything at every moment. Another timestamp follows it: clients look for a root when there is a new one.
    files: Vec<(String, Vec<u8>)>,
    pub(super) state: State,
}

impl Commit {
    /// Tells whether nothing changes.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the version of the newest snapshot.
    pub(super) fn snapshot_version(&self) -> u64 {
        let lists = self.state.lists.as_ref();
        lists.map_or(0, |lists| lists.snapshot.file.version)
    }

    /// Signs what `draft` changes of `state`.
    pub(super) fn sign(
        state: State,
        draft: Draft,
        signing: Signing<'_>,
    ) -> Result<Self, PublishError> {
        let mut files = Vec::new();
        let is_first = state.lists.is_none();
        let new_root = draft.root.map(Published::signed);
        let has_new_root = new_root.is_some();
        let root = new_root.unwrap_or_else(|| state.root.clone());
        let mut signer = Signer {
            old_root: state.root.signed.value(),
            root: root.signed.value(),
            targets: state.targets.signed.value(),
            signing,
            files: &mut files,
        };
        let targets = signer.targets(draft.targets, &state.targets, is_first);
        signer.targets = targets.signed.value();
        let old = state.lists.as_ref();
        let renewal = draft.renewal;
        let list = List::of(PACKAGES, draft.packages);
        let packages = signer.list(list, old.map(|l| &l.packages), renewal)?;
        let (archives, bins) = signer.archives(draft.archives, old, renewal)?;
        let mut meta = BTreeMap::from([
            ("targets.json".to_owned(), targets.file.clone()),
            ("packages.json".to_owned(), packages.file.clone()),
            ("archives.json".to_owned(), archives.file.clone()),
        ]);
        let names = bins::names().map(|name| format!("{name}.json"));
        meta.extend(names.zip(bins.iter().map(|bin| bin.file.clone())));
        let snapshot = signer.snapshot(meta, old.map(|l| &l.snapshot), renewal)?;
        let timestamp = signer.timestamp(&snapshot, old.map(|l| &l.timestamp), renewal)?;
        let mut after_root = Vec::new();
        let timestamp = if has_new_root {
            signer.old_root = root.signed.value();
            signer.files = &mut after_root;
            signer.timestamp(&snapshot, Some(&timestamp), Renewal::Online)?
        } else {
            timestamp
        };
        if is_first || has_new_root {
            let path = layout::metadata_path("root", root.file.version);
            files.push((path, root.signed.to_bytes()));
        }
        files.append(&mut after_root);
        let lists = Lists {
            packages,
            archives,
            bins,
            snapshot,
            timestamp,
        };
        let state = State {
            root,
            targets,
            lists: Some(lists),
        };
        Ok(Commit { files, state })
    }

    /// Puts everything in place: whoever reads meanwhile finds the old files or the new ones, never a mixture.
    pub(super) fn place(&self, placer: &Placer<'_>) -> Result<(), PublishError> {
        for (path, bytes) in &self.files {
            if path == layout::TIMESTAMP {
                // Everything that it leads to is there for good before it is.
                placer.settle(layout::METADATA)?;
            }
            placer.bytes(path, bytes)?;
        }
        placer.settle(layout::METADATA)?;
        Ok(())
    }
}

/// A list to be signed.
struct List<'a> {
    role: &'a str,
    files: Files,
    delegations: Delegations,
}

impl<'a> List<'a> {
    fn of(role: &'a str, files: Files) -> Self {
        List {
            role,
            files,
            delegations: Delegations::default(),
        }
    }
}

struct Signer<'a, 'f> {
    old_root: &'a Root,
    root: &'a Root,
    targets: &'a Targets,
    signing: Signing<'a>,
    files: &'f mut Vec<(String, Vec<u8>)>,
}

impl<'a> Signer<'a, '_> {
    /// Returns the keys that sign a role: those that have to, and, while a new root is not visible yet, those of the
    /// old one that are at hand.
    fn keys(&self, role: &str) -> Result<Vec<&'a SecretKey>, PublishError> {
        let ring = self.signing.ring;
        let mut keys = ring.of(role, &authority(self.root, self.targets, role))?;
        let old = authority(self.old_root, self.targets, role);
        keys.extend(old.keys.keys().filter_map(|id| ring.key(id)));
        Ok(keys)
    }

    fn publish<T: Metadata>(&mut self, role: &str, value: T) -> Result<Published<T>, PublishError> {
        let signed = sign(value, self.keys(role)?);
        let bytes = signed.to_bytes();
        let version = signed.value().version();
        let path = match role {
            "timestamp" => layout::TIMESTAMP.to_owned(),
            _ => layout::metadata_path(role, version),
        };
        let file = MetaFile::of(version, &bytes);
        self.files.push((path, bytes));
        Ok(Published { signed, file })
    }

    /// Puts new targets in place; those that stay are put there once, with the first snapshot.
    fn targets(
        &mut self,
        new: Option<Signed<Targets>>,
        old: &Published<Targets>,
        is_first: bool,
    ) -> Published<Targets> {
        let is_new = new.is_some();
        let targets = new.map_or_else(|| old.clone(), Published::signed);
        if is_new || is_first {
            self.keep("targets", &targets);
        }
        targets
    }

    fn keep<T>(&mut self, role: &str, published: &Published<T>) {
        let path = layout::metadata_path(role, published.file.version);
        self.files.push((path, published.signed.to_bytes()));
    }

    /// Signs the list of archives and sources, and its parts if it has some or has become too long.
    fn archives(
        &mut self,
        files: Files,
        old: Option<&Lists>,
        renewal: Renewal,
    ) -> Result<(Published<Targets>, Vec<Published<Targets>>), PublishError> {
        let old_list = old.map(|old| &old.archives);
        let old_bins = old.map_or(&[][..], |old| &old.bins);
        if old_bins.is_empty() && !bins::are_needed(&files) {
            let list = self.list(List::of(ARCHIVES, files), old_list, renewal)?;
            return Ok((list, Vec::new()));
        }
        let mut bins = Vec::new();
        for (at, (name, files)) in bins::split(files).into_iter().enumerate() {
            bins.push(self.list(List::of(&name, files), old_bins.get(at), renewal)?);
        }
        let list = List {
            delegations: bins::delegations(&authority(self.root, self.targets, ARCHIVES)),
            ..List::of(ARCHIVES, Files::new())
        };
        Ok((self.list(list, old_list, renewal)?, bins))
    }

    fn list(
        &mut self,
        new: List<'_>,
        old: Option<&Published<Targets>>,
        renewal: Renewal,
    ) -> Result<Published<Targets>, PublishError> {
        if let Some(old) = old {
            let value = old.signed.value();
            let half = self.signing.lifetimes.lists_seconds / 2;
            let is_old = value.expires < after(self.signing.now, half);
            let is_same = value.targets == new.files && value.delegations == new.delegations;
            let is_kept = is_same && !(is_old && renewal == Renewal::Online);
            if is_kept && self.is_signed(new.role, &old.signed) {
                return Ok(old.clone());
            }
        }
        let list = Targets {
            version: old.map_or(0, |old| old.file.version) + 1,
            expires: after(self.signing.now, self.signing.lifetimes.lists_seconds),
            targets: new.files,
            delegations: new.delegations,
            retired_keys: BTreeMap::new(),
        };
        self.publish(new.role, list)
    }

    fn snapshot(
        &mut self,
        meta: BTreeMap<String, MetaFile>,
        old: Option<&Published<Snapshot>>,
        renewal: Renewal,
    ) -> Result<Published<Snapshot>, PublishError> {
        if let Some(old) = old {
            let is_kept = old.signed.value().meta == meta && renewal == Renewal::None;
            if is_kept && self.is_signed("snapshot", &old.signed) {
                return Ok(old.clone());
            }
        }
        let snapshot = Snapshot {
            version: old.map_or(0, |old| old.file.version) + 1,
            expires: after(self.signing.now, self.signing.lifetimes.snapshot_seconds),
            meta,
        };
        self.publish("snapshot", snapshot)
    }

    fn timestamp(
        &mut self,
        snapshot: &Published<Snapshot>,
        old: Option<&Published<Timestamp>>,
        renewal: Renewal,
    ) -> Result<Published<Timestamp>, PublishError> {
        if let Some(old) = old {
            let is_kept = old.signed.value().snapshot == snapshot.file && renewal == Renewal::None;
            if is_kept && self.is_signed("timestamp", &old.signed) {
                return Ok(old.clone());
            }
        }
        let timestamp = Timestamp {
            version: old.map_or(0, |old| old.file.version) + 1,
            expires: after(self.signing.now, self.signing.lifetimes.timestamp_seconds),
            created: Some(self.signing.now),
            snapshot: snapshot.file.clone(),
        };
        self.publish("timestamp", timestamp)
    }

    /// Tells whether the keys that count now are those that signed.
    fn is_signed<T>(&self, role: &str, signed: &Signed<T>) -> bool {
        let authority = authority(self.root, self.targets, role);
        let signatures = &signed.envelope().signatures;
        let count = authority
            .keys
            .keys()
            .filter(|id| signatures.contains_key(id))
            .count();
        count as u64 >= authority.threshold
    }
}
