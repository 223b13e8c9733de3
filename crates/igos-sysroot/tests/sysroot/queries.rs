//! Questions about what is installed.

use igos_report::Explain;

use crate::support::{TestArchive, TestRoot, name, path};

fn root() -> TestRoot {
    let root = TestRoot::new();
    let base = TestArchive::new("base", "1")
        .symlink("lib", "usr/lib")
        .directory("usr/lib", 0o755)
        .symlink("usr/lib64", "lib")
        .symlink("usr/loop", "loop/x");
    let zlib = TestArchive::new("zlib", "1.3").file("usr/lib/libz.so.1", b"z");
    let pigz = TestArchive::new("pigz", "2.8")
        .depends("zlib>=1.2")
        .file_with("usr/bin/pigz", b"pigz", 0o755);
    root.install(&[&base, &zlib, &pigz]);
    root
}

#[test]
fn owner_is_found_through_merged_and_recorded_links() {
    let root = root();
    let sysroot = root.read();
    for asked in ["usr/lib/libz.so.1", "lib/libz.so.1", "usr/lib64/libz.so.1"] {
        let owned = sysroot.owner(&path(asked)).expect("it has an owner");
        assert_eq!(owned.packages, [name("zlib")], "{asked}");
        assert_eq!(owned.place, path("usr/lib/libz.so.1"));
    }
    assert_eq!(
        sysroot
            .owner(&path("usr/lib"))
            .expect("a directory")
            .packages,
        [name("base"), name("zlib")]
    );
    assert_eq!(
        sysroot.owner(&path("lib")).expect("a link").packages,
        [name("base")]
    );
    for asked in ["usr/lib/nothing", "usr/loop/a", "nowhere"] {
        let error = sysroot.owner(&path(asked)).expect_err("nobody has it");
        assert_eq!((error.code(), error.exit_code()), ("not-owned", 1));
    }
}

#[test]
fn list_info_and_files_tell_what_was_installed() {
    let root = root();
    let sysroot = root.read();
    let names: Vec<_> = sysroot
        .list()
        .expect("a list")
        .iter()
        .map(|listed| listed.package.to_string())
        .collect();
    assert_eq!(names, ["base 1-1", "pigz 2.8-1", "zlib 1.3-1"]);
    let info = sysroot.info(&name("pigz")).expect("it is installed");
    assert_eq!(info.facts.description, "the package pigz");
    assert_eq!((info.facts.paths, info.facts.size_bytes), (1, 4));
    let files = sysroot.files(&name("pigz")).expect("it is installed");
    assert_eq!(
        (files[0].mode.as_str(), files[0].owner.as_str()),
        ("0755", "root:root")
    );
    let error = sysroot
        .info(&name("absent"))
        .expect_err("it is not installed");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn dependencies_are_told_in_both_directions() {
    let root = root();
    let sysroot = root.read();
    let needs = sysroot.depends(&name("pigz")).expect("it is installed");
    assert_eq!(needs.len(), 1);
    assert_eq!(needs[0].needs, "zlib>=1.2");
    assert_eq!(needs[0].satisfied_by, [name("zlib")]);
    let needed = sysroot.dependants(&name("zlib")).expect("it is installed");
    assert_eq!(needed[0].package, name("pigz"));
    assert_eq!(
        sysroot.dependants(&name("pigz")).expect("it is installed"),
        []
    );
}
