//! A repository in memory, every part of which a test can forge, and a source that counts requests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use igos_format::trust::{
    Delegation, Delegations, MetaFile, Metadata, RoleKeys, Root, Scope, Snapshot, TargetFile,
    Targets, Timestamp, UtcTime,
};
use igos_repo::DirectoryBelow;
use igos_repo::trust::{
    Clock, Expiry, MetadataSource, Refresh, RefreshError, RefreshOptions, Rollback, SecretKey,
    SourceError, Trusted, TrustedRepository, sign,
};
use igos_report::Explain;
use tempfile::TempDir;

/// The time at which tests take place, and how long they trust.
pub(crate) const NOW: i64 = 1_900_000_000;
pub(crate) const DAY: i64 = 24 * 60 * 60;
/// The path of the one index file.
pub(crate) const INDEX: &str = "index/packages.index";

/// Numbers of keys; each is the seed of its key.
pub(crate) const ROOT_KEYS: [u8; 3] = [1, 2, 3];
pub(crate) const TARGETS: u8 = 4;
pub(crate) const SNAPSHOT: u8 = 5;
pub(crate) const TIMESTAMP: u8 = 6;
pub(crate) const PACKAGES: u8 = 7;
/// Whoever this is, nobody trusts them.
pub(crate) const STRANGER: u8 = 99;

pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

pub(crate) fn keys(numbers: &[u8]) -> Vec<SecretKey> {
    numbers.iter().map(|number| key(*number)).collect()
}

pub(crate) fn time(seconds: i64) -> UtcTime {
    UtcTime::from_seconds(seconds).expect("it is a time")
}

fn role(numbers: &[u8], threshold: u64) -> RoleKeys {
    RoleKeys::new(numbers.iter().map(|number| key(*number).id()), threshold)
}

/// Files by their names below `metadata`.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Those who run a repository: what they know, and what they publish.
#[derive(Clone)]
pub(crate) struct Forge {
    pub(crate) root: Root,
    pub(crate) targets: Targets,
    pub(crate) packages: Targets,
    pub(crate) snapshot: Snapshot,
    pub(crate) timestamp: Timestamp,
    /// Who signs each role; attacks change these, or the above.
    pub(crate) signers: BTreeMap<&'static str, Vec<u8>>,
    pub(crate) index: Vec<u8>,
    pub(crate) files: Files,
}

impl Forge {
    /// Returns a repository that has published once.
    pub(crate) fn new() -> Forge {
        let expires = time(NOW + 30 * DAY);
        let empty = |version| Targets {
            version,
            expires,
            targets: BTreeMap::new(),
            delegations: Delegations::default(),
            retired_keys: BTreeMap::new(),
        };
        let nothing = MetaFile::of(1, b"");
        let mut forge = Forge {
            root: Root {
                version: 1,
                expires: time(NOW + 365 * DAY),
                keys: BTreeMap::new(),
                root: role(&ROOT_KEYS, 2),
                targets: role(&[TARGETS], 1),
                snapshot: role(&[SNAPSHOT], 1),
                timestamp: role(&[TIMESTAMP], 1),
            },
            targets: empty(0),
            packages: empty(0),
            snapshot: Snapshot {
                version: 0,
                expires,
                meta: BTreeMap::new(),
            },
            timestamp: Timestamp {
                version: 0,
                expires: time(NOW + 2 * DAY),
                created: None,
                snapshot: nothing,
            },
            signers: BTreeMap::from([
                ("root", vec![1, 2]),
                ("targets", vec![TARGETS]),
                ("snapshot", vec![SNAPSHOT]),
                ("timestamp", vec![TIMESTAMP]),
                ("packages", vec![PACKAGES]),
            ]),
            index: b"index 1".to_vec(),
            files: Files::new(),
        };
        forge.know(&[1, 2, 3, TARGETS, SNAPSHOT, TIMESTAMP]);
        forge.delegate(&[PACKAGES]);
        forge.publish_root();
        forge.publish_all();
        forge
    }

    /// Lets the root list these keys.
    pub(crate) fn know(&mut self, numbers: &[u8]) {
        let known = numbers.iter().map(|number| key(*number).public());
        self.root.keys = known.map(|key| (key.id(), key)).collect();
    }

    /// Delegates index files to these keys.
    pub(crate) fn delegate(&mut self, numbers: &[u8]) {
        let known = numbers.iter().map(|number| key(*number).public());
        self.targets.delegations = Delegations {
            keys: known.map(|key| (key.id(), key)).collect(),
            roles: vec![Delegation {
                name: "packages".into(),
                keys: role(numbers, 1),
                is_terminating: true,
                scope: Scope::Paths(vec!["index/*".into()]),
            }],
        };
    }

    fn signed<T: Metadata + Clone>(&self, name: &str, value: &T) -> Vec<u8> {
        sign(value.clone(), &keys(&self.signers[name])).to_bytes()
    }

    fn put(&mut self, name: String, bytes: &[u8]) {
        self.files.insert(name, bytes.to_vec());
    }

    /// Signs the root as it stands and publishes it.
    pub(crate) fn publish_root(&mut self) {
        let bytes = self.signed("root", &self.root);
        self.put(format!("{}.root.json", self.root.version), &bytes);
    }

    /// Publishes the next version of `targets` and everything that follows from it.
    pub(crate) fn publish_all(&mut self) {
        self.targets.version += 1;
        self.publish_targets();
        self.publish_index();
    }

    pub(crate) fn publish_targets(&mut self) {
        let bytes = self.signed("targets", &self.targets);
        let version = self.targets.version;
        self.put(format!("{version}.targets.json"), &bytes);
        let meta = MetaFile::of(version, &bytes);
        self.snapshot.meta.insert("targets.json".into(), meta);
    }

    /// Publishes the index file as it stands, as a new version.
    pub(crate) fn publish_index(&mut self) {
        self.packages.version += 1;
        let file = TargetFile::of(&self.index);
        self.packages.targets = BTreeMap::from([(INDEX.to_owned(), file)]);
        self.publish_packages();
        self.publish_snapshot();
    }

    pub(crate) fn publish_packages(&mut self) {
        self.publish_delegated("packages", &self.packages.clone());
    }

    /// Signs a delegated role with the keys of `packages`; the next snapshot names it.
    pub(crate) fn publish_delegated(&mut self, role: &str, targets: &Targets) {
        let bytes = self.signed("packages", targets);
        let version = targets.version;
        self.put(format!("{version}.{role}.json"), &bytes);
        let meta = MetaFile::of(version, &bytes);
        self.snapshot.meta.insert(format!("{role}.json"), meta);
    }

    /// Publishes the next snapshot and timestamp.
    pub(crate) fn publish_snapshot(&mut self) {
        self.snapshot.version += 1;
        let bytes = self.signed("snapshot", &self.snapshot);
        let version = self.snapshot.version;
        self.put(format!("{version}.snapshot.json"), &bytes);
        self.timestamp.snapshot = MetaFile::of(version, &bytes);
        self.publish_timestamp();
    }

    pub(crate) fn publish_timestamp(&mut self) {
        self.timestamp.version += 1;
        let bytes = self.signed("timestamp", &self.timestamp);
        self.put("timestamp.json".into(), &bytes);
    }

    /// Publishes the next root, signed by its own keys and by those that signed the one before.
    pub(crate) fn rotate(&mut self, change: impl FnOnce(&mut Forge)) {
        let mut signers = self.signers["root"].clone();
        change(self);
        self.root.version += 1;
        let own = self.signers["root"].clone();
        signers.extend(
            own.iter()
                .filter(|number| !signers.contains(number))
                .copied()
                .collect::<Vec<_>>(),
        );
        self.signers.insert("root", signers);
        self.publish_root();
        self.signers.insert("root", own);
    }

    /// Returns the first root, which clients are given.
    pub(crate) fn anchor(&self) -> Vec<u8> {
        self.files["1.root.json"].clone()
    }

    pub(crate) fn mirror(&self) -> Mirror {
        Mirror::new(self.files.clone())
    }
}

/// Serves files, honestly or not, and notes what is asked of it.
pub(crate) struct Mirror {
    pub(crate) files: Files,
    /// Files that never end, whatever limit was given.
    pub(crate) endless: Vec<String>,
    asked: RefCell<Vec<String>>,
}

impl Mirror {
    pub(crate) fn new(files: Files) -> Mirror {
        Mirror {
            files,
            endless: Vec::new(),
            asked: RefCell::default(),
        }
    }

    /// Returns what was asked for since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.take()
    }
}

impl MetadataSource for Mirror {
    fn fetch(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        self.asked.borrow_mut().push(name.to_owned());
        if self.endless.iter().any(|endless| endless == name) {
            let length = usize::try_from(max_bytes).unwrap_or(usize::MAX);
            return Ok(vec![b' '; length.saturating_add(1)]);
        }
        self.files.get(name).cloned().ok_or(SourceError::Absent)
    }
}

/// One who follows the repository.
pub(crate) struct Client {
    directory: TempDir,
    anchor: Vec<u8>,
    pub(crate) options: RefreshOptions,
}

impl Client {
    pub(crate) fn new(forge: &Forge) -> Client {
        Client {
            directory: tempfile::tempdir().expect("there is room"),
            anchor: forge.anchor(),
            options: RefreshOptions {
                clock: Clock {
                    now: time(NOW),
                    built: time(NOW - 100 * DAY),
                },
                rollback: Rollback::Refuse,
                expiry: Expiry::Refuse,
            },
        }
    }

    /// Returns a client that has refreshed once from what is published now.
    pub(crate) fn following(forge: &Forge) -> Client {
        let client = Client::new(forge);
        client
            .sync(&forge.mirror())
            .expect("the repository is honest");
        client
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Opens the store anew, as every run of a program does.
    pub(crate) fn open(&self) -> TrustedRepository {
        let opened = TrustedRepository::open(
            DirectoryBelow::make_at(self.directory.path()).expect("it can be made"),
            &self.anchor,
        );
        opened.expect("what is kept is sound")
    }

    /// Refreshes and adopts; returns whether there was something new.
    pub(crate) fn sync(&self, source: &dyn MetadataSource) -> Result<bool, RefreshError> {
        let mut repository = self.open();
        match repository.refresh(source, &self.options)? {
            Refresh::Unchanged => Ok(false),
            Refresh::Newer(update) => {
                repository.adopt(*update).map_err(RefreshError::Store)?;
                Ok(true)
            }
        }
    }

    /// Returns the code and the text of the error that refreshing ends with, and tests that nothing in use has changed.
    pub(crate) fn refused(&self, source: &dyn MetadataSource) -> (&'static str, String) {
        let in_use = || {
            let repository = self.open();
            let version = |trusted: &Trusted| trusted.timestamp().version;
            (repository.trusted().map(version), self.index())
        };
        let before = in_use();
        let error = self.sync(source).expect_err("the source is not honest");
        assert_eq!(in_use(), before);
        (error.code(), error.to_string())
    }

    /// Returns the digest of the index file that is trusted.
    pub(crate) fn index(&self) -> Option<TargetFile> {
        self.open().trusted()?.file(INDEX)
    }
}
