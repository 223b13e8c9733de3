//! One malicious repository for each row R1 to R11 of the threats we know, each refused with its own code.

use igos_format::trust::{MetaFile, TargetFile};
use igos_repo::trust::{DirectorySource, Expiry, Rollback, Standing, sign};
use igos_report::Explain;

use crate::forge::{
    Client, DAY, Forge, INDEX, NOW, PACKAGES, SNAPSHOT, STRANGER, TARGETS, TIMESTAMP, keys, time,
};

/// Returns a repository that published twice, a client that knows the first state alone, and the first state.
fn two_states() -> (Forge, Client, Forge) {
    let first = Forge::new();
    let client = Client::following(&first);
    let mut second = first.clone();
    second.index = b"index 2".to_vec();
    second.publish_all();
    (second, client, first)
}

/// Signs anew, by a stranger, one role of the newest state and what follows from it.
fn by_stranger(role: &'static str) -> Forge {
    let mut forge = Forge::new();
    forge.signers.insert(role, vec![STRANGER]);
    forge.publish_all();
    forge
}

#[test]
fn r1_metadata_by_a_stranger_is_refused_whatever_role_it_has() {
    for (role, file) in [
        ("timestamp", "timestamp.json"),
        ("snapshot", "2.snapshot.json"),
        ("targets", "2.targets.json"),
        ("packages", "2.packages.json"),
    ] {
        let client = Client::following(&Forge::new());
        let (code, message) = client.refused(&by_stranger(role).mirror());
        assert_eq!(code, "signature-key-unknown", "{role}");
        assert_eq!(message, format!("{file} is not to be trusted"));
    }
}

#[test]
fn r1_metadata_that_was_changed_or_stripped_of_signatures_is_refused() {
    let (second, client, _) = two_states();
    let change = |from: &str, to: &str| {
        let mut mirror = second.mirror();
        let bytes = mirror
            .files
            .get_mut("timestamp.json")
            .expect("it is published");
        let text = String::from_utf8(bytes.clone()).expect("it is text");
        assert!(text.contains(from));
        *bytes = text.replace(from, to).into_bytes();
        client.refused(&mirror).0
    };
    assert_eq!(change("\"version\":2", "\"version\":3"), "signature-bad");
    assert_eq!(change("\"_type\":\"timestamp\",", ""), "signature-bad");
    let signature = &sign(second.timestamp.clone(), &keys(&[TIMESTAMP]));
    let signature = signature
        .envelope()
        .signatures
        .values()
        .next()
        .expect("one signed");
    assert_eq!(change(&signature.to_string(), ""), "signature-key-unknown");
    assert_eq!(
        change("{\"signatures\"", "{\"a\":1,\"a\":1,\"signatures\""),
        "metadata-malformed"
    );
    assert!(client.sync(&second.mirror()).expect("it is honest"));
}

#[test]
fn r1_fewer_keys_than_the_threshold_make_no_root() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.root.version = 2;
    for (signers, code) in [
        (&[1][..], "signatures-too-few"),
        (&[1, STRANGER], "signatures-too-few"),
        (&[STRANGER], "signature-key-unknown"),
        (&[], "signature-key-unknown"),
    ] {
        forge.signers.insert("root", signers.to_vec());
        forge.publish_root();
        forge.publish_timestamp();
        let (found, message) = client.refused(&forge.mirror());
        assert_eq!(
            (found, message.as_str()),
            (code, "2.root.json is not to be trusted"),
            "{signers:?}"
        );
    }
}

#[test]
fn r2_and_r11_no_role_goes_back() {
    let (second, client, first) = two_states();
    assert!(client.sync(&second.mirror()).expect("it is honest"));
    assert_eq!(client.refused(&first.mirror()).0, "metadata-rollback");

    // Newer timestamps over older parts: what a stolen key of the timestamp can do, then also the snapshot's.
    let mut forged = first.clone();
    forged.timestamp.version = 7;
    forged.publish_timestamp();
    let (code, message) = client.refused(&forged.mirror());
    assert_eq!(code, "metadata-rollback");
    assert_eq!(
        message,
        "snapshot.json is version 1, version 2 is known already"
    );

    for role in ["targets.json", "packages.json"] {
        let client = Client::following(&second);
        let mut forged = second.clone();
        let old = first.snapshot.meta[role].clone();
        forged.snapshot.meta.insert(role.into(), old);
        forged.publish_snapshot();
        let (code, message) = client.refused(&forged.mirror());
        assert_eq!(code, "metadata-rollback");
        assert_eq!(
            message,
            format!("{role} is version 1, version 2 is known already")
        );
    }
}

#[test]
fn r2_an_older_root_under_a_newer_name_is_refused() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.files.insert("2.root.json".into(), forge.anchor());
    forge.publish_timestamp();
    let (code, message) = client.refused(&forge.mirror());
    assert_eq!(code, "metadata-rollback");
    assert_eq!(
        message,
        "2.root.json is version 1, version 1 is known already"
    );
}

#[test]
fn r2_going_back_takes_a_persons_word_and_is_told() {
    let (second, mut client, first) = two_states();
    assert!(client.sync(&second.mirror()).expect("it is honest"));
    client.options.rollback = Rollback::Allow;
    let mut repository = client.open();
    let igos_repo::trust::Refresh::Newer(update) = repository
        .refresh(&first.mirror(), &client.options)
        .expect("it was allowed")
    else {
        panic!("the older state is another one");
    };
    let told: Vec<(&str, u64, u64)> = update
        .went_back()
        .iter()
        .map(|step| (step.file.as_str(), step.from, step.to))
        .collect();
    assert_eq!(
        told,
        [
            ("timestamp.json", 2, 1),
            ("snapshot.json", 2, 1),
            ("packages.json", 2, 1),
            ("targets.json", 2, 1),
        ]
    );
    repository.adopt(*update).expect("there is room");
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
}

#[test]
fn r3_a_mirror_that_stopped_is_found_out_when_its_timestamp_expires() {
    let forge = Forge::new();
    let mut client = Client::following(&forge);
    client.options.clock.now = time(NOW + 3 * DAY);
    let (code, message) = client.refused(&forge.mirror());
    assert_eq!(code, "metadata-frozen");
    assert_eq!(
        message,
        "the newest timestamp.json is version 1, which expired at 2030-03-19T17:46:40Z; it is 2030-03-20T17:46:40Z"
    );
    // What is known can still be asked, and says what it is.
    let repository = client.open();
    let trusted = repository.trusted().expect("it was adopted");
    assert_eq!(trusted.file(INDEX), Some(TargetFile::of(b"index 1")));
    let error = trusted
        .test_current(&client.options.clock)
        .expect_err("it expired");
    assert_eq!(
        (error.code(), error.role),
        ("metadata-expired", "timestamp")
    );
}

#[test]
fn r3_every_role_expires() {
    for (role, file) in [
        ("root", "root.json"),
        ("timestamp", "timestamp.json"),
        ("snapshot", "snapshot.json"),
        ("targets", "targets.json"),
        ("packages", "packages.json"),
    ] {
        let mut forge = Forge::new();
        let mut client = Client::following(&forge);
        let past = time(NOW);
        match role {
            "root" => forge.rotate(|forge| forge.root.expires = past),
            "timestamp" => forge.timestamp.expires = past,
            "snapshot" => forge.snapshot.expires = past,
            "targets" => forge.targets.expires = past,
            _ => forge.packages.expires = past,
        }
        forge.publish_all();
        let (code, message) = client.refused(&forge.mirror());
        assert_eq!(code, "metadata-frozen");
        assert!(
            message.starts_with(&format!("the newest {file} is version 2")),
            "{message}"
        );
        // A person's word makes it do; it says what it is all the same.
        client.options.expiry = Expiry::Accept;
        assert!(client.sync(&forge.mirror()).expect("it was accepted"));
        let repository = client.open();
        let standing = repository
            .trusted()
            .expect("it was adopted")
            .standing(&client.options.clock);
        assert!(matches!(standing, Standing::Expired(error) if error.role == role));
    }
}

#[test]
fn r4_versions_that_leave_no_room_for_the_next_are_refused() {
    const FAR: u64 = 1 << 33;
    let client = Client::following(&Forge::new());
    let mut forge = Forge::new();
    forge.timestamp.version = FAR;
    forge.publish_timestamp();
    assert_eq!(client.refused(&forge.mirror()).0, "metadata-fast-forward");
    let mut forge = Forge::new();
    forge.snapshot.version = FAR;
    forge.publish_snapshot();
    assert_eq!(client.refused(&forge.mirror()).0, "metadata-fast-forward");
    let mut forge = Forge::new();
    forge.packages.version = FAR;
    forge.publish_index();
    let (code, message) = client.refused(&forge.mirror());
    assert_eq!(code, "metadata-fast-forward");
    assert_eq!(
        message,
        format!("packages.json jumps from version 1 to {}", FAR + 1)
    );
}

#[test]
fn r4_new_keys_end_what_a_stolen_key_counted_to() {
    for (role, number) in [("timestamp", TIMESTAMP), ("snapshot", SNAPSHOT)] {
        let mut honest = Forge::new();
        let client = Client::following(&honest);
        let mut stolen = honest.clone();
        stolen.timestamp.version += 1_000_000;
        stolen.snapshot.version += 1_000_000;
        stolen.publish_snapshot();
        assert!(
            client
                .sync(&stolen.mirror())
                .expect("the thief has the keys")
        );
        honest.index = b"index 2".to_vec();
        honest.publish_all();
        assert_eq!(client.refused(&honest.mirror()).0, "metadata-rollback");
        let new = number + 10;
        honest.rotate(|forge| {
            forge.signers.insert(role, vec![new]);
            let mut known = vec![1, 2, 3, TARGETS, SNAPSHOT, TIMESTAMP];
            known.push(new);
            forge.know(&known);
            let keys = igos_format::trust::RoleKeys::new([crate::forge::key(new).id()], 1);
            match role {
                "timestamp" => forge.root.timestamp = keys,
                _ => forge.root.snapshot = keys,
            }
        });
        honest.publish_snapshot();
        assert!(client.sync(&honest.mirror()).expect("the count began anew"));
        assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
        assert_eq!(client.refused(&stolen.mirror()).0, "signature-key-unknown");
    }
}

#[test]
fn r5_parts_of_different_states_are_not_mixed() {
    for file in ["snapshot", "targets", "packages"] {
        let (second, client, _) = two_states();
        let mut mirror = second.mirror();
        let old = mirror.files[&format!("1.{file}.json")].clone();
        mirror.files.insert(format!("2.{file}.json"), old);
        let (code, message) = client.refused(&mirror);
        assert_eq!(code, "metadata-mixed", "{file}");
        assert_eq!(
            message,
            format!("2.{file}.json is version 1, which does not belong to version 2 of the rest")
        );
        // What is good of that mirror is kept, and another one gives the rest.
        assert!(client.sync(&second.mirror()).expect("it is honest"));
    }
}

#[test]
fn r5_a_role_that_vanishes_is_missed() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.snapshot.meta.remove("packages.json");
    forge.publish_snapshot();
    let (code, message) = client.refused(&forge.mirror());
    assert_eq!(code, "metadata-vanished");
    assert_eq!(
        message,
        "packages.json was part of the repository and is no longer"
    );
}

#[test]
fn r6_nothing_is_read_further_than_was_signed() {
    let (second, client, _) = two_states();
    for (file, limit) in [
        ("timestamp.json", 65_536),
        ("2.root.json", 65_536),
        ("2.snapshot.json", second.files["2.snapshot.json"].len()),
        ("2.targets.json", second.files["2.targets.json"].len()),
        ("2.packages.json", second.files["2.packages.json"].len()),
    ] {
        let mut mirror = second.mirror();
        mirror.endless.push(file.into());
        let (code, message) = client.refused(&mirror);
        assert_eq!(code, "metadata-too-large");
        assert_eq!(
            message,
            format!("{file} has more than {limit} bytes, which is all it may have")
        );
    }
}

#[test]
fn r6_a_file_of_the_disk_is_not_read_to_its_end_either() {
    let forge = Forge::new();
    let directory = tempfile::tempdir().expect("there is room");
    let file =
        fs_err::File::create(directory.path().join("timestamp.json")).expect("there is room");
    file.set_len(1 << 40)
        .expect("the file system has sparse files");
    let source = DirectorySource::new(directory.path());
    assert_eq!(Client::new(&forge).refused(&source).0, "metadata-too-large");
}

#[test]
fn r7_and_r8_index_files_are_those_that_packages_signed() {
    // A mirror may serve any bytes as an index or archive: what is trusted is a length and a digest.
    let forge = Forge::new();
    let client = Client::following(&forge);
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
    assert_ne!(
        client.index(),
        Some(TargetFile::of(b"index 1 with one dependency more"))
    );
    assert_ne!(client.index(), Some(TargetFile::of(b"another")));

    // The key of `packages` speaks of index files alone, and nobody else whom `targets` trusts less does.
    let mut wide = forge.clone();
    let stray = "keys/root.json".to_owned();
    wide.packages
        .targets
        .insert(stray.clone(), TargetFile::of(b"x"));
    wide.packages.version += 1;
    wide.publish_packages();
    wide.publish_snapshot();
    assert!(client.sync(&wide.mirror()).expect("it is signed"));
    let repository = client.open();
    assert_eq!(
        repository
            .trusted()
            .and_then(|trusted| trusted.file(&stray)),
        None
    );
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
}

#[test]
fn r8_a_path_belongs_to_the_first_role_that_it_is_delegated_to() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    let mut other = forge.targets.delegations.roles[0].clone();
    other.name = "other".into();
    other.paths = vec!["index/packages.*".into()];
    forge.targets.delegations.roles.insert(0, other);
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is signed"));
    assert_eq!(client.index(), None);
}

#[test]
fn r9_a_damaged_mirror_is_named_and_the_next_one_goes_on() {
    let (second, client, _) = two_states();
    for (damage, code) in [
        ("flip", "metadata-digest-mismatch"),
        ("cut", "metadata-length-mismatch"),
        ("lose", "metadata-absent"),
    ] {
        let mut mirror = second.mirror();
        let file = "2.targets.json";
        let mut bytes = mirror.files.remove(file).expect("it is published");
        match damage {
            "flip" => bytes[40] ^= 1,
            "cut" => bytes.truncate(100),
            _ => {}
        }
        if damage != "lose" {
            mirror.files.insert(file.into(), bytes);
        }
        let error = client.sync(&mirror).expect_err("it is damaged");
        assert!(error.concerns_mirror());
        assert_eq!(error.code(), code);
        assert!(error.to_string().starts_with(file));
    }
    assert!(client.sync(&second.mirror()).expect("it is honest"));
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
}

#[test]
fn r10_a_stolen_packages_key_installs_nothing_after_it_was_replaced() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    let thief = forge.clone();
    forge.signers.insert("packages", vec![17]);
    forge.delegate(&[17]);
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));

    // The thief has the packages key, and those of snapshot and timestamp too.
    let mut thief = Forge {
        targets: forge.targets.clone(),
        snapshot: forge.snapshot.clone(),
        timestamp: forge.timestamp.clone(),
        files: forge.files.clone(),
        packages: forge.packages.clone(),
        ..thief
    };
    thief.signers.insert("packages", vec![PACKAGES]);
    thief.index = b"evil".to_vec();
    thief.publish_index();
    let (code, message) = client.refused(&thief.mirror());
    assert_eq!(code, "signature-key-unknown");
    assert_eq!(message, "3.packages.json is not to be trusted");
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
}

#[test]
fn r10_a_stolen_timestamp_key_alone_chooses_nothing() {
    let forge = Forge::new();
    let client = Client::following(&forge);
    let mut thief = forge.clone();
    thief.index = b"evil".to_vec();
    for role in ["targets", "packages", "snapshot"] {
        thief.signers.insert(role, vec![TIMESTAMP]);
    }
    thief.publish_all();
    assert_eq!(client.refused(&thief.mirror()).0, "signature-key-unknown");
    let client = Client::following(&forge);
    let mut thief = forge.clone();
    thief.timestamp.snapshot = MetaFile::of(1, b"{}");
    thief.publish_timestamp();
    assert_eq!(client.refused(&thief.mirror()).0, "metadata-too-large");
}

#[test]
fn whatever_byte_a_mirror_changes_nothing_else_is_trusted() {
    let (second, _, first) = two_states();
    let genuine = TargetFile::of(b"index 2");
    let mut refused = 0;
    for name in [
        "timestamp.json",
        "2.snapshot.json",
        "2.targets.json",
        "2.packages.json",
    ] {
        let length = second.files[name].len();
        for at in (0..length).step_by(length / 25) {
            let client = Client::following(&first);
            let mut mirror = second.mirror();
            mirror.files.get_mut(name).expect("it is published")[at] ^= 1 << (at % 8);
            match client.sync(&mirror) {
                Ok(_) => assert_eq!(client.index(), Some(genuine), "{name} {at}"),
                Err(_) => {
                    refused += 1;
                    assert_eq!(
                        client.index(),
                        Some(TargetFile::of(b"index 1")),
                        "{name} {at}"
                    );
                }
            }
            client.sync(&second.mirror()).expect("it is honest");
            assert_eq!(client.index(), Some(genuine), "{name} {at}");
        }
    }
    // Nothing that was served can be anything else without being noticed.
    assert!(refused >= 100, "{refused}");
}
