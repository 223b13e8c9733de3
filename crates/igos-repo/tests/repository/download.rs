//! Heads and whole archives.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use igos_repo::repository::{ArchiveJob, DownloadError, FetchedArchive};
use igos_report::{Event, Explain};

use crate::nginx_server::tell;
use crate::packages::{noise, package};
use crate::server::{Answer, Server};
use crate::sync::serve;
use crate::world::{Machine, Published};

/// Fetches the whole archive of a package; returns its bytes and the causes of all notices.
pub(crate) fn fetch_whole(
    machine: &Machine,
    name: &str,
) -> (Result<Vec<u8>, DownloadError>, Vec<String>) {
    let job = ArchiveJob::Whole(machine.wanted(name));
    let client = machine.client();
    let mut fetched = client.fetch_archives(&[job], &|_| false, &machine.reporter);
    let bytes = fetched.remove(0).map(|archive| match archive {
        FetchedArchive::Whole(whole) => fs_err::read(whole.path()).expect("it is in the cache"),
        FetchedArchive::Frames(_) => panic!("the whole archive was asked for"),
    });
    (bytes, notices(machine))
}

pub(crate) fn notices(machine: &Machine) -> Vec<String> {
    let notice = |event: Event| match event {
        Event::Notice { diagnostic, .. } => diagnostic.because,
        _ => Vec::new(),
    };
    machine
        .reporter
        .events()
        .into_iter()
        .flat_map(notice)
        .collect()
}

fn big() -> Published {
    Published::new(&[&package("big 1").file("usr/lib/big", noise(1, 300_000))])
}

#[test]
fn head_is_fetched_as_a_range_and_kept() {
    let published = big();
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let client = machine.client();
    let before = server.asked().len();
    let head = machine.head(&client, "big");
    let wanted = machine.wanted("big");
    assert_eq!(head.wanted(), &wanted);
    assert_eq!(head.fetched_bytes(), wanted.location.head_bytes);
    assert_eq!(
        fs_err::metadata(head.path()).expect("it is kept").len(),
        wanted.location.head_bytes
    );
    let asked = &server.asked()[before];
    assert_eq!(
        (asked.range, asked.end),
        (Some(0), Some(wanted.location.head_bytes))
    );
    assert_eq!(machine.head(&client, "big").fetched_bytes(), 0);
    assert_eq!(server.asked().len(), before + 1);
}

#[test]
fn head_is_had_from_a_server_that_cannot_deliver_parts() {
    let published = big();
    let repository = published.repository();
    let server = Server::start(move |asked| {
        Published::file(&repository, &asked.path).map_or(Answer::Status(404), Answer::Whole)
    });
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let head = machine.head(&machine.client(), "big");
    assert_eq!(
        head.fetched_bytes(),
        machine.wanted("big").location.head_bytes
    );
}

#[test]
fn head_of_another_package_is_refused() {
    let published = big();
    let other = Published::new(&[&package("big 1").file("usr/lib/big", noise(2, 300_000))]);
    let repository = published.repository();
    let false_archive = package("big 1")
        .file("usr/lib/big", noise(2, 300_000))
        .bytes();
    drop(other);
    let server = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(_) if asked.path.contains("archives/") => Answer::File(false_archive.clone()),
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("its metadata is sound");
    let mut heads = machine
        .client()
        .fetch_heads(&[machine.wanted("big")], &machine.reporter);
    let error = heads.remove(0).expect_err("it is another package");
    assert_eq!(
        (error.code(), error.exit_code()),
        ("archive-not-the-signed-one", 1)
    );
    assert_eq!(machine.cached("heads"), [""; 0]);
}

/// A decoder must not meet bytes that no signature vouches for: whatever is wrong with them, their digest is what is told.
#[test]
fn head_is_not_decompressed_before_it_is_the_signed_one() {
    let published = big();
    let changed = Arc::new(AtomicUsize::new(0));
    let (repository, at) = (published.repository(), Arc::clone(&changed));
    let server = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(mut bytes) if asked.path.contains("archives/") => {
                bytes[at.load(Ordering::SeqCst)] ^= 1;
                Answer::File(bytes)
            }
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("its metadata is sound");
    let wanted = machine.wanted("big");
    let length = usize::try_from(wanted.location.head_bytes).expect("it is short");
    // The magic number, the frame's header, and blocks.
    for at in [0, 4, 6, length / 2, length - 1] {
        changed.store(at, Ordering::SeqCst);
        let mut heads = machine
            .client()
            .fetch_heads(std::slice::from_ref(&wanted), &machine.reporter);
        let error = heads.remove(0).expect_err("a byte is another one");
        assert_eq!(error.code(), "archive-not-the-signed-one", "{at}");
        let because = error.diagnostics().remove(0).because.join("\n");
        let expected = wanted.location.head_sha256.to_string();
        assert!(because.contains(&expected), "{at}: {because}");
    }
}

#[test]
fn archive_goes_on_in_the_next_run_and_is_had_from_the_cache_after_that() {
    let published = big();
    let repository = published.repository();
    let server = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(bytes) if asked.path.contains("archives/") && asked.range.is_none() => {
                Answer::Cut(bytes, 100_000)
            }
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let (first, _) = fetch_whole(&machine, "big");
    assert_eq!(
        first.expect_err("it was cut off").code(),
        "archive-unavailable"
    );
    assert_eq!(machine.cached("partial").len(), 1);
    let (second, _) = fetch_whole(&machine, "big");
    assert_eq!(
        second.expect("it goes on").len() as u64,
        machine.wanted("big").location.size_bytes
    );
    let asked = server.asked();
    assert_eq!(asked.last().and_then(|asked| asked.range), Some(100_000));
    assert_eq!(machine.cached("partial"), [""; 0]);
    fetch_whole(&machine, "big").0.expect("it is in the cache");
    assert_eq!(server.asked().len(), asked.len());
}

#[test]
fn damaged_archive_of_the_cache_is_fetched_again() {
    let published = big();
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let (bytes, _) = fetch_whole(&machine, "big");
    let bytes = bytes.expect("it is there");
    let directory = machine.root().join("var/cache/igos/archives");
    let path = directory.join(&machine.cached("archives")[0]);
    let mut damaged = bytes.clone();
    damaged[1000] ^= 1;
    fs_err::remove_file(&path).expect("the root is ours");
    fs_err::write(&path, damaged).expect("the root is ours");
    assert_eq!(
        fetch_whole(&machine, "big").0.expect("it is fetched again"),
        bytes
    );
}

#[test]
fn archive_of_a_repository_that_was_removed_is_not_asked_for() {
    let published = big();
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let job = ArchiveJob::Whole(machine.wanted("big"));
    let settings = machine.places().load().expect("the settings are sound");
    machine
        .places()
        .remove(
            &settings[0],
            igos_repo::repository::Waiting::Refuse,
            &machine.reporter,
        )
        .expect("it is ours");
    let mut fetched = machine
        .client()
        .fetch_archives(&[job], &|_| false, &machine.reporter);
    let error = fetched.remove(0).expect_err("there is no such repository");
    assert_eq!(error.code(), "repository-unknown");
}

#[test]
fn several_archives_arrive_while_the_caller_waits_for_each() {
    let packages: Vec<_> = (0..6_u64)
        .map(|number| {
            let name = format!("p{number} 1");
            package(&name).file(&format!("usr/lib/{number}"), noise(number, 50_000))
        })
        .collect();
    let published = Published::new(&packages.iter().collect::<Vec<_>>());
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let wanted: Vec<_> = (0..6)
        .map(|number| machine.wanted(&format!("p{number}")))
        .collect();
    let jobs: Vec<_> = wanted.iter().cloned().map(ArchiveJob::Whole).collect();
    let client = machine.client();
    client.in_background(&jobs, &|_| false, &machine.reporter, |downloads| {
        for wanted in wanted.iter().rev() {
            let archive = downloads.wait_for(&wanted.seal).expect("it was asked for");
            assert!(matches!(archive, Ok(FetchedArchive::Whole(_))));
            assert!(
                downloads.wait_for(&wanted.seal).is_none(),
                "it is handed out once"
            );
        }
    });
    assert_eq!(machine.cached("archives").len(), 6);
}

#[test]
fn caller_that_gives_up_does_not_wait_for_what_is_under_way() {
    let published = big();
    let repository = published.repository();
    let is_endless = Arc::new(AtomicBool::new(true));
    let endless = Arc::clone(&is_endless);
    let server = Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(_) if asked.path.contains("archives/") && endless.load(Ordering::SeqCst) => {
                Answer::Silent
            }
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    );
    let mut machine = Machine::new();
    machine.settings.http.silence = Duration::from_millis(50);
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let job = [ArchiveJob::Whole(machine.wanted("big"))];
    let client = machine.client();
    client.in_background(&job, &|_| false, &machine.reporter, |_| ());
    assert_eq!(machine.cached("archives"), [""; 0]);
    is_endless.store(false, Ordering::SeqCst);
    let mut later = client.fetch_archives(&job, &|_| false, &machine.reporter);
    later.remove(0).expect("the client can be used again");
}

#[test]
fn two_programs_that_want_the_same_archive_fetch_it_once() {
    let published = big();
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    std::thread::scope(|scope| {
        let fetch = || fetch_whole(&machine, "big").0.expect("it is served");
        let others: Vec<_> = (0..3).map(|_| scope.spawn(fetch)).collect();
        for other in others {
            assert_eq!(other.join().expect("it does not panic"), fetch());
        }
    });
    assert_eq!(server.asked().len(), before + 1);
    assert_eq!(machine.cached("partial"), [""; 0]);
}

#[test]
fn cache_that_cannot_be_written_to_gives_way_to_the_users_own() {
    let published = big();
    let mut machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let cache = machine.root().join("var/cache/igos");
    let read_only = std::fs::Permissions::from_mode(0o555);
    fs_err::set_permissions(&cache, read_only).expect("the root is ours");
    if fs_err::create_dir(cache.join("probe")).is_ok() {
        tell("skipped: this user may write to every directory");
        return;
    }
    let own = tempfile::tempdir().expect("a temporary directory");
    machine.settings.own_cache = Some(own.path().join("pkm"));
    fetch_whole(&machine, "big")
        .0
        .expect("it is kept elsewhere");
    assert!(own.path().join("pkm/archives").exists());
    let own_mode = std::fs::Permissions::from_mode(0o755);
    fs_err::set_permissions(&cache, own_mode).expect("the root is ours");
}
