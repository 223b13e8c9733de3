//! Questions about what repositories offer.

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World, ended};

fn zlib(version: &str) -> TestPackage {
    TestPackage::new("zlib", version).file("usr/lib/libz.so.1", version, 0o755)
}

fn pigz() -> TestPackage {
    TestPackage::new("pigz", "2.8")
        .file("usr/bin/pigz", "#!", 0o755)
        .file("usr/bin/unpigz", "#!", 0o755)
        .depends("zlib")
}

/// Returns a root with zlib 1.3, of which a repository has 1.3.1 too, and pigz.
fn world() -> World {
    let world = World::new();
    world.install(&[&zlib("1.3")]);
    world.publish("main", NOTHING_MORE, &[&zlib("1.3"), &pigz()]);
    world.publish("main", NOTHING_MORE, &[&zlib("1.3.1")]);
    world.sync();
    world
}

#[test]
fn search_finds_names_and_descriptions_and_marks_what_is_installed() {
    let world = world();
    let zlib = "zlib 1.3.1-1  main  [installed: 1.3-1]\n    The package zlib\n";
    let pigz = "pigz 2.8-1  main\n    The package pigz\n";
    assert_eq!(world.pkm(&["search", "ZLIB"]), ended(0, zlib, ""));
    assert_eq!(
        world.pkm(&["find", "package", "the"]),
        ended(0, &format!("{pigz}{zlib}"), "")
    );
    assert_eq!(world.pkm(&["search", "zlib", "pigz"]), ended(1, "", ""));
    assert_eq!(world.pkm(&["search", "1.3"]), ended(1, "", ""));
}

#[test]
fn search_puts_the_name_itself_before_names_and_names_before_descriptions() {
    let world = World::new();
    let mut other = TestPackage::new("a", "1");
    other.manifest.description = "like zip".to_owned();
    let packages = ["bzip", "zip"].map(|name| TestPackage::new(name, "1"));
    world.publish("main", NOTHING_MORE, &[&other, &packages[0], &packages[1]]);
    world.sync();
    let (code, value) = world.json(&["search", "zip"]);
    let names: Vec<&str> = value
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|found| found["package"]["name"].as_str())
        .collect();
    assert_eq!((code, names), (0, vec!["zip", "bzip", "a"]));
}

#[test]
fn package_that_is_only_installed_is_found_without_a_repository() {
    let world = World::new();
    world.install(&[&zlib("1.3")]);
    let (code, value) = world.json(&["search", "zlib"]);
    let id = serde_json::json!({
        "name": "zlib", "epoch": 0, "version": "1.3", "release": "1", "arch": igos_format::Arch::native(),
    });
    assert_eq!(code, 0);
    assert_eq!(
        value,
        serde_json::json!([
            { "package": id, "description": "The package zlib", "repository": null, "installed": id }
        ])
    );
    assert_eq!(world.pkm(&["list", "--available"]), ended(0, "", ""));
}

#[test]
fn info_tells_what_a_repository_says_about_what_is_not_installed() {
    let world = world();
    let ended = world.pkm(&["info", "pigz"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for line in [
        "pigz 2.8-1",
        "  repository  main",
        "  depends     zlib",
        "  size        4 B",
    ] {
        let mut lines = ended.stdout.lines();
        assert!(lines.any(|found| found == line), "{line}\n{}", ended.stdout);
    }
    let (code, value) = world.json(&["info", "zlib", "pigz"]);
    assert_eq!(code, 0);
    assert_eq!(
        (&value[0]["state"], &value[1]["state"]),
        (&"installed".into(), &"available".into())
    );
    assert_eq!(value[0]["package"]["version"], "1.3");
}

#[test]
fn info_of_what_is_available_tells_the_newest_version_and_names_the_others() {
    let world = world();
    world.publish("other", NOTHING_MORE, &[&zlib("1.2")]);
    world.sync();
    let (code, value) = world.json(&["show", "--available", "zlib"]);
    assert_eq!(code, 0);
    assert_eq!(value[0]["package"]["version"], "1.3.1");
    assert_eq!(value[0]["others"][0]["package"]["version"], "1.2");
    assert_eq!(value[0]["others"][0]["repository"], "other");
    assert!(
        value[0]["signature"]
            .as_str()
            .expect("it is signed")
            .starts_with("ed25519 ")
    );
}

#[test]
fn info_about_what_nobody_knows_names_who_provides_it() {
    let world = World::new();
    let mut busybox = TestPackage::new("busybox", "1");
    busybox.manifest.provides = ["awk".parse().expect("a name")].into();
    world.publish("main", NOTHING_MORE, &[&busybox]);
    world.sync();
    let expected = "error[package-unknown]: awk is not installed, and no repository offers it\n  \
        hint: search for it: `pkm search awk`\n  hint: awk is provided by busybox\n";
    assert_eq!(world.pkm(&["info", "awk"]), ended(1, "", expected));
}

#[test]
fn owner_of_what_is_not_installed_is_in_the_list_of_paths() {
    let world = world();
    assert_eq!(
        world.pkm(&["owner", "--available", "/bin/pigz", "/usr/lib/libz.so.1"]),
        ended(
            0,
            "/bin/pigz is not installed\n  pigz 2.8-1  main\n\
             /usr/lib/libz.so.1 belongs to zlib\n  zlib 1.3.1-1  main\n",
            ""
        )
    );
    assert_eq!(
        world.pkm(&["owner", "--available", "/usr/bin/gzip"]),
        ended(1, "/usr/bin/gzip belongs to no package\n", "")
    );
    assert_eq!(
        world.pkm(&["owner", "/usr/bin/pigz"]),
        ended(1, "/usr/bin/pigz belongs to no package\n", "")
    );
}

#[test]
fn list_shows_what_is_available_and_what_can_be_upgraded() {
    let world = world();
    let expected = "pigz 2.8-1  main\n    The package pigz\n\
        zlib 1.3.1-1  main  [installed: 1.3-1]\n    The package zlib\n";
    assert_eq!(world.pkm(&["list", "--available"]), ended(0, expected, ""));
    let (code, value) = world.json(&["ls", "--upgradable"]);
    assert_eq!((code, value.as_array().map(Vec::len)), (0, Some(1)));
    assert_eq!(value[0]["installed"]["version"], "1.3");
    assert_eq!(value[0]["package"]["version"], "1.3.1");
    assert_eq!(value[0]["repository"], "main");
    let shown = world.pkm(&["list", "--upgradable", "--explicit"]);
    assert!(
        shown.stdout.starts_with("zlib 1.3-1 -> 1.3.1-1  main  "),
        "{}",
        shown.stdout
    );
}

#[test]
fn repository_of_a_higher_priority_hides_the_newer_version_of_another() {
    let world = World::new();
    world.publish("main", "priority = 60\n", &[&zlib("1.2")]);
    world.publish("other", NOTHING_MORE, &[&zlib("1.3.1"), &pigz()]);
    world.publish(
        "third",
        "pins = [\"other-*\"]\n",
        &[&TestPackage::new("gzip", "1")],
    );
    world.sync();
    let expected =
        "pigz 2.8-1  other\n    The package pigz\nzlib 1.2-1  main\n    The package zlib\n";
    assert_eq!(world.pkm(&["search", "package"]), ended(0, expected, ""));
    assert_eq!(
        world.pkm(&["owner", "--available", "usr/lib/libz.so.1"]),
        ended(
            0,
            "/usr/lib/libz.so.1 is not installed\n  zlib 1.2-1  main\n",
            ""
        )
    );
}

#[test]
fn command_not_found_names_the_package_or_programs_of_similar_names() {
    let world = world();
    assert_eq!(
        world.pkm(&["command-not-found", "unpigz"]),
        ended(
            0,
            "unpigz is in:\n  pigz 2.8-1  main\ninstall it: pkm install pigz\n",
            ""
        )
    );
    assert_eq!(
        world.pkm(&["command-not-found", "--", "pgiz"]),
        ended(
            1,
            "no package brings pgiz\nsimilar names:\n  pigz  from pigz\n",
            ""
        )
    );
    for name in ["emacs", "-x", "a/b", "", "..", "é"] {
        let expected = format!("no package brings {name}\n");
        assert_eq!(
            world.pkm(&["command-not-found", "--", name]),
            ended(1, &expected, "")
        );
    }
    let (code, value) = world.json(&["command-not-found", "pigs"]);
    assert_eq!(code, 1);
    assert_eq!(
        value,
        serde_json::json!({
            "program": "pigs", "installed": [], "packages": [],
            "near": [{ "program": "pigz", "packages": ["pigz"] }],
        })
    );
}

#[test]
fn command_that_is_installed_where_the_shell_does_not_look_is_told() {
    let world = World::new();
    let tool = TestPackage::new("tool", "1").file("usr/sbin/tool", "#!", 0o755);
    world.install(&[&tool]);
    assert_eq!(
        world.pkm(&["command-not-found", "tool"]),
        ended(0, "tool is installed as /usr/sbin/tool by tool\n", "")
    );
}

#[test]
fn repository_that_was_never_synchronised_is_told_and_the_rest_answers() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&TestPackage::new("gzip", "1")]);
    world.sync();
    world.publish("other", NOTHING_MORE, &[&zlib("1")]);
    let found = world.pkm(&["search", "package"]);
    assert_eq!(
        (found.code, found.stdout.as_str()),
        (0, "gzip 1-1  main\n    The package gzip\n")
    );
    assert!(
        found
            .stderr
            .starts_with("warning[repository-never-synced]: "),
        "{}",
        found.stderr
    );
}

const DOCUMENT: &str = include_str!("../../../../docs/json/pkm.md");

/// Returns the names of the fields of the first object under a heading of the document.
fn documented(heading: &str) -> Vec<&'static str> {
    let (_, section) = DOCUMENT
        .split_once(&format!("\n{heading}\n"))
        .expect("the document has the heading");
    let (_, object) = section.split_once('{').expect("the section has an object");
    let (object, _) = object.split_once('}').expect("the object ends");
    let mut names: Vec<&str> = object.split(',').map(str::trim).collect();
    names.sort_unstable();
    names
}

#[test]
fn values_have_the_fields_of_the_document() {
    let world = world();
    let lone = world.archive(&TestPackage::new("lone", "1"));
    for (heading, arguments) in [
        ("### `list --upgradable`", &["list", "--upgradable"][..]),
        ("## `search`, `find`", &["search", "zlib"]),
        ("### Installed", &["info", "zlib"]),
        ("### Available", &["info", "pigz"]),
        ("### Archive", &["info", &lone]),
        ("## `owner`, `provides`", &["owner", "/usr/lib/libz.so.1"]),
        ("## `command-not-found`", &["command-not-found", "pigz"]),
    ] {
        let (_, value) = world.json(arguments);
        let object = value.get(0).unwrap_or(&value).as_object();
        let fields = object.expect("an object").keys();
        let mut fields: Vec<&str> = fields.map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(fields, documented(heading), "{heading}");
    }
}
