//! The texts of a root's record, told apart by kind: reading one strictly and writing it again.
//!
//! Whoever keeps copies of a record, or puts readers under a fuzzer, learns here whether bytes are such a text.

use igos_report::Explain;

use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::state_text::StateText;
use crate::transaction::Journal;
use crate::undo::Before;
use crate::{Exclusions, HistoryEntry, HookJournal, Record};

/// A kind of text that a root's record is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TextKind {
    /// What is installed of one package.
    Record,
    /// The journal of a transaction that is under way.
    Journal,
    /// One transaction of the history.
    History,
    /// Hooks that are to be run.
    Hooks,
    /// What a transaction replaced.
    Undo,
    /// Alternatives that were chosen.
    Alternatives,
    /// Configuration files that wait for an answer.
    Configuration,
    /// Paths that are left out.
    Exclusions,
}

impl TextKind {
    /// All kinds.
    pub const ALL: [TextKind; 8] = [
        TextKind::Record,
        TextKind::Journal,
        TextKind::History,
        TextKind::Hooks,
        TextKind::Undo,
        TextKind::Alternatives,
        TextKind::Configuration,
        TextKind::Exclusions,
    ];

    /// Reads a text strictly, and returns the text that is written for what it says: the same.
    ///
    /// # Errors
    ///
    /// Returns the code of what is wrong with it.
    pub fn rewrite(self, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
        match self {
            TextKind::Record => Record::read(bytes)
                .map(|text| text.to_bytes())
                .map_err(|error| error.code()),
            TextKind::Journal => Journal::read(bytes)
                .map(|text| text.to_bytes())
                .map_err(|error| error.code()),
            TextKind::History => HistoryEntry::read(bytes)
                .map(|text| text.to_bytes())
                .map_err(|error| error.code()),
            TextKind::Hooks => HookJournal::read(bytes)
                .map(|text| text.to_bytes())
                .map_err(|error| error.code()),
            TextKind::Undo => Before::read(bytes)
                .map(|text| text.to_bytes())
                .map_err(|error| error.code()),
            TextKind::Alternatives => rewrite::<Choices>(bytes),
            TextKind::Configuration => rewrite::<Pending>(bytes),
            TextKind::Exclusions => rewrite::<Exclusions>(bytes),
        }
    }
}

fn rewrite<T: StateText>(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    T::read(bytes)
        .map(|text| text.to_bytes().unwrap_or_default())
        .map_err(|error| error.code())
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;
    use proptest::prelude::*;

    use super::TextKind;

    /// First lines of all kinds, and words that stand in them.
    const WORDS: [&str; 24] = [
        "igos-record 1 1\n",
        "igos-journal 1 1\n",
        "igos-transaction 1 1\n",
        "igos-hooks 1 1\n",
        "igos-undo 1 1\n",
        "igos-alternatives 1 1\n",
        "igos-configuration 1 1\n",
        "igos-excluded 1 1\n",
        "transaction 1\n",
        "time 1750000000\n",
        "install ",
        "remove ",
        "choice ",
        "exclude ",
        "usr/bin/a",
        " ",
        "\n",
        "-1",
        "18446744073709551616",
        "\\x2e\\x2e/",
        "../",
        "a-1.0-1 ",
        "explicit\n",
        "seal ",
    ];

    proptest! {
        #[test]
        fn what_is_read_is_written_again_and_nothing_panics(
            words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..12),
            noise in prop::collection::vec(any::<u8>(), 0..24),
            at in any::<prop::sample::Index>(),
        ) {
            let mut bytes = words.concat().into_bytes();
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, noise.into_iter().take(at % 3));
            let end = format!("end {}\n", Sha256::of(&bytes));
            for text in [bytes.clone(), [bytes, end.into_bytes()].concat()] {
                for kind in TextKind::ALL {
                    if let Ok(written) = kind.rewrite(&text) {
                        prop_assert_eq!(&written, &text, "{:?}", kind);
                    }
                }
            }
        }
    }
}
