//! Every change of the table, read in every form.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use igos_format::archive::{ArchiveReader, CompressionFormat};
use igos_report::Explain;

use crate::cases::case::package;
use crate::cases::{all, honest};
use crate::forge::Forge;
use crate::support::read_all;

/// The longest that reading one hostile archive may take (threats note, X8), where tests run slowly.
const LONGEST: Duration = Duration::from_secs(10);

const DOCUMENT: &str = include_str!("../../../../../docs/formats/hostile-archives.md");

#[test]
#[expect(clippy::print_stdout, reason = "the count is part of the answer")]
fn every_hostile_archive_is_refused_with_the_documented_code() {
    let package = package();
    let forges = CompressionFormat::ALL.map(honest);
    let archives_before = forges.each_ref().map(Forge::build);
    for archive in &archives_before {
        let (manifest, contents, _) =
            read_all(archive).expect("the archive is honest before it is changed");
        assert_eq!(
            (&manifest, &contents),
            (&package.manifest, &package.contents)
        );
    }
    let mut names = BTreeSet::new();
    let mut archives = 0;
    let mut longest = Duration::ZERO;
    let mut tables = String::new();
    let mut wrong = Vec::new();
    for (title, cases) in all() {
        writeln!(
            tables,
            "\n## {title}\n\n| one change | requirements | zstd | gzip | xz |\n|---|---|---|---|---|"
        )
        .expect("writing to a string cannot fail");
        for case in cases {
            assert!(names.insert(case.name), "{} is there twice", case.name);
            let codes = [0, 1, 2].map(|form| {
                let forge = &forges[form];
                if !case.formats.contains(&forge.format) {
                    return "".to_owned();
                }
                let archive = (case.build)(forge);
                assert_ne!(
                    archive, archives_before[form],
                    "{}: nothing changed",
                    case.name
                );
                let started = Instant::now();
                let read = read_all(&archive).map(drop);
                longest = longest.max(started.elapsed());
                archives += 1;
                let code = read.as_ref().err().map(Explain::code);
                if !read.as_ref().is_err_and(case.is_expected) {
                    wrong.push(format!("{}: {}: {read:?}", forge.format, case.name));
                }
                format!("`{}`", code.unwrap_or("accepted"))
            });
            writeln!(
                tables,
                "| {} | {} | {} |",
                case.name,
                case.threats,
                codes.join(" | ")
            )
            .expect("writing to a string cannot fail");
        }
    }
    println!(
        "{archives} hostile archives of {} changes, the longest read in {longest:?}",
        names.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() >= 150);
    assert!(longest < LONGEST, "{longest:?}");
    compare(&tables);
}

/// Compares the tables with the document, where they follow its first heading of that level.
fn compare(tables: &str) {
    let start = DOCUMENT.find("\n## The file").unwrap_or(DOCUMENT.len());
    let end = DOCUMENT.find("\n## Contained").unwrap_or(DOCUMENT.len());
    if DOCUMENT[start..end.max(start)] != *tables {
        let made = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile-archives.md");
        fs_err::write(&made, tables).expect("the directory is for tests");
        panic!(
            "docs/formats/hostile-archives.md has other tables than {}",
            made.display()
        );
    }
}

#[test]
fn after_a_wrong_header_there_are_only_errors() {
    let forge = honest(CompressionFormat::Gzip);
    let archive = forge.change_header("bin/b", |block| block[157] = b'z');
    let mut reader = ArchiveReader::open(archive.as_slice()).expect("the head is sound");
    let refused = loop {
        match reader.next_entry() {
            Ok(entry) => assert!(entry.is_some(), "the change comes first"),
            Err(error) => break error.code(),
        }
    };
    assert_eq!(refused, "archive-entry-header");
    for _ in 0..2 {
        let again = reader.next_entry().map(drop).map_err(|error| error.code());
        assert_eq!(again, Err("archive-after-error"));
    }
    let end = reader.finish().map(drop).map_err(|error| error.code());
    assert_eq!(end, Err("archive-after-error"));
}
