//! `igos-build publish`, `key` and `staging`, started as programs.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program under test"
)]

mod archives;
mod drafts;
mod sources;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use archives::archive;
use igos_format::manifest::Manifest;
use serde_json::{Value, json};

/// A directory with keys, archives and a repository.
struct World(tempfile::TempDir);

/// What a run said.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    answer: Value,
    story: String,
}

const TIME: &str = "2026-11-21T12:00:00Z";

impl World {
    /// Returns a world whose keys are made.
    fn new() -> Self {
        let world = World(tempfile::tempdir().expect("a temporary directory"));
        let said = world.run(&["key", "new", "keys", "--time", TIME]);
        assert_eq!(said.code, Some(0), "{said:?}");
        world
    }

    fn path(&self, at: &str) -> PathBuf {
        self.0.path().join(at)
    }

    fn archive(&self, directory: &str, package: &str, change: impl FnOnce(&mut Manifest)) {
        archive(&self.path(directory), package, "{}", change);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_igos-build"));
        command
            .env_clear()
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .args(["--offline", "--cache", "cache", "--recipes", "tree"])
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = self
            .command(arguments)
            .arg("--json")
            .output()
            .expect("it starts");
        Said {
            code: output.status.code(),
            answer: serde_json::from_slice(&output.stdout).expect("one JSON value"),
            story: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Publishes what is in `archives`, with more arguments.
    fn publish(&self, arguments: &[&str]) -> Said {
        let first = [
            "publish",
            "repository",
            "--archives",
            "archives",
            "--keys",
            "keys",
            "--time",
            TIME,
        ];
        self.run(&[&first, arguments].concat())
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("it starts");
        String::from_utf8(output.stdout).expect("text")
    }
}

fn feature(text: &str) -> igos_format::declaration::Feature {
    text.parse().expect("a feature")
}

fn codes(said: &Said) -> Vec<&str> {
    let diagnostics = said.answer["error"]["diagnostics"].as_array();
    let diagnostics = diagnostics.unwrap_or_else(|| panic!("no error in {said:?}"));
    diagnostics
        .iter()
        .filter_map(|one| one["code"].as_str())
        .collect()
}

fn exists(path: &Path) -> bool {
    fs_err::symlink_metadata(path).is_ok()
}

#[test]
fn newcomer_makes_keys_and_publishes_with_two_commands() {
    let world = World(tempfile::tempdir().expect("a temporary directory"));
    world.archive("archives", "a 1", |_| {});
    assert_eq!(
        world.text(&["key", "new", "keys"]),
        "keep these offline, and delete them here once they are safe:\n    \
         keys/offline/root.key\n    keys/offline/targets.key\n\
         these sign every publication:\n    \
         keys/online/archives.key\n    keys/online/packages.key\n    \
         keys/online/snapshot.key\n    keys/online/timestamp.key\n\
         give this to those who use the repository:\n    keys/online/root.json\n"
    );
    assert_eq!(
        world.text(&[
            "publish",
            "repository",
            "--archives",
            "archives",
            "--keys",
            "keys/online"
        ]),
        "+ a 1-1 x86_64\nrepository: published, snapshot 1, 1 packages\n"
    );
    assert_eq!(
        world.text(&[
            "publish",
            "repository",
            "--archives",
            "archives",
            "--keys",
            "keys/online"
        ]),
        "repository: unchanged, snapshot 1, 1 packages\n"
    );
    let given = fs_err::read(world.path("keys/online/root.json")).expect("it is there");
    let published = fs_err::read(world.path("repository/metadata/1.root.json"));
    assert_eq!(published.expect("it is there"), given);
}

#[test]
fn dry_run_tells_what_would_change_and_changes_nothing() {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    let said = world.publish(&["--dry-run"]);
    assert_eq!(
        (said.code, &said.answer["state"]),
        (Some(0), &json!("planned"))
    );
    assert_eq!(said.answer["added"][0]["name"], "a");
    assert!(!exists(&world.path("repository/metadata")));
    let said = world.run(&["key", "new", "others", "--dry-run"]);
    assert_eq!(
        (said.code, &said.answer["is_dry_run"]),
        (Some(0), &json!(true))
    );
    assert!(!exists(&world.path("others")));
    world.publish(&[]);
    let rotate = [
        "key",
        "rotate",
        "timestamp",
        "repository",
        "--keys",
        "keys",
        "--dry-run",
    ];
    let said = world.run(&rotate);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!exists(&world.path("repository/metadata/2.root.json")));
    let file = said.answer["replaced"][0]["file"].as_str().expect("a path");
    assert!(!exists(&world.path(file)));
}

#[test]
fn what_does_not_fit_together_is_refused_with_everything_that_is_wrong() {
    let world = World::new();
    world.archive("archives", "a 1", |manifest| {
        manifest.depends.insert("b".parse().expect("a dependency"));
        manifest
            .features_required
            .insert(feature("soname:libb.so.1"));
    });
    let said = world.publish(&[]);
    assert_eq!(said.code, Some(1));
    assert_eq!(codes(&said), ["publish-no-provider", "publish-no-soname"]);
    assert!(!exists(&world.path("repository/metadata")));
}

#[test]
fn repository_that_another_program_publishes_to_is_locked() {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    world.publish(&[]);
    let lock = fs_err::File::open(world.path("repository/.publishing/lock")).expect("it is there");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("nobody has it");
    let said = world.publish(&[]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(75), vec!["repository-locked"])
    );
    let mut waiting = world
        .command(&[
            "publish",
            "repository",
            "--keys",
            "keys",
            "--wait",
            "--report",
            "json",
        ])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut story = std::io::BufReader::new(waiting.stderr.take().expect("it is piped"));
    let mut line = String::new();
    std::io::BufRead::read_line(&mut story, &mut line).expect("it says that it waits");
    assert!(line.contains("waiting-for-lock"), "{line}");
    drop(lock);
    assert!(waiting.wait().expect("it ends").success());
}

#[test]
fn libraries_wait_in_staging_are_listed_and_dropped() {
    let world = World::new();
    world.archive("archives", "libfoo 1", |m| {
        m.features_provided.insert(feature("soname:libfoo.so.1"));
    });
    world.archive("archives", "user 1", |m| {
        m.features_required.insert(feature("soname:libfoo.so.1"));
    });
    assert_eq!(world.publish(&[]).code, Some(0));
    world.archive("archives", "libfoo 2", |m| {
        m.features_provided.insert(feature("soname:libfoo.so.2"));
    });
    let said = world.publish(&["--staging"]);
    assert_eq!(
        (said.code, &said.answer["state"]),
        (Some(0), &json!("staged")),
        "{said:?}"
    );
    assert_eq!(said.answer["awaits"][0]["hints"][0], "rebuild: user");
    assert_eq!(
        world.text(&["staging", "list", "repository"]),
        "libfoo 2-1 x86_64  repository/staging/libfoo-2-1.x86_64.igos.tar.zst\n"
    );
    let drop = ["staging", "drop", "repository", "libfoo"];
    assert_eq!(world.run(&drop).code, Some(2), "there is nobody to ask");
    let said = world.run(&["staging", "drop", "repository", "nothing", "--yes"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["publish-not-staged"])
    );
    assert_eq!(world.run(&[&drop[..], &["--yes"]].concat()).code, Some(0));
    assert_eq!(world.text(&["staging", "list", "repository"]), "");
}

#[test]
fn keys_are_shown_rotated_and_revoked() {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    world.publish(&[]);
    fs_err::rename(world.path("keys/offline"), world.path("safe")).expect("both are ours");
    let show = |keys: &str| {
        let said = world.run(&["key", "show", "repository", "--keys", keys]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.answer["roles"].as_array().expect("a list").clone()
    };
    let roles = show("keys");
    let names: Vec<_> = roles
        .iter()
        .filter_map(|role| role["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "root",
            "targets",
            "packages",
            "archives",
            "snapshot",
            "timestamp"
        ]
    );
    assert_eq!(
        roles[0]["keys"][0]["file"],
        Value::Null,
        "it is in the safe"
    );
    let old = roles[2]["keys"][0]["id"]
        .as_str()
        .expect("a text")
        .to_owned();
    let rotate = ["key", "rotate", "packages", "repository", "--keys", "keys"];
    let said = world.run(&rotate);
    assert_eq!((said.code, codes(&said)), (Some(1), vec!["keys-absent"]));
    let said = world.run(&[&rotate[..], &["--keys", "safe", "--time", TIME]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let new = said.answer["replaced"][0]["new"]
        .as_str()
        .expect("a text")
        .to_owned();
    assert_eq!(said.answer["replaced"][0]["old"], old.as_str());
    assert_eq!(show("keys")[2]["keys"][0]["id"], new.as_str());
    let revoke = [
        "key",
        "revoke",
        &new,
        "repository",
        "--keys",
        "keys",
        "--keys",
        "safe",
    ];
    assert_eq!(world.run(&revoke).code, Some(2), "there is nobody to ask");
    let said = world.run(&[&revoke[..], &["--yes"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.run(&["key", "rotate", "mirror", "repository", "--keys", "keys"]);
    assert_eq!((said.code, codes(&said)), (Some(2), vec!["key-no-role"]));
}

#[test]
fn keys_are_shown_before_and_after_publishing_and_without_any_at_hand() {
    let world = World::new();
    let count = |arguments: &[&str]| {
        let said = world.run(&[&["key", "show"], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        let roles = said.answer["roles"].as_array().expect("a list").clone();
        let keys = roles
            .iter()
            .flat_map(|role| role["keys"].as_array().expect("a list"));
        keys.filter(|key| key["file"].is_string()).count()
    };
    assert_eq!(count(&["keys"]), 6);
    world.archive("archives", "a 1", |_| {});
    world.publish(&[]);
    assert_eq!(count(&["repository", "--keys", "keys/online"]), 4);
    assert_eq!(count(&["repository"]), 0);
}

#[test]
fn what_expires_soon_and_takes_offline_keys_is_told_and_can_be_renewed() {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    world.publish(&[]);
    let later = "2027-02-15T12:00:00Z";
    let refresh = [
        "publish",
        "repository",
        "--keys",
        "keys/online",
        "--refresh",
        "--time",
        later,
    ];
    let said = world.run(&refresh);
    assert_eq!(
        (said.code, &said.answer["state"]),
        (Some(0), &json!("published"))
    );
    assert_eq!(said.answer["expires"]["timestamp"], "2027-02-17T12:00:00Z");
    assert!(
        said.story
            .contains("targets of repository expires at 2027-02-19T12:00:00Z"),
        "{}",
        said.story
    );
    let renew = [
        "key",
        "renew",
        "repository",
        "--keys",
        "keys",
        "--time",
        later,
    ];
    let said = world.run(&[&renew[..], &["--expires", "targets=30"]].concat());
    assert_eq!(
        said.answer["expires"]["targets"], "2027-03-17T12:00:00Z",
        "{said:?}"
    );
    let said = world.run(&[&renew[..], &["--expires", "mirror=30"]].concat());
    assert_eq!(said.code, Some(2));
}

#[test]
fn advisories_stay_until_others_are_given() {
    let world = World::new();
    world.archive("archives", "a 1", |_| {});
    let row =
        "[[advisory]]\nid = \"CVE-2026-1\"\npackage = \"a\"\nseverity = \"high\"\nfixed = \"2\"\n";
    fs_err::write(world.path("advisories.toml"), row).expect("it is ours");
    assert_eq!(
        world.publish(&["--advisories", "advisories.toml"]).code,
        Some(0)
    );
    let published = |what: &str| {
        let files = fs_err::read_dir(world.path("repository/targets/index")).expect("it is there");
        let names = files.map(|file| file.expect("it is there").file_name());
        names
            .filter(|name| name.to_string_lossy().ends_with(what))
            .count()
    };
    assert_eq!(published(".advisories.toml"), 1);
    world.archive("archives", "b 1", |_| {});
    assert_eq!(world.publish(&["--keep", "0"]).code, Some(0));
    assert_eq!(published(".advisories.toml"), 1);
    fs_err::write(world.path("advisories.toml"), "[[advisory]]\nid = 1\n").expect("it is ours");
    let said = world.publish(&["--advisories", "advisories.toml"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["advisories-form"])
    );
}
