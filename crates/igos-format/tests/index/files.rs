//! The index of files.

use std::ops::ControlFlow;

use igos_format::index::{
    FilesIndexReader, FilesIndexWriter, IndexKind, IndexReader, ReadIndexError,
};
use igos_format::{EntryKind, FileEntry, Owner, PackageId, RelPath, Xattrs};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{NAMES, id};

type Rows = Vec<(RelPath, PackageId)>;

fn path(text: &str) -> RelPath {
    text.parse().expect("it is a path")
}

fn index(rows: &[(RelPath, PackageId)]) -> Vec<u8> {
    let mut writer = FilesIndexWriter::new();
    for (path, package) in rows {
        writer.add_path(package, path);
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("there is memory");
    bytes
}

fn open(bytes: &[u8]) -> FilesIndexReader<&[u8]> {
    FilesIndexReader::open(bytes).expect("it is an index")
}

fn paths(reader: &FilesIndexReader<&[u8]>) -> Rows {
    let mut found = Rows::new();
    reader
        .paths(|path, package| {
            found.push((path, package));
            ControlFlow::Continue(())
        })
        .expect("it can be read");
    found.sort();
    found
}

fn below(reader: &FilesIndexReader<&[u8]>, directory: &str) -> Rows {
    let mut found = Rows::new();
    reader
        .below(&path(directory), |path, package| {
            found.push((path, package));
            ControlFlow::Continue(())
        })
        .expect("it can be read");
    found.sort();
    found
}

fn any_rows() -> impl Strategy<Value = Rows> {
    let component = prop::sample::select(vec!["a", "a b", "a-", "a.d", "b\\", "\u{e9}", "c"]);
    let path = vec(component, 1..4).prop_map(|parts| path(&parts.join("/")));
    let name = prop::sample::select(NAMES.to_vec());
    let package = (name, "[1-3]").prop_map(|(name, version)| id(name, &version));
    vec((path, package), 0..80).prop_map(|mut rows| {
        rows.sort();
        rows.dedup();
        rows
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn paths_lead_to_the_packages_that_bring_them(rows in any_rows()) {
        let bytes = index(&rows);
        let reader = open(&bytes);
        reader.verify().expect("it was written by us");
        prop_assert_eq!(&paths(&reader), &rows);
        for wanted in ["a", "a/a", "a b/c", "b\\", "a-/a.d/\u{e9}"] {
            let owners = rows.iter().filter(|(at, _)| *at == path(wanted));
            let owners: Vec<_> = owners.map(|(_, package)| package.clone()).collect();
            prop_assert_eq!(reader.owners(&path(wanted)).expect("it can be read"), owners);
            let inside = rows.iter().filter(|(at, _)| *at != path(wanted) && at.starts_with(&path(wanted)));
            prop_assert_eq!(below(&reader, wanted), inside.cloned().collect::<Vec<_>>());
        }
        let mut turned = rows.clone();
        turned.reverse();
        prop_assert_eq!(index(&turned), bytes);
    }
}

#[test]
fn paths_that_fill_many_frames_are_found() {
    let rows: Rows = (0..20_000)
        .map(|number| {
            (
                path(&format!("usr/share/{}/{number}", number / 100)),
                id("a", "1"),
            )
        })
        .collect();
    let bytes = index(&rows);
    let reader = open(&bytes);
    reader.verify().expect("it was written by us");
    assert_eq!((reader.len(), reader.is_empty()), (20_000, false));
    for number in [0, 1, 99, 100, 9_999, 19_999] {
        let (path, package) = &rows[number];
        assert_eq!(reader.owners(path).ok(), Some(vec![package.clone()]));
    }
    assert_eq!(below(&reader, "usr/share/57").len(), 100);
    assert_eq!(below(&reader, "usr/share").len(), 20_000);
    assert_eq!(below(&reader, "usr/share/5").len(), 100);
    assert!(below(&reader, "usr/shar").is_empty());
}

#[test]
fn directories_are_left_out() {
    let entry = |text: &str, kind| FileEntry {
        path: path(text),
        kind,
        mode: 0o755,
        owner: Owner::root(),
        is_configuration: false,
        capabilities: None,
        xattrs: Xattrs::new(),
    };
    let target = b"b".to_vec();
    let entries = [
        entry("a", EntryKind::Directory),
        entry("a/b", EntryKind::Symlink { target }),
    ];
    let mut writer = FilesIndexWriter::new();
    writer.add(&id("a", "1"), &entries);
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("there is memory");
    assert_eq!(paths(&open(&bytes)), [(path("a/b"), id("a", "1"))]);
}

#[test]
fn one_kind_of_index_is_not_taken_for_the_other() {
    let bytes = index(&[]);
    assert!(open(&bytes).is_empty());
    let error = IndexReader::open(&bytes[..]).expect_err("it has no packages");
    assert!(matches!(
        error,
        ReadIndexError::Kind {
            expected: IndexKind::Packages,
            found: IndexKind::Files,
        }
    ));
}

#[test]
fn every_changed_byte_of_an_index_of_files_is_noticed() {
    let mut bytes = index(&[(path("a/b"), id("a", "1")), (path("c"), id("b", "2"))]);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let verified = FilesIndexReader::open(&bytes[..]).and_then(|reader| reader.verify());
            assert!(verified.is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
}
