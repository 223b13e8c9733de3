//! Repositories: adding, synchronising, downloading, cleaning, looking for updates.

use fs_err as fs;

use crate::nginx_server::Nginx;
use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World, ended};

fn zlib(version: &str) -> TestPackage {
    TestPackage::new("zlib", version).file("usr/lib/libz.so.1", version, 0o755)
}

/// Returns the value with a place for everything that differs between runs.
fn without(mut value: serde_json::Value, keys: &[&str]) -> serde_json::Value {
    match &mut value {
        serde_json::Value::Object(fields) => {
            for (key, field) in fields {
                *field = if keys.contains(&key.as_str()) && !field.is_null() {
                    "…".into()
                } else {
                    without(field.take(), keys)
                };
            }
        }
        serde_json::Value::Array(items) => {
            for item in items {
                *item = without(item.take(), keys);
            }
        }
        _ => {}
    }
    value
}

#[test]
fn root_without_repositories_says_how_to_add_one() {
    let world = World::new();
    assert_eq!(
        world.pkm(&["sync"]),
        ended(
            3,
            "",
            "error[no-repositories]: there are no repositories\n  \
             hint: add one: `pkm repository add NAME URL --root-key FILE`\n"
        )
    );
    assert_eq!(world.pkm(&["repository", "list"]), ended(0, "", ""));
}

#[test]
fn sync_says_what_is_new_under_all_its_names() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    assert_eq!(
        world.pkm(&["sync", "--quiet"]),
        ended(0, "main: now version 1\n", "")
    );
    for name in ["sync", "update", "refresh"] {
        let (code, value) = world.json(&[name]);
        assert_eq!(code, 0);
        assert_eq!(
            value,
            serde_json::json!({
                "repositories": [{
                    "repository": "main",
                    "change": "unchanged",
                    "version": 1,
                    "went_back": [],
                    "failed": [],
                }],
                "failed": [],
            })
        );
    }
    world.publish("main", NOTHING_MORE, &[&zlib("1.4")]);
    assert_eq!(
        world.pkm(&["sync", "main", "--quiet"]).stdout,
        "main: now version 2\n"
    );
    let unknown = world.pkm(&["sync", "other"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (1, ""));
    assert!(
        unknown.stderr.ends_with("hint: there are main\n"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn repository_that_fails_does_not_hold_up_the_others() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    world.publish("other", NOTHING_MORE, &[&zlib("1.3")]);
    fs::remove_dir_all(world.path("other")).expect("the world is ours");
    let (code, value) = world.json(&["sync"]);
    assert_eq!(code, 4);
    assert_eq!(value["repositories"][0]["repository"], "main");
    assert_eq!(value["failed"][0]["repository"], "other");
    assert_eq!(
        value["failed"][0]["diagnostics"][0]["code"],
        "metadata-absent"
    );
}

#[test]
fn settings_that_are_wrong_are_told_with_their_place() {
    let world = World::new();
    world.publish("main", "priorty = 60\n", &[&zlib("1.3")]);
    assert_eq!(
        world.pkm(&["sync"]),
        ended(
            3,
            "",
            "error[setting-unknown]: a repository has no setting `priorty`\n \
             --> [WORLD]/root/etc/igos/repositories.d/main.toml:3:1\n  |\n3 | priorty = 60\n  | ^^^^^^^\n  \
             hint: did you mean `priority`?\n"
        )
    );
}

#[test]
fn repository_is_added_by_its_root_or_by_fingerprints_alone() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    let repository = world.path("main").display().to_string();
    let (code, value) = world.json(&["repository", "add", "second", &repository]);
    assert_eq!(code, 1);
    let diagnostic = &value["error"]["diagnostics"][0];
    assert_eq!(diagnostic["code"], "repository-root-other-keys");
    assert!(!world.has("etc/igos/repositories.d/second.toml"));
    let hint = diagnostic["hints"][0].as_str().expect("it names the keys");
    let key = hint
        .rsplit(' ')
        .next()
        .expect("it ends with one")
        .to_owned();
    let add = [
        "repository",
        "add",
        "second",
        &repository,
        "--fingerprint",
        &key,
    ];
    let dry = [&["--dry-run"], &add[..]].concat();
    assert!(world.pkm(&dry).stdout.ends_with("nothing is written\n"));
    let (code, value) = world.json(&add);
    assert_eq!(code, 0, "{value}");
    assert_eq!(value["keys"], serde_json::json!([key]));
    assert_eq!(
        (&value["root_version"], &value["threshold"]),
        (&1.into(), &1.into())
    );
    let root = world
        .path("main/metadata/1.root.json")
        .display()
        .to_string();
    let third = [
        "repository",
        "add",
        "third",
        &repository,
        "--root-key",
        &root,
        "--pin",
        "z*",
    ];
    assert_eq!(
        world
            .pkm(&[&third[..], &["--priority", "70"]].concat())
            .code,
        0
    );
    assert_eq!(world.pkm(&third).code, 1, "the name is taken");
    assert_eq!(world.pkm(&["sync", "--quiet"]).code, 0);
    let listed = world.pkm(&["repository", "list"]).stdout;
    assert!(
        listed.ends_with(
            "third  [WORLD]/main\n  priority  70\n  pins      z*\n  state     version 1\n  packages  1\n"
        ),
        "{listed}"
    );
    let (_, keys) = world.json(&["repository", "keys", "third"]);
    let roles = keys["roles"].as_array().expect("a list");
    let roles: Vec<_> = roles.iter().map(|role| role["role"].clone()).collect();
    assert_eq!(
        roles,
        ["root", "targets", "snapshot", "timestamp", "packages"]
    );
    assert_eq!(keys["roles"][0]["keys"], serde_json::json!([key]));
}

#[test]
fn repository_is_removed_with_what_is_known_of_it() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    world.sync();
    let asked = world.pkm(&["repository", "remove", "main"]);
    assert_eq!(asked.code, 2, "{}", asked.stderr);
    let planned = world.pkm(&["--dry-run", "repository", "remove", "main"]);
    assert_eq!(planned.stdout, "repository main would be removed\n");
    assert!(world.has("var/lib/igos/repositories/main"));
    let removed = world.pkm(&["--yes", "--quiet", "repository", "remove", "main"]);
    assert_eq!(removed, ended(0, "repository main is removed\n", ""));
    assert!(!world.has("var/lib/igos/repositories/main"));
    assert!(!world.has("etc/igos/repositories.d/main.toml"));
}

#[test]
fn archives_are_downloaded_into_a_directory_listed_and_cleaned() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    world.sync();
    let (code, value) = world.json(&["download", "zlib", "--to", "here"]);
    assert_eq!(code, 0, "{value}");
    let file = format!(
        "here/zlib-1.3-1.{}.igos.tar.zst",
        igos_format::Arch::native()
    );
    let bytes = fs::read(world.path(&file)).expect("it was downloaded");
    assert_eq!(value[0]["size_bytes"], bytes.len() as u64);
    assert_eq!(
        value[0]["sha256"],
        igos_format::Sha256::of(&bytes).to_string()
    );
    assert_eq!(value[0]["path"], file);
    let installed = world.pkm(&["install", &file, "--allow-unsigned", "--yes", "--quiet"]);
    assert_eq!(installed.code, 0, "{}", installed.stderr);
    world.publish("main", NOTHING_MORE, &[&zlib("1.4")]);
    world.sync();
    world.json(&["download", "zlib", "--to", "here"]);
    world.publish("main", NOTHING_MORE, &[&zlib("1.5")]);
    world.sync();
    let (_, listed) = world.json(&["cache", "list"]);
    let versions = listed["archives"].as_array().expect("a list").iter();
    let versions: Vec<_> = versions
        .map(|a| a["package"]["id"]["version"].clone())
        .collect();
    assert_eq!(versions, ["1.3", "1.4"]);
    let (_, planned) = world.json(&["--dry-run", "cache", "clean"]);
    assert_eq!(
        planned["files"].as_array().map(Vec::len),
        Some(1),
        "1.4 is neither installed nor offered"
    );
    let cleaned = world.pkm(&["--yes", "--quiet", "cache", "clean", "--keep", "1"]);
    assert!(
        cleaned.stdout.starts_with("deleted 1 files with "),
        "{}",
        cleaned.stdout
    );
    assert_eq!(
        world.json(&["--yes", "cache", "clean", "--all"]).1["is_done"],
        true
    );
    let empty = world.pkm(&["cache", "clean", "--all"]);
    assert_eq!(empty, ended(0, "there is nothing to delete\n", ""));
    let absent = world.pkm(&["download", "nginx"]);
    assert_eq!(absent.code, 1, "{}", absent.stderr);
}

#[test]
fn updates_are_noted_in_a_file_and_never_carried_out() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&zlib("1.3")]);
    world.install(&[&zlib("1.3")]);
    let none = world.pkm(&["check-updates", "--quiet"]);
    assert_eq!(
        none,
        ended(0, "there is nothing newer than what is installed\n", "")
    );
    world.publish("main", NOTHING_MORE, &[&zlib("1.4")]);
    let offline = world.pkm(&["check-updates", "--offline"]);
    assert_eq!(
        offline.stdout,
        "there is nothing newer than what is installed\n"
    );
    let (code, value) = world.json(&["check-updates"]);
    assert_eq!(code, 0);
    let written = world.read("var/lib/igos/available-updates.json");
    let written: serde_json::Value = serde_json::from_str(&written).expect("it is JSON");
    assert_eq!(written, value);
    let document = include_str!("../../../../docs/formats/available-updates.md");
    let example = document
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let example: serde_json::Value =
        serde_json::from_str(example.expect("there is one")).expect("it is JSON");
    let shape = |value: &serde_json::Value| {
        let keys = |value: &serde_json::Value| {
            let fields = value.as_object().expect("an object");
            fields.keys().cloned().collect::<Vec<_>>()
        };
        [
            keys(value),
            keys(&value["repositories"][0]),
            keys(&value["updates"][0]),
        ]
    };
    assert_eq!(shape(&example), shape(&value));
    assert_eq!(
        without(value, &["checked", "archive_bytes"]),
        serde_json::json!({
            "format": 1,
            "checked": "…",
            "repositories": [{ "name": "main", "version": 2, "is_current": true }],
            "updates": [{
                "name": "zlib",
                "installed": "1.3-1",
                "available": "1.4-1",
                "repository": "main",
                "archive_bytes": "…",
                "is_held": false,
                "advisories": [],
            }],
        })
    );
    assert_eq!(world.read("usr/lib/libz.so.1"), "1.3");
    assert_eq!(
        world.pkm(&["check-updates", "--offline"]).stdout,
        "zlib 1.3-1 -> 1.4-1 (main)\n"
    );
}

/// Returns text that hardly compresses and is another for each seed (xorshift64, Marsaglia 2003).
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    while text.len() < 700_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(&format!("{state:016x}"));
    }
    text
}

/// Returns a package of ten files that each fill most of a frame; those in `changed` differ from other versions'.
fn big(version: &str, changed: &[u64]) -> TestPackage {
    (0..10).fold(TestPackage::new("big", version), |package, number| {
        let seed = number + if changed.contains(&number) { 100 } else { 0 };
        package.file(&format!("usr/lib/big/{number}"), &noise(seed), 0o644)
    })
}

#[test]
fn upgrade_fetches_what_is_not_on_the_disk_alone() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&big("1", &[])]);
    let Some(nginx) = Nginx::start(&world.path("main")) else {
        return;
    };
    let settings = format!(
        "url = \"{}\"\ntrusted-root-file = \"main.json\"\n",
        nginx.url()
    );
    world.write("etc/igos/repositories.d/main.toml", &settings);
    world.sync();
    assert_eq!(world.pkm(&["install", "--yes", "big"]).code, 0);
    let whole = nginx.sent("archives/");
    world.publish("main", NOTHING_MORE, &[&big("2", &[4])]);
    world.sync();
    let upgraded = world.pkm(&["upgrade", "--yes"]);
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    let told = "MiB less than whole archives were fetched: the rest is on the disk already";
    assert!(upgraded.stderr.contains(told), "{}", upgraded.stderr);
    let sent = nginx.sent("archives/") - whole;
    assert!(
        sent * 8 < whole,
        "{sent} of {whole} were sent: {:?}",
        nginx.log("archives/")
    );
    assert_eq!(world.read("usr/lib/big/4"), noise(104));
    assert_eq!(world.read("usr/lib/big/5"), noise(5));
    assert_eq!(world.pkm(&["verify", "--quiet"]).code, 0);
    let (_, cache) = world.json(&["cache", "list"]);
    assert_eq!(
        cache["parts"],
        serde_json::json!([]),
        "what was used is not kept"
    );
}

#[test]
fn upgrade_goes_on_when_the_disk_has_less_than_the_record_says() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&big("1", &[])]);
    world.sync();
    assert_eq!(world.pkm(&["install", "--yes", "--quiet", "big"]).code, 0);
    world.publish("main", NOTHING_MORE, &[&big("2", &[4])]);
    world.sync();
    world.write("usr/lib/big/5", "damaged");
    let upgraded = world.pkm(&["upgrade", "--yes"]);
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    for number in [4, 5, 6] {
        let seed = if number == 4 { 104 } else { number };
        assert_eq!(
            world.read(&format!("usr/lib/big/{number}")),
            noise(seed),
            "{number}"
        );
    }
}
