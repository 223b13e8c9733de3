//! Unpacking an archive as a build layer.

use std::os::unix::fs::MetadataExt;

use igos_report::Explain;
use igos_sysroot::{LayerOwner, materialise};

use crate::support::{EPOCH, TestArchive, TestRoot, is_root, name};

fn archive() -> TestArchive {
    TestArchive::new("gcc", "14")
        .directory("usr/closed", 0o500)
        .file_with("usr/closed/su", b"su", 0o4755)
        .symlink("usr/bin/cc", "gcc")
        .file_with("usr/bin/gcc", b"compiler", 0o755)
        .hard_links(1, &["usr/lib/one", "usr/lib/two"], b"linked")
        .file("usr/share/x", b"same")
        .file("usr/share/y", b"same")
}

#[test]
fn layer_has_contents_and_no_privileges() {
    let root = TestRoot::new();
    let summary = materialise(
        archive().bytes().as_slice(),
        &root.root(),
        LayerOwner::Caller,
    )
    .expect("it can be unpacked");
    assert_eq!(summary.package.name, name("gcc"));
    assert_eq!((summary.paths, summary.bytes), (8, 2 + 8 + 6 + 4));
    assert_eq!(root.content("usr/bin/cc"), "compiler");
    assert_eq!(root.mode("usr/closed/su"), 0o755);
    assert_eq!(root.mode("usr/closed"), 0o700);
    let inode = |at: &str| root.path(at).metadata().expect("it is there").ino();
    assert_eq!(inode("usr/lib/one"), inode("usr/lib/two"));
    assert_eq!(inode("usr/share/x"), inode("usr/share/y"));
    for at in ["usr/closed", "usr/bin/gcc"] {
        assert_eq!(
            root.path(at).metadata().expect("it is there").mtime(),
            EPOCH
        );
    }
    assert!(!root.exists("var"));
}

#[test]
fn several_archives_share_a_layer_but_not_a_file() {
    let root = TestRoot::new();
    let unpack = |archive: &TestArchive| {
        materialise(archive.bytes().as_slice(), &root.root(), LayerOwner::Caller)
    };
    unpack(&archive()).expect("it can be unpacked");
    unpack(&TestArchive::new("make", "4").file("usr/bin/make", b"make")).expect("beside it");
    let error = unpack(&TestArchive::new("other", "1").file("usr/bin/gcc", b"other"))
        .expect_err("the file is there");
    assert_eq!(error.code(), "layer-path-failed");
    assert_eq!(root.content("usr/bin/gcc"), "compiler");
}

#[test]
fn link_in_the_layer_is_not_followed() {
    let outside = TestRoot::new();
    let root = TestRoot::new();
    std::os::unix::fs::symlink(outside.directory.path(), root.path("usr")).expect("links");
    materialise(
        archive().bytes().as_slice(),
        &root.root(),
        LayerOwner::Caller,
    )
    .expect_err("a link is in the way");
    assert_eq!(outside.tree(), "");
}

#[test]
fn damaged_archive_is_refused() {
    let root = TestRoot::new();
    let mut bytes = archive().bytes();
    let middle = bytes.len() - 100;
    bytes[middle] ^= 1;
    let error =
        materialise(bytes.as_slice(), &root.root(), LayerOwner::Caller).expect_err("it is damaged");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn privileged_layer_belongs_to_the_build_identity() {
    if !is_root("changing owners") {
        return;
    }
    let root = TestRoot::new();
    let owner = LayerOwner::Numbers { uid: 61, gid: 62 };
    materialise(archive().bytes().as_slice(), &root.root(), owner).expect("it can be unpacked");
    for at in ["usr", "usr/bin", "usr/bin/cc", "usr/bin/gcc", "usr/lib/two"] {
        let found = root.path(at).symlink_metadata().expect("it is there");
        assert_eq!((found.uid(), found.gid()), (61, 62), "{at}");
    }
}
