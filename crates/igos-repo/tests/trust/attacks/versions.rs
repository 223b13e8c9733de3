//! R2 to R4 and R11: what is old, held back, or counted too far.

use igos_format::trust::TargetFile;
use igos_repo::trust::{Expiry, Rollback, Standing};
use igos_report::Explain;

use super::two_states;
use crate::forge::{Client, DAY, Forge, INDEX, NOW, SNAPSHOT, TARGETS, TIMESTAMP, time};

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
