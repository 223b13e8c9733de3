//! The text of what was before a transaction.

use std::collections::BTreeMap;

use igos_format::{PackageName, RelPath, Sha256, escape};

use crate::Record;
use crate::record::{Lines, RecordError, check_format, split_end};

/// The version of the text this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Longest text, in bytes: some thousand records.
pub(crate) const BEFORE_MAX_BYTES: u64 = 1 << 30;

/// What was before a transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// The transaction.
    pub(crate) transaction: u64,
    /// Directories on other mounts in which files are kept, by number from 1.
    pub(crate) elsewhere: Vec<RelPath>,
    /// Contents that are kept when the transaction is settled.
    pub(crate) contents: Vec<KeptContent>,
    /// Texts of the root's state, by name.
    pub(crate) texts: BTreeMap<String, Vec<u8>>,
    /// The packages whose records it changed; `None` for those that were not installed.
    pub(crate) records: BTreeMap<PackageName, Option<Record>>,
}

/// A file that a transaction took out of the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptContent {
    /// Its content, by the record.
    pub(crate) sha256: Sha256,
    /// Its length, by the record.
    pub(crate) size: u64,
    /// The staging directory, by its number in the journal.
    pub(crate) staging: usize,
    /// Its name there.
    pub(crate) slot: u64,
}

impl Before {
    /// Returns how many bytes are kept.
    pub(crate) fn kept_bytes(&self) -> u64 {
        let sizes = self.contents.iter().map(|content| content.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// Returns the text.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "igos-undo {FORMAT} {FORMAT}\ntransaction {}\n",
            self.transaction
        );
        for place in &self.elsewhere {
            text.push_str(&format!("elsewhere {place}\n"));
        }
        for kept in &self.contents {
            let KeptContent {
                sha256,
                size,
                staging,
                slot,
            } = kept;
            text.push_str(&format!("content {sha256} {size} {staging}/{slot}\n"));
        }
        let mut bytes = text.into_bytes();
        let mut put = |head: String, body: &[u8]| {
            bytes.extend_from_slice(format!("{head} {}\n", body.len()).as_bytes());
            bytes.extend_from_slice(body);
        };
        for (name, body) in &self.texts {
            put(format!("text {name}"), body);
        }
        for (name, record) in &self.records {
            match record {
                None => put(format!("absent {name}"), b""),
                Some(record) => put(format!("record {name}"), &record.to_bytes()),
            }
        }
        let digest = Sha256::of(&bytes);
        bytes.extend_from_slice(format!("end {digest}\n").as_bytes());
        bytes
    }

    /// Reads what is kept and where, without the records and without verifying them: enough to put files away and to
    /// delete them.
    pub(crate) fn read_kept(bytes: &[u8]) -> Option<Self> {
        read_head(&mut Lines::new(bytes)).ok()
    }

    /// Reads the text, strictly.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        check_format(bytes, "igos-undo", FORMAT)?;
        let mut lines = Lines::new(split_end(bytes)?);
        let mut before = read_head(&mut lines)?;
        while let Some(head) = lines.value("text") {
            let (name, body) =
                body(head, &mut lines).ok_or_else(|| refused(&lines, "text NAME LENGTH"))?;
            before.texts.insert(name.to_owned(), body.to_vec());
        }
        while !lines.rest().is_empty() {
            read_record(&mut lines, &mut before)?;
        }
        if before.to_bytes() != bytes {
            return Err(RecordError::Line {
                line: 1,
                expected: "the canonical form of this text",
            });
        }
        Ok(before)
    }
}

/// Reads the lines before the first text or record.
fn read_head(lines: &mut Lines<'_>) -> Result<Before, RecordError> {
    lines.next_line();
    let mut before = Before {
        transaction: lines
            .parsed("transaction")
            .ok_or_else(|| refused(lines, "transaction NUMBER"))?,
        ..Before::default()
    };
    while let Some(place) = lines.value("elsewhere") {
        let place = parse_path(place).ok_or_else(|| refused(lines, "elsewhere PLACE"))?;
        before.elsewhere.push(place);
    }
    while let Some(content) = lines.value("content") {
        let content = parse_content(content);
        let content = content.ok_or_else(|| refused(lines, "content DIGEST SIZE STAGING/SLOT"))?;
        before.contents.push(content);
    }
    Ok(before)
}

fn refused(lines: &Lines<'_>, expected: &'static str) -> RecordError {
    RecordError::Line {
        line: lines.number() + 1,
        expected,
    }
}

fn read_record(lines: &mut Lines<'_>, before: &mut Before) -> Result<(), RecordError> {
    const EXPECTED: &str = "record NAME LENGTH or absent NAME 0";
    if let Some(head) = lines.value("absent") {
        let name = head.strip_suffix(" 0").and_then(|name| name.parse().ok());
        let name = name.ok_or_else(|| refused(lines, EXPECTED))?;
        before.records.insert(name, None);
        return Ok(());
    }
    let head = lines
        .value("record")
        .ok_or_else(|| refused(lines, EXPECTED))?;
    let (name, body) = body(head, lines).ok_or_else(|| refused(lines, EXPECTED))?;
    let name: PackageName = name.parse().map_err(|_| refused(lines, EXPECTED))?;
    let record = Record::read_of(&name, body)?;
    before.records.insert(name, Some(record));
    Ok(())
}

/// Takes the bytes that a line `NAME LENGTH` announces.
fn body<'a>(head: &'a str, lines: &mut Lines<'a>) -> Option<(&'a str, &'a [u8])> {
    let (name, length) = head.split_once(' ')?;
    Some((name, lines.take_bytes(length.parse().ok()?)?))
}

fn parse_path(text: &str) -> Option<RelPath> {
    RelPath::from_bytes(&escape::unescape(text).ok()?).ok()
}

fn parse_content(text: &str) -> Option<KeptContent> {
    let mut words = text.split(' ');
    let content = KeptContent {
        sha256: words.next()?.parse().ok()?,
        size: words.next()?.parse().ok()?,
        staging: 0,
        slot: 0,
    };
    let (staging, slot) = words.next()?.split_once('/')?;
    words.next().is_none().then_some(())?;
    Some(KeptContent {
        staging: staging.parse().ok()?,
        slot: slot.parse().ok()?,
        ..content
    })
}

#[cfg(test)]
mod tests {
    use super::{Before, KeptContent};
    use crate::Record;
    use igos_format::Sha256;

    const RECORDS: &str = include_str!("../../../../docs/formats/record.md");
    const DOCUMENT: &str = include_str!("../../../../docs/formats/history.md");

    fn example<'a>(document: &'a str, kind: &str) -> &'a str {
        let start = format!("\n```{kind}\n");
        let at = document.find(&start).expect("the document has an example") + start.len();
        let length = document[at..].find("\n```").expect("the example ends");
        &document[at..=at + length]
    }

    #[test]
    fn example_of_the_document_is_read_and_written_again() {
        let text = example(DOCUMENT, "igos-undo");
        let before = Before::read(text.as_bytes()).expect("the example is sound");
        assert_eq!((before.records.len(), before.kept_bytes()), (1, 5));
        assert_eq!(before.to_bytes(), text.as_bytes());
    }

    #[test]
    fn undo_text_round_trips_and_a_changed_byte_is_found() {
        let record = Record::read(example(RECORDS, "igos-record").as_bytes()).expect("a record");
        let before = Before {
            transaction: 7,
            elsewhere: vec!["boot/with space".parse().expect("a path")],
            contents: vec![KeptContent {
                sha256: Sha256::of(b"x"),
                size: 1,
                staging: 1,
                slot: 12,
            }],
            texts: [("excluded".to_owned(), b"any\n".to_vec())].into(),
            records: [
                ("gone".parse().expect("a name"), None),
                ("zlib".parse().expect("a name"), Some(record)),
            ]
            .into(),
        };
        let bytes = before.to_bytes();
        assert_eq!(Before::read(&bytes), Ok(before));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Before::read(&changed).is_err(), "byte {at}");
            assert!(Before::read(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
