//! The journal: every step of a transaction, with the inodes it moves (docs/formats/journal.md).

use std::fmt::Write as _;

use igos_format::{RelPath, Sha256, escape};
use igos_report::Explain;
use igos_root::Kind;

use crate::record::{FormatError, Lines, SplitError, check_format, split_end};

/// The version of the text this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Where something is: under its own name, or parked in a staging directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// A path of the root without symbolic links.
    Place(RelPath),
    /// A numbered name in the staging directory of this number.
    Slot {
        /// The staging directory, by its place in [`Journal::staging`].
        staging: usize,
        /// The name.
        number: u64,
    },
}

/// The inode a step moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) kind: Kind,
    pub(crate) inode: u64,
    /// Digest of a file's content or a link's target, where it is known: the identity on file systems whose inode
    /// numbers change.
    pub(crate) content: Option<Sha256>,
}

/// One step; each is atomic, can be repeated and can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Renames to a name that nothing has: creates, parks or makes room.
    Move {
        what: Identity,
        from: Location,
        to: Location,
    },
    /// Exchanges what is parked with what is in place.
    Exchange {
        new: Identity,
        old: Identity,
        slot: Location,
        place: Location,
    },
    /// Deletes a directory if nothing is left in it.
    DeleteDirectory {
        place: RelPath,
        mode: u16,
        uid: u32,
        gid: u32,
    },
}

/// All steps of one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journal {
    pub(crate) transaction: u64,
    /// The staging directories, by place.
    pub(crate) staging: Vec<RelPath>,
    pub(crate) steps: Vec<Step>,
}

/// A text is not a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// It was written by a newer program.
    #[error("the journal needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// Its digest is wrong, or its last line is missing.
    #[error("the journal does not end with its own digest")]
    Digest,
    /// A line is not what has to be there.
    #[error("line {line} of the journal is not `{expected}`")]
    Line {
        /// One-based line.
        line: usize,
        /// What has to be there.
        expected: &'static str,
    },
}

impl Explain for JournalError {
    fn code(&self) -> &'static str {
        match self {
            JournalError::NewerFormat { .. } => "journal-newer-format",
            JournalError::Digest => "journal-damaged",
            JournalError::Line { .. } => "journal-line",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            JournalError::NewerFormat { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            _ => vec![
                "see what differs: `pkm verify --all`; then move var/lib/igos/journal away"
                    .to_owned(),
            ],
        }
    }
}

impl Location {
    fn text(&self) -> String {
        match self {
            Location::Place(place) => place.to_string(),
            Location::Slot { staging, number } => format!("{staging}/{number}"),
        }
    }

    /// Returns the location in words of messages.
    pub(crate) fn shown(&self) -> String {
        match self {
            Location::Place(place) => place.to_string(),
            Location::Slot { number, .. } => format!("staged file {number}"),
        }
    }

    fn is_slot(&self) -> bool {
        matches!(self, Location::Slot { .. })
    }
}

impl Identity {
    fn text(&self) -> String {
        let content = self
            .content
            .map_or_else(|| "-".to_owned(), |digest| digest.to_string());
        let kind = match self.kind {
            Kind::Directory => "directory",
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Special => "special",
        };
        format!("{kind} {} {content}", self.inode)
    }
}

impl Journal {
    /// Returns the text.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        self.write_lines(&mut text)
            .expect("writing to a string cannot fail");
        text.push_str(&format!("end {}\n", Sha256::of(text.as_bytes())));
        text.into_bytes()
    }

    fn write_lines(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "igos-journal {FORMAT} {FORMAT}")?;
        writeln!(text, "transaction {}", self.transaction)?;
        for place in &self.staging {
            writeln!(text, "staging {place}")?;
        }
        writeln!(text, "steps {}", self.steps.len())?;
        for step in &self.steps {
            match step {
                Step::Move { what, from, to } => {
                    let word = match (from.is_slot(), to.is_slot()) {
                        (true, _) => "create",
                        (false, true) => "remove",
                        (false, false) => "rename",
                    };
                    writeln!(text, "{word} {} {} {}", what.text(), from.text(), to.text())?;
                }
                Step::Exchange {
                    new,
                    old,
                    slot,
                    place,
                } => {
                    let (slot, place) = (slot.text(), place.text());
                    writeln!(
                        text,
                        "exchange {} {} {slot} {place}",
                        new.text(),
                        old.text()
                    )?;
                }
                Step::DeleteDirectory {
                    place,
                    mode,
                    uid,
                    gid,
                } => writeln!(text, "rmdir {mode:o} {uid} {gid} {place}")?,
            }
        }
        Ok(())
    }

    /// Reads the text, strictly.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let refused = |line, expected| JournalError::Line { line, expected };
        check_format(bytes, "igos-journal", FORMAT).map_err(|error| match error {
            FormatError::OtherText => JournalError::Line {
                line: 1,
                expected: "igos-journal VERSION MINIMUM-READER",
            },
            FormatError::Newer { needed, known } => JournalError::NewerFormat { needed, known },
        })?;
        let body = split_end(bytes).map_err(|error: SplitError| {
            let (SplitError::Incomplete | SplitError::Digest { .. }) = error;
            JournalError::Digest
        })?;
        let mut lines = Lines::new(body);
        lines.next_line();
        let line = lines.number() + 1;
        let transaction = lines
            .parsed("transaction")
            .ok_or_else(|| refused(line, "transaction NUMBER"))?;
        let mut staging = Vec::new();
        while let Some(place) = lines.value("staging") {
            let line = lines.number();
            staging.push(parse_path(place).ok_or_else(|| refused(line, "staging PLACE"))?);
        }
        let line = lines.number() + 1;
        let count: usize = lines
            .parsed("steps")
            .ok_or_else(|| refused(line, "steps COUNT"))?;
        let mut steps = Vec::new();
        while !lines.rest().is_empty() {
            let line = lines.number() + 1;
            let expected = "create|remove|rename|exchange|rmdir …";
            let step = lines
                .next_line()
                .and_then(|line| parse_step(line, staging.len()));
            steps.push(step.ok_or(JournalError::Line { line, expected })?);
        }
        let journal = Journal {
            transaction,
            staging,
            steps,
        };
        if journal.steps.len() != count || journal.to_bytes() != bytes {
            return Err(refused(
                lines.number() + 1,
                "the canonical form of this journal",
            ));
        }
        Ok(journal)
    }
}

fn parse_path(text: &str) -> Option<RelPath> {
    RelPath::from_bytes(&escape::unescape(text).ok()?).ok()
}

fn parse_slot(text: &str, staging_count: usize) -> Option<Location> {
    let (staging, number) = text.split_once('/')?;
    let staging = staging.parse().ok().filter(|at| *at < staging_count)?;
    Some(Location::Slot {
        staging,
        number: number.parse().ok()?,
    })
}

fn parse_step(line: &str, staging_count: usize) -> Option<Step> {
    let mut words = line.split(' ');
    let word = words.next()?;
    let mut identity = || {
        let kind = match words.next()? {
            "directory" => Kind::Directory,
            "file" => Kind::File,
            "symlink" => Kind::Symlink,
            "special" => Kind::Special,
            _ => return None,
        };
        Some(Identity {
            kind,
            inode: words.next()?.parse().ok()?,
            content: match words.next()? {
                "-" => None,
                digest => Some(digest.parse().ok()?),
            },
        })
    };
    let slot = |text: Option<&str>| parse_slot(text?, staging_count);
    let place = |text: Option<&str>| parse_path(text?).map(Location::Place);
    let step = match word {
        "create" => Step::Move {
            what: identity()?,
            from: slot(words.next())?,
            to: place(words.next())?,
        },
        "remove" => Step::Move {
            what: identity()?,
            from: place(words.next())?,
            to: slot(words.next())?,
        },
        "rename" => Step::Move {
            what: identity()?,
            from: place(words.next())?,
            to: place(words.next())?,
        },
        "exchange" => Step::Exchange {
            new: identity()?,
            old: identity()?,
            slot: slot(words.next())?,
            place: place(words.next())?,
        },
        "rmdir" => Step::DeleteDirectory {
            mode: u16::from_str_radix(words.next()?, 8).ok()?,
            uid: words.next()?.parse().ok()?,
            gid: words.next()?.parse().ok()?,
            place: parse_path(words.next()?)?,
        },
        _ => return None,
    };
    words.next().is_none().then_some(step)
}

#[cfg(test)]
mod tests {
    use super::{Identity, Journal, JournalError, Location, Step};
    use igos_format::Sha256;
    use igos_report::Explain;
    use igos_root::Kind;

    fn journal() -> Journal {
        let place = |text: &str| Location::Place(text.parse().expect("a path"));
        let slot = |number| Location::Slot { staging: 0, number };
        let file = |inode| Identity {
            kind: Kind::File,
            inode,
            content: Some(Sha256::of(b"x")),
        };
        Journal {
            transaction: 3,
            staging: vec!["var/lib/igos/staging".parse().expect("a path")],
            steps: vec![
                Step::Move {
                    what: file(1),
                    from: slot(0),
                    to: place("usr/bin/with space"),
                },
                Step::Exchange {
                    new: file(2),
                    old: file(3),
                    slot: slot(1),
                    place: place("etc/a"),
                },
                Step::Move {
                    what: file(4),
                    from: place("b"),
                    to: slot(2),
                },
                Step::Move {
                    what: file(5),
                    from: place("c"),
                    to: place("c.pkmold"),
                },
                Step::DeleteDirectory {
                    place: "d".parse().expect("a path"),
                    mode: 0o755,
                    uid: 0,
                    gid: 5,
                },
            ],
        }
    }

    #[test]
    fn example_of_the_document_is_read_and_written_again() {
        let document = include_str!("../../../../docs/formats/journal.md");
        let (_, rest) = document
            .split_once("```igos-journal\n")
            .expect("an example");
        let (text, _) = rest.split_once("```").expect("it ends");
        let journal = Journal::read(text.as_bytes()).expect("it is sound");
        assert_eq!(journal.steps.len(), 4);
        assert_eq!(journal.to_bytes(), text.as_bytes());
    }

    #[test]
    fn journal_text_round_trips_and_a_changed_byte_is_found() {
        let bytes = journal().to_bytes();
        assert_eq!(Journal::read(&bytes), Ok(journal()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Journal::read(&changed).is_err(), "byte {at}");
            assert!(Journal::read(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
    /// Returns the sound journal of [`journal()`] with one text replaced by another, and a right last line.
    fn changed(from: &str, to: &str) -> Result<Journal, JournalError> {
        let text = String::from_utf8(journal().to_bytes()).expect("it is text");
        let (body, _end) = text.rsplit_once("end ").expect("it has a last line");
        assert!(body.contains(from), "{from} in {body}");
        let body = body.replacen(from, to, 1);
        let end = Sha256::of(body.as_bytes());
        Journal::read(format!("{body}end {end}\n").as_bytes())
    }

    #[test]
    fn what_is_wrong_with_a_journal_is_named_by_its_line() {
        // The fifth line is the first step; there is one staging directory.
        for (from, to, at) in [
            ("transaction 3", "transaction x", 2),
            ("staging var", "staging /var", 3),
            ("steps 5", "steps x", 4),
            (" 0/0 ", " 1/0 ", 5),
            ("create file", "create pipe", 5),
        ] {
            match changed(from, to) {
                Err(JournalError::Line { line, .. }) => assert_eq!(line, at, "{to}"),
                other => panic!("{to}: {other:?}"),
            }
        }
        // What no line alone tells is found at the last one.
        for (from, to) in [("steps 5", "steps 4"), ("transaction 3", "transaction 03")] {
            let found = changed(from, to);
            assert!(
                matches!(found, Err(JournalError::Line { line: 10, .. })),
                "{found:?}"
            );
        }
    }

    #[test]
    fn kinds_are_told_from_each_other() {
        for (word, kind) in [
            ("directory", Kind::Directory),
            ("file", Kind::File),
            ("symlink", Kind::Symlink),
            ("special", Kind::Special),
        ] {
            let read = changed("create file", &format!("create {word}")).expect("it is sound");
            let Step::Move { what, .. } = &read.steps[0] else {
                panic!("{read:?}");
            };
            assert_eq!(what.kind, kind);
        }
    }

    #[test]
    fn places_and_slots_are_shown_in_words() {
        let Step::Move { from, to, .. } = &journal().steps[0] else {
            panic!("the first step is a move");
        };
        assert_eq!(from.shown(), "staged file 0");
        assert_eq!(to.shown(), "usr/bin/with\\x20space");
    }

    #[test]
    fn each_refusal_has_its_code_and_says_what_to_do() {
        let newer = changed("igos-journal 1 1", "igos-journal 9 9").expect_err("it is newer");
        let line = changed("steps 5", "steps 4").expect_err("there are five");
        let digest = Journal::read(b"igos-journal 1 1\nend 0\n").expect_err("it has no digest");
        let codes = [&newer, &line, &digest].map(|error| error.code());
        assert_eq!(codes[0], "journal-newer-format");
        assert_eq!(codes[1], "journal-line");
        assert!(newer.hints()[0].contains("newer version"));
        assert!(line.hints()[0].contains("pkm verify"));
        assert!(codes[2].starts_with("journal-"));
    }
}
