//! R1 and R10: who signs.

use igos_format::trust::{MetaFile, TargetFile};
use igos_repo::trust::sign;

use super::two_states;
use crate::forge::{Client, Forge, PACKAGES, STRANGER, TIMESTAMP, keys};

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
