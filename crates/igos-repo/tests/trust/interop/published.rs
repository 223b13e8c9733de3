//! The reference client follows what the publisher publishes.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::archive::Head;
use igos_format::index::FileName;
use igos_format::trust::{Json, UtcTime};
use igos_repo::DirectoryBelow;
use igos_repo::publish::{
    CorrespondingSources, Execution, Farewell, KeyRing, Lifetimes, NewKey, NewKeys, OfflineChange,
    PublishRequest, Publisher, Replace, SourceContent, SourceFile, SourcesAbsent, Waiting,
    new_keys,
};
use igos_repo::trust::{
    Clock, Expiry, Refresh, RefreshOptions, Rollback, SecretKey, TrustedRepository,
};
use igos_report::Quiet;

use super::python::{python, say};
use crate::directory::DirectorySource;
use crate::forge::{INDEX, time};
use crate::packages::{Package, noise, package};

/// A repository that the publisher made of packages, at the machine's time.
struct Published {
    directory: tempfile::TempDir,
}

impl Published {
    fn new() -> Self {
        let published = Published {
            // Nothing waits for the disk where there is such a place.
            directory: tempfile::tempdir_in("/dev/shm")
                .or_else(|_| tempfile::tempdir())
                .expect("there is room"),
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
        let (repository, lifetimes) = (self.path("repository"), Lifetimes::default());
        work(&self.publisher_with(&repository, &ring, &lifetimes))
    }

    fn publisher_with<'a>(
        &self,
        directory: &'a Path,
        ring: &'a KeyRing,
        lifetimes: &'a Lifetimes,
    ) -> Publisher<'a> {
        Publisher {
            directory,
            ring,
            lifetimes,
            now: now(),
            // A process that another test starts has our locks too, until it executes its program.
            waiting: Waiting::Wait,
            execution: Execution::Real,
            stop: &|| false,
            reporter: &Quiet,
            jobs: NonZeroUsize::MIN,
        }
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

    /// Replaces a key of the root by one of a newcomer: every holder signs the draft with their key alone.
    fn replace_root_key_by_drafts(&self) {
        let holder = |name: &str| {
            let file = self.path("keys/offline").join(format!("{name}.key"));
            SecretKey::load(&file).expect("it was made")
        };
        let newcomer = SecretKey::generate().expect("the system has random bytes");
        let replace = Replace::OfRole("root".into(), Some(holder("root-3").id()));
        let new = NewKey::Public(newcomer.public());
        let online = KeyRing::load(&[self.path("keys/online")]).expect("the keys are sound");
        let (repository, lifetimes) = (self.path("repository"), Lifetimes::default());
        let publisher = self.publisher_with(&repository, &online, &lifetimes);
        let drafted = publisher.draft_replacement(&replace, Farewell::Revoke, &new);
        let (_, change) = drafted.expect("it needs no offline key");
        let file = self.path("root.draft");
        change.store(&file).expect("there is room");
        for key in [holder("root-1"), newcomer, holder("root-2")] {
            let mut change = OfflineChange::load(&file).expect("it is sound");
            change.sign(&key).expect("it is for this key");
            change.store(&file).expect("there is room");
        }
        let change = OfflineChange::load(&file).expect("it is sound");
        publisher
            .apply_change(change)
            .expect("two of each have signed");
    }

    fn replace(&self, role: &str, farewell: Farewell) {
        let replace = Replace::OfRole(role.into(), None);
        let replaced = self.publisher(|publisher| {
            publisher.replace_keys(&replace, farewell, &NewKey::Made { into: None })
        });
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
    let told = |targets: &[&str]| {
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
        said
    };
    let follow = |targets: &[&str]| told(targets)["targets"].clone();
    let digests = |found: &[(&str, Sha256)]| {
        let digest = |(name, digest): &(&str, Sha256)| ((*name).to_owned(), Json::text(digest));
        Json::Object(found.iter().map(digest).collect())
    };
    let index = |kind: &str| {
        let client = TrustedRepository::open(
            DirectoryBelow::make_at(&published.path("ours")).expect("it can be made"),
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
    published.replace_root_key_by_drafts();
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
    // Three root's roles by one hand, and the root's own key by three.
    let Json::Object(versions) = &told(&[])["versions"] else {
        panic!("it prints versions")
    };
    assert_eq!(versions["root"], Json::Integer(5));
}

/// What the reference client reads of one role, in bytes.
const LIMIT: u64 = 5_000_000;

/// Gives every package so many sources, with long names.
struct Many(usize);

impl CorrespondingSources for Many {
    fn of(&self, head: &Head) -> Result<Vec<SourceFile>, SourcesAbsent> {
        let package = &head.manifest().package.name;
        let source = |number: usize| {
            let name = source_name(package.as_str(), number);
            let bytes = SourceContent::Bytes(name.clone().into());
            let name: FileName = name.parse()?;
            Ok(SourceFile { name, bytes })
        };
        (0..self.0).map(source).collect()
    }
}

fn source_name(package: &str, number: usize) -> String {
    format!("{package}-{number:04}-{}.patch", "x".repeat(160))
}

#[test]
fn the_reference_client_finds_every_file_of_a_list_in_parts() {
    let Some(python) = python() else { return };
    find_in_parts(python, 1_100);
}

#[test]
#[ignore = "slow: 18 000 files"]
fn the_reference_client_finds_every_file_of_a_list_that_is_too_long_for_it() {
    let Some(python) = python() else { return };
    let size_bytes = find_in_parts(python, 2_250);
    assert!(size_bytes > LIMIT, "{size_bytes}");
}

/// Publishes eight packages with so many sources each, and has the reference client fetch some of them. Returns the
/// size of all parts of the list.
#[expect(clippy::print_stdout, reason = "the figure is worth knowing")]
fn find_in_parts(python: &Path, count: usize) -> u64 {
    let published = Published::new();
    let archives = published.path("archives");
    fs::create_dir(&archives).expect("there is room");
    let packages: Vec<Package> = (0..8).map(|at| package(&format!("p{at} 1"))).collect();
    let mut wanted = Vec::new();
    for (at, package) in packages.iter().enumerate() {
        let name = format!("{}.igos.tar.zst", package.manifest.package.file_stem());
        fs::write(archives.join(&name), package.bytes()).expect("there is room");
        wanted.push((format!("archives/{name}"), Sha256::of(&package.bytes())));
        for number in [0, 1, 700, count - 1] {
            let name = source_name(&format!("p{at}"), number);
            wanted.push((format!("sources/{name}"), Sha256::of(name.as_bytes())));
        }
    }
    let request = PublishRequest {
        sources: Some(&Many(count)),
        ..PublishRequest::new(vec![archives])
    };
    let done = published.publisher(|publisher| publisher.publish(request));
    done.expect("the packages fit");
    let mut sizes = Vec::new();
    for entry in fs::read_dir(published.path("repository/metadata")).expect("it is there") {
        let entry = entry.expect("it can be listed");
        if entry.file_name().to_string_lossy().contains(".archives") {
            sizes.push(entry.metadata().expect("it is there").len());
        }
    }
    let (sum, largest) = (sizes.iter().sum::<u64>(), sizes.iter().max().copied());
    println!(
        "{} roles of {sum} bytes, the largest of {largest:?}",
        sizes.len()
    );
    assert!(largest.is_some_and(|largest| largest < LIMIT / 20));
    let [repository, state, anchor] =
        ["repository", "state", "repository/metadata/1.root.json"].map(|name| published.path(name));
    let targets = wanted.iter().map(|(name, _)| Path::new(name));
    let absent = Path::new("sources/absent");
    let arguments: Vec<&Path> = [&*repository, &state, &anchor]
        .into_iter()
        .chain(targets)
        .chain([absent])
        .collect();
    let said = Json::read(say(python, "follow.py", &arguments, "").as_bytes());
    let Ok(Json::Object(said)) = said else {
        panic!("it prints an object")
    };
    let mut expected: BTreeMap<String, Json> = wanted
        .iter()
        .map(|(name, digest)| (name.clone(), Json::text(digest)))
        .collect();
    expected.insert("sources/absent".to_owned(), Json::Null);
    assert_eq!(said["targets"], Json::Object(expected));
    sum
}
