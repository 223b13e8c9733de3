//! `pkm verify`.

use std::os::unix::fs::PermissionsExt;

use crate::world::{TestPackage, World};

fn world() -> World {
    let world = World::new();
    let zlib = TestPackage::new("zlib", "1.3.1")
        .file("usr/lib/libz.so.1", "compress", 0o755)
        .file("usr/include/zlib.h", "int deflate();", 0o644)
        .symlink("usr/lib/libz.so", "libz.so.1")
        .configuration("etc/zlib.conf", "level = 6\n");
    world.install(&[&zlib]);
    world
}

/// Lines about rights that an ordinary user cannot apply depend on who runs the test.
fn without_rights(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("recorded but not applied"))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn root_as_installed_has_no_findings() {
    let ended = world().pkm(&["verify", "--quiet", "--extra"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert_eq!(
        without_rights(&ended.stdout),
        "checked 1 packages: 8 paths (3 files, 4 directories, 1 symbolic links), 32 B\n\
         0 findings: 0 in code, 0 in configuration, 0 could not be read\n"
    );
}

#[test]
fn changed_content_mode_target_and_missing_files_are_each_found_and_named() {
    let world = world();
    world.write("usr/lib/libz.so.1", "compresS");
    let header = world.path("root/usr/include/zlib.h");
    fs_err::set_permissions(header, std::fs::Permissions::from_mode(0o600))
        .expect("the root is ours");
    world.delete("usr/lib/libz.so");
    world.write("etc/zlib.conf", "level = 9\n");
    let (code, value) = world.json(&["verify"]);
    assert_eq!(code, 1);
    let findings: Vec<String> = value["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
            format!(
                "{} {} {} {}",
                text("path"),
                text("package"),
                text("what"),
                text("class")
            )
        })
        .collect();
    assert_eq!(
        findings,
        [
            "etc/zlib.conf zlib content configuration",
            "usr/include/zlib.h zlib mode code",
            "usr/lib/libz.so zlib missing code",
            "usr/lib/libz.so.1 zlib content code",
        ]
    );
    let shown = world.pkm(&["verify", "--quiet"]).stdout;
    let titles: Vec<&str> = shown.lines().filter(|line| line.ends_with(':')).collect();
    assert_eq!(
        titles,
        [
            "missing:",
            "modified:",
            "modified configuration, which may be your own edits:"
        ]
    );
    assert!(
        shown.ends_with("4 findings: 3 in code, 1 in configuration, 0 could not be read\n"),
        "{shown}"
    );
}

#[test]
fn files_of_no_package_are_found_on_request() {
    let world = world();
    world.write("usr/lib/libevil.so", "boo");
    assert_eq!(world.pkm(&["verify", "--quiet"]).code, 0);
    let ended = world.pkm(&["verify", "--quiet", "--extra"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended
            .stdout
            .starts_with("not from any package:\n  usr/lib/libevil.so: extra"),
        "{}",
        ended.stdout
    );
}

#[test]
fn what_cannot_be_read_is_neither_fine_nor_drift() {
    if rustix::process::geteuid().is_root() {
        println_skipped("root can read every file");
        return;
    }
    let world = World::new();
    world.install(&[&TestPackage::new("shadow", "4.17").file(
        "etc/shadow",
        "root:*::0:99999:7:::",
        0o000,
    )]);
    let (code, value) = world.json(&["verify"]);
    assert_eq!(code, 4);
    assert_eq!(value["counts"]["unreadable"], 1);
    assert_eq!(value["findings"][0]["what"], "unreadable");
    assert_eq!(value["findings"].as_array().map(Vec::len), Some(1));
}

#[expect(
    clippy::print_stdout,
    reason = "`./test` counts tests that say they were skipped"
)]
fn println_skipped(reason: &str) {
    println!("skipped: {reason}");
}

#[test]
fn verification_of_one_package_leaves_the_others_out() {
    let world = world();
    world.install(&[&TestPackage::new("pigz", "2.8").file("usr/bin/pigz", "#!", 0o755)]);
    world.write("usr/bin/pigz", "!#");
    assert_eq!(world.pkm(&["verify", "zlib", "--quiet"]).code, 0);
    assert_eq!(world.pkm(&["verify", "pigz", "--quiet"]).code, 1);
}
