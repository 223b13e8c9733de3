//! R5 to R9: parts that do not belong together, files without end, other files.

use igos_format::trust::{Scope, TargetFile};
use igos_report::Explain;

use super::two_states;
use crate::forge::{Client, Forge};

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
    other.scope = Scope::Paths(vec!["index/packages.*".into()]);
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
