//! Names that are hard to write, too long, or the same to some file systems (E10, E11, E12).

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use igos_format::{EntryKind, RelPath};
use igos_report::Explain;
use igos_root::Directory;
use igos_sysroot::{ApplyError, ChangeOptions, Disk, Durability, Mutations};

use crate::support::{TestArchive, TestRoot, apply};

/// A file system that does not tell upper from lower case.
#[derive(Debug)]
struct Folding;

impl Mutations for Folding {
    fn rename_new(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        let entries = to.entries()?;
        if entries
            .iter()
            .any(|entry| entry.name.eq_ignore_ascii_case(other))
        {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Disk.rename_new(from, name, to, other)
    }
}

#[test]
fn names_that_a_disk_takes_for_one_are_refused_and_nothing_is_half_done() {
    // Kernels without Unicode support have no such disk: the border of mutations stands for one.
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("plain", "1").file("usr/plain", b"plain")]);
    let archive = TestArchive::new("a", "1")
        .file("usr/share/README", b"one")
        .file("usr/share/readme", b"two");
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let before = (root.tree(), root.records());
    let mut sysroot = root.change_with(ChangeOptions {
        durability: Durability::None,
        mutations: Arc::new(Folding),
        ..ChangeOptions::default()
    });
    let error = apply(&mut sysroot, &plan, &[&archive]).expect_err("they are one");
    let ApplyError::TakenBack { path, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(path.eq_ignore_ascii_case("usr/share/readme"), "{path}");
    assert_eq!(error.exit_code(), 4);
    drop(sysroot);
    assert_eq!((root.tree(), root.records()), before);
    // Where they are two, they are installed.
    root.install(&[&archive]);
    assert_eq!(root.content("usr/share/README"), "one");
    assert_eq!(root.content("usr/share/readme"), "two");
}

#[test]
fn longest_names_and_paths_are_installed_verified_and_removed() {
    let root = TestRoot::new();
    let component = "n".repeat(255);
    // 15 components of 255 bytes and a last one: 4 095 bytes in all.
    let long = format!(
        "{}/{}",
        vec![component.as_str(); 15].join("/"),
        "m".repeat(255)
    );
    assert_eq!(long.len(), 4_095);
    let deep = vec!["d"; 256].join("/");
    root.install(&[&TestArchive::new("a", "1")
        .file(&long, b"long")
        .file(&deep, b"deep")]);
    assert_eq!(root.findings(), [""; 0]);
    root.remove(&["a"]);
    assert!(!root.exists("d") && !root.exists(&component));
    for refused in [
        "x".repeat(256),
        vec!["d"; 257].join("/"),
        format!("{long}m"),
    ] {
        assert!(
            refused.parse::<RelPath>().is_err(),
            "{} bytes",
            refused.len()
        );
    }
}

#[test]
fn names_of_any_bytes_survive_and_control_bytes_are_refused() {
    let root = TestRoot::new();
    let odd: Vec<&[u8]> = vec![
        b"usr/latin-\xe9\xff",
        b"usr/space and 'quote' \"double\" \\back",
        b"usr/$(reboot) `;&| *?[",
        "usr/\u{fc}\u{2028}\u{202e}txt".as_bytes(),
        b"usr/-rf",
    ];
    let mut archive = TestArchive::new("a", "1").file("usr/plain", b"content");
    for name in &odd {
        archive = archive.file("usr/x", b"content").change_last(|entry| {
            entry.path = RelPath::from_bytes(name).expect("any byte but control bytes");
            entry.kind = EntryKind::Symlink {
                target: b"plain".to_vec(),
            };
            entry.mode = 0o777;
        });
    }
    root.install(&[&archive]);
    for name in &odd {
        let at = root
            .directory
            .path()
            .join(std::ffi::OsStr::from_bytes(name));
        assert!(at.is_symlink(), "{}", at.display());
    }
    assert_eq!(root.findings(), [""; 0]);
    let check = igos_sysroot::check_database(&root.root()).expect("it can be compared");
    assert!(check.is_clean(), "{:?}", check.differences);
    // The record is text, and a line of it stays one.
    let record = root.content("var/lib/igos/packages/a");
    let is_harmless = |text: char| text == '\n' || !text.is_control();
    assert!(record.chars().all(is_harmless));
    root.remove(&["a"]);
    assert!(!root.exists("usr"));
    for refused in [
        &b"a\nb"[..],
        b"a\tb",
        b"a\x1b[31mb",
        b"a\x7fb",
        b"a\0b",
        b"a//b",
        b"../b",
        b"/b",
    ] {
        assert!(RelPath::from_bytes(refused).is_err(), "{refused:?}");
    }
}
