//! What was done to a root: one small text per transaction, never changed afterwards.
//!
//! `docs/formats/record.md` describes the text. The highest number is the number of the last transaction, which the
//! database has to agree with.

use igos_format::{PackageName, Sha256};
use jiff::Timestamp;
use serde::Serialize;

use crate::record::{Lines, RecordError, body_lines, time_text};

/// The newest version of the text this program reads; it writes the oldest that can say what there is to say.
const FORMAT: u32 = 2;

/// Longest text of one transaction, in bytes.
pub(crate) const HISTORY_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Its number, counted from 1.
    pub transaction: u64,
    /// When it was carried out, in seconds since 1970.
    pub time: i64,
    /// The point of the history that a rollback brought back: the transaction that was then the last.
    pub rollback_to: Option<u64>,
    /// What happened to which package.
    pub changes: Vec<HistoryChange>,
}

/// What one transaction did to one package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryChange {
    /// `install`, `upgrade`, `downgrade`, `reinstall` or `remove`; where no file of the package changed,
    /// `mark-explicit`, `mark-automatic`, `hold` or `release`; where single ones did, `configure`, `choose` or `repair`; `adopt` for a
    /// package whose files were there already.
    pub action: String,
    /// The package's name.
    pub name: PackageName,
    /// The version before, as `EPOCH:VERSION-RELEASE`; `None` for a new package.
    pub from: Option<String>,
    /// The version after; `None` for a removed one.
    pub to: Option<String>,
    /// The seal digest of the archive; `None` for a removal.
    pub seal: Option<Sha256>,
    /// Who vouched for the archive, as records write it; `None` for a removal.
    pub trust: Option<String>,
}

/// The actions of format 1.
const ACTIONS: [&str; 5] = ["install", "upgrade", "downgrade", "reinstall", "remove"];

/// The actions that format 2 adds.
const ACTIONS_OF_2: [&str; 8] = [
    "mark-explicit",
    "mark-automatic",
    "hold",
    "release",
    "configure",
    "choose",
    "repair",
    "adopt",
];

impl HistoryEntry {
    /// Returns the file's name: the number with leading zeros, so that names sort as numbers do.
    pub(crate) fn file_name(transaction: u64) -> String {
        format!("{transaction:08}")
    }

    /// Returns the number that a file's name stands for.
    pub(crate) fn parse_file_name(name: &[u8]) -> Option<u64> {
        let number: u64 = std::str::from_utf8(name).ok()?.parse().ok()?;
        (Self::file_name(number).as_bytes() == name).then_some(number)
    }

    /// Returns the oldest format that can say what happened.
    fn format(&self) -> u32 {
        let is_new = |change: &HistoryChange| ACTIONS_OF_2.contains(&change.action.as_str());
        if self.rollback_to.is_some() || self.changes.iter().any(is_new) {
            FORMAT
        } else {
            1
        }
    }

    /// Returns the text.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let format = self.format();
        let mut text = format!(
            "igos-transaction {format} {format}\ntransaction {}\ntime {}\n",
            self.transaction,
            time_text(self.time)
        );
        if let Some(point) = self.rollback_to {
            text.push_str(&format!("rollback-to {point}\n"));
        }
        let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        for change in &self.changes {
            text.push_str(&format!(
                "{} {} {} {} {} {}\n",
                change.action,
                change.name,
                or_dash(&change.from),
                or_dash(&change.to),
                or_dash(&change.seal.map(|seal| seal.to_string())),
                or_dash(&change.trust),
            ));
        }
        text.push_str(&format!("end {}\n", Sha256::of(text.as_bytes())));
        text.into_bytes()
    }

    /// Reads the text, strictly.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut lines = body_lines(bytes, "igos-transaction", FORMAT)?;
        let refused = |lines: &Lines<'_>, expected| RecordError::Line {
            line: lines.number() + 1,
            expected,
        };
        let transaction = lines
            .parsed("transaction")
            .ok_or_else(|| refused(&lines, "transaction NUMBER"))?;
        let time: Timestamp = lines
            .parsed("time")
            .ok_or_else(|| refused(&lines, "time TIME"))?;
        let rollback_to = match lines.value("rollback-to") {
            None => None,
            Some(point) => Some(
                point
                    .parse()
                    .map_err(|_| refused(&lines, "rollback-to NUMBER"))?,
            ),
        };
        let mut changes = Vec::new();
        while !lines.rest().is_empty() {
            let change = lines.next_line().and_then(parse_change);
            changes.push(change.ok_or_else(|| refused(&lines, "ACTION NAME FROM TO SEAL TRUST"))?);
        }
        let entry = HistoryEntry {
            transaction,
            time: time.as_second(),
            rollback_to,
            changes,
        };
        if entry.to_bytes() != bytes {
            return Err(RecordError::Line {
                line: 1,
                expected: "the canonical form of this transaction",
            });
        }
        Ok(entry)
    }
}

fn parse_change(line: &str) -> Option<HistoryChange> {
    let mut words = line.splitn(6, ' ');
    let is_action = |word: &&str| ACTIONS.contains(word) || ACTIONS_OF_2.contains(word);
    let action = words.next().filter(is_action)?;
    let name = words.next()?.parse().ok()?;
    let mut optional = || {
        words
            .next()
            .map(|word| (word != "-").then(|| word.to_owned()))
    };
    let (from, to, seal, trust) = (optional()?, optional()?, optional()?, optional()?);
    Some(HistoryChange {
        action: action.to_owned(),
        name,
        from,
        to,
        seal: match seal {
            Some(seal) => Some(seal.parse().ok()?),
            None => None,
        },
        trust,
    })
}

#[cfg(test)]
mod tests {
    use super::{HistoryChange, HistoryEntry};
    use igos_format::Sha256;

    #[test]
    fn transaction_text_round_trips_and_a_changed_byte_is_found() {
        let entry = HistoryEntry {
            transaction: 7,
            time: 1_700_000_000,
            rollback_to: None,
            changes: vec![HistoryChange {
                action: "upgrade".to_owned(),
                name: "zlib".parse().expect("a name"),
                from: Some("1.3-1".to_owned()),
                to: Some("1.3.1-1".to_owned()),
                seal: Some(Sha256::of(b"seal")),
                trust: Some("key abc".to_owned()),
            }],
        };
        let bytes = entry.to_bytes();
        assert_eq!(HistoryEntry::read(&bytes), Ok(entry));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(HistoryEntry::read(&changed).is_err(), "byte {at}");
        }
        assert_eq!(HistoryEntry::parse_file_name(b"00000007"), Some(7));
        assert_eq!(HistoryEntry::parse_file_name(b"7"), None);
    }
}
