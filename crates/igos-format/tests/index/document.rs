//! The examples of `docs/formats/index.md`.

use std::io::Read;

use igos_format::index::{
    FilesIndexReader, FilesIndexWriter, RecordError, read_record, write_record,
};

use crate::forge::Forged;
use crate::support::{id, index};

const DOCUMENT: &str = include_str!("../../../../docs/formats/index.md");

/// Returns the example with this mark.
fn example(mark: &str) -> &'static str {
    let (_, rest) = DOCUMENT
        .split_once(&format!("```{mark}\n"))
        .expect("the document has the example");
    rest.split_once("```").expect("the example ends").0
}

/// Returns what `zstd -dc` writes of a file.
fn dump(file: &[u8]) -> String {
    let mut text = String::new();
    zstd::stream::read::Decoder::new(file)
        .expect("there is memory")
        .read_to_string(&mut text)
        .expect("it is zstd");
    text
}

#[test]
fn record_of_the_document_is_one() {
    let entry = read_record(example("record")).expect("the document is right");
    assert_eq!(entry.package, id("tiny", "1.0"));
    assert_eq!(write_record(&entry).as_deref(), Ok(example("record")));
}

#[test]
fn index_of_the_record_is_the_text_of_the_document() {
    let entry = read_record(example("record")).expect("the document is right");
    let shown = dump(&index(&[entry]))
        .lines()
        .fold(String::new(), |text, line| {
            let mut fields: Vec<&str> = line.split(' ').collect();
            if fields[0] == "frame" {
                (fields[1], fields[4]) = ("STORED", "SHA256");
            }
            text + &fields.join(" ") + "\n"
        });
    assert_eq!(shown, example("dump").replace("…\n", example("record")));
}

#[test]
fn refused_records_of_the_document_are_refused_for_their_reason() {
    let (_, table) = DOCUMENT
        .split_once("| replaced | by | reason |\n|---|---|---|\n")
        .expect("the document has the table");
    let mut rows = 0;
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [replaced, by, expected] = cells[..] else {
            panic!("{row} has three cells");
        };
        let replaced = replaced.trim_start_matches("| ").trim_matches('`');
        let by = by.trim_matches('`');
        let record = example("record").replace(&format!("\n{replaced}\n"), &format!("\n{by}\n"));
        assert_ne!(record, example("record"), "{replaced} is in the record");
        let error = read_record(&record).expect_err(by);
        let found = match error {
            RecordError::TooLong { .. } => "too long",
            RecordError::Missing { .. } => "missing",
            RecordError::Value { .. } => "bad value",
            RecordError::NotCanonical { .. } => "not canonical",
        };
        assert_eq!(found, expected.trim_end_matches(" |"), "{by}: {error}");
        rows += 1;
    }
    assert!(rows >= 15, "the table has its rows");
}

#[test]
fn files_of_the_document_are_an_index() {
    let text = example("files");
    let forged = Forged::new("igos-files-index", &[("files", &[("usr/bin/tiny", text)])]);
    let bytes = forged.bytes();
    let reader = FilesIndexReader::open(&bytes[..]).expect("the document is right");
    reader.verify().expect("the document is right");
    let mut writer = FilesIndexWriter::new();
    reader
        .paths(|path, package| {
            writer.add_path(&package, &path);
            std::ops::ControlFlow::Continue(())
        })
        .expect("the document is right");
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("there is memory");
    assert!(dump(&bytes).ends_with(&format!("\n{text}")));
}
