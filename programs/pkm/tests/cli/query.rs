//! Questions about a root.

use crate::world::{TestPackage, World, ended};

fn world() -> World {
    let world = World::new();
    let base = TestPackage::new("base", "1")
        .symlink("lib", "usr/lib")
        .file("usr/lib/os-release", "igos", 0o644);
    let zlib = TestPackage::new("zlib", "1.3.1")
        .file("usr/lib/libz.so.1", "compress", 0o755)
        .symlink("usr/lib/libz.so", "libz.so.1");
    let pigz = TestPackage::new("pigz", "2.8")
        .file("usr/bin/pigz", "#!", 0o755)
        .depends("zlib");
    world.install(&[&base, &zlib, &pigz]);
    world
}

#[test]
fn root_without_a_record_is_named_with_exit_code_4() {
    let world = World::new();
    for arguments in [
        &["list"][..],
        &["verify"],
        &["owner", "/usr"],
        &["remove", "zlib"],
        &["history"],
        &["recover"],
    ] {
        assert_eq!(
            world.pkm(arguments),
            ended(
                4,
                "",
                "error[root-unmanaged]: [WORLD]/root has no record of packages\n  \
                 hint: begin one by installing a package: `pkm --root DIR install ARCHIVE`\n"
            ),
            "{arguments:?}"
        );
    }
    assert!(!world.has("var"));
}

#[test]
fn package_that_is_not_installed_is_exit_code_1() {
    let world = world();
    for command in ["files", "depends", "verify"] {
        let (code, value) = world.json(&[command, "nginx"]);
        assert_eq!(
            (code, &value["error"]["diagnostics"][0]["code"]),
            (1, &"not-installed".into()),
            "{command}"
        );
    }
}

#[test]
fn list_shows_names_versions_and_descriptions() {
    let expected = "base 1-1      The package base\npigz 2.8-1    The package pigz\nzlib 1.3.1-1  The package zlib\n";
    assert_eq!(world().pkm(&["list"]), ended(0, expected, ""));
}

#[test]
fn info_shows_where_a_package_comes_from() {
    let ended = world().pkm(&["info", "pigz"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for line in [
        "pigz 2.8-1",
        "  origin      built from source in the sandbox",
        "  depends     zlib",
        "  size        2 B in 3 paths",
    ] {
        assert!(
            ended.stdout.lines().any(|found| found == line),
            "{line}\n{}",
            ended.stdout
        );
    }
}

#[test]
fn files_are_listed_in_order() {
    let world = world();
    assert_eq!(
        world.pkm(&["files", "zlib"]),
        ended(
            0,
            "/usr/\n/usr/lib/\n/usr/lib/libz.so\n/usr/lib/libz.so.1\n",
            ""
        )
    );
    assert_eq!(
        world.pkm(&["files", "zlib", "--long"]),
        ended(
            0,
            "0755 root:root    /usr/\n0755 root:root    /usr/lib/\n\
             0777 root:root    /usr/lib/libz.so -> libz.so.1\n0755 root:root    /usr/lib/libz.so.1\n",
            ""
        )
    );
}

#[test]
fn archives_are_asked_like_packages_and_need_no_record() {
    let world = World::new();
    let pigz = TestPackage::new("pigz", "2.8")
        .file("usr/bin/pigz", "#!", 0o755)
        .depends("zlib");
    let file = world.archive(&pigz);
    let file = file.as_str();
    let listed = "/usr/\n/usr/bin/\n/usr/bin/pigz\n";
    assert_eq!(world.pkm(&["files", file]), ended(0, listed, ""));
    let (code, value) = world.json(&["info", file]);
    assert_eq!((code, &value[0]["state"]), (0, &"archive".into()));
    assert_eq!(value[0]["depends"], serde_json::json!(["zlib"]));
    let shown = world.pkm(&["info", file]).stdout;
    assert!(shown.contains("  size        2 B in 3 paths\n"), "{shown}");
    assert!(!world.has("var"));

    let bytes = world.path("not-one.igos.tar.zst");
    fs_err::write(&bytes, "not an archive").expect("it can be written");
    for command in ["files", "info"] {
        let (code, value) = world.json(&[command, bytes.to_str().expect("text")]);
        let error = &value["error"]["diagnostics"][0]["code"];
        assert_eq!(
            (code, error),
            (1, &"archive-unknown-form".into()),
            "{command}"
        );
    }
}

#[test]
fn owner_follows_symbolic_links_to_directories_under_both_names() {
    let world = world();
    for command in ["owner", "provides"] {
        assert_eq!(
            world.pkm(&[command, "/usr/bin/pigz", "/lib/libz.so.1"]),
            ended(
                0,
                "/usr/bin/pigz belongs to pigz\n/lib/libz.so.1 is /usr/lib/libz.so.1, which belongs to zlib\n",
                ""
            )
        );
    }
    assert_eq!(
        world.pkm(&["owner", "/usr/bin/gzip"]),
        ended(1, "/usr/bin/gzip belongs to no package\n", "")
    );
    let (code, value) = world.json(&["owner", "/usr/bin/gzip", "/usr/bin/pigz"]);
    assert_eq!(code, 1);
    assert_eq!(
        value,
        serde_json::json!([
            { "asked": "usr/bin/gzip", "place": null, "packages": [], "available": [] },
            { "asked": "usr/bin/pigz", "place": "usr/bin/pigz", "packages": ["pigz"], "available": [] },
        ])
    );
}

#[test]
fn dependencies_are_told_in_both_directions() {
    let world = world();
    assert_eq!(world.pkm(&["depends", "pigz"]), ended(0, "zlib\n", ""));
    assert_eq!(
        world.pkm(&["depends", "zlib", "--reverse"]),
        ended(0, "pigz needs zlib\n", "")
    );
    assert_eq!(world.pkm(&["depends", "base"]), ended(0, "", ""));
}

#[test]
fn history_is_told_with_the_newest_first() {
    let world = world();
    world.pkm(&["remove", "pigz", "--yes"]);
    let (code, value) = world.json(&["history"]);
    assert_eq!(code, 0);
    let numbers: Vec<_> = value
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["transaction"].clone())
        .collect();
    assert_eq!(numbers, [2, 1]);
    assert_eq!(value[0]["changes"][0]["action"], "remove");
    let last = world.pkm(&["history", "pigz", "--last", "1"]);
    assert!(
        last.stdout.starts_with("2 20") && last.stdout.ends_with("\n  remove pigz 2.8-1\n"),
        "{}",
        last.stdout
    );
}

#[test]
fn queries_work_without_a_database() {
    let world = world();
    world.delete("var/lib/igos/pkm.db");
    let ended = world.pkm(&["owner", "/usr/bin/pigz"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "/usr/bin/pigz belongs to pigz\n")
    );
    assert!(
        ended.stderr.starts_with("warning[database-not-used]: "),
        "{}",
        ended.stderr
    );
}
