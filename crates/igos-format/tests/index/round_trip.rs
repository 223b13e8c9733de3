//! What is written is read again, in one form.

use igos_format::index::{IndexEntry, RecordError, WriteIndexError, read_record, write_record};
use proptest::prelude::*;

use crate::support::{any_entries, any_entry, id, index, open, package, spread};

fn entries_of(bytes: &[u8]) -> Vec<IndexEntry> {
    let mut found = Vec::new();
    open(bytes)
        .entries(|entry| {
            found.push(entry);
            std::ops::ControlFlow::Continue(())
        })
        .expect("the index can be read");
    found
}

proptest! {
    #[test]
    fn record_gives_back_the_package(entry in any_entry()) {
        let record = write_record(&entry).expect("it can be written");
        prop_assert_eq!(read_record(&record), Ok(entry));
    }

    #[test]
    fn changed_record_is_another_package_or_none(entry in any_entry(), at: prop::sample::Index, byte in 0x0a_u8..0x7f) {
        let mut record = write_record(&entry).expect("it can be written").into_bytes();
        let at = at.index(record.len());
        record[at] = byte;
        if let Ok(text) = String::from_utf8(record)
            && let Ok(read) = read_record(&text)
        {
            prop_assert_eq!(write_record(&read), Ok(text));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn index_gives_back_its_packages_and_is_verified(mut entries in any_entries(40), is_long: bool) {
        if is_long {
            spread(&mut entries);
        }
        let bytes = index(&entries);
        open(&bytes).verify().expect("it was written by us");
        let mut found = entries_of(&bytes);
        prop_assert_eq!(open(&bytes).packages(), entries.len());
        found.sort_by(|a, b| a.package.cmp(&b.package));
        entries.sort_by(|a, b| a.package.cmp(&b.package));
        prop_assert_eq!(found, entries);
    }

    #[test]
    fn order_of_adding_does_not_reach_the_bytes(mut entries in any_entries(12)) {
        let bytes = index(&entries);
        entries.reverse();
        prop_assert_eq!(index(&entries), bytes);
    }
}

#[test]
fn index_of_nothing_is_an_index() {
    let bytes = index(&[]);
    open(&bytes).verify().expect("it was written by us");
    assert!(entries_of(&bytes).is_empty());
}

#[test]
fn package_that_is_added_twice_is_refused() {
    let mut writer = igos_format::index::IndexWriter::new();
    let mut entry = package(id("a", "1"));
    writer.add(&entry).expect("the first one is fine");
    entry.description = "another build of the same version".to_owned();
    let error = writer.add(&entry).expect_err("it is there");
    assert!(matches!(error, WriteIndexError::Twice { .. }), "{error:?}");
}

#[test]
fn values_that_an_index_cannot_say_are_refused_when_written() {
    type Change = fn(&mut IndexEntry);
    let changes: [Change; 9] = [
        |entry| entry.description = "a\nb".to_owned(),
        |entry| entry.homepage = "\u{9b}".to_owned(),
        |entry| entry.license = "a".repeat(4097),
        |entry| entry.archive.head_bytes = 0,
        |entry| entry.archive.head_bytes = entry.archive.size_bytes + 1,
        |entry| entry.programs = [String::new()].into(),
        |entry| entry.programs = ["a/b".to_owned()].into(),
        |entry| entry.programs = ["a\u{9b}".to_owned()].into(),
        |entry| entry.programs = (0..200_000).map(|number| format!("{number:08}")).collect(),
    ];
    for (number, change) in (0..).zip(changes) {
        let mut entry = package(id("a", "1"));
        write_record(&entry).expect("it is fine before the change");
        change(&mut entry);
        let error = write_record(&entry).expect_err("it is not fine after the change");
        let is_long = matches!(error, RecordError::TooLong { .. });
        assert_eq!(is_long, number == 8, "{number}: {error}");
    }
}
