//! Going back, comparing points of the history, and the kernels.

use crate::world::{TestPackage, World, ended};

fn zlib(version: &str) -> TestPackage {
    TestPackage::new("zlib", version)
        .file("usr/lib/libz.so.1", version, 0o755)
        .file(&format!("usr/share/zlib-{version}"), "only here", 0o644)
        .configuration("etc/zlib.conf", version)
}

#[test]
fn upgrade_is_rolled_back_and_the_history_says_so() {
    let world = World::new();
    world.install(&[&zlib("1.3")]);
    world.install(&[&zlib("1.4")]);
    assert_eq!(world.read("usr/lib/libz.so.1"), "1.4");
    let (code, value) = world.json(&["rollback", "2", "--dry-run"]);
    assert_eq!((code, &value["plan"]["rollback_to"]), (0, &1.into()));
    assert_eq!(world.read("usr/lib/libz.so.1"), "1.4");
    assert_eq!(
        world.pkm(&["rollback", "2", "--yes", "--quiet"]),
        ended(0, "downgraded zlib 1.3-1 from 1.4-1\n", "")
    );
    assert_eq!(world.read("usr/lib/libz.so.1"), "1.3");
    assert!(world.has("usr/share/zlib-1.3") && !world.has("usr/share/zlib-1.4"));
    let (_, history) = world.json(&["history"]);
    assert_eq!(history[0]["rollback_to"], 1);
    assert_eq!(history[0]["undo"]["is_complete"], true);
    assert_eq!(history[2]["rollback_to"], serde_json::Value::Null);
    let shown = world.pkm(&["history", "--last", "1"]).stdout;
    assert!(shown.contains("  back to after transaction 1\n"), "{shown}");
    assert!(
        shown.contains("  can be undone: `pkm rollback 3`\n"),
        "{shown}"
    );
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn transaction_that_is_not_there_is_refused_with_exit_code_1() {
    let world = World::new();
    world.install(&[&zlib("1.3")]);
    let stderr = "error[transaction-unknown]: there is no transaction 7; the last one is 1\n  \
                  hint: see them: `pkm history`\n";
    assert_eq!(world.pkm(&["rollback", "7", "--yes"]), ended(1, "", stderr));
    assert_eq!(world.pkm(&["diff", "0", "7"]), ended(1, "", stderr));
}

#[test]
fn settings_bound_what_is_kept_and_dropped_contents_are_taken_from_archives() {
    let world = World::new();
    fs_err::create_dir_all(world.path("root/etc/igos")).expect("the root is ours");
    world.write("etc/igos/pkm.toml", "[undo]\ntransactions = 2\nbytes = 1\n");
    world.install(&[&zlib("1.3")]);
    world.install(&[&zlib("1.4")]);
    let refused = world.pkm(&["rollback", "2", "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.starts_with("error[contents-dropped]"),
        "{}",
        refused.stderr
    );
    world.archive(&zlib("1.3"));
    let rolled = world.pkm(&[
        "rollback",
        "2",
        "--archives",
        "archives",
        "--yes",
        "--quiet",
    ]);
    assert_eq!(rolled.code, 0, "{}", rolled.stderr);
    assert_eq!(world.read("usr/lib/libz.so.1"), "1.3");
}

#[test]
fn difference_names_packages_and_paths() {
    let world = World::new();
    world.install(&[&zlib("1.3")]);
    world.install(&[&zlib("1.4")]);
    let text = "\
~ zlib 1.3-1 -> 1.4-1
    ~ /etc/zlib.conf
    ~ /usr/lib/libz.so.1
    - /usr/share/zlib-1.3
    + /usr/share/zlib-1.4
";
    assert_eq!(world.pkm(&["diff", "1"]), ended(0, text, ""));
    let (code, value) = world.json(&["diff", "0", "1"]);
    assert_eq!(code, 0);
    assert_eq!(value["packages"][0]["from"], serde_json::Value::Null);
    assert_eq!(value["packages"][0]["paths"][0]["what"], "added");
    assert_eq!(
        world.pkm(&["diff", "2", "2"]),
        ended(0, "nothing differs\n", "")
    );
}

#[test]
fn directory_that_another_package_has_is_no_difference() {
    let world = World::new();
    let pigz = TestPackage::new("pigz", "2.8").file("usr/bin/pigz", "#!", 0o755);
    let zstd = TestPackage::new("zstd", "1.5")
        .file("usr/bin/zstd", "#!", 0o755)
        .file("usr/share/zstd/dictionary", "", 0o644);
    world.install(&[&pigz]);
    world.install(&[&zstd]);
    let text = "\
+ zstd 1.5-1
    + /usr/bin/zstd
    + /usr/share
    + /usr/share/zstd
    + /usr/share/zstd/dictionary
";
    assert_eq!(world.pkm(&["diff", "1"]), ended(0, text, ""));
}

#[test]
fn kernels_are_listed_with_their_packages() {
    let world = World::new();
    let kernel = TestPackage::new("linux", "6.1.4")
        .file("usr/lib/modules/6.1.4/kernel/a.ko", "module", 0o644)
        .file("boot/vmlinuz-6.1.4", "image", 0o644);
    let modules = TestPackage::new("extra-modules", "1").file(
        "usr/lib/modules/6.1.4/extra/b.ko",
        "module",
        0o644,
    );
    world.install(&[&kernel, &modules]);
    // This root is not the machine's own: nothing runs on it.
    assert_eq!(
        world.pkm(&["kernels"]),
        ended(0, "6.1.4 extra-modules linux\n", "")
    );
    let (_, value) = world.json(&["kernels"]);
    let expected = serde_json::json!([{
        "release": "6.1.4",
        "packages": ["extra-modules", "linux"],
        "is_kept": false,
        "is_running": false,
    }]);
    assert_eq!(value, expected);
    assert_eq!(
        world
            .pkm(&["remove", "linux", "extra-modules", "--yes", "--quiet"])
            .code,
        0
    );
}
