//! Keys: made, replaced, revoked.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_format::trust::KeyId;
use igos_repo::publish::{
    Execution, Farewell, KeyRing, Lifetimes, NewKey, NewKeys, PublishError, PublishRequest,
    Replace, new_keys, roles,
};
use igos_report::Explain;

use crate::support::{DAY, NOW, World, names, package, publisher, time};

fn replace(
    world: &World,
    replace: &Replace,
    farewell: Farewell,
) -> Result<Vec<KeyId>, PublishError> {
    let (ring, repository) = (world.ring(), world.repository());
    let never = || false;
    let publisher = publisher(&repository, &ring, NOW, &never);
    let (replaced, _) = publisher.replace_keys(replace, farewell, &NewKey::Made { into: None })?;
    Ok(replaced.into_iter().map(|one| one.new).collect())
}

fn of_role(role: &str) -> Replace {
    Replace::OfRole(role.to_owned(), None)
}

#[test]
fn new_keys_are_private_and_two_of_them_belong_offline() {
    let world = World::new();
    for part in [
        "offline/root.key",
        "offline/targets.key",
        "online/packages.key",
    ] {
        let path = world.keys().join(part);
        let mode = fs_err::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{part}");
    }
    let mode = fs_err::metadata(world.keys().join("offline"))
        .expect("it is there")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
    let again = new_keys(
        &world.keys(),
        NewKeys::default(),
        &Lifetimes::DEFAULT,
        time(NOW),
        Execution::Real,
    );
    assert_eq!(again.expect_err("they are there").code(), "keys-exist");
}

#[test]
fn publishing_needs_no_offline_key() {
    let world = World::new();
    fs_err::rename(world.keys().join("offline"), world.path("safe")).expect("it is ours");
    world.publish(&[&package("a 1")]);
    world.publish(&[&package("a 2")]);
    assert_eq!(
        names(&world.client().sync(NOW).expect("it can be read")),
        ["a 2-1"]
    );
    let error = replace(&world, &of_role("packages"), Farewell::Retire);
    assert_eq!(
        error.expect_err("the keys are in the safe").code(),
        "keys-absent"
    );
    let online = fs_err::read_dir(world.keys().join("online"))
        .expect("it is there")
        .count();
    assert_eq!(online, 6, "no new key was made");
}

#[test]
fn every_role_can_be_rotated_and_readers_follow() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let mut known = world.client();
    known.sync(NOW).expect("it can be read");
    for (number, role) in [
        "timestamp",
        "snapshot",
        "archives",
        "packages",
        "targets",
        "root",
    ]
    .into_iter()
    .enumerate()
    {
        let new = replace(&world, &of_role(role), Farewell::Retire).expect("all keys are there");
        let state = roles(&world.repository(), &world.ring()).expect("it is sound");
        let state = state
            .iter()
            .find(|state| state.name == role)
            .expect("it is a role");
        assert_eq!(
            state.keys.keys().copied().collect::<Vec<_>>(),
            new,
            "{role}"
        );
        known
            .sync(NOW)
            .unwrap_or_else(|error| panic!("after {role}: {error}"));
        world
            .client()
            .sync(NOW)
            .unwrap_or_else(|error| panic!("new after {role}: {error}"));
        let version = format!("a {}", number + 2);
        world.publish(&[&package(&version)]);
        let seen = names(&known.sync(NOW + DAY).expect("it can be read"));
        assert_eq!(seen, [format!("{version}-1")]);
    }
    assert!(world.repository().join("metadata/5.root.json").exists());
}

/// Stops at the n-th step for every n: whoever has the old root or the new one can verify everything.
#[test]
fn rotation_that_is_stopped_at_any_step_locks_no_reader_out() {
    for role in ["timestamp", "targets", "packages"] {
        for stop_at in 0.. {
            let world = World::new();
            world.publish(&[&package("a 1")]);
            let mut known = world.client();
            known.sync(NOW).expect("it can be read");
            let (ring, repository) = (world.ring(), world.repository());
            let steps = AtomicUsize::new(0);
            let stop = || steps.fetch_add(1, Ordering::Relaxed) >= stop_at;
            let publisher = publisher(&repository, &ring, NOW, &stop);
            let result = publisher.replace_keys(
                &of_role(role),
                Farewell::Retire,
                &NewKey::Made { into: None },
            );
            for client in [&mut known, &mut world.client()] {
                let seen = client.sync(NOW);
                let seen = seen.unwrap_or_else(|error| panic!("{role} {stop_at}: {error}"));
                assert_eq!(names(&seen), ["a 1-1"]);
            }
            world.publish(&[&package("a 2")]);
            let seen = known.sync(NOW).expect("it can be read");
            assert_eq!(names(&seen), ["a 2-1"], "{role} {stop_at}");
            if result.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn reader_that_missed_a_root_follows_to_the_newest() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let mut away = world.client();
    away.sync(NOW).expect("it can be read");
    for _ in 0..2 {
        replace(&world, &of_role("root"), Farewell::Retire).expect("all keys are there");
    }
    world.publish(&[&package("a 2")]);
    assert_eq!(names(&away.sync(NOW).expect("it follows")), ["a 2-1"]);
    assert_eq!(away.trusted().root().version, 3);
}

#[test]
fn retired_key_of_packages_still_counts_for_what_is_installed_and_a_revoked_one_does_not() {
    for (farewell, still_counts) in [(Farewell::Retire, true), (Farewell::Revoke, false)] {
        let world = World::new();
        world.publish(&[&package("a 1")]);
        let mut client = world.client();
        let before = client.sync(NOW).expect("it can be read");
        let signature = before[0].signature.clone().expect("it is signed");
        let old = KeyId::from_sha256(signature.key);
        let new = replace(&world, &Replace::Key(old), farewell).expect("all keys are there");
        let after = client.sync(NOW).expect("it can be read");
        let signed_by = after[0].signature.as_ref().map(|signature| signature.key);
        assert_eq!(signed_by, Some(new[0].as_sha256()));
        assert_eq!(after[0].seal, before[0].seal);
        let seal = igos_format::archive::Head::read(package("a 1").bytes().as_slice());
        let seal = seal.expect("the archive is sound").seal().to_bytes();
        let keys = client.trusted().trusted().expect("it synced").seal_keys();
        let verified = igos_repo::trust::verify_seal(&seal, &signature, &keys);
        assert_eq!(verified.is_ok(), still_counts, "{farewell:?}");
    }
}

#[test]
fn revoked_key_signs_nothing_that_readers_take() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let mut client = world.client();
    client.sync(NOW).expect("it can be read");
    let before = world.files();
    let ring = world.ring();
    let state = roles(&world.repository(), &ring).expect("it is sound");
    let timestamp = state
        .iter()
        .find(|state| state.name == "timestamp")
        .expect("it is a role");
    let old = *timestamp.keys.keys().next().expect("it has a key");
    replace(&world, &Replace::Key(old), Farewell::Revoke).expect("all keys are there");
    client.sync(NOW).expect("it can be read");
    // Somebody who has the old key alone puts their own timestamp there.
    let path = world.repository().join("metadata/timestamp.json");
    let forged = String::from_utf8_lossy(&before["metadata/timestamp.json"]).into_owned();
    fs_err::write(&path, forged).expect("it is ours");
    let error = client.sync(NOW).expect_err("the key counts no more");
    assert_eq!(error, "signature-key-unknown");
}

#[test]
fn several_root_keys_sign_with_their_threshold_and_one_of_them_is_named_to_be_replaced() {
    let wanted = NewKeys {
        root_keys: 3,
        root_threshold: 2,
        ..NewKeys::default()
    };
    let world = World::with_keys(wanted);
    world.publish(&[&package("a 1")]);
    let error = replace(&world, &of_role("root"), Farewell::Retire).expect_err("which one?");
    assert_eq!((error.code(), error.exit_code()), ("key-several", 2));
    let state = roles(&world.repository(), &world.ring()).expect("it is sound");
    assert_eq!(state[0].threshold, 2);
    let lost = *state[0].keys.keys().next().expect("there are three");
    let file = world
        .ring()
        .file_of(&lost)
        .expect("it is at hand")
        .to_owned();
    fs_err::remove_file(file).expect("it is ours");
    let (ring, repository) = (world.ring(), world.repository());
    let publisher = publisher(&repository, &ring, NOW, &|| false);
    let into = world.keys().join("offline");
    let one = Replace::OfRole("root".to_owned(), Some(lost));
    publisher
        .replace_keys(
            &one,
            Farewell::Revoke,
            &NewKey::Made {
                into: Some(into.clone()),
            },
        )
        .expect("two of the three old keys and of the new ones sign");
    assert_eq!(
        names(&world.client().sync(NOW).expect("it follows")),
        ["a 1-1"]
    );
}

#[test]
fn thresholds_that_are_not_possible_are_refused() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (root_keys, root_threshold) in [(0, 0), (1, 2), (3, 0), (99, 1)] {
        let wanted = NewKeys {
            root_keys,
            root_threshold,
            ..NewKeys::default()
        };
        let made = new_keys(
            directory.path(),
            wanted,
            &Lifetimes::DEFAULT,
            time(NOW),
            Execution::Real,
        );
        assert_eq!(
            made.expect_err("it is not possible").code(),
            "keys-threshold"
        );
    }
}

#[test]
fn renewing_gives_offline_metadata_its_full_life_again() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let (ring, repository) = (world.ring(), world.repository());
    let later = NOW + 80 * DAY;
    let publisher = publisher(&repository, &ring, later, &|| false);
    let publication = publisher.renew().expect("all keys are there");
    let lives = Lifetimes::DEFAULT;
    assert_eq!(
        publication.expires["root"],
        time(later + lives.root_seconds)
    );
    assert_eq!(
        publication.expires["targets"],
        time(later + lives.targets_seconds)
    );
}

#[test]
fn publisher_without_a_root_is_told_how_to_begin() {
    let world = World::new();
    let ring = KeyRing::load(&[world.keys().join("offline")]).expect("the keys are sound");
    let repository = world.repository();
    let publisher = publisher(&repository, &ring, NOW, &|| false);
    let error = publisher.publish(PublishRequest::new(Vec::new()));
    let error = error.expect_err("there is no root");
    assert_eq!(error.code(), "publish-no-root");
    assert_eq!(
        error.hints(),
        [
            "for a new repository make keys: `igos-build key new DIR`, then `--keys DIR`",
            "for one that is there name the directory `online` of its keys: `--keys DIR`",
            "if that is lost, copy `root.json` from a machine that uses the repository, not from the repository itself"
        ]
    );
}
