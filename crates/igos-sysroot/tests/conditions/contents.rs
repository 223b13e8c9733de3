//! What files are and carry (E13 to E16).

use std::os::unix::fs::MetadataExt;

use fs_err as fs;
use igos_format::Capabilities;
use igos_report::Explain;
use igos_sysroot::{ApplyError, Ownership};

use crate::mounted::Mounted;
use crate::support::{TestArchive, TestRoot, apply, is_root, skipped};

#[test]
fn hard_links_stay_links_and_one_that_was_broken_is_found() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").hard_links(
        1,
        &["usr/a", "usr/b", "usr/c"],
        b"one",
    )]);
    let inode = |at: &str| fs::metadata(root.path(at)).expect("it is there").ino();
    assert_eq!(inode("usr/a"), inode("usr/b"));
    assert_eq!(inode("usr/a"), inode("usr/c"));
    fs::remove_file(root.path("usr/b")).expect("it is there");
    root.put("usr/b", "one");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(root.path("usr/b"), mode).expect("modes");
    assert!(
        root.findings().contains(&"usr/b link-count".to_owned()),
        "{:?}",
        root.findings()
    );
}

#[test]
fn zeros_are_zeros_whether_they_take_room_or_not() {
    let root = TestRoot::new();
    let mut content = vec![0_u8; 3 << 20];
    content[1 << 20] = 1;
    root.install(&[&TestArchive::new("a", "1").file("usr/sparse", &content)]);
    assert_eq!(
        fs::read(root.path("usr/sparse")).expect("it can be read"),
        content
    );
    // Holes in place of written zeros are the same content.
    let file = fs::File::create(root.path("usr/sparse")).expect("it can be made");
    file.set_len(content.len() as u64)
        .expect("it can be made long");
    std::os::unix::fs::FileExt::write_all_at(file.file(), &[1], 1 << 20)
        .expect("it can be written");
    drop(file);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn attributes_that_are_declared_are_set_and_lost_ones_are_found() {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1")
        .file("usr/file", b"file")
        .change_last(|entry| {
            entry
                .xattrs
                .insert("user.kind".to_owned(), b"declared".to_vec());
        });
    let probe = fs::File::open(root.directory.path()).expect("it opens");
    if igos_root::set_extended_attribute(&probe, "user.probe", b"1").is_err() {
        skipped("this file system has no extended attributes");
        return;
    }
    root.install(&[&archive]);
    assert_eq!(root.findings(), [""; 0]);
    rustix::fs::removexattr(root.path("usr/file"), "user.kind").expect("it is there");
    assert_eq!(root.findings(), ["usr/file xattr"]);
}

#[test]
fn privileged_file_system_without_attributes_refuses_before_anything_changes() {
    let root = TestRoot::new();
    let Some(_disk) = Mounted::new("ramfs", root.directory.path(), "mode=755") else {
        return;
    };
    root.install(&[&TestArchive::new("plain", "1").file("usr/plain", b"plain")]);
    let archive = TestArchive::new("a", "1")
        .file("usr/file", b"file")
        .change_last(|entry| {
            entry
                .xattrs
                .insert("user.kind".to_owned(), b"declared".to_vec());
        });
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let before = root.tree();
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[&archive]).expect_err("it has none");
    let ApplyError::Stage { path, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (path.to_string(), error.exit_code()),
        ("usr/file".to_owned(), 4)
    );
    drop(sysroot);
    assert_eq!(root.tree(), before);
}

#[test]
fn link_to_a_replaced_program_and_a_descriptor_of_it_give_nobody_its_rights() {
    if !is_root("setting owners and capabilities") {
        return;
    }
    let root = TestRoot::new();
    let version = |version: &str| {
        TestArchive::new("tools", version)
            .file_with("usr/bin/su", version.as_bytes(), 0o4755)
            .file_with("usr/bin/wall", version.as_bytes(), 0o2755)
            .file_with("usr/bin/ping", version.as_bytes(), 0o755)
            .change_last(|entry| {
                entry.capabilities = Some("cap_net_raw=ep".parse().expect("capabilities"));
            })
    };
    assert_eq!(root.ownership, Ownership::Applied);
    root.install(&[&version("1")]);
    let stolen = |name: &str| format!("home/{name}");
    fs::create_dir(root.path("home")).expect("directories");
    let steal = |suffix: &str| {
        for name in ["su", "wall", "ping"] {
            let to = root.path(&stolen(&format!("{name}{suffix}")));
            fs::hard_link(root.path(&format!("usr/bin/{name}")), to).expect("links");
        }
    };
    let assert_dead = |suffix: &str| {
        for name in ["su", "wall", "ping"] {
            let at = stolen(&format!("{name}{suffix}"));
            assert_eq!(root.mode(&at) & 0o6000, 0, "{at}");
            let file = fs::File::open(root.path(&at)).expect("it is there");
            let capabilities = igos_root::extended_attribute(file.file(), Capabilities::XATTR);
            assert_eq!(capabilities.expect("attributes can be read"), None, "{at}");
        }
    };
    steal("-old");
    root.install(&[&version("2")]);
    assert_dead("-old");
    assert_eq!(root.mode("usr/bin/su"), 0o4755);
    assert_eq!(root.findings(), [""; 0]);
    steal("-removed");
    root.remove(&["tools"]);
    assert_dead("-removed");
    root.install(&[&version("3")]);
    let held = fs::File::open(root.path("usr/bin/su")).expect("it is there");
    root.remove(&["tools"]);
    assert_eq!(held.metadata().expect("it is open").mode() & 0o6000, 0);
}
