//! The reference client follows what we sign.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::trust::{Delegation, Json, KeyId, PublicKey, RoleKeys, TargetFile, UtcTime};
use igos_repo::publish::{
    Execution, Farewell, KeyRing, Lifetimes, NewKeys, PublishRequest, Publisher, Replace, Waiting,
    new_keys,
};
use igos_repo::trust::{Clock, Expiry, Refresh, RefreshOptions, Rollback, TrustedRepository};
use igos_report::Quiet;

use super::python::{python, say};
use crate::directory::DirectorySource;
use crate::forge::{Forge, INDEX, PACKAGES, SNAPSHOT, TARGETS, TIMESTAMP, key, time};
use crate::packages::{Package, noise, package};

/// The beginning of the year 2200: these tests ask the machine's clock, as the reference client does.
const FAR: i64 = 7_258_118_400;
/// An archive's path, and what stands for its bytes.
const ARCHIVE: &str = "archives/zlib-1.3.1-1.x86_64.igos.tar.zst";
const ARCHIVE_BYTES: &[u8] = b"not really an archive";

/// Delegates archives as well, and lets nothing expire before 2200.
fn whole() -> Forge {
    let mut forge = Forge::new();
    let far = time(FAR);
    forge.root.expires = far;
    forge.timestamp.expires = far;
    forge.timestamp.created = Some(time(0));
    forge.snapshot.expires = far;
    forge.targets.expires = far;
    forge.packages.expires = far;
    forge.publish_root();
    let delegations = &mut forge.targets.delegations;
    delegations.roles.push(Delegation {
        name: "archives".into(),
        keys: RoleKeys::new([key(PACKAGES).id()], 1),
        is_terminating: true,
        paths: vec!["archives/*".into(), "sources/*".into()],
    });
    let retired: PublicKey = key(50).public();
    let retired: (KeyId, PublicKey) = (retired.id(), retired);
    forge.targets.retired_keys = [retired].into();
    forge
}

/// Publishes `archives` beside `packages`, then everything.
fn publish(forge: &mut Forge) {
    let mut archives = forge.packages.clone();
    archives.version += 1;
    archives.targets = [(ARCHIVE.to_owned(), TargetFile::of(ARCHIVE_BYTES))].into();
    forge.publish_delegated("archives", &archives);
    forge.publish_all();
}

/// Writes a repository to a directory as a static file server would have it.
fn write(forge: &Forge, directory: &Path) {
    for (name, bytes) in &forge.files {
        put(&directory.join("metadata").join(name), bytes);
    }
    for (path, bytes) in [(INDEX, &forge.index[..]), (ARCHIVE, ARCHIVE_BYTES)] {
        let (parent, name) = path.split_once('/').expect("it is below a directory");
        let name = format!("{}.{name}", Sha256::of(bytes));
        put(&directory.join("targets").join(parent).join(name), bytes);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it is below a directory")).expect("there is room");
    fs::write(path, bytes).expect("there is room");
}

#[test]
fn the_reference_client_follows_what_we_sign() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().expect("there is room");
    let [repository, state, anchor] =
        ["repository", "state", "anchor.json"].map(|name| directory.path().join(name));
    let follow = |targets: &[&str]| {
        let targets = targets.iter().map(Path::new);
        let arguments: Vec<&Path> = [&*repository, &state, &anchor]
            .into_iter()
            .chain(targets)
            .collect();
        say(python, "follow.py", &arguments, "")
            .trim_end()
            .to_owned()
    };
    let mut forge = whole();
    publish(&mut forge);
    put(&anchor, &forge.anchor());
    write(&forge, &repository);
    let archive = Sha256::of(ARCHIVE_BYTES);
    assert_eq!(
        follow(&[INDEX, ARCHIVE, "index/absent", "elsewhere"]),
        format!(
            "{{\"versions\": {{\"root\": 1, \"timestamp\": 2, \"snapshot\": 2, \"targets\": 2}}, \"targets\": {{\
             \"{INDEX}\": \"{}\", \"{ARCHIVE}\": \"{archive}\", \"index/absent\": null, \"elsewhere\": null}}}}",
            Sha256::of(b"index 1")
        )
    );
    // Two new roots, new online keys, a new index.
    forge.rotate(|forge| {
        forge.know(&[2, 3, 21, TARGETS, SNAPSHOT, TIMESTAMP]);
        forge.root.root = RoleKeys::new([2, 3, 21].map(|number| key(number).id()), 2);
        forge.signers.insert("root", vec![2, 21]);
    });
    forge.rotate(|forge| {
        forge.know(&[2, 3, 21, TARGETS, SNAPSHOT, 26]);
        forge.root.timestamp = RoleKeys::new([key(26).id()], 1);
        forge.signers.insert("timestamp", vec![26]);
    });
    forge.index = b"index 2".to_vec();
    publish(&mut forge);
    write(&forge, &repository);
    assert_eq!(
        follow(&[INDEX]),
        format!(
            "{{\"versions\": {{\"root\": 3, \"timestamp\": 3, \"snapshot\": 3, \"targets\": 3}}, \"targets\": {{\"{INDEX}\": \"{}\"}}}}",
            Sha256::of(b"index 2")
        )
    );
    // It refuses what we refuse.
    forge.signers.insert("snapshot", vec![99]);
    publish(&mut forge);
    write(&forge, &repository);
    assert_eq!(follow(&[]), "{\"error\": \"UnsignedMetadataError\"}");
}

/// A repository that the publisher made of packages, at the machine's time.
struct Published {
    directory: tempfile::TempDir,
}

impl Published {
    fn new() -> Self {
        let published = Published {
            directory: tempfile::tempdir().expect("there is room"),
        };
        let wanted = NewKeys {
            root_keys: 3,
            root_threshold: 2,
            ..NewKeys::default()
        };
        let lifetimes = Lifetimes::default();
        let made = new_keys(
            &published.path("keys"),
            wanted,
            &lifetimes,
            now(),
            Execution::Real,
        );
        made.expect("the directory is new");
        fs::create_dir(published.path("repository")).expect("there is room");
        published
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn publisher<T>(&self, work: impl FnOnce(&Publisher<'_>) -> T) -> T {
        let ring = KeyRing::load(&[self.path("keys")]).expect("the keys are sound");
        work(&Publisher {
            directory: &self.path("repository"),
            ring: &ring,
            lifetimes: &Lifetimes::default(),
            now: now(),
            waiting: Waiting::Refuse,
            execution: Execution::Real,
            stop: &|| false,
            reporter: &Quiet,
            jobs: NonZeroUsize::MIN,
        })
    }

    /// Publishes a package, and returns the target that its archive is and the digest of that.
    fn publish(&self, package: &Package) -> (String, Sha256) {
        let archives = tempfile::tempdir().expect("there is room");
        let name = format!("{}.igos.tar.zst", package.manifest.package.file_stem());
        fs::write(archives.path().join(&name), package.bytes()).expect("there is room");
        let request = PublishRequest::new(vec![archives.path().to_owned()]);
        let published = self.publisher(|publisher| publisher.publish(request));
        published.expect("the package fits");
        (format!("archives/{name}"), Sha256::of(&package.bytes()))
    }

    fn replace(&self, role: &str, farewell: Farewell) {
        let replace = Replace::OfRole(role.into(), None);
        let replaced = self.publisher(|publisher| publisher.replace_keys(&replace, farewell, None));
        replaced.expect("all keys are at hand");
    }
}

fn now() -> UtcTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.expect("the clock is after 1970").as_secs();
    time(i64::try_from(seconds).expect("it is not that late"))
}

#[test]
fn the_reference_client_follows_what_our_publisher_publishes() {
    let Some(python) = python() else { return };
    let published = Published::new();
    let follow = |targets: &[&str]| {
        let targets = targets.iter().map(Path::new);
        let [repository, state, anchor] =
            ["repository", "state", "repository/metadata/1.root.json"]
                .map(|name| published.path(name));
        let arguments: Vec<&Path> = [&*repository, &state, &anchor]
            .into_iter()
            .chain(targets)
            .collect();
        let said = say(python, "follow.py", &arguments, "");
        let said = Json::read(said.as_bytes()).expect("it prints JSON");
        let Json::Object(said) = said else {
            panic!("it prints an object")
        };
        said["targets"].clone()
    };
    let digests = |found: &[(&str, Sha256)]| {
        let digest = |(name, digest): &(&str, Sha256)| ((*name).to_owned(), Json::text(digest));
        Json::Object(found.iter().map(digest).collect())
    };
    let index = |kind: &str| {
        let client = TrustedRepository::open(
            &published.path("ours"),
            &fs::read(published.path("repository/metadata/1.root.json")).expect("it is published"),
        );
        let mut client = client.expect("the anchor vouches for itself");
        let options = RefreshOptions {
            clock: Clock {
                now: now(),
                built: time(0),
            },
            rollback: Rollback::Refuse,
            expiry: Expiry::Refuse,
        };
        let source = DirectorySource(published.path("repository/metadata"));
        if let Refresh::Newer(update) = client.refresh(&source, &options).expect("it is honest") {
            client.adopt(*update).expect("there is room");
        }
        let trusted = client.trusted().expect("it was adopted");
        trusted.file(kind).expect("it is listed").sha256
    };
    let (zlib, zlib_digest) =
        published.publish(&package("zlib 1.3").file("usr/lib/libz.so", noise(1, 5000)));
    let files = "index/files.index";
    assert_eq!(
        follow(&[INDEX, files, &zlib]),
        digests(&[
            (INDEX, index(INDEX)),
            (files, index(files)),
            (&zlib, zlib_digest)
        ])
    );
    // Keys of every kind change, one after the other, and a package is published by the new ones.
    for (role, farewell) in [
        ("timestamp", Farewell::Revoke),
        ("snapshot", Farewell::Revoke),
        ("packages", Farewell::Retire),
        ("targets", Farewell::Revoke),
    ] {
        published.replace(role, farewell);
    }
    let (lz4, lz4_digest) =
        published.publish(&package("lz4 1.10").file("usr/bin/lz4", noise(2, 5000)));
    assert_eq!(
        follow(&[INDEX, &lz4, &zlib]),
        digests(&[
            (INDEX, index(INDEX)),
            (&lz4, lz4_digest),
            (&zlib, zlib_digest)
        ])
    );
}
