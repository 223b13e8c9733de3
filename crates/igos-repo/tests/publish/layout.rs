//! What a repository looks like, and how it changes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_format::trust::KeyId;
use igos_repo::publish::{Lifetimes, PublishRequest, Renewal};
use igos_repo::trust::verify_seal;

use crate::support::{DAY, NOW, World, names, package, time};

#[test]
fn first_publication_has_the_files_of_the_layout_and_nothing_else() {
    let world = World::new();
    let publication = world.publish(&[&package("zlib 1.3").file("usr/lib/libz.so.1", "z")]);
    assert_eq!(publication.snapshot, 1);
    assert_eq!(publication.packages, 1);
    let shown: BTreeSet<String> = world
        .files()
        .into_keys()
        .map(|path| {
            let (directory, name) = path.rsplit_once('/').expect("files are in directories");
            match name.split_once('.') {
                Some((digest, rest)) if digest.len() == 64 => format!("{directory}/DIGEST.{rest}"),
                _ => path,
            }
        })
        .collect();
    let expected = [
        "metadata/1.archives.json",
        "metadata/1.packages.json",
        "metadata/1.root.json",
        "metadata/1.snapshot.json",
        "metadata/1.targets.json",
        "metadata/timestamp.json",
        "targets/archives/DIGEST.zlib-1.3-1.x86_64.igos.tar.zst",
        "targets/index/DIGEST.files.index",
        "targets/index/DIGEST.packages.index",
    ];
    assert_eq!(shown, expected.map(str::to_owned).into());
    let entries = world.client().sync(NOW).expect("it can be read");
    assert_eq!(names(&entries), ["zlib 1.3-1"]);
}

#[test]
fn every_seal_is_signed_by_the_key_of_packages() {
    let world = World::new();
    let zlib = package("zlib 1.3");
    world.publish(&[&zlib]);
    let mut client = world.client();
    let entries = client.sync(NOW).expect("it can be read");
    let signature = entries[0].signature.as_ref().expect("it is signed");
    let seal = igos_format::archive::Head::read(zlib.bytes().as_slice())
        .expect("the archive is sound")
        .seal()
        .to_bytes();
    let keys = client.trusted().trusted().expect("it synced").seal_keys();
    assert!(verify_seal(&seal, signature, &keys).is_ok());
    assert!(
        world
            .ring()
            .file_of(&KeyId::from_sha256(signature.key))
            .is_some()
    );
}

#[test]
fn equal_inputs_keys_and_times_give_equal_bytes() {
    let world = World::new();
    let packages = [
        &package("a 1").depends("b").file("usr/bin/a", "a"),
        &package("b 1").file("usr/bin/b", "b"),
    ];
    world.publish(&packages);
    let first = world.files();
    fs_err::remove_dir_all(world.repository()).expect("it is ours");
    fs_err::create_dir(world.repository()).expect("it is ours");
    world.publish(&[packages[1], packages[0]]);
    assert_eq!(world.files(), first);
}

#[test]
fn publishing_the_same_again_changes_nothing_and_reads_no_archive_again() {
    let world = World::new();
    let request = || world.request(&[&package("a 1")]);
    world.try_publish(request()).expect("it is sound");
    let before = world.files();
    let publication = world
        .publish_at(NOW + DAY, request(), &|| false)
        .expect("it is sound");
    assert!(!publication.has_changed);
    assert_eq!(world.files(), before);
    // A body that is cut off is not noticed: only the head was read.
    let mut bytes = package("a 1").bytes();
    bytes.truncate(bytes.len() - 4);
    let directory = world.archives(&[]);
    fs_err::write(directory.join("a-1-1.x86_64.igos.tar.zst"), bytes).expect("it is ours");
    let again = world.try_publish(PublishRequest::new(vec![directory]));
    assert!(!again.expect("it is published already").has_changed);
}

#[test]
fn refreshing_renews_the_short_lives_alone() {
    let world = World::new();
    let publish = |now, renewal| {
        let request = PublishRequest {
            renewal,
            ..PublishRequest::new(Vec::new())
        };
        world
            .publish_at(now, request, &|| false)
            .expect("it is sound")
    };
    world.publish(&[&package("a 1")]);
    assert!(!publish(NOW + DAY, Renewal::None).has_changed);
    let renewed = publish(NOW + DAY, Renewal::Online);
    let lives = Lifetimes::DEFAULT;
    assert_eq!(
        renewed.expires["timestamp"],
        time(NOW + DAY + lives.timestamp_seconds)
    );
    assert_eq!(
        renewed.expires["snapshot"],
        time(NOW + DAY + lives.snapshot_seconds)
    );
    assert_eq!(renewed.expires["packages"], time(NOW + lives.lists_seconds));
    let late = publish(NOW + 8 * DAY, Renewal::Online);
    assert_eq!(
        late.expires["packages"],
        time(NOW + 8 * DAY + lives.lists_seconds)
    );
    assert_eq!(late.expires["targets"], time(NOW + lives.targets_seconds));
    assert_eq!(late.expires["root"], time(NOW + lives.root_seconds));
    assert!(world.client().sync(NOW + 9 * DAY).is_ok());
    assert_eq!(
        world.client().sync(NOW + 11 * DAY).err().as_deref(),
        Some("metadata-frozen")
    );
}

#[test]
fn downloads_in_flight_find_their_files_for_as_many_states_as_are_kept() {
    let world = World::new();
    let publish = |version: usize| {
        let package = package(&format!("a {version}"));
        let request = PublishRequest {
            keep: 2,
            ..world.request(&[&package])
        };
        world.try_publish(request).expect("it is sound")
    };
    publish(1);
    let mut slow = world.client();
    slow.sync(NOW).expect("it can be read");
    for version in 2..=3 {
        publish(version);
        assert_eq!(names(&slow.entries().expect("it is kept")), ["a 1-1"]);
    }
    let publication = publish(4);
    assert!(publication.deleted_bytes > 0);
    assert!(slow.entries().is_err(), "three states later it is gone");
    let archives = world.files().into_keys();
    let archives = archives.filter(|path| path.starts_with("targets/archives"));
    assert_eq!(archives.count(), 3);
    assert_eq!(
        names(&slow.sync(NOW).expect("there is a newer one")),
        ["a 4-1"]
    );
}

#[test]
fn files_of_others_are_not_deleted() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    for path in [
        "index.html",
        "targets/archives/README",
        "metadata/notes.json",
    ] {
        fs_err::write(world.repository().join(path), "mine").expect("it is ours");
    }
    for version in 2..9 {
        world.publish(&[&package(&format!("a {version}"))]);
    }
    let files = world.files();
    for path in [
        "index.html",
        "targets/archives/README",
        "metadata/notes.json",
    ] {
        assert!(files.contains_key(path), "{path}");
    }
}

/// Stops at the n-th step for every n: what a reader sees is the old state or the new one.
#[test]
fn publishing_that_is_stopped_at_any_step_leaves_the_old_state_or_the_new_one() {
    let old = [
        &package("a 1").file("usr/bin/a", "old"),
        &package("b 1").depends("a"),
    ];
    let new = [
        &package("a 2").file("usr/bin/a", "new"),
        &package("c 1").depends("a>=2"),
    ];
    let (before, after) = (vec!["a 1-1", "b 1-1"], vec!["a 2-1", "b 1-1", "c 1-1"]);
    let mut seen = Vec::new();
    for stop_at in 0.. {
        let world = World::new();
        world.publish(&old);
        let mut known = world.client();
        known.sync(NOW).expect("it can be read");
        let steps = AtomicUsize::new(0);
        let result = world.publish_at(NOW, world.request(&new), &|| {
            steps.fetch_add(1, Ordering::Relaxed) >= stop_at
        });
        let fresh = names(
            &world
                .client()
                .sync(NOW)
                .expect("a new reader finds a whole state"),
        );
        assert_eq!(names(&known.sync(NOW).expect("a reader goes on")), fresh);
        assert!(fresh == before || fresh == after, "{stop_at}: {fresh:?}");
        assert!(result.is_err() || fresh == after);
        seen.push(fresh == after);
        // Whoever comes next makes it whole.
        world
            .try_publish(world.request(&new))
            .expect("the packages are sound");
        assert_eq!(names(&known.sync(NOW).expect("a reader goes on")), after);
        if result.is_ok() {
            break;
        }
    }
    assert!(seen.len() > 8, "there are many steps: {}", seen.len());
    assert!(seen.is_sorted(), "it never goes back");
}

#[test]
fn first_publication_that_is_stopped_at_any_step_can_be_done_again() {
    for stop_at in 0.. {
        let world = World::new();
        let steps = AtomicUsize::new(0);
        let result = world.publish_at(NOW, world.request(&[&package("a 1")]), &|| {
            steps.fetch_add(1, Ordering::Relaxed) >= stop_at
        });
        world.publish(&[&package("a 1")]);
        let entries = world.client().sync(NOW).expect("it can be read");
        assert_eq!(names(&entries), ["a 1-1"], "{stop_at}");
        if result.is_ok() {
            break;
        }
    }
}
