//! Records that are damaged or lost, as a person meets them.

use crate::world::{TestPackage, World};

const DATABASE: &str = "var/lib/igos/pkm.db";
const RECORD: &str = "var/lib/igos/packages/a";

fn world() -> World {
    let world = World::new();
    let [a, b] = ["a", "b"]
        .map(|name| TestPackage::new(name, "1").file(&format!("usr/bin/{name}"), name, 0o755));
    world.install(&[&a, &b]);
    world
}

#[test]
fn package_whose_record_is_damaged_does_not_vanish_without_a_database() {
    let world = world();
    world.write(RECORD, "nonsense");
    world.delete(DATABASE);
    let ended = world.pkm(&["list"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stdout.starts_with("b 1-1"), "{}", ended.stdout);
    assert!(ended.stderr.contains("record of a"), "{}", ended.stderr);
    for arguments in [
        &["owner", "/usr/bin/a"][..],
        &["owner", "/usr/bin/nobodys"],
        &["info", "a"],
        &["files", "a"],
    ] {
        let ended = world.pkm(arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (4, ""),
            "{arguments:?}"
        );
    }
    let ended = world.pkm(&["owner", "/usr/bin/b"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "/usr/bin/b belongs to b\n")
    );
    for (arguments, code) in [
        // There is no ground to plan on.
        (&["remove", "b", "--yes"][..], 4),
        (&["repair", "--yes"], 4),
        (&["recover"], 1),
        (&["db", "rebuild"], 1),
        (&["db", "check"], 1),
        (&["verify"], 1),
    ] {
        let ended = world.pkm(arguments);
        assert_eq!(ended.code, code, "{arguments:?} {}", ended.stderr);
        assert!(!world.has(DATABASE), "{arguments:?}");
        assert!(world.has("usr/bin/b"), "{arguments:?}");
    }
    let ended = world.pkm(&["db", "rebuild", "--forget", "a"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("record-forgotten"),
        "{}",
        ended.stderr
    );
    let ended = world.pkm(&["list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(world.has("usr/bin/a"));
}

#[test]
fn recover_repair_and_rebuild_restore_what_the_database_has() {
    for arguments in [&["recover"][..], &["repair", "--yes"], &["db", "rebuild"]] {
        let world = world();
        let whole = world.read(RECORD);
        world.write(RECORD, "nonsense");
        let ended = world.pkm(arguments);
        assert_eq!(ended.code, 0, "{arguments:?} {}", ended.stderr);
        assert!(
            ended.stderr.contains("warning[record-restored]"),
            "{arguments:?} {}",
            ended.stderr
        );
        assert_eq!(world.read(RECORD), whole, "{arguments:?}");
        assert_eq!(world.pkm(&["verify"]).code, 0, "{arguments:?}");
    }
}

#[test]
fn database_that_alone_knows_what_is_installed_is_not_emptied() {
    let world = world();
    let whole = world.read(RECORD);
    for text in ["packages/a", "packages/b", "history/00000001"] {
        world.delete(&format!("var/lib/igos/{text}"));
    }
    let ended = world.pkm(&["list"]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 2));
    assert!(ended.stderr.contains("texts-lost"), "{}", ended.stderr);
    assert_eq!(world.pkm(&["recover"]).code, 0);
    assert_eq!(world.read(RECORD), whole);
    assert_eq!(world.pkm(&["verify"]).code, 0);
    assert_eq!(world.pkm(&["db", "check"]).code, 0);
}
