//! The examples of `docs/formats/trust.md` are read, and are what they say they are.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use fs_err as fs;
use igos_format::trust::{Envelope, Json, KeyDraft, Metadata, PublicKey, Root, Timestamp, TopRole};
use igos_repo::trust::{SecretKey, sign, verify};

use crate::forge::{TIMESTAMP, key, keys, time};

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/trust.md");
    fs::read_to_string(path).expect("the document is there")
}

/// Returns the blocks of one kind, in their order.
fn blocks(document: &str, kind: &str) -> Vec<String> {
    let start = format!("```{kind}\n");
    let mut blocks = document.split(&start).skip(1);
    let mut found = Vec::new();
    for block in &mut blocks {
        let (text, _) = block.split_once("```").expect("a block ends");
        found.push(text.to_owned());
    }
    found
}

#[test]
fn the_documents_keys_are_keys() {
    let document = document();
    let json = &blocks(&document, "json")[0];
    let public: PublicKey = key(1).public();
    assert_eq!(json.trim_end().as_bytes(), public.to_json().to_canonical());
    assert!(document.contains(&format!("which for this key is `{}`", public.id())));

    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path().join("key");
    fs::write(&path, &blocks(&document, "key")[0]).expect("there is room");
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
    let secret = SecretKey::load(&path).expect("it is a key");
    assert_eq!(secret.public(), public);
}

#[test]
fn the_documents_metadata_is_signed_by_its_keys() {
    let document = document();
    let json = blocks(&document, "json");
    let [_, root, timestamp] = &json[..] else {
        panic!("there are three blocks");
    };
    let root = Envelope::read(root.as_bytes(), 64 * 1024).expect("it is metadata");
    let stated = Root::from_json(&root.signed).expect("it is a root");
    let root = verify::<Root>(root, &stated.authority(TopRole::Root)).expect("it is signed");
    let timestamp = Envelope::read(timestamp.as_bytes(), 64 * 1024).expect("it is metadata");
    let authority = root.value().authority(TopRole::Timestamp);
    let timestamp = verify::<Timestamp>(timestamp, &authority).expect("it is signed");
    // They are what our writer makes of the same values.
    let again = sign(root.value().clone(), &keys(&[1, 2]));
    assert_eq!(again.envelope(), root.envelope());
    let again = sign(timestamp.value().clone(), &keys(&[TIMESTAMP]));
    assert_eq!(again.envelope(), timestamp.envelope());
    assert_eq!(timestamp.value().created, Some(time(1_900_000_000)));
}

#[test]
fn the_documents_key_draft_has_the_fields_that_are_written() {
    let empty = Envelope {
        signed: Json::object([]),
        signatures: Default::default(),
    };
    let draft = KeyDraft {
        old_root: empty.clone(),
        old_targets: empty.clone(),
        root: Some(empty.clone()),
        targets: Some(empty),
    };
    let Ok(Json::Object(fields)) = Json::read(&draft.to_bytes()) else {
        panic!("a draft is an object")
    };
    let mut written = BTreeSet::new();
    for (name, value) in fields {
        match value {
            Json::Object(below) => written.extend(below.into_keys().map(|b| format!("{name}.{b}"))),
            _ => assert!(written.insert(name)),
        }
    }
    let document = document();
    let (_, section) = document
        .split_once("\n## Key drafts\n")
        .expect("it is there");
    let (table, _) = section.split_once("\n\n`igos-build").expect("it ends");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<String> = rows
        .flat_map(|row| {
            row.split(" | ")
                .next()
                .unwrap_or_default()
                .split('`')
                .skip(1)
                .step_by(2)
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, written);
}

#[test]
fn the_document_lists_every_code() {
    let document = document();
    let top = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut codes = BTreeSet::new();
    for file in [
        "igos-format/src/trust/error.rs",
        "igos-repo/src/trust/secret.rs",
        "igos-repo/src/trust/offer.rs",
        "igos-repo/src/trust/seal.rs",
        "igos-repo/src/trust/verify.rs",
        "igos-repo/src/publish/offline/error.rs",
        "igos-repo/src/trust/client/error.rs",
        "igos-repo/src/trust/client/trusted.rs",
    ] {
        let text = fs::read_to_string(format!("{top}/{file}")).expect("it is there");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for function in text.split("fn code(").skip(1) {
            let body = function.split("\n    }\n").next().unwrap_or_default();
            codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    assert_eq!(codes.len(), 38, "{codes:?}");
    for code in codes {
        assert!(document.contains(&format!("`{code}`")), "{code}");
    }
}
