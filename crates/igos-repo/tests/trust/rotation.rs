//! Keys change: of the root, of the online roles, of packages.

use igos_format::trust::{RoleKeys, TargetFile};
use igos_repo::DirectoryBelow;
use igos_repo::trust::{KeyStanding, Refresh, TrustedRepository, VerifySealError, verify_seal};

use crate::forge::{
    Client, Forge, PACKAGES, SNAPSHOT, STRANGER, TARGETS, TIMESTAMP, key, keys, time,
};

/// Gives the root to these keys, two of which must sign, and signs with the first two.
fn give_root(forge: &mut Forge, numbers: &[u8]) {
    forge.rotate(|forge| {
        forge.know(&[numbers, &[TARGETS, SNAPSHOT, TIMESTAMP]].concat());
        forge.root.root = RoleKeys::new(numbers.iter().map(|number| key(*number).id()), 2);
        forge.signers.insert("root", numbers[..2].to_vec());
    });
}

#[test]
fn a_client_that_missed_the_second_root_gets_to_the_third() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    give_root(&mut forge, &[2, 21, 22]);
    give_root(&mut forge, &[31, 32, 33]);
    forge.index = b"index 2".to_vec();
    forge.publish_all();
    let mirror = forge.mirror();
    assert!(client.sync(&mirror).expect("the chain is whole"));
    assert_eq!(client.open().root().version, 3);
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
    assert_eq!(
        mirror.asked(),
        [
            "timestamp.json",
            "2.root.json",
            "3.root.json",
            "4.root.json",
            "timestamp.json",
            "2.snapshot.json",
            "2.targets.json",
            "2.packages.json"
        ]
    );
    // The keys of the first root are worth nothing now.
    forge.root.version = 4;
    forge.signers.insert("root", vec![1, 2, 3]);
    forge.publish_root();
    forge.publish_timestamp();
    assert_eq!(client.refused(&forge.mirror()).0, "signature-key-unknown");
}

#[test]
fn a_root_must_be_signed_by_the_keys_before_it_and_by_its_own() {
    let forge = Forge::new();
    let client = Client::following(&forge);
    for (signers, code) in [
        // By its own alone; by the old ones alone; by one of each.
        (&[31, 32][..], "signature-key-unknown"),
        (&[1, 2], "signature-key-unknown"),
        (&[1, 31], "signatures-too-few"),
    ] {
        let mut forge = forge.clone();
        give_root(&mut forge, &[31, 32, 33]);
        forge.signers.insert("root", signers.to_vec());
        forge.publish_root();
        forge.publish_timestamp();
        assert_eq!(client.refused(&forge.mirror()).0, code, "{signers:?}");
    }
}

#[test]
fn a_chain_with_a_gap_ends_there() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    give_root(&mut forge, &[2, 21, 22]);
    give_root(&mut forge, &[31, 32, 33]);
    forge.publish_all();
    let mut mirror = forge.mirror();
    mirror.files.remove("2.root.json");
    assert!(
        client
            .sync(&mirror)
            .expect("the other keys are as they were")
    );
    assert_eq!(client.open().root().version, 1);
    // A later root in the place of the next one is refused.
    let third = mirror.files["3.root.json"].clone();
    mirror.files.insert("2.root.json".into(), third);
    forge.publish_timestamp();
    let newest = forge.files["timestamp.json"].clone();
    mirror.files.insert("timestamp.json".into(), newest);
    assert_eq!(client.refused(&mirror).0, "signatures-too-few");
}

#[test]
fn roots_that_were_verified_are_kept_though_the_rest_fails() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    give_root(&mut forge, &[2, 21, 22]);
    forge.publish_all();
    let mut mirror = forge.mirror();
    mirror.files.remove("2.targets.json");
    assert_eq!(
        client
            .sync(&mirror)
            .expect_err("a file is missing")
            .to_string(),
        "2.targets.json is missing"
    );
    assert_eq!(client.open().root().version, 2);
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
}

#[test]
fn targets_can_get_new_keys() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    let thief = forge.clone();
    forge.rotate(|forge| {
        forge.know(&[1, 2, 3, 14, SNAPSHOT, TIMESTAMP]);
        forge.root.targets = RoleKeys::new([key(14).id()], 1);
        forge.signers.insert("targets", vec![14]);
    });
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    let mut forged = forge.clone();
    forged.targets = thief.targets;
    forged.signers.insert("targets", vec![TARGETS]);
    forged.targets.version = 5;
    forged.publish_all();
    let (code, message) = client.refused(&forged.mirror());
    assert_eq!(code, "signature-key-unknown");
    assert_eq!(message, "6.targets.json is not to be trusted");
}

#[test]
fn packages_keys_are_authorised_then_retired_then_revoked() {
    let seal = b"igos-seal 1 1\n";
    let signature = key(PACKAGES).sign_seal(seal);
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    let standing = || {
        let repository = client.open();
        let keys = repository.trusted().expect("it was adopted").seal_keys();
        verify_seal(seal, &signature, &keys)
    };
    assert_eq!(standing(), Ok(KeyStanding::Authorised));

    forge.signers.insert("packages", vec![17]);
    forge.delegate(&[17]);
    forge.targets.retired_keys = [(key(PACKAGES).id(), key(PACKAGES).public())].into();
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    assert_eq!(standing(), Ok(KeyStanding::Retired));

    forge.targets.retired_keys.clear();
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    let key = key(PACKAGES).id();
    assert_eq!(standing(), Err(VerifySealError::UnknownKey { key }));
}

#[test]
fn an_anchor_that_is_part_of_the_chain_changes_nothing() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    give_root(&mut forge, &[2, 21, 22]);
    give_root(&mut forge, &[31, 32, 33]);
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    for (version, expected) in [(2, 3), (1, 3), (3, 3)] {
        let anchor = &forge.files[&format!("{version}.root.json")];
        let opened = TrustedRepository::open(
            DirectoryBelow::make_at(client.directory()).expect("it can be made"),
            anchor,
        );
        let mut repository = opened.expect("it is part of the chain");
        assert_eq!(repository.root().version, expected);
        let refresh = repository.refresh(&forge.mirror(), &client.options);
        assert!(matches!(refresh, Ok(Refresh::Unchanged)));
    }
    assert_eq!(client.open().root().version, 3);
}

#[test]
fn a_time_that_a_stolen_key_made_up_ends_with_the_key() {
    let mut honest = Forge::new();
    let client = Client::following(&honest);
    // The thief says that it is the year 2200: everything else has expired by then.
    let mut thief = honest.clone();
    thief.timestamp.created = Some(time(7_258_118_400));
    thief.timestamp.expires = time(7_258_118_401);
    thief.publish_timestamp();
    assert_eq!(client.refused(&thief.mirror()).0, "metadata-frozen");
    honest.index = b"index 2".to_vec();
    honest.publish_all();
    assert_eq!(client.refused(&honest.mirror()).0, "metadata-frozen");
    honest.rotate(|forge| {
        forge.know(&[1, 2, 3, TARGETS, SNAPSHOT, 16]);
        forge.root.timestamp = RoleKeys::new([key(16).id()], 1);
        forge.signers.insert("timestamp", vec![16]);
    });
    honest.publish_timestamp();
    assert!(
        client
            .sync(&honest.mirror())
            .expect("the thief's time is forgotten")
    );
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
}

#[test]
fn another_anchor_begins_another_chain() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    give_root(&mut forge, &[2, 21, 22]);
    forge.publish_all();
    assert!(client.sync(&forge.mirror()).expect("it is honest"));

    // All root keys were lost: those who run it begin again, and the administrator believes the new root.
    let mut again = Forge::new();
    again.know(&[41, 42, TARGETS, SNAPSHOT, TIMESTAMP]);
    again.root.root = RoleKeys::new(keys(&[41, 42]).iter().map(|key| key.id()), 2);
    again.signers.insert("root", vec![41, 42]);
    again.publish_root();
    let opened = TrustedRepository::open(
        DirectoryBelow::make_at(client.directory()).expect("it can be made"),
        &again.anchor(),
    );
    let mut repository = opened.expect("the anchor vouches for itself");
    assert_eq!(repository.root().version, 1);
    // The other keys are the same, so what is older than the known still is.
    let error = repository.refresh(&again.mirror(), &client.options);
    assert_eq!(
        error.expect_err("it is older").to_string(),
        "timestamp.json is version 1, version 2 is known already"
    );
    // A root that nobody vouches for is no anchor.
    again.signers.insert("root", vec![STRANGER]);
    again.publish_root();
    let opened = TrustedRepository::open(
        DirectoryBelow::make_at(client.directory()).expect("it can be made"),
        &again.anchor(),
    );
    let error = opened.expect_err("a stranger signed it");
    assert_eq!(
        error.to_string(),
        "the root that the settings name cannot be used"
    );
}
