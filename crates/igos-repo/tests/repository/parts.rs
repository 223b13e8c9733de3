//! Partial downloads: only frames with contents that are not on disk, each compared before it is used.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use igos_format::Sha256;
use igos_repo::repository::{ArchiveJob, FetchedArchive, FetchedFrames};
use igos_report::{Event, Explain};

use crate::download::notices;
use crate::packages::{Package, noise, package};
use crate::server::{Answer, Server};
use crate::sync::serve;
use crate::world::{Machine, Published};

const FILES: u64 = 12;
/// Each fills most of a frame, so that every file has one of its own.
const FILE_BYTES: usize = 700_000;

/// A package of twelve files, of which those in `changed` are others than in the package before.
fn version(version: &str, changed: &[u64]) -> Package {
    (0..FILES).fold(package(&format!("big {version}")), |package, number| {
        let seed = number + if changed.contains(&number) { 100 } else { 0 };
        package.file(&format!("usr/lib/{number:02}"), noise(seed, FILE_BYTES))
    })
}

fn on_disk() -> BTreeSet<Sha256> {
    version("1", &[]).digests().into_iter().collect()
}

fn fetch(machine: &Machine) -> FetchedArchive {
    let client = machine.client();
    let job = ArchiveJob::Parts(machine.head(&client, "big"));
    let disk = on_disk();
    let mut fetched =
        client.fetch_archives(&[job], &|sha256| disk.contains(sha256), &machine.reporter);
    fetched.remove(0).expect("it can be had")
}

/// Reads every file of the frames that are there, which compares it with the manifest.
fn read_all(frames: &FetchedFrames) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for number in frames.frames() {
        let bytes = frames.frame(number).expect("it is listed");
        let mut reader = frames.head().read_frame(number, bytes).expect("it exists");
        while let Some(entry) = reader.next_entry().expect("it is the sealed one") {
            paths.insert(entry.entry.path.to_string());
        }
    }
    paths
}

#[test]
fn upgrade_fetches_the_frames_of_changed_files_alone() {
    let published = Published::new(&[&version("2", &[3, 4, 9])]);
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("parts can be had");
    };
    let expected = ["usr/lib/03", "usr/lib/04", "usr/lib/09"].map(String::from);
    assert_eq!(read_all(&frames), BTreeSet::from(expected));
    let untouched = (0..FILES as usize).find(|number| frames.frame(*number).is_none());
    assert!(untouched.is_some());
    let asked: Vec<_> = server.asked().split_off(before);
    let lengths: Vec<u64> = asked
        .iter()
        .map(|asked| asked.end.expect("a part") - asked.range.expect("a part"))
        .collect();
    // The head, two neighbours at once, and one more.
    assert_eq!(lengths.len(), 3);
    let size = machine.wanted("big").location.size_bytes;
    assert_eq!(frames.saved_bytes(), size - lengths.iter().sum::<u64>());
    assert!(frames.saved_bytes() > 8 * FILE_BYTES as u64);
    let told = machine
        .reporter
        .events()
        .into_iter()
        .find_map(|event| match event {
            Event::Notice { diagnostic, .. } => Some(diagnostic),
            _ => None,
        });
    let told = told.expect("people are told what was saved");
    assert_eq!(told.code, "parts-fetched");
    assert!(
        told.message.starts_with("6.0 MiB less than whole"),
        "{}",
        told.message
    );
}

#[test]
fn frames_that_arrived_before_are_not_fetched_again() {
    let published = Published::new(&[&version("2", &[3, 9])]);
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    fetch(&machine);
    let before = server.asked().len();
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("parts can be had");
    };
    assert_eq!(frames.frames().count(), 2);
    assert_eq!(server.asked().len(), before);
    assert_eq!(read_all(&frames).len(), 2);
    machine
        .client()
        .forget_parts(&[machine.wanted("big")])
        .expect("the root is ours");
    assert_eq!(machine.cached("partial"), [""; 0]);
    assert_eq!(machine.cached("heads"), [""; 0]);
}

#[test]
fn frame_that_is_not_the_sealed_one_is_had_from_another_copy() {
    let published = Published::new(&[&version("2", &[3])]);
    let repository = published.repository();
    let bad = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(mut bytes) if asked.path.contains("archives/") && asked.range > Some(0) => {
                let at = asked.range.expect("a part") as usize + 10;
                bytes[at] ^= 1;
                Answer::File(bytes)
            }
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let machine = Machine::new();
    machine.add_with("main", &bad.url(""), &published, |settings| {
        let good = published.repository().display().to_string();
        settings.mirrors = vec![good.parse().expect("an address")];
    });
    machine.sync().expect("its metadata is sound");
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("parts can be had");
    };
    assert_eq!(read_all(&frames).len(), 1);
    let told = notices(&machine);
    assert!(
        told.iter()
            .any(|told| told.contains("is not the sealed one")),
        "{told:?}"
    );
}

#[test]
fn server_that_cannot_deliver_parts_delivers_the_whole_archive() {
    let published = Published::new(&[&version("2", &[3])]);
    let repository = published.repository();
    let server = Server::start(move |asked| {
        Published::file(&repository, &asked.path).map_or(Answer::Status(404), Answer::Whole)
    });
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let archive = fetch(&machine);
    assert!(matches!(archive, FetchedArchive::Whole(_)));
    assert_eq!(archive.saved_bytes(), 0);
    let told = notices(&machine);
    assert!(
        told.iter()
            .any(|told| told.contains("cannot deliver parts")),
        "{told:?}"
    );
}

#[test]
fn archive_of_which_nearly_all_changed_is_fetched_whole() {
    let changed: Vec<u64> = (0..FILES).collect();
    let published = Published::new(&[&version("2", &changed)]);
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    assert!(matches!(fetch(&machine), FetchedArchive::Whole(_)));
    assert_eq!(
        server.asked().len(),
        before + 2,
        "the head, and the archive"
    );
}

#[test]
fn archive_of_which_nothing_changed_is_its_head() {
    let published = Published::new(&[&version("2", &[])]);
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("nothing has to be fetched");
    };
    assert_eq!(frames.frames().count(), 0);
    assert_eq!(server.asked().len(), before + 1, "the head");
}

#[test]
fn parts_from_a_directory_are_read_at_their_places() {
    let published = Published::new(&[&version("2", &[5])]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("parts can be had");
    };
    let number = frames.frames().next().expect("one changed");
    let mut bytes = Vec::new();
    let mut frame = frames.frame(number).expect("it is there");
    frame.read_to_end(&mut bytes).expect("it can be read");
    assert_eq!(
        Sha256::of(&bytes),
        frames.head().frames().frames[number].sha256
    );
}

#[test]
fn copies_that_all_deliver_something_else_are_refused_by_name() {
    let published = Published::new(&[&version("2", &[3])]);
    let repository = published.repository();
    let bad = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(mut bytes) if asked.path.contains("archives/") => {
                let at = bytes.len() / 2;
                bytes[at..].fill(0);
                Answer::File(bytes)
            }
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let machine = Machine::new();
    machine.add("main", &bad.url(""), &published);
    machine.sync().expect("its metadata is sound");
    let job = ArchiveJob::Whole(machine.wanted("big"));
    let mut fetched = machine
        .client()
        .fetch_archives(&[job], &|_| false, &machine.reporter);
    let error = fetched.remove(0).expect_err("it is not the signed one");
    assert_eq!(error.code(), "archive-not-the-signed-one");
    let shown = &error.diagnostics()[0].because;
    assert!(shown[0].starts_with(&bad.url("")[..20]), "{shown:?}");
    assert!(shown[0].contains("with the digest"), "{shown:?}");
    assert_eq!(machine.cached("archives"), [""; 0]);
}

/// A package of which every second file is another, so that its parts are six ranges.
fn with_gaps() -> (Published, Vec<u64>) {
    let changed: Vec<u64> = (0..FILES).step_by(2).collect();
    (Published::new(&[&version("2", &changed)]), changed)
}

#[test]
fn ranges_of_one_archive_are_fetched_several_at_once_and_no_more_than_five() {
    let (published, changed) = with_gaps();
    let repository = published.repository();
    let (at_once, most) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (seen, is_new) = (Arc::clone(&most), AtomicBool::new(true));
    let server = Server::start(move |asked| {
        let Some(file) = Published::file(&repository, &asked.path) else {
            return Answer::Status(404);
        };
        if asked.path.contains("archives/") && asked.range > Some(0) {
            let now = at_once.fetch_add(1, Ordering::SeqCst) + 1;
            seen.fetch_max(now, Ordering::SeqCst);
            // The first comes alone; each other one waits for the rest, but not for ever.
            let is_first = is_new.swap(false, Ordering::SeqCst);
            assert!(!is_first || now == 1);
            let began = Instant::now();
            while !is_first
                && seen.load(Ordering::SeqCst) < 5
                && began.elapsed() < Duration::from_millis(200)
            {
                std::thread::yield_now();
            }
            at_once.fetch_sub(1, Ordering::SeqCst);
        }
        Answer::File(file)
    });
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    let FetchedArchive::Frames(frames) = fetch(&machine) else {
        panic!("parts can be had");
    };
    assert_eq!(read_all(&frames).len(), changed.len());
    assert_eq!(server.asked().len() - before, 1 + changed.len());
    let most = most.load(Ordering::SeqCst);
    assert!((2..=5).contains(&most), "{most}");
}

#[test]
fn server_that_cannot_deliver_parts_is_asked_for_one_of_them_alone() {
    let (published, _) = with_gaps();
    let repository = published.repository();
    let server = Server::start(move |asked| {
        Published::file(&repository, &asked.path).map_or(Answer::Status(404), Answer::Whole)
    });
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    assert!(matches!(fetch(&machine), FetchedArchive::Whole(_)));
    // The head, one part, and the archive.
    assert_eq!(server.asked().len() - before, 3);
}

#[test]
fn server_that_answers_later_ranges_wrongly_delivers_the_whole_archive() {
    type Wrong = fn(Vec<u8>, u64) -> Answer;
    let wrongs: [(&str, Wrong); 4] = [
        ("delivers less", |file, _| Answer::Cut(file, 1000)),
        ("has other bytes", |mut file, at| {
            file[at as usize + 10] ^= 1;
            Answer::File(file)
        }),
        ("delivers everything", |file, _| Answer::Whole(file)),
        ("says there is no such range", |_, _| Answer::Status(416)),
    ];
    for (what, wrong) in wrongs {
        let (published, _) = with_gaps();
        let repository = published.repository();
        let parts = AtomicUsize::new(0);
        let server = Server::start(move |asked| {
            match (Published::file(&repository, &asked.path), asked.range) {
                (None, _) => Answer::Status(404),
                (Some(file), Some(at))
                    if at > 0
                        && asked.path.contains("archives/")
                        && parts.fetch_add(1, Ordering::SeqCst) > 1 =>
                {
                    wrong(file, at)
                }
                (Some(file), _) => Answer::File(file),
            }
        });
        let machine = Machine::new();
        machine.add("main", &server.url(""), &published);
        machine.sync().expect("it is sound");
        let archive = fetch(&machine);
        let FetchedArchive::Whole(whole) = archive else {
            panic!("{what}: its parts are not used");
        };
        let bytes = fs_err::read(whole.path()).expect("it is in the cache");
        let wanted = machine.wanted("big").location.sha256;
        assert_eq!(Sha256::of(&bytes), wanted, "{what}");
    }
}
