//! A real web server: nginx on the loopback interface, and what its log says was transferred.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use igos_format::Sha256;
use igos_format::archive::Head;
use igos_repo::Proxies;
use igos_repo::repository::{ArchiveJob, FetchedArchive, SyncChange};

use crate::nginx_server::{Nginx, tell};
use crate::packages::{Package, noise, package};
use crate::world::{Machine, Published};

#[test]
fn real_web_server_serves_metadata_indexes_heads_and_archives() {
    let published = Published::new(&[&package("big 1").file("usr/lib/big", noise(1, 500_000))]);
    let Some(nginx) = Nginx::start(&published.repository()) else {
        return;
    };
    let machine = Machine::new();
    machine.add("main", &nginx.url(), &published);
    assert_eq!(
        machine.sync().expect("it is sound").change,
        SyncChange::Updated
    );
    let before = nginx.log("").len();
    assert_eq!(
        machine.sync().expect("it is sound").change,
        SyncChange::Unchanged
    );
    let after = nginx.log("");
    assert_eq!(after.len(), before + 1);
    assert_eq!(
        (after[before].0.as_str(), after[before].1),
        ("/metadata/timestamp.json", 200)
    );
    assert!(
        after[before].2 < 2048,
        "an unchanged repository costs {} bytes",
        after[before].2
    );
    let head = machine.head(&machine.client(), "big");
    assert_eq!(nginx.sent("archives/"), head.fetched_bytes());
    let (archive, _) = crate::download::fetch_whole(&machine, "big");
    assert_eq!(
        archive.expect("it is served").len() as u64,
        machine.wanted("big").location.size_bytes
    );
}

#[test]
fn ranges_of_one_archive_go_over_few_connections_that_are_kept_open() {
    const FILES: u64 = 48;
    let mut big = package("big 2");
    let mut on_disk = BTreeSet::new();
    for number in 0..FILES {
        let content = noise(number, 700_000);
        if number % 2 == 0 {
            on_disk.insert(Sha256::of(&content));
        }
        big = big.file(&format!("usr/lib/{number:02}"), content);
    }
    let published = Published::new(&[&big]);
    let Some(nginx) = Nginx::start(&published.repository()) else {
        return;
    };
    let (address, connections) = crate::web::proxy();
    let proxies =
        Proxies::from_variables(|name| (name == "http_proxy").then(|| format!("http://{address}")));
    let mut machine = Machine::new();
    machine.add("main", &nginx.url(), &published);
    machine.sync().expect("it is sound");
    machine.settings.proxies = proxies.expect("it is a proxy");
    let client = machine.client();
    let job = ArchiveJob::Parts(machine.head(&client, "big"));
    let began = Instant::now();
    let is_on_disk = |sha256: &Sha256| on_disk.contains(sha256);
    let mut fetched = client.fetch_archives(&[job], &is_on_disk, &machine.reporter);
    let seconds = began.elapsed().as_secs_f64();
    let fetched: FetchedArchive = fetched.remove(0).expect("it is served");
    let requests = nginx.log("archives/").len();
    let connections = connections.load(Ordering::SeqCst);
    tell(&format!(
        "{requests} requests for parts of one archive over {connections} connections in {seconds:.3} s"
    ));
    // The head and the ranges, of which two lie so near that they are one.
    assert_eq!(requests as u64, FILES / 2);
    assert!(connections * 2 <= requests, "{connections}");
    let whole = machine.wanted("big").location.size_bytes;
    assert_eq!(fetched.saved_bytes(), whole - nginx.sent("archives/"));
}

/// How the changed files lie in a tree.
#[derive(Debug, Clone, Copy)]
enum Pattern {
    /// Every twentieth file.
    Scattered,
    /// The files of some directories.
    Together,
}

impl Pattern {
    fn is_changed(self, number: usize) -> bool {
        match self {
            Pattern::Scattered => number % 20 == 7,
            // Directories have a hundred files; five of a hundred directories.
            Pattern::Together => (number / 100) % 20 == 7,
        }
    }
}

/// A tree of files with contents that do not compress; in the second version one file in twenty is another.
struct Tree {
    name: &'static str,
    files: usize,
    length: fn(usize) -> usize,
}

const TREES: [Tree; 2] = [
    Tree {
        name: "20 000 small files",
        files: 20_000,
        length: |number| 512 + (number * 7919) % 7168,
    },
    Tree {
        name: "2 500 mixed files",
        files: 2_500,
        length: |number| match number % 100 {
            0 => 4_000_000,
            1..=9 => 300_000 + number * 13,
            _ => 1024 + (number * 7919) % 40_000,
        },
    },
];

impl Tree {
    /// Returns the second version, and what of it is on a disk that has the first.
    fn version(&self, pattern: Pattern) -> (Package, BTreeSet<Sha256>) {
        let mut tree = package("tree 2");
        let mut on_disk = BTreeSet::new();
        for number in 0..self.files {
            let length = (self.length)(number);
            let old = noise(number as u64, length);
            on_disk.insert(Sha256::of(&old));
            let content = if pattern.is_changed(number) {
                noise((number + self.files) as u64, length)
            } else {
                old
            };
            let path = format!("usr/share/{:03}/{number:05}", number / 100);
            tree = tree.file(&path, content);
        }
        (tree, on_disk)
    }
}

/// Returns the stored length of all frames that hold a content which is not on disk.
fn changed_frames(archive: &Path, on_disk: &BTreeSet<Sha256>) -> u64 {
    let file = fs_err::File::open(archive).expect("it was published");
    let head = Head::read(file).expect("it is an archive");
    let is_changed = |entry: usize| match &head.manifest().entries[entry].kind {
        igos_format::EntryKind::File { sha256, .. } => !on_disk.contains(sha256),
        _ => false,
    };
    let frames = head.frames().frames.iter().enumerate();
    frames
        .filter(|(frame, _)| head.entries_of(*frame).any(is_changed))
        .map(|(_, row)| row.compressed)
        .sum()
}

fn archive_of(published: &Published) -> PathBuf {
    let directory = published.repository().join("targets/archives");
    let mut entries = fs_err::read_dir(directory).expect("it was published");
    entries
        .next()
        .expect("there is one")
        .expect("it can be listed")
        .path()
}

#[test]
#[ignore = "publishes half a gigabyte"]
fn upgrade_transfers_little_more_than_the_frames_that_hold_changed_files() {
    for tree in TREES {
        for pattern in [Pattern::Scattered, Pattern::Together] {
            let (package, on_disk) = tree.version(pattern);
            let published = Published::new(&[&package]);
            let Some(nginx) = Nginx::start(&published.repository()) else {
                return;
            };
            let machine = Machine::new();
            machine.add("main", &nginx.url(), &published);
            machine.sync().expect("it is sound");
            let client = machine.client();
            let head = machine.head(&client, "tree");
            let head_bytes = head.fetched_bytes();
            let is_on_disk = |sha256: &Sha256| on_disk.contains(sha256);
            let job = ArchiveJob::Parts(head);
            let mut fetched = client.fetch_archives(&[job], &is_on_disk, &machine.reporter);
            let fetched: FetchedArchive = fetched.remove(0).expect("it is served");
            let archive = archive_of(&published);
            let frames = changed_frames(&archive, &on_disk);
            let whole = fs_err::metadata(&archive).expect("it was published").len();
            let sent = nginx.sent("archives/");
            let requests = nginx.log("archives/").len();
            tell(&format!(
                "{}, one in twenty changed, {pattern:?}: whole archive {whole}, frames with changes {frames}, \
                 sent {sent} ({:.3} of the frames, {:.3} of the whole) with a head of {head_bytes}, in {requests} \
                 requests; saved {}",
                tree.name,
                sent as f64 / frames as f64,
                sent as f64 / whole as f64,
                fetched.saved_bytes()
            ));
            // Everything counts: the head, which planning needs, and gaps between ranges.
            assert!(sent * 100 <= frames * 115, "{pattern:?}");
            assert_eq!(fetched.saved_bytes(), whole.saturating_sub(sent));
        }
    }
}
