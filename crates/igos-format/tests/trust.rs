//! Metadata of repositories: what is written is read as the same, and what is not metadata is refused by its field.

use std::collections::BTreeMap;

use igos_format::Sha256;
use igos_format::trust::{
    Delegation, Delegations, Envelope, Json, KeyId, MetaFile, Metadata, PublicKey,
    ReadMetadataError, RoleKeys, Root, Scope, SignatureBytes, Snapshot, TargetFile, Targets,
    Timestamp, UtcTime,
};
use igos_report::Explain;
use proptest::prelude::{Strategy, any, prop, proptest};

fn key(number: u8) -> PublicKey {
    PublicKey::from_bytes([number; 32])
}

fn keys(numbers: impl IntoIterator<Item = u8>) -> BTreeMap<KeyId, PublicKey> {
    let named = |number| (key(number).id(), key(number));
    numbers.into_iter().map(named).collect()
}

fn role(numbers: &[u8], threshold: u64) -> RoleKeys {
    RoleKeys::new(numbers.iter().map(|number| key(*number).id()), threshold)
}

fn time(seconds: i64) -> UtcTime {
    UtcTime::from_seconds(seconds).expect("it is a time")
}

fn root() -> Root {
    Root {
        version: 3,
        expires: time(1_900_000_000),
        keys: keys(1..=4),
        root: role(&[1, 2], 2),
        targets: role(&[2], 1),
        snapshot: role(&[3], 1),
        timestamp: role(&[4, 3], 1),
    }
}

fn targets() -> Targets {
    Targets {
        version: 7,
        expires: time(1_900_000_000),
        targets: [("index/packages.index".to_owned(), TargetFile::of(b"x"))].into(),
        delegations: Delegations {
            keys: keys(5..=6),
            roles: vec![Delegation {
                name: "packages".into(),
                keys: role(&[5], 1),
                is_terminating: true,
                scope: Scope::Paths(vec!["index/*".into(), "a?/*.b".into()]),
            }],
        },
        retired_keys: keys([9]),
    }
}

fn timestamp() -> Timestamp {
    Timestamp {
        version: 12,
        expires: time(1_900_000_000),
        created: Some(time(1_800_000_000)),
        snapshot: MetaFile::of(11, b"{}"),
    }
}

/// Writes and reads a value.
fn again<T: Metadata>(value: &T) -> Result<T, ReadMetadataError> {
    let envelope = Envelope {
        signed: value.to_json(),
        signatures: [(key(1).id(), SignatureBytes([7; 64]))].into(),
    };
    let read = Envelope::read(&envelope.to_bytes(), u64::MAX)?;
    assert_eq!(read, envelope);
    T::from_json(&read.signed)
}

#[test]
fn written_metadata_is_read_as_the_same() {
    assert_eq!(again(&root()).ok(), Some(root()));
    assert_eq!(again(&targets()).ok(), Some(targets()));
    assert_eq!(again(&timestamp()).ok(), Some(timestamp()));
    let plain = Targets {
        delegations: Delegations::default(),
        retired_keys: BTreeMap::new(),
        ..targets()
    };
    assert_eq!(again(&plain).ok(), Some(plain));
    let mut bins = targets();
    bins.delegations.roles[0].scope = Scope::HashPrefixes(vec!["0".into(), "f3".into()]);
    assert_eq!(again(&bins).ok(), Some(bins));
}

#[test]
fn part_of_a_list_has_the_paths_whose_digests_begin_so() {
    let mut delegation = targets().delegations.roles.remove(0);
    let path = "archives/zlib-1.3.1-2.x86_64.igos.tar.zst";
    let digest = Sha256::of(path.as_bytes()).to_string();
    for (prefixes, expected) in [
        (vec![digest[..1].to_owned()], true),
        (vec!["g".to_owned(), digest.clone()], true),
        (vec![digest[1..3].to_owned()], digest[1..3] == digest[..2]),
        (vec![], false),
    ] {
        delegation.scope = Scope::HashPrefixes(prefixes);
        assert_eq!(delegation.covers(path), expected, "{delegation:?}");
    }
}

/// Sets the value at a path of keys and positions.
fn set(json: &mut Json, path: &[&str], value: Option<Json>) {
    let (name, rest) = path.split_first().expect("a path has a name");
    match json {
        Json::Object(fields) if rest.is_empty() => {
            match value {
                Some(value) => fields.insert((*name).to_owned(), value),
                None => fields.remove(*name),
            };
        }
        Json::Object(fields) => {
            set(
                fields.get_mut(*name).expect("the field is there"),
                rest,
                value,
            );
        }
        Json::List(items) => {
            let at: usize = name.parse().expect("it is a position");
            match (rest.is_empty(), value) {
                (true, Some(value)) => items[at] = value,
                (true, None) => drop(items.remove(at)),
                (false, value) => set(&mut items[at], rest, value),
            }
        }
        _ => panic!("{name} is not inside of anything"),
    }
}

/// Returns what is said of metadata in which one value is another.
fn refusal<T: Metadata>(metadata: &T, path: &[&str], value: Option<Json>) -> String {
    let mut json = metadata.to_json();
    set(&mut json, path, value);
    match T::from_json(&json) {
        Ok(_) => "taken".to_owned(),
        Err(error) => {
            let at = format!("the metadata's field `signed.{}`", path.join("."));
            error.to_string().replace(&at, "it")
        }
    }
}

#[test]
fn roots_are_refused_by_the_field_that_is_wrong() {
    let id = key(1).id().to_string();
    let text = |text: &str| Some(Json::text(text));
    let number = |number| Some(Json::Integer(number));
    let list = |ids: &[KeyId]| Some(Json::List(ids.iter().map(Json::text).collect()));
    let refusal = |path: &[&str], value| refusal(&root(), path, value);
    assert_eq!(
        refusal(&["_type"], text("targets")),
        "it is of another kind of metadata"
    );
    assert_eq!(
        refusal(&["spec_version"], text("2.0.0")),
        "the metadata is of TUF 2.0.0, this program reads TUF 1"
    );
    assert_eq!(refusal(&["spec_version"], text("1.9")), "taken");
    assert_eq!(refusal(&["version"], number(0)), "it is 0, the first is 1");
    assert_eq!(refusal(&["version"], number(-1)), "it is a negative number");
    assert_eq!(refusal(&["version"], text("1")), "it is not a number");
    assert_eq!(refusal(&["version"], None), "it is missing");
    assert_eq!(
        refusal(&["expires"], text("2030-01-01")),
        "it is not a time of the form 2030-01-31T12:00:00Z"
    );
    assert_eq!(
        refusal(&["consistent_snapshot"], Some(Json::Boolean(false))),
        "it is false: files whose names do not change cannot be replaced safely"
    );
    assert_eq!(refusal(&["roles", "snapshot"], None), "it is missing");
    assert_eq!(
        refusal(&["roles", "root", "threshold"], number(0)),
        "it is 0, the first is 1"
    );
    assert_eq!(
        refusal(&["roles", "root", "threshold"], number(3)),
        "it asks for more signatures than there are keys"
    );
    let twice = list(&[key(1).id(), key(1).id()]);
    assert!(refusal(&["roles", "root", "keyids"], twice).ends_with("names a key a second time"));
    let stranger = list(&[key(9).id()]);
    assert!(
        refusal(&["roles", "root", "keyids"], stranger)
            .ends_with("names a key that is not among `keys`")
    );
    assert_eq!(
        refusal(&["keys", &id, "keytype"], text("rsa")),
        "it is not `ed25519`"
    );
    assert_eq!(
        refusal(&["keys", &id, "comment"], text("mine")),
        format!("the metadata's field `signed.keys.{id}` has more than a key has")
    );
    let other = key(2).to_string();
    assert_eq!(
        refusal(&["keys", &id, "keyval", "public"], text(&other)),
        format!("the metadata lists key {} as {id}", key(2).id())
    );
    let upper = Some(Json::Text("AB".repeat(32)));
    assert_eq!(
        refusal(&["keys", &id, "keyval", "public"], upper),
        "it is not 64 lowercase hexadecimal digits"
    );
    assert_eq!(refusal(&["unknown"], text("anything")), "taken");
}

#[test]
fn other_metadata_is_refused_by_the_field_that_is_wrong() {
    let text = |text: &str| Some(Json::text(text));
    let number = |number| Some(Json::Integer(number));
    let of_targets = |path: &[&str], value| refusal(&targets(), path, value);
    let file = targets().to_json();
    let Json::Object(file) = file else {
        panic!("it is an object")
    };
    for path in ["../x", "/x", "a//b", "a/./b", "", "a\\b", "a\nb"] {
        let Json::Object(mut files) = file["targets"].clone() else {
            panic!("it is an object")
        };
        files.insert(path.to_owned(), files["index/packages.index"].clone());
        let said = of_targets(&["targets"], Some(Json::Object(files)));
        assert!(
            said.ends_with("is not named by a relative path"),
            "{path} {said}"
        );
    }
    let role = ["delegations", "roles", "0"];
    let at = |name| [&role[..], &[name]].concat();
    for (name, said) in [
        ("root", "it is a name that the root gives"),
        ("a/b", "it is not the name of a role"),
        (".a", "it is not the name of a role"),
        ("", "it is not the name of a role"),
    ] {
        assert_eq!(of_targets(&at("name"), text(name)), said, "{name}");
    }
    assert_eq!(of_targets(&at("paths"), None), "it is missing");
    let class = [&at("paths")[..], &["0"]].concat();
    assert_eq!(
        of_targets(&class, text("index/[a-z]")),
        "it has a class of characters, which is not supported"
    );
    let prefixes = |text: &str| Some(Json::List(vec![Json::text(text)]));
    assert_eq!(
        of_targets(&at("path_hash_prefixes"), prefixes("0")),
        "it stands beside `paths`"
    );
    let mut bins = targets();
    bins.delegations.roles[0].scope = Scope::HashPrefixes(vec!["0".into()]);
    let first = [&at("path_hash_prefixes")[..], &["0"]].concat();
    for prefix in ["", "F", "g", "0x", &"0".repeat(65)] {
        assert_eq!(
            refusal(&bins, &first, text(prefix)),
            "it is not the beginning of a digest",
            "{prefix}"
        );
    }
    assert_eq!(
        of_targets(&at("terminating"), number(1)),
        "it is neither true nor false"
    );
    let hashes = ["targets", "index/packages.index", "hashes", "sha256"];
    assert_eq!(of_targets(&hashes, None), "it is missing");
    assert_eq!(
        of_targets(&hashes, text(&Sha256::of(b"").to_string()[1..])),
        "it is not 64 lowercase hexadecimal digits"
    );

    let of_timestamp = |path: &[&str], value| refusal(&timestamp(), path, value);
    assert_eq!(
        of_timestamp(&["x-igos-created"], text("2030-03-17T17:46:41Z")),
        "it is after `expires`"
    );
    assert_eq!(of_timestamp(&["x-igos-created"], None), "taken");
    assert_eq!(
        of_timestamp(&["meta", "snapshot.json"], None),
        "it is missing"
    );
    assert_eq!(
        of_timestamp(&["meta", "snapshot.json", "length"], number(-1)),
        "it is a negative number"
    );
    assert_eq!(
        of_timestamp(&["meta", "snapshot.json", "length"], None),
        "taken"
    );
}

#[test]
fn envelopes_are_bounded_and_count_each_key_once() {
    let signature = |id: KeyId, text: &str| {
        Json::object([("keyid", Json::text(id)), ("sig", Json::text(text))])
    };
    let file = |signatures: Vec<Json>| {
        let fields = [
            ("signed", Json::Null),
            ("signatures", Json::List(signatures)),
        ];
        Json::object(fields).to_text()
    };
    let good = SignatureBytes([1; 64]).to_string();
    let id = key(1).id();
    let twice = file(vec![signature(id, &good), signature(id, "")]);
    let code = |bytes: &[u8], limit| Envelope::read(bytes, limit).map_err(|error| error.code());
    assert_eq!(code(&twice, 4096), Err("metadata-malformed"));
    let once = file(vec![signature(id, &good), signature(key(2).id(), "")]);
    let read = code(&once, 4096).expect("it is metadata");
    assert_eq!(
        read.signatures.len(),
        1,
        "an empty signature vouches for nothing"
    );
    assert_eq!(
        code(&once, once.len() as u64 - 1),
        Err("metadata-too-large")
    );
    assert_eq!(code(&once, once.len() as u64), Ok(read));
    assert_eq!(
        code(b"{\"signed\":1.5,\"signatures\":[]}", 4096),
        Err("metadata-malformed")
    );
    assert_eq!(
        code(b"{\"signatures\":[]}", 4096),
        Err("metadata-malformed")
    );
    let crowd: Vec<Json> = (0..1025_u64)
        .map(|number| signature(KeyId::from_sha256(Sha256::of(&number.to_le_bytes())), &good))
        .collect();
    assert_eq!(code(&file(crowd), u64::MAX), Err("metadata-malformed"));
}

fn meta_files() -> impl Strategy<Value = MetaFile> {
    let digest = any::<Option<[u8; 32]>>();
    let length = prop::option::of(0..=i64::MAX as u64);
    (1..=i64::MAX as u64, length, digest).prop_map(|(version, length, digest)| MetaFile {
        version,
        length,
        sha256: digest.map(Sha256::from_bytes),
    })
}

proptest! {
    #[test]
    fn any_snapshot_is_read_as_it_was_written(
        version in 1..=i64::MAX as u64,
        seconds in 0_i64..100_000_000_000,
        meta in prop::collection::btree_map(any::<String>(), meta_files(), 0..6),
    ) {
        let snapshot = Snapshot { version, expires: time(seconds), meta };
        assert_eq!(again(&snapshot).ok(), Some(snapshot));
    }

    #[test]
    fn metadata_with_a_changed_byte_is_another_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let envelope = Envelope { signed: root().to_json(), signatures: BTreeMap::new() };
        let mut bytes = envelope.to_bytes();
        let at = at.index(bytes.len());
        let is_same = bytes[at] == byte;
        bytes[at] = byte;
        if let Ok(read) = Envelope::read(&bytes, u64::MAX) {
            assert_eq!(read == envelope, is_same);
            drop(Root::from_json(&read.signed));
        }
    }
}
