use igos_format::archive::Sealed;
use igos_format::escape;

use super::{Reason, Record, RecordError, Trust};
use crate::history::HistoryEntry;

const DOCUMENT: &str = include_str!("../../../../docs/formats/record.md");
const HISTORY: &str = include_str!("../../../../docs/formats/history.md");

/// Returns the example of this kind in a document.
fn example<'a>(document: &'a str, kind: &str) -> &'a str {
    let start = format!("\n```{kind}\n");
    let at = document.find(&start).expect("the document has an example") + start.len();
    let length = document[at..].find("```").expect("the example ends");
    &document[at..at + length]
}

#[test]
fn examples_of_the_document_are_read_and_written_again() {
    let text = example(DOCUMENT, "igos-record");
    let record = Record::read(text.as_bytes()).expect("the example is sound");
    assert_eq!(record.installed.reason, Reason::Explicit);
    assert_eq!(record.manifest.entries.len(), 2);
    assert_eq!(
        escape::escape(&record.to_bytes()),
        escape::escape(text.as_bytes())
    );
    let text = example(HISTORY, "igos-transaction");
    let entry = HistoryEntry::read(text.as_bytes()).expect("the example is sound");
    assert_eq!(entry.changes[0].to.as_deref(), Some("1.3.1-1"));
    assert_eq!(entry.to_bytes(), text.as_bytes());
    let text = example(HISTORY, "igos-transaction-2");
    let entry = HistoryEntry::read(text.as_bytes()).expect("the example is sound");
    assert_eq!(entry.rollback_to, Some(1));
    assert_eq!(entry.changes[1].action, "hold");
    assert_eq!(entry.to_bytes(), text.as_bytes());
}

#[test]
fn record_of_format_2_keeps_seal_signature_repository_and_hold() {
    let text = example(DOCUMENT, "igos-record-2");
    let record = Record::read(text.as_bytes()).expect("the example is sound");
    let installed = &record.installed;
    assert!(installed.held);
    assert_eq!(
        installed.repository.as_ref().map(|name| name.as_str()),
        Some("core")
    );
    let sealed = installed.sealed.expect("it has the seal");
    assert_eq!(sealed.digest(), installed.seal);
    assert!(installed.signature.is_some());
    assert_eq!(
        escape::escape(&record.to_bytes()),
        escape::escape(text.as_bytes())
    );
    for at in 0..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] ^= 1;
        assert!(Record::read(&changed).is_err(), "byte {at}");
        assert!(Record::read(&changed[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn seal_of_another_package_is_refused_though_the_digest_is_right() {
    let text = example(DOCUMENT, "igos-record-2");
    let mut record = Record::read(text.as_bytes()).expect("the example is sound");
    let other = Sealed {
        sha256: igos_format::Sha256::of(b"other"),
        size: 5,
    };
    let sealed = record.installed.sealed.as_mut().expect("it has the seal");
    sealed.manifest = other;
    assert_eq!(Record::read(&record.to_bytes()), Err(RecordError::Seal));
    record.installed.seal = record.installed.sealed.expect("it has the seal").digest();
    assert_eq!(Record::read(&record.to_bytes()), Err(RecordError::Seal));
    record.installed.sealed = None;
    assert!(Record::read(&record.to_bytes()).is_ok());
}

#[test]
fn changed_and_cut_records_are_refused() {
    let text = example(DOCUMENT, "igos-record").as_bytes();
    for at in 0..text.len() {
        let mut changed = text.to_vec();
        changed[at] ^= 1;
        assert!(Record::read(&changed).is_err(), "byte {at}");
        assert!(Record::read(&text[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(Record::read(b""), Err(RecordError::NotARecord));
}

/// Returns the example with one line replaced and the digest made right again.
fn with_line(from: &str, to: &str) -> Vec<u8> {
    let text = example(DOCUMENT, "igos-record").replace(from, to);
    let body = &text[..text.rfind("end ").expect("it has a last line")];
    let digest = igos_format::Sha256::of(body.as_bytes());
    format!("{body}end {digest}\n").into_bytes()
}

#[test]
fn second_spellings_are_refused_though_the_digest_is_right() {
    for (from, to) in [
        ("reason explicit", "reason Explicit"),
        (
            "installed 2025-06-15T15:06:40Z",
            "installed 2025-06-15T15:06:40+00:00",
        ),
        (
            "installed 2025-06-15T15:06:40Z",
            "installed 2025-06-15T15:06:40.5Z",
        ),
        ("transaction 1", "transaction 01"),
        ("transaction 1", "transaction +1"),
        ("trust unsigned", "trust key "),
        (
            "ownership applied\n",
            "ownership applied\nyielded b\nyielded a\n",
        ),
        ("manifest 456", "manifest 457"),
        ("igos-record 1 1", "igos-record 2 1"),
        // What format 1 can say is said in format 1.
        ("igos-record 1 1", "igos-record 2 2"),
        (
            "igos-record 1 1\nreason explicit",
            "igos-record 1 1\nreason explicit\nheld yes",
        ),
        (
            "igos-record 1 1\nreason explicit",
            "igos-record 2 2\nreason explicit\nheld no",
        ),
        ("reason explicit\n", ""),
    ] {
        assert!(Record::read(&with_line(from, to)).is_err(), "{to}");
    }
    let yielded = with_line(
        "ownership applied\n",
        "ownership applied\nyielded a\nyielded b\n",
    );
    let record = Record::read(&yielded).expect("it is canonical");
    assert_eq!(record.installed.yielded_to.len(), 2);
    let signed = with_line("trust unsigned", "trust key RWQf6LRCGA9i53ml");
    assert_eq!(
        Record::read(&signed).map(|record| record.installed.trust),
        Ok(Trust::Key("RWQf6LRCGA9i53ml".to_owned()))
    );
}

#[test]
fn record_for_a_later_reader_is_told_apart_from_damage() {
    assert_eq!(
        Record::read(&with_line("igos-record 1 1", "igos-record 3 3")),
        Err(RecordError::NewerFormat {
            needed: 3,
            known: 2
        })
    );
    let other = "other".parse().expect("a name");
    let text = example(DOCUMENT, "igos-record").as_bytes();
    assert!(matches!(
        Record::read_of(&other, text),
        Err(RecordError::OtherPackage { .. })
    ));
}
