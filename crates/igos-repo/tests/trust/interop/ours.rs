//! The reference client follows what we sign, and refuses what we refuse.

use igos_format::Sha256;
use igos_format::trust::RoleKeys;

use super::python::python;
use super::served::{ARCHIVE, ARCHIVE_BYTES, Served, publish, whole};
use crate::forge::{
    Client, DAY, Forge, INDEX, NOW, SNAPSHOT, STRANGER, TARGETS, TIMESTAMP, key, time,
};

#[test]
fn the_reference_client_follows_what_we_sign() {
    let Some(python) = python() else { return };
    let mut forge = whole();
    publish(&mut forge);
    let served = Served::new(python, &forge);
    let archive = Sha256::of(ARCHIVE_BYTES);
    assert_eq!(
        served.follow(&[INDEX, ARCHIVE, "index/absent", "elsewhere"]),
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
    served.serve(&forge);
    assert_eq!(
        served.follow(&[INDEX]),
        format!(
            "{{\"versions\": {{\"root\": 3, \"timestamp\": 3, \"snapshot\": 3, \"targets\": 3}}, \"targets\": {{\"{INDEX}\": \"{}\"}}}}",
            Sha256::of(b"index 2")
        )
    );
}

/// An attack: how a repository is changed, our code for it, and the exception of the reference client.
type Attack = (fn(&Forge) -> Forge, &'static str, &'static str);

/// Returns the next state, signed by whom the change says.
fn next(forge: &Forge, change: impl FnOnce(&mut Forge)) -> Forge {
    let mut forge = forge.clone();
    change(&mut forge);
    publish(&mut forge);
    forge
}

/// Returns the next state, one file of which was changed after signing.
fn tampered(forge: &Forge, change: impl FnOnce(&mut Forge)) -> Forge {
    let mut forge = next(forge, |_| {});
    change(&mut forge);
    forge
}

const ATTACKS: [Attack; 7] = [
    (
        |forge| {
            next(forge, |forge| {
                drop(forge.signers.insert("snapshot", vec![STRANGER]))
            })
        },
        "signature-key-unknown",
        "UnsignedMetadataError",
    ),
    (
        |forge| {
            next(forge, |forge| {
                drop(forge.signers.insert("packages", vec![STRANGER]))
            })
        },
        "signature-key-unknown",
        "UnsignedMetadataError",
    ),
    (
        |forge| {
            next(forge, |forge| {
                forge.signers.insert("root", vec![1]);
                forge.rotate(|_| {});
            })
        },
        "signatures-too-few",
        "UnsignedMetadataError",
    ),
    (
        |forge| {
            next(forge, |forge| {
                forge.timestamp.expires = time(NOW - 9 * 365 * DAY)
            })
        },
        "metadata-frozen",
        "ExpiredMetadataError",
    ),
    (
        |forge| next(forge, |forge| forge.timestamp.version = 0),
        "metadata-rollback",
        "BadVersionNumberError",
    ),
    (
        |forge| {
            tampered(forge, |forge| {
                let old = forge.files["2.targets.json"].clone();
                forge.files.insert("3.targets.json".into(), old);
            })
        },
        "metadata-mixed",
        "LengthOrHashMismatchError",
    ),
    (
        |forge| {
            tampered(forge, |forge| {
                let file = forge.files.get_mut("3.snapshot.json");
                file.expect("it is published")[99] ^= 1;
            })
        },
        "metadata-digest-mismatch",
        "LengthOrHashMismatchError",
    ),
];

#[test]
fn the_reference_client_refuses_what_we_refuse() {
    let Some(python) = python() else { return };
    let mut forge = whole();
    publish(&mut forge);
    for (number, (attack, ours, theirs)) in ATTACKS.into_iter().enumerate() {
        let client = Client::following(&forge);
        let served = Served::new(python, &forge);
        let before = served.follow(&[INDEX]);
        assert!(before.starts_with("{\"versions\""), "{before}");
        let malicious = attack(&forge);
        assert_eq!(client.refused(&malicious.mirror()).0, ours, "{number}");
        served.serve(&malicious);
        let said = served.follow(&[INDEX]);
        assert_eq!(said, format!("{{\"error\": \"{theirs}\"}}"), "{number}");
    }
}
