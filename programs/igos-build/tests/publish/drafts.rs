//! Offline keys of several people: `key make`, `--draft`, `key sign`, `key apply`.

use serde_json::{Value, json};

use crate::{TIME, World, codes, exists};

/// A repository whose two root keys of three must sign, none of them online.
fn world() -> World {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    let new = [
        "key",
        "new",
        "several",
        "--root-keys",
        "3",
        "--root-threshold",
        "2",
    ];
    assert_eq!(
        world.run(&[&new[..], &["--time", TIME]].concat()).code,
        Some(0)
    );
    fs_err::rename(world.path("several/offline"), world.path("safe")).expect("both are ours");
    let publish = ["publish", "repository", "--archives", "archives"];
    let keys = ["--keys", "several/online", "--time", TIME];
    assert_eq!(world.run(&[&publish[..], &keys].concat()).code, Some(0));
    world
}

fn text<'a>(value: &'a Value, names: &[&str]) -> &'a str {
    let found = names.iter().fold(value, |value, name| &value[*name]);
    found
        .as_str()
        .unwrap_or_else(|| panic!("{names:?} is no text in {value}"))
}

#[test]
fn key_of_the_root_is_replaced_by_three_people_on_three_machines() {
    let world = world();
    let made = world.run(&["key", "make", "anna.key"]);
    let (public, anna) = (text(&made.answer, &["public"]), text(&made.answer, &["id"]));
    let shown = world.run(&["key", "show", "repository", "--keys", "safe"]);
    let root = shown.answer["roles"][0]["keys"].as_array().expect("a list");
    let id_of = |file: &str| {
        let key = root.iter().find(|key| key["file"] == file);
        text(key.expect("it is a key of the root"), &["id"]).to_owned()
    };
    let [first, second, gone] =
        ["safe/root-1.key", "safe/root-2.key", "safe/root-3.key"].map(id_of);
    let online = ["--keys", "several/online", "--time", TIME];
    let rotate = [
        "key",
        "rotate",
        "root",
        "repository",
        "--key",
        &gone,
        "--new",
        public,
    ];
    let drafted = world.run(&[&rotate[..], &online, &["--draft", "root.draft"]].concat());
    assert_eq!(drafted.code, Some(0), "{drafted:?}");
    assert_eq!(drafted.answer["repository"], Value::Null);
    assert_eq!(drafted.answer["replaced"][0]["file"], Value::Null);
    assert_eq!(drafted.answer["draft"]["is_complete"], json!(false));
    let apply = [&["key", "apply", "root.draft", "repository"][..], &online].concat();
    let said = world.run(&apply);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["signatures-missing"])
    );
    assert!(!exists(&world.path("repository/metadata/2.root.json")));

    // Nobody signs unseen: without an answer nothing is signed.
    let before = fs_err::read(world.path("root.draft")).expect("it was written");
    let sign = [
        "key",
        "sign",
        "root.draft",
        "--key",
        "anna.key",
        "--root",
        "several/online/root.json",
    ];
    assert_ne!(world.run(&sign).code, Some(0));
    let dry = world.run(&[&["--dry-run"], &sign[..]].concat());
    assert_eq!(
        (dry.code, &dry.answer["signed"]),
        (Some(0), &json!(["root"]))
    );
    assert_eq!(
        fs_err::read(world.path("root.draft")).expect("it is there"),
        before
    );
    let mut keys = [(" ", &*first), (" ", &*second), ("-", &*gone), ("+", anna)];
    keys.sort_by_key(|(_, id)| *id);
    let keys = keys
        .map(|(sign, id)| format!("      {sign} {id}\n"))
        .concat();
    let old = |unsigned: &[&str]| {
        let mut ids = unsigned.to_vec();
        ids.sort_unstable();
        ids.iter()
            .map(|id| format!("      not yet  {id}\n"))
            .collect::<String>()
    };
    let said = world.text(&[&["--yes"], &sign[..]].concat());
    let (head, rest) = said
        .split_once("    targets: ")
        .expect("other roles follow");
    assert_eq!(
        head,
        format!(
            "root 2 in place of root 1\n    expires at 2027-11-21T12:00:00Z, not at 2027-11-21T12:00:00Z\n    \
             root: 2 of 3 keys must sign\n{keys}"
        )
    );
    let (_, rest) = rest
        .split_once("    2 of the keys")
        .expect("signers follow");
    assert_eq!(
        rest,
        format!(
            " that root 1 names must sign, 0 did\n{}    2 of the keys that root 2 names must sign, 1 did\n      \
             signed  {anna}\n{}root.draft: waits for signatures\nroot signed with {anna}\n",
            old(&[&first, &second, &gone]),
            old(&[&first, &second])
        )
    );
    for key in ["safe/root-1.key", "safe/root-2.key"] {
        assert_eq!(world.run(&apply).code, Some(1));
        let said = world.run(&["--yes", "key", "sign", "root.draft", "--key", key]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let said = world.run(&apply);
    assert_eq!(
        (said.code, &said.answer["state"]),
        (Some(0), &json!("published"))
    );
    let shown = world.run(&["key", "show", "repository", "--keys", "several/online"]);
    let ids = shown.answer["roles"][0]["keys"].to_string();
    assert!(ids.contains(anna) && !ids.contains(&gone));
    let said = world.run(&[
        "--yes",
        "key",
        "sign",
        "root.draft",
        "--key",
        "safe/targets.key",
    ]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["key-signs-nothing"])
    );
}

#[test]
fn renewal_is_drafted_signed_and_published() {
    let world = world();
    let online = ["--keys", "several/online", "--time", TIME];
    let renew = ["key", "renew", "repository", "--draft", "lives.draft"];
    let planned = world.run(&[&["--dry-run"], &renew[..], &online].concat());
    assert_eq!(
        (planned.code, &planned.answer["is_dry_run"]),
        (Some(0), &json!(true))
    );
    assert!(!exists(&world.path("lives.draft")));
    let drafted = world.run(&[&renew[..], &online].concat());
    let documents = drafted.answer["documents"].as_array().expect("a list");
    let roles: Vec<&str> = documents.iter().map(|one| text(one, &["role"])).collect();
    assert_eq!(roles, ["root", "targets"]);
    for key in ["root-3", "targets", "root-1"] {
        let file = format!("safe/{key}.key");
        let said = world.run(&["--yes", "key", "sign", "lives.draft", "--key", &file]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(said.answer["is_complete"], json!(key == "root-1"));
    }
    let apply = ["key", "apply", "lives.draft", "repository"];
    let said = world.run(&[&["--dry-run"], &apply[..], &online].concat());
    assert_eq!(
        (said.code, &said.answer["state"]),
        (Some(0), &json!("planned"))
    );
    let said = world.run(&[&apply[..], &online].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(exists(&world.path("repository/metadata/2.root.json")));
    let said = world.run(&[&apply[..], &online].concat());
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["key-draft-outdated"])
    );
}

#[test]
fn made_key_is_private_and_replaces_no_file() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let said = world.run(&["--dry-run", "key", "make", "one.key"]);
    assert_eq!(
        (said.code, exists(&world.path("one.key"))),
        (Some(0), false)
    );
    assert_eq!(world.run(&["key", "make", "one.key"]).code, Some(0));
    let found = fs_err::metadata(world.path("one.key")).expect("it was made");
    assert_eq!(found.permissions().mode() & 0o7777, 0o600);
    let said = world.run(&["key", "make", "one.key"]);
    assert_eq!((said.code, codes(&said)), (Some(4), vec!["key-unreadable"]));
}
