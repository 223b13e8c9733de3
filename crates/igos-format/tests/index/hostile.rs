//! Files that only look like an index.

use std::ops::ControlFlow;

use igos_format::index::{
    IndexReader, Part, ReadIndexError as E, SearchTerms, Table, write_record,
};

use crate::forge::{Forged, compress, header};
use crate::support::{id, index, name, package};

const KIND: &str = "igos-packages-index";

/// Opens and verifies; on the way everything is asked that can be asked, which must not panic.
fn verify(bytes: &[u8]) -> Result<(), E> {
    let reader = IndexReader::open(bytes)?;
    let _ = reader.named(&name("a"));
    let _ = reader.versions(&name("a"));
    let _ = reader.providing(&name("b"));
    let _ = reader.with_program("p");
    let _ = reader.names_with_prefix("", 10);
    let _ = reader.programs(|_, _| ControlFlow::Continue(()));
    let _ = reader.search(&SearchTerms::new(["a"]), |_| ControlFlow::Continue(()));
    reader.verify()
}

/// Texts of the tables of an index of one package.
struct Texts {
    packages: String,
    names: String,
    summaries: String,
    programs: String,
}

fn texts() -> Texts {
    let mut entry = package(id("a", "1"));
    entry.provides = ["b".parse().expect("it is a name")].into();
    entry.programs = ["p".to_owned()].into();
    entry.description = "first".to_owned();
    Texts {
        packages: write_record(&entry).expect("it can be written"),
        names: "name:b a\n".to_owned(),
        summaries: "a 0 1 1 x86_64 first\n".to_owned(),
        programs: "p a\n".to_owned(),
    }
}

/// Returns an index of these tables.
fn forge(texts: &Texts) -> Forged {
    Forged::new(
        KIND,
        &[
            ("packages", &[("a", &texts.packages)]),
            ("names", &[("name:b", &texts.names)]),
            ("summaries", &[("a", &texts.summaries)]),
            ("programs", &[("p", &texts.programs)]),
        ],
    )
}

#[test]
fn index_made_from_the_document_alone_is_read() {
    verify(&forge(&texts()).bytes()).expect("it is as the document says");
}

#[test]
fn every_changed_byte_and_every_truncation_is_noticed() {
    let entry = igos_format::index::read_record(&texts().packages).expect("it is a record");
    let mut bytes = index(&[entry]);
    for length in 0..bytes.len() {
        assert!(verify(&bytes[..length]).is_err(), "{length}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(verify(&bytes).is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
    bytes.push(0);
    assert!(matches!(verify(&bytes), Err(E::Length { .. })));
}

#[test]
fn header_in_another_form_is_refused() {
    let good = forge(&texts());
    let with_first = |first: &str| {
        let mut forged = forge(&texts());
        forged.first = first.to_owned();
        verify(&forged.bytes())
    };
    assert!(with_first("igos-packages-index 2 2").is_ok());
    for newer in ["igos-packages-index 4 3", "igos-packages-index 3 2"] {
        let error = with_first(newer).expect_err("it is of a newer format");
        let (needed, known) = (3, 2);
        assert!(
            matches!(error, E::NewerFormat { needed: a, known: b } if (a, b) == (needed, known)),
            "{newer:?}: {error:?}"
        );
    }
    for older in ["igos-packages-index 1 1", "igos-packages-index 0 1"] {
        let error = with_first(older).expect_err("it is of an older format");
        assert!(
            matches!(error, E::OlderFormat { known: 2, .. }),
            "{older:?}: {error:?}"
        );
    }
    assert!(matches!(
        with_first("igos-files-index 2 2"),
        Err(E::Kind { .. })
    ));
    for first in [
        "igos-packages-index 2",
        "igos-packages-index 2 x",
        "igos-index 1 1",
        "",
    ] {
        assert!(matches!(with_first(first), Err(E::NotAnIndex)), "{first:?}");
    }
    for first in [
        "igos-packages-index 02 2",
        "igos-packages-index 2 2 ",
        "igos-packages-index 2 1",
    ] {
        assert!(matches!(with_first(first), Err(E::Header)), "{first:?}");
    }
    assert!(matches!(verify(&good.bytes()[8..]), Err(E::NotAnIndex)));
    assert!(matches!(verify(b""), Err(E::NotAnIndex)));
    let digest = igos_format::Sha256::of(b"");
    for (text, is_long) in [
        (format!("{KIND} 2 2\ndirectory 1 99999999 {digest}\n"), true),
        (format!("{KIND} 2 2\ndirectory 99999999 1 {digest}\n"), true),
        (
            format!("{KIND} 2 2\ndirectory 18446744073709551615 1 {digest}\n"),
            true,
        ),
        (format!("{KIND} 2 2\ndirectory 1 1 {digest}\nmore\n"), false),
        (format!("{KIND} 2 2\ndirectory 1 1 {digest}"), false),
        (format!("{KIND} 2 2\n"), false),
    ] {
        let error = verify(&header(&text)).expect_err(&text);
        assert_eq!(matches!(error, E::TooLong { .. }), is_long, "{error:?}");
        assert_eq!(matches!(error, E::Header), !is_long, "{error:?}");
    }
}

#[test]
fn directory_that_is_not_possible_is_refused_at_its_line() {
    let forged = forge(&texts());
    let lines: Vec<&str> = forged.directory.lines().collect();
    let frame = |line: usize, change: &dyn Fn(&mut Vec<String>)| {
        let mut fields: Vec<String> = lines[line].split(' ').map(str::to_owned).collect();
        change(&mut fields);
        let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        lines[line] = fields.join(" ");
        lines.join("\n") + "\n"
    };
    let set = |field: usize, text: &'static str| {
        frame(1, &move |fields: &mut Vec<String>| {
            fields[field] = text.to_owned()
        })
    };
    let cases = [
        (set(0, "fram"), 2),
        (set(1, "0"), 2),
        (set(1, "99999999999999999999"), 2),
        (set(2, "0"), 2),
        (set(2, "1048577"), 2),
        (set(3, "0"), 2),
        (set(3, "99999"), 2),
        (set(4, "0"), 2),
        (set(5, ""), 2),
        (set(5, "a b"), 2),
        (frame(0, &|fields| fields[1] = "names".to_owned()), 1),
        (frame(2, &|fields| fields[1] = "packages".to_owned()), 3),
        (forged.directory.replace("table packages\n", ""), 1),
        (forged.directory.replace("table programs\n", ""), 7),
        (format!("{}table files\n", forged.directory), 9),
        (forged.directory.replace("frame ", "frame 0"), 8),
        (forged.directory.trim_end().to_owned(), 8),
        (String::new(), 0),
    ];
    for (directory, expected) in cases {
        let mut forged = forge(&texts());
        forged.directory = directory;
        match verify(&forged.bytes()) {
            Err(E::Directory { line }) => assert_eq!(line, expected, "{}", forged.directory),
            other => panic!("{other:?}: {}", forged.directory),
        }
    }
}

#[test]
fn directory_whose_frames_do_not_fit_the_file_is_refused() {
    let mut forged = forge(&texts());
    forged.frames.pop();
    assert!(matches!(verify(&forged.bytes()), Err(E::Length { .. })));
    let mut forged = forge(&texts());
    let stored = compress(forged.directory.as_bytes());
    forged.stored = Some([stored.clone(), stored].concat());
    assert!(matches!(
        verify(&forged.bytes()),
        Err(E::Unpack {
            part: Part::Directory,
            ..
        })
    ));
    forged.stored = Some(compress(b"table packages\n"));
    assert!(matches!(
        verify(&forged.bytes()),
        Err(E::Unpack {
            part: Part::Directory,
            ..
        })
    ));
}

/// Returns an index whose first frame is stored as `stored`.
fn with_frame(stored: &[u8], length: usize) -> Vec<u8> {
    let mut forged = Forged::new(KIND, &[("packages", &[])]);
    forged.push("a", 1, length, stored);
    for table in ["names", "summaries", "programs"] {
        forged.directory += &format!("table {table}\n");
    }
    forged.bytes()
}

#[test]
fn frame_that_is_not_exactly_one_of_its_length_is_refused() {
    let text = texts().packages;
    let (bytes, length) = (text.as_bytes(), text.len());
    let good = compress(bytes);
    let unpack = |stored: &[u8], length| match verify(&with_frame(stored, length)) {
        Err(E::Unpack {
            part: Part::Frame(Table::Packages, 0),
            reason,
        }) => reason,
        other => panic!("{other:?}"),
    };
    let one = "not exactly one zstd frame";
    assert_eq!(unpack(&[&good[..], &good].concat(), length), one);
    assert_eq!(unpack(&[&good[..], &header("")].concat(), length), one);
    assert_eq!(unpack(&header(&text), length), one);
    assert_eq!(unpack(&good[..good.len() - 1], length), one);
    assert_eq!(unpack(bytes, length), one);
    let stated = "it does not state the length that it should have";
    assert_eq!(unpack(&good, length - 1), stated);
    assert_eq!(unpack(&good, length + 1), stated);
    let streamed = zstd::stream::encode_all(bytes, 1).expect("there is memory");
    assert_eq!(unpack(&streamed, length), stated);
    assert_eq!(unpack(&compress(b"name \xff\n\n"), 8), "it is not UTF-8");
    let bomb = compress(&vec![b'a'; 64 << 20]);
    assert_eq!(unpack(&bomb, 1 << 20), stated);
}

#[test]
fn frame_that_is_not_what_the_directory_says_is_refused() {
    for (text, expected) in [
        (
            "name b\n\n",
            "it does not begin with the key of the directory",
        ),
        ("name a\n", "its last record has no end"),
    ] {
        let result = verify(&with_frame(&compress(text.as_bytes()), text.len()));
        match result {
            Err(E::Frame {
                part: Part::Frame(Table::Packages, 0),
                reason,
            }) => {
                assert_eq!(reason, expected);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn record_that_is_refused_names_its_package() {
    let text = texts().packages.replace("epoch 0", "epoch 00");
    match verify(&with_frame(&compress(text.as_bytes()), text.len())) {
        Err(E::Record { name, .. }) => assert_eq!(name, "a"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tables_that_do_not_follow_from_the_packages_are_refused() {
    type Change = fn(&mut Texts);
    let changes: [(Change, Table, &str); 6] = [
        (
            |t| t.names = "name:c a\n".to_owned(),
            Table::Names,
            "name:b a\n",
        ),
        (|t| t.names += "name:c a\n", Table::Names, "name:c a\n"),
        (
            |t| t.summaries = t.summaries.replace("first", "second"),
            Table::Summaries,
            "a 0 1 1 x86_64 first\n",
        ),
        (
            |t| t.summaries += "b 0 1 1 x86_64 \n",
            Table::Summaries,
            "b 0 1 1 x86_64 \n",
        ),
        (
            |t| t.programs = "p b\n".to_owned(),
            Table::Programs,
            "p a\n",
        ),
        (
            |t| t.packages = t.packages.replace("program p", "program p\nprogram q"),
            Table::Programs,
            "q a\n",
        ),
    ];
    for (change, expected, row) in changes {
        let mut texts = texts();
        change(&mut texts);
        let mut forged = forge(&texts);
        let key = texts.names.split(' ').next().expect("it has a key");
        forged.directory = forged.directory.replace("name:b", key);
        match verify(&forged.bytes()) {
            Err(E::Disagree { table, record }) => assert_eq!((table, &*record), (expected, row)),
            other => panic!("{row:?}: {other:?}"),
        }
    }
}

/// Returns the reason for which an index with these frames of packages is refused.
fn reason(frames: &[(&str, &str)]) -> &'static str {
    let tables: [(&str, &[(&str, &str)]); 4] = [
        ("packages", frames),
        ("names", &[]),
        ("summaries", &[]),
        ("programs", &[]),
    ];
    match verify(&Forged::new(KIND, &tables).bytes()) {
        Err(E::Frame { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn packages_out_of_order_or_divided_otherwise_are_refused() {
    let record = |name: &str, version: &str, bytes: usize| {
        let mut entry = package(id(name, version));
        entry.programs = (0..bytes / 200)
            .map(|number| format!("{number:0>190}"))
            .collect();
        write_record(&entry).expect("it can be written")
    };
    let (a, b) = (record("a", "1", 0), record("b", "1", 0));
    let order = "a record is not in order after the one before it, or there twice";
    assert_eq!(reason(&[("b", &[&*b, &a].concat())]), order);
    assert_eq!(reason(&[("a", &[&*a, &a].concat())]), order);
    let again = a.replace("origin built", "origin imported");
    assert_eq!(
        reason(&[("a", &[&*a, &again].concat())]),
        "a package is there twice"
    );
    assert_eq!(
        reason(&[("a", &a), ("b", &b)]),
        "its first record belongs into the frame before it"
    );
    let long = record("a", "1", 70_000);
    assert_eq!(
        reason(&[("a", &[&*long, &b].concat())]),
        "it has more records than fit"
    );
}

#[test]
fn wrong_number_of_records_is_refused() {
    let text = texts().packages;
    let bytes = with_frame(&compress(text.as_bytes()), text.len());
    assert!(matches!(verify(&bytes), Err(E::Disagree { .. })));
    let mut forged = Forged::new(KIND, &[("packages", &[])]);
    forged.push("a", 2, text.len(), &compress(text.as_bytes()));
    forged.directory += "table names\ntable summaries\ntable programs\n";
    assert!(matches!(verify(&forged.bytes()), Err(E::Frame { .. })));
}
