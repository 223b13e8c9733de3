//! Indexes: any bytes, and any texts as tables in files whose digests are right.

use std::io::Read;
use std::ops::ControlFlow;

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::index::{
    FilesIndexReader, IndexReader, IndexWriter, ReadIndexError, SearchTerms, read_record,
    write_record,
};

use crate::index_forge::Forged;

/// The tables of `packages.index`.
const TABLES: [&str; 4] = ["packages", "names", "summaries", "programs"];

/// Reads bytes as both files of an index, as a record, and as texts of tables: frames are divided by a byte of 1,
/// tables by a byte of 0.
pub fn index(data: &[u8]) {
    let _ = ask(data);
    ask_files(data);
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(entry) = read_record(text) {
        assert_eq!(write_record(&entry).as_deref(), Ok(text));
    }
    let files = frames(text);
    ask_files(&Forged::new("igos-files-index", &[("files", &files)]).bytes());
    let texts: Vec<Vec<(&str, &str)>> = text.split('\0').map(frames).collect();
    let tables: Vec<(&str, &[(&str, &str)])> = TABLES
        .into_iter()
        .zip(
            texts
                .iter()
                .map(Vec::as_slice)
                .chain(std::iter::repeat(&[][..])),
        )
        .collect();
    let forged = Forged::new("igos-packages-index", &tables).bytes();
    if ask(&forged).is_ok() {
        compare_with_written(&forged);
    }
}

/// Returns the frames of a table, each with its key.
fn frames(text: &str) -> Vec<(&str, &str)> {
    text.split('\u{1}')
        .filter(|text| !text.is_empty())
        .map(|text| {
            let record = text.strip_prefix("name ").unwrap_or(text);
            (record.split([' ', '\n']).next().unwrap_or_default(), text)
        })
        .collect()
}

/// Asks all that can be asked; returns what verifying the whole index says.
fn ask(bytes: &[u8]) -> Result<(), ReadIndexError> {
    let reader = IndexReader::open(bytes)?;
    let name = "tiny".parse().expect("it is a name");
    let soname = Feature::new(FeatureKind::Soname, "libtiny.so.1").expect("it is a feature");
    let _ = reader.named(&name);
    let _ = reader.versions(&name);
    let _ = reader.providing(&name);
    let _ = reader.offering(&soname);
    let _ = reader.with_program("tiny");
    let _ = reader.names_with_prefix("t", 8);
    let _ = reader.programs(|_, _| ControlFlow::Continue(()));
    let _ = reader.search(&SearchTerms::new(["a", "tiny"]), |_| {
        ControlFlow::Continue(())
    });
    reader.verify()
}

fn ask_files(bytes: &[u8]) {
    let Ok(reader) = FilesIndexReader::open(bytes) else {
        return;
    };
    let path = "usr/bin".parse().expect("it is a path");
    let _ = reader.owners(&path);
    let _ = reader.below(&path, |_, _| ControlFlow::Continue(()));
    let _ = reader.verify();
}

/// Writes the packages of a verified index again: the same texts come out.
fn compare_with_written(bytes: &[u8]) {
    let mut writer = IndexWriter::new();
    IndexReader::open(bytes)
        .and_then(|reader| {
            reader.entries(|entry| {
                writer.add(&entry).expect("what was read can be written");
                ControlFlow::Continue(())
            })
        })
        .expect("it was verified");
    let mut written = Vec::new();
    writer.write(&mut written).expect("there is memory");
    assert_eq!(tables(bytes), tables(&written));
}

/// Returns what an index unpacks to, after the directory.
fn tables(bytes: &[u8]) -> String {
    let mut text = String::new();
    zstd::stream::read::Decoder::new(bytes)
        .and_then(|mut decoder| decoder.read_to_string(&mut text))
        .expect("it was verified");
    let is_directory = |line: &&str| line.starts_with("table ") || line.starts_with("frame ");
    let directory: usize = text
        .split_inclusive('\n')
        .take_while(is_directory)
        .map(str::len)
        .sum();
    text.split_off(directory)
}
