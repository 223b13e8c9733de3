use std::io::{Read, Write};

use igos_format::EntryKind;

use super::{Item, deb, list, tar};
use crate::toolchain::DebError;
use crate::toolchain::deb::{DebFiles, read_deb, read_tar};

fn read(items: &[(&str, u32, Item<'_>)]) -> Result<DebFiles, DebError> {
    read_tar(tar(items).as_slice(), &list())
}

/// Writes each entry as one line: kind, mode, path, and what it holds or points at.
fn lines(files: &DebFiles) -> Vec<String> {
    let line = |entry: &igos_format::FileEntry| match &entry.kind {
        EntryKind::Directory => format!("directory {:o} {}", entry.mode, entry.path),
        EntryKind::File { sha256, .. } => {
            let mut text = String::new();
            let mut content = files.payload.open(sha256).expect("it was kept");
            content.read_to_string(&mut text).expect("it is text");
            format!("file {:o} {} {text}", entry.mode, entry.path)
        }
        EntryKind::Symlink { target } => {
            format!("link {} {}", entry.path, String::from_utf8_lossy(target))
        }
    };
    files.payload.entries.values().map(line).collect()
}

#[test]
fn top_level_directories_are_merged_below_usr() {
    let files = read(&[
        ("./", 0o755, Item::Directory),
        ("./bin/", 0o755, Item::Directory),
        ("./bin/tool", 0o755, Item::File(b"tool")),
        ("./lib/", 0o755, Item::Directory),
        ("./lib64", 0o777, Item::Symlink("usr/lib64")),
        ("./lib/libx.so", 0o777, Item::Symlink("libx.so.1")),
        ("./lib/up", 0o777, Item::Symlink("../etc/x")),
        ("./usr/", 0o755, Item::Directory),
        ("./usr/lib/", 0o755, Item::Directory),
        ("./usr/lib/down", 0o777, Item::Symlink("../../lib/libx.so")),
        ("./usr/share/doc/tool/README", 0o644, Item::File(b"dropped")),
    ])
    .expect("all of it is honest");
    assert_eq!(
        lines(&files),
        [
            "directory 755 usr",
            "directory 755 usr/bin",
            "file 755 usr/bin/tool tool",
            "directory 755 usr/lib",
            "link usr/lib/down ../../lib/libx.so",
            "link usr/lib/libx.so libx.so.1",
            "link usr/lib/up /etc/x",
        ]
    );
    assert_eq!((files.epoch, files.changes.dropped), (1_000_000, 1));
}

#[test]
fn setuid_is_dropped_and_recorded() {
    let files = read(&[
        ("bin/su", 0o4755, Item::File(b"su")),
        ("var/tmp", 0o1777, Item::Directory),
        ("var/mail", 0o2775, Item::Directory),
    ])
    .expect("all of it is honest");
    assert_eq!(
        lines(&files),
        [
            "file 755 usr/bin/su su",
            "directory 775 var/mail",
            "directory 1777 var/tmp"
        ]
    );
    let modes: Vec<_> = files
        .changes
        .modes
        .iter()
        .map(|(path, mode)| format!("{path} {mode:o}"))
        .collect();
    assert_eq!(modes, ["usr/bin/su 4755", "var/mail 2775"]);
}

#[test]
fn hard_links_are_kept_and_lead_to_files_before_them() {
    let files = read(&[
        ("./bin/perl", 0o755, Item::File(b"perl")),
        ("./usr/bin/perl5", 0o755, Item::Link("./bin/perl")),
    ])
    .expect("all of it is honest");
    let groups: Vec<_> = files
        .payload
        .entries
        .values()
        .map(|entry| match entry.kind {
            EntryKind::File { link_group, .. } => link_group,
            _ => None,
        })
        .collect();
    assert_eq!(groups.len(), 2);
    assert!(groups[0].is_some() && groups[0] == groups[1]);
    for target in ["bin/later", "usr/share/doc/x", "../etc/passwd"] {
        let result = read(&[
            ("usr/share/doc/x", 0o644, Item::File(b"dropped")),
            ("bin/link", 0o755, Item::Link(target)),
            ("bin/later", 0o755, Item::File(b"")),
        ]);
        assert!(
            matches!(result, Err(DebError::Link { .. } | DebError::Path(_))),
            "{target}"
        );
    }
}

#[test]
fn hostile_entries_are_refused() {
    assert!(matches!(
        read(&[("dev/x", 0o644, Item::Fifo)]),
        Err(DebError::Kind { .. })
    ));
    for path in ["../x", "/etc/passwd", "a/../../x", "a//b", "a\nb"] {
        let result = read(&[(path, 0o644, Item::File(b""))]);
        assert!(matches!(result, Err(DebError::Path(_))), "{path:?}");
    }
    let twice = read(&[
        ("bin/x", 0o755, Item::File(b"1")),
        ("usr/bin/x", 0o755, Item::File(b"2")),
    ]);
    assert!(matches!(twice, Err(DebError::Twice { .. })));
    let over_directory = read(&[
        ("a", 0o755, Item::Directory),
        ("a", 0o777, Item::Symlink("/etc")),
    ]);
    assert!(matches!(over_directory, Err(DebError::Twice { .. })));
}

#[test]
fn every_truncation_is_noticed() {
    let whole = tar(&[("a", 0o644, Item::File(&[b'x'; 1000]))]);
    for length in [1, 100, 511, 513, 600, 1024, 1500] {
        assert!(read_tar(&whole[..length], &list()).is_err(), "{length}");
    }
}

#[test]
fn data_are_read_whatever_their_compression() {
    let data = tar(&[("bin/tool", 0o755, Item::File(b"tool"))]);
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&data).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    };
    let xz = {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(&data).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    };
    let zstd = zstd::stream::encode_all(data.as_slice(), 1).expect("memory takes all");
    for (name, bytes) in [
        ("data.tar", &data),
        ("data.tar.gz", &gzip),
        ("data.tar.xz", &xz),
        ("data.tar.zst", &zstd),
    ] {
        let files = read_deb(deb(name, bytes).path(), &list()).expect(name);
        assert_eq!(lines(&files), ["file 755 usr/bin/tool tool"], "{name}");
    }
    let wrong = read_deb(deb("data.tar.xz", &gzip).path(), &list());
    assert!(matches!(wrong, Err(DebError::Data(_))));
    let cut = read_deb(deb("data.tar.xz", &xz[..xz.len() / 2]).path(), &list());
    assert!(matches!(cut, Err(DebError::Data(_))));
}

proptest::proptest! {
    #[test]
    fn damaged_packages_are_refused_or_read_but_never_a_defect(
        flips in proptest::collection::vec((0_usize..4000, 0_u8..=255), 1..6),
        is_compressed: bool,
    ) {
        let data = tar(&[
            ("./bin/", 0o755, Item::Directory),
            ("./bin/tool", 0o755, Item::File(b"tool")),
            ("./bin/link", 0o755, Item::Link("./bin/tool")),
            ("./lib/libx.so", 0o777, Item::Symlink("../x")),
        ]);
        let (name, data) = if is_compressed {
            ("data.tar.zst", zstd::stream::encode_all(data.as_slice(), 1).expect("memory takes all"))
        } else {
            ("data.tar", data)
        };
        let file = deb(name, &data);
        let mut bytes = fs_err::read(file.path()).expect("it is there");
        let length = bytes.len();
        for (at, value) in flips {
            bytes[at % length] = value;
        }
        fs_err::write(file.path(), &bytes).expect("there is room");
        if let Ok(files) = read_deb(file.path(), &list()) {
            proptest::prop_assert!(files.payload.entries.len() <= 6);
        }
    }
}
