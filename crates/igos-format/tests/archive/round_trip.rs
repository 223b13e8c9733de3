//! What is written is read again, whole or in pieces, and the same bytes are written every time.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use igos_format::archive::{
    ArchiveReader, Compression, CompressionFormat, Content, Head, Place, ReadArchiveError,
    Signature, SignatureAlgorithm, Signatures, WriteArchiveError, replace_signatures,
};
use igos_format::manifest::ManifestRule;
use igos_format::{EntryKind, RelPath, Sha256};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{PROVENANCE, Package, noise, path, read_all};

#[test]
fn package_of_everything_survives_in_every_compression() {
    let package = Package::of_everything();
    for format in CompressionFormat::ALL {
        let archive = package.write(format);
        let (manifest, contents, signatures) = read_all(&archive).expect("we wrote it");
        assert_eq!(manifest, package.manifest, "{format}");
        assert_eq!(contents, package.contents, "{format}");
        assert!(signatures.is_empty());
    }
}

#[test]
fn package_without_files_is_an_archive() {
    for format in CompressionFormat::ALL {
        let (manifest, contents, _) =
            read_all(&Package::empty().write(format)).expect("we wrote it");
        assert!(manifest.entries.is_empty() && contents.is_empty());
    }
}

#[test]
fn bytes_do_not_depend_on_the_number_of_threads() {
    let mut package = Package::of_everything();
    package.directory("zz");
    for number in 0..40 {
        package.file(format!("zz/{number}"), noise(300_000, number));
    }
    // More than is compressed in memory.
    package.file("zz/huge", b"0123456789abcdef".repeat(2_200_000));
    let package = package.sorted();
    for format in [CompressionFormat::Zstd, CompressionFormat::Gzip] {
        let compression = Compression::new(format, 1).expect("the level exists");
        let one = package.try_write(compression, 1).expect("it can be packed");
        assert!(one.1.frames > 10);
        for threads in [2, 3, 8] {
            let more = package
                .try_write(compression, threads)
                .expect("it can be packed");
            assert!(one == more, "{format} with {threads} threads");
        }
    }
}

#[test]
fn summary_says_what_was_written() {
    let package = Package::of_everything();
    let (archive, summary) = package
        .try_write(Compression::default(), 2)
        .expect("it can be packed");
    let head = Head::read(archive.as_slice()).expect("we wrote it");
    assert_eq!(summary.size, archive.len() as u64);
    assert_eq!(summary.sha256, Sha256::of(&archive));
    assert_eq!(summary.seal, head.seal_digest());
    assert_eq!(summary.seal, Sha256::of(&head.seal().to_bytes()));
    assert_eq!(summary.frames, head.frames().frames.len());
    // Two groups of two hard links of six bytes each.
    let all: u64 = package
        .contents
        .values()
        .map(|content| content.len() as u64)
        .sum();
    assert_eq!(summary.installed_size, all - 12);
}

#[test]
fn equal_contents_are_stored_once_and_links_are_told_from_copies() {
    let package = Package::of_everything();
    let archive = package.write(CompressionFormat::Zstd);
    let head = Head::read(archive.as_slice()).expect("we wrote it");
    let place = |at: &str| {
        let at = path(at);
        let index = |wanted: &RelPath| {
            let entries = &package.manifest.entries;
            entries.iter().position(|entry| &entry.path == wanted)
        };
        let name = |index: usize| package.manifest.entries[index].path.to_string();
        match head.place(index(&at).expect("it is there")) {
            Place::Nothing => "nothing".to_owned(),
            Place::Here => "here".to_owned(),
            Place::HardLink(first) => format!("link of {}", name(first)),
            Place::SameAs(first) => format!("same as {}", name(first)),
        }
    };
    for (at, expected) in [
        ("etc", "nothing"),
        ("usr/bin/ty", "nothing"),
        ("usr/share/a", "here"),
        ("usr/share/copy", "same as usr/share/a"),
        ("usr/share/empty", "here"),
        ("usr/share/h1", "here"),
        ("usr/share/h2", "link of usr/share/h1"),
        ("usr/share/i1", "same as usr/share/h1"),
        ("usr/share/i2", "link of usr/share/i1"),
        // Configuration files are edited, so tar must not make one file of two.
        ("etc/tiny.conf", "here"),
        ("etc/zz.conf", "here"),
    ] {
        assert_eq!(place(at), expected, "{at}");
    }
}

/// Reads one file with nothing but the head and the bytes of one frame.
fn read_one(archive: &[u8], at: &RelPath) -> Result<Vec<u8>, ReadArchiveError> {
    let head = Head::read(archive)?;
    let (wanted, frame) = head.locate(at).expect("it is a file of the package");
    assert!(head.entries_of(frame).contains(&wanted));
    assert_eq!(head.frame_of(wanted), frame);
    let row = &head.frames().frames[frame];
    let start = (head.length() + row.offset) as usize;
    let mut reader = head.read_frame(frame, &archive[start..start + row.compressed as usize])?;
    let mut content = None;
    while let Some(entry) = reader.next_entry()? {
        if let (true, Content::Bytes(mut bytes)) = (entry.index == wanted, entry.content) {
            let mut found = Vec::new();
            bytes.read_to_end(&mut found).expect("memory can be read");
            content = Some(found);
        }
    }
    Ok(content.expect("the frame has the entry"))
}

#[test]
fn single_files_are_read_from_single_frames() {
    let package = Package::of_everything();
    for format in CompressionFormat::ALL {
        let archive = package.write(format);
        for (path, content) in &package.contents {
            let found = read_one(&archive, path).expect("we wrote it");
            assert!(&found == content, "{format} {path}");
        }
        let head = Head::read(archive.as_slice()).expect("we wrote it");
        assert_eq!(head.locate(&path("usr/bin/ty")), None);
        assert_eq!(head.locate(&path("usr/bin/none")), None);
        assert!(matches!(
            head.read_frame(99, archive.as_slice()),
            Err(ReadArchiveError::NoSuchFrame { frame: 99, .. })
        ));
    }
}

#[test]
fn reader_of_an_archive_says_what_its_head_says() {
    let archive = Package::of_everything().write(CompressionFormat::Gzip);
    let head = Head::read(archive.as_slice()).expect("we wrote it");
    let reader = ArchiveReader::open(archive.as_slice()).expect("we wrote it");
    assert_eq!(reader.head(), &head);
    assert_eq!(reader.manifest(), &**head.manifest());
    assert_eq!(reader.manifest_bytes(), &**head.manifest_bytes());
    assert_eq!(reader.provenance(), PROVENANCE);
    assert_eq!(reader.seal(), head.seal());
    assert_eq!(reader.seal_digest(), head.seal_digest());
    assert_eq!(reader.frames(), head.frames());
    assert_eq!(reader.compression(), CompressionFormat::Gzip);
}

#[test]
fn contents_that_nobody_reads_are_verified_all_the_same() {
    let package = Package::of_everything();
    let archive = package.write(CompressionFormat::Zstd);
    let reader = ArchiveReader::open(archive.as_slice()).expect("we wrote it");
    assert!(reader.finish().expect("we wrote it").is_empty());
    let mut reader = ArchiveReader::open(archive.as_slice()).expect("we wrote it");
    let mut count = 0;
    while let Some(entry) = reader.next_entry().expect("we wrote it") {
        // One byte of each, the rest is for the reader.
        if let Content::Bytes(mut bytes) = entry.content {
            assert!(bytes.read(&mut [0]).is_ok());
        }
        count += 1;
    }
    assert_eq!(count, package.manifest.entries.len());
}

#[test]
fn after_an_error_there_are_only_errors() {
    let package = Package::of_everything();
    let mut archive = package.write(CompressionFormat::Gzip);
    let head = Head::read(archive.as_slice()).expect("we wrote it");
    let frame = &head.frames().frames[1];
    archive[(head.length() + frame.offset + frame.compressed / 2) as usize] ^= 0x55;
    let mut reader = ArchiveReader::open(archive.as_slice()).expect("the head is whole");
    while let Ok(entry) = reader.next_entry() {
        assert!(entry.is_some(), "the error comes before the end");
    }
    assert!(matches!(
        reader.next_entry(),
        Err(ReadArchiveError::AfterError)
    ));
    assert!(matches!(reader.finish(), Err(ReadArchiveError::AfterError)));
}

#[test]
fn file_that_changes_while_it_is_packed_is_named() {
    for content in ["long", "longer and longer", "grown"] {
        let mut package = Package::of_everything();
        let changed = path("usr/share/x");
        package.contents.insert(changed.clone(), content.into());
        for threads in [1, 4] {
            match package.try_write(Compression::default(), threads) {
                Err(WriteArchiveError::FileChanged {
                    path, actual_size, ..
                }) => {
                    assert_eq!(path, changed);
                    assert!(actual_size <= 11, "no more is read than one byte too many");
                }
                other => panic!("{other:?}"),
            }
        }
        package.contents.remove(&changed);
        assert!(matches!(
            package.try_write(Compression::default(), 2),
            Err(WriteArchiveError::ReadFile { path, .. }) if path == changed
        ));
    }
}

#[test]
fn manifest_that_breaks_a_rule_is_not_packed() {
    let mut package = Package::of_everything();
    package.manifest.entries.swap(0, 1);
    assert!(matches!(
        package.try_write(Compression::default(), 1),
        Err(WriteArchiveError::Manifest { source }) if matches!(source.rule, ManifestRule::Order { .. })
    ));
}

#[test]
fn signatures_are_added_replaced_and_removed_without_touching_the_rest() {
    let package = Package::of_everything();
    for format in CompressionFormat::ALL {
        let unsigned = package.write(format);
        let signature = |key: &str| Signature {
            algorithm: SignatureAlgorithm::Ed25519,
            key: Sha256::of(key.as_bytes()),
            value: [7; 64],
        };
        let replace = |archive: &[u8], signatures: &Signatures| {
            let mut out = Vec::new();
            replace_signatures(&mut Cursor::new(archive), signatures, &mut out)
                .expect("the archive is whole");
            out
        };
        let wanted: Signatures = [signature("a"), signature("b")].into();
        let signed = replace(&unsigned, &wanted);
        let (manifest, _, found) = read_all(&signed).expect("it is whole");
        assert_eq!((manifest, found), (package.manifest.clone(), wanted));
        let one: Signatures = [signature("c")].into();
        assert_eq!(
            read_all(&replace(&signed, &one)).expect("it is whole").2,
            one
        );
        assert!(replace(&signed, &Signatures::new()) == unsigned, "{format}");
    }
}

/// A tree of random names, kinds and contents.
fn package() -> impl Strategy<Value = Package> {
    let component = prop_oneof![
        4 => "[a-d]".prop_map(String::into_bytes),
        1 => vec(prop_oneof![0x20_u8..=0x2e, 0x30_u8..=0x7e, 0x80_u8..=0xff], 1..40),
        1 => "[a-z]{101,255}".prop_map(String::into_bytes),
    ]
    .prop_filter("not . or .. or ours", |bytes| {
        bytes != b"."
            && bytes != b".."
            && !bytes.starts_with(b".igos")
            && !bytes.starts_with(b".pkm-")
    });
    let content = prop_oneof![
        3 => (0_usize..3).prop_map(|seed| noise(seed * 513, seed as u64)),
        2 => (0_usize..2000, 0_u64..4).prop_map(|(length, seed)| noise(length, seed)),
        1 => (0_usize..2_500_000).prop_map(|length| b"pattern ".repeat(length / 8)),
    ];
    let target = vec(prop_oneof![0x20_u8..=0x7e, 0x80_u8..=0xff], 1..150);
    let entry = prop_oneof![
        2 => Just(None).prop_map(|_: Option<()>| None),
        2 => target.prop_map(|target| Some((Err(target), None, false))),
        6 => (content, prop::option::of(1_u32..3), any::<bool>())
            .prop_map(|(content, group, special)| Some((Ok(content), group, special))),
    ];
    vec((vec(component, 1..5), entry), 0..16).prop_map(|wanted| {
        let mut package = Package::empty();
        let mut groups: BTreeMap<u32, (Vec<u8>, bool)> = BTreeMap::new();
        let mut taken: Vec<RelPath> = Vec::new();
        for (components, entry) in wanted {
            let at = path(components.join(&b'/'));
            if taken
                .iter()
                .any(|other| other.starts_with(&at) || at.starts_with(other))
            {
                continue;
            }
            taken.push(at.clone());
            match entry {
                None => {
                    package.directory(at.as_bytes()).mode = 0o1777;
                }
                Some((Err(target), ..)) => package.symlink(at.as_bytes(), target),
                Some((Ok(content), group, special)) => {
                    let first = (content, special);
                    let (content, special) = match group {
                        Some(group) => groups.entry(group).or_insert(first).clone(),
                        None => first,
                    };
                    let file = package.file(at.as_bytes(), content);
                    if let EntryKind::File { link_group, .. } = &mut file.kind {
                        *link_group = group;
                    }
                    if special {
                        file.mode = 0o4755;
                        file.owner.uid = u32::MAX;
                        file.owner.gid = 0o7777777;
                        file.owner.user = "u".repeat(32).parse().expect("it is a name");
                        file.owner.group = "g".repeat(31).parse().expect("it is a name");
                        file.xattrs = [("user.x".to_owned(), noise(200, 5))].into();
                    }
                }
            }
        }
        package.sorted()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_package_survives(package in package(), format in prop::sample::select(CompressionFormat::ALL.to_vec())) {
        let level = if format == CompressionFormat::Xz { 0 } else { 1 };
        let compression = Compression::new(format, level).expect("the level exists");
        let (archive, summary) = package.try_write(compression, 2).expect("it can be packed");
        let (manifest, contents, _) = read_all(&archive).expect("we wrote it");
        prop_assert_eq!(summary.size, archive.len() as u64);
        prop_assert_eq!(&manifest, &package.manifest);
        prop_assert!(contents == package.contents);
        if let Some(path) = package.contents.keys().next_back() {
            prop_assert!(read_one(&archive, path).expect("we wrote it") == package.contents[path]);
        }
    }

    #[test]
    fn any_bytes_are_refused_without_harm(bytes: Vec<u8>, format in prop::sample::select(CompressionFormat::ALL.to_vec())) {
        prop_assert!(read_all(&bytes).is_err());
        let framed = crate::forge::compress(format, &bytes);
        prop_assert!(read_all(&framed).is_err());
    }
}
