//! Reading records, strictly: what is not exactly what we write is refused.

use std::collections::BTreeSet;
use std::str::FromStr;

use igos_format::archive::{Seal, Signature};
use igos_format::manifest::{self, ManifestError};
use igos_format::{PackageName, PathPattern, RepositoryName, Sha256};
use igos_report::Explain;
use jiff::Timestamp;

use super::{FORMAT, Installed, Reason, Record};
use crate::{Exclusions, Ownership, Trust};

/// A text is not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It does not begin with `igos-record VERSION MINIMUM-READER`.
    #[error("not a record: it does not begin with `igos-record`")]
    NotARecord,
    /// It was written by a newer program.
    #[error("the record needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// Its last line is not `end DIGEST`.
    #[error("the record is incomplete: it does not end with its digest")]
    Incomplete,
    /// Its digest is not the one its last line gives.
    #[error("the record has digest {actual}, its last line says {expected}")]
    Digest {
        /// What the last line says.
        expected: Sha256,
        /// What was found.
        actual: Sha256,
    },
    /// A line is not what has to be there.
    #[error("line {line} of the record is not `{expected}`")]
    Line {
        /// One-based line.
        line: usize,
        /// What has to be there.
        expected: &'static str,
    },
    /// The manifest inside is refused.
    #[error("the manifest in the record is refused")]
    Manifest {
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// The seal inside is not the one whose digest the record gives, or does not seal the manifest inside.
    #[error("the seal in the record does not belong to its manifest and digest")]
    Seal,
    /// It is the record of another package.
    #[error("the record of {expected} holds package {found}")]
    OtherPackage {
        /// Whose record it should be.
        expected: PackageName,
        /// Whose it is.
        found: PackageName,
    },
}

impl Explain for RecordError {
    fn code(&self) -> &'static str {
        match self {
            RecordError::NotARecord => "record-unknown-form",
            RecordError::NewerFormat { .. } => "record-newer-format",
            RecordError::Incomplete => "record-incomplete",
            RecordError::Digest { .. } => "record-digest-mismatch",
            RecordError::Line { .. } => "record-line",
            RecordError::Manifest { .. } => "record-manifest",
            RecordError::Seal => "record-seal",
            RecordError::OtherPackage { .. } => "record-other-package",
        }
    }

    fn exit_code(&self) -> u8 {
        4
    }
}

/// The head of a text, taken line by line.
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Lines {
            rest: bytes,
            number: 0,
        }
    }

    /// Returns what is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Returns the one-based number of the line taken last.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// Takes a line without its end.
    pub(crate) fn next_line(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&self.rest[..end]).ok()?;
        self.rest = &self.rest[end + 1..];
        self.number += 1;
        Some(line)
    }

    /// Takes a line that begins with `key` and a space, and returns the rest of it.
    pub(crate) fn value(&mut self, key: &str) -> Option<&'a str> {
        let before = (self.rest, self.number);
        let value = self
            .next_line()
            .and_then(|line| line.strip_prefix(key)?.strip_prefix(' '));
        if value.is_none() {
            (self.rest, self.number) = before;
        }
        value
    }

    /// Takes so many bytes, which end with a line's end.
    pub(crate) fn take_bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.number += taken.iter().filter(|byte| **byte == b'\n').count();
        self.rest = rest;
        taken.ends_with(b"\n").then_some(taken)
    }

    /// Takes a line that begins with `key` and a space, and returns the rest of it, parsed.
    pub(crate) fn parsed<T: FromStr>(&mut self, key: &str) -> Option<T> {
        self.value(key)?.parse().ok()
    }
}

/// Returns the lines of a text between its first and its last one, which are tested.
pub(crate) fn body_lines<'t>(
    bytes: &'t [u8],
    keyword: &str,
    known: u32,
) -> Result<Lines<'t>, RecordError> {
    check_format(bytes, keyword, known)?;
    let mut lines = Lines::new(split_end(bytes)?);
    lines.next_line();
    Ok(lines)
}

/// Compares the first line, `KEYWORD VERSION MINIMUM-READER`, with the newest format that this program knows.
pub(crate) fn check_format(bytes: &[u8], keyword: &str, known: u32) -> Result<(), FormatError> {
    let needed = Lines::new(bytes)
        .value(keyword)
        .and_then(|versions| versions.split_once(' ')?.1.parse().ok())
        .ok_or(FormatError::OtherText)?;
    if needed > known {
        return Err(FormatError::Newer { needed, known });
    }
    Ok(())
}

/// Why the first line of a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormatError {
    /// It is the first line of something else.
    OtherText,
    /// The text was written by a newer program.
    Newer {
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
}

impl From<FormatError> for RecordError {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::OtherText => RecordError::NotARecord,
            FormatError::Newer { needed, known } => RecordError::NewerFormat { needed, known },
        }
    }
}

/// Splits off the last line `end DIGEST` and compares the digest of everything before it.
pub(crate) fn split_end(bytes: &[u8]) -> Result<&[u8], SplitError> {
    const END: usize = "end ".len() + 64 + 1;
    let at = bytes.len().checked_sub(END).ok_or(SplitError::Incomplete)?;
    let (body, end) = bytes.split_at(at);
    let expected: Sha256 = std::str::from_utf8(end)
        .ok()
        .and_then(|line| line.strip_prefix("end ")?.strip_suffix('\n')?.parse().ok())
        .ok_or(SplitError::Incomplete)?;
    let actual = Sha256::of(body);
    if actual != expected || !body.ends_with(b"\n") {
        return Err(SplitError::Digest { expected, actual });
    }
    Ok(body)
}

/// Why a text does not end with its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SplitError {
    /// The last line is something else.
    Incomplete,
    /// The digest is another one.
    Digest {
        /// What the last line says.
        expected: Sha256,
        /// What was found.
        actual: Sha256,
    },
}

impl From<SplitError> for RecordError {
    fn from(error: SplitError) -> Self {
        match error {
            SplitError::Incomplete => RecordError::Incomplete,
            SplitError::Digest { expected, actual } => RecordError::Digest { expected, actual },
        }
    }
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Returns what is not as docs/formats/record.md says; a text that [`Record::to_bytes`] would not write is
    /// refused.
    pub fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        check_format(bytes, "igos-record", FORMAT)?;
        let body = split_end(bytes)?;
        let record = read_body(body)?;
        // The grammar above is lenient about spellings of numbers and times; equal records have equal bytes.
        if record.to_bytes() != bytes {
            return Err(RecordError::Line {
                line: 1,
                expected: "the canonical form of this record",
            });
        }
        Ok(record)
    }

    /// Reads the record that has to be that of `name`.
    ///
    /// # Errors
    ///
    /// As [`Record::read`], and when it is that of another package.
    pub fn read_of(name: &PackageName, bytes: &[u8]) -> Result<Self, RecordError> {
        let record = Record::read(bytes)?;
        if record.manifest.package.name != *name {
            return Err(RecordError::OtherPackage {
                expected: name.clone(),
                found: record.manifest.package.name,
            });
        }
        Ok(record)
    }
}

/// What stands before the manifest.
struct Head {
    reason: Reason,
    held: bool,
    installed: Timestamp,
    transaction: u64,
    repository: Option<RepositoryName>,
    seal: Sha256,
    signature: Option<Signature>,
    trust: Trust,
    ownership: Ownership,
    yielded_to: BTreeSet<PackageName>,
    excluded: BTreeSet<PathPattern>,
    sealed: Option<Seal>,
}

fn read_body(body: &[u8]) -> Result<Record, RecordError> {
    let mut lines = Lines::new(body);
    lines.next_line();
    let head = read_head(&mut lines)?;
    let length: usize = need(lines.parsed("manifest"), &lines, "manifest LENGTH")?;
    if lines.rest().len() != length {
        return Err(RecordError::Line {
            line: lines.number(),
            expected: "manifest LENGTH",
        });
    }
    let manifest_bytes = lines.rest().to_vec();
    let manifest =
        manifest::read(&manifest_bytes).map_err(|source| RecordError::Manifest { source })?;
    let belongs = |sealed: &Seal| {
        sealed.digest() == head.seal
            && sealed.manifest.size == length as u64
            && sealed.manifest.sha256 == Sha256::of(&manifest_bytes)
    };
    if head.sealed.as_ref().is_some_and(|sealed| !belongs(sealed)) {
        return Err(RecordError::Seal);
    }
    Ok(Record {
        installed: Installed {
            package: manifest.package.clone(),
            reason: head.reason,
            installed: head.installed.as_second(),
            transaction: head.transaction,
            repository: head.repository,
            held: head.held,
            seal: head.seal,
            sealed: head.sealed,
            signature: head.signature,
            trust: head.trust,
            ownership: head.ownership,
            yielded_to: head.yielded_to,
            excluded: Exclusions::new(head.excluded),
        },
        manifest,
        manifest_bytes,
    })
}

fn read_head(lines: &mut Lines<'_>) -> Result<Head, RecordError> {
    let reason = match lines.value("reason") {
        Some("explicit") => Some(Reason::Explicit),
        Some("automatic") => Some(Reason::Automatic),
        _ => None,
    };
    let reason = need(reason, lines, "reason explicit|automatic")?;
    let held = match lines.value("held") {
        None => Some(false),
        Some("yes") => Some(true),
        Some(_) => None,
    };
    Ok(Head {
        reason,
        held: need(held, lines, "held yes")?,
        installed: need(lines.parsed("installed"), lines, "installed TIME")?,
        transaction: need(lines.parsed("transaction"), lines, "transaction NUMBER")?,
        repository: optional(lines, "repository", "repository NAME")?,
        seal: need(lines.parsed("seal"), lines, "seal DIGEST")?,
        signature: optional(lines, "signature", "signature ed25519 KEY VALUE")?,
        trust: need(lines.parsed("trust"), lines, "trust unsigned|key ID")?,
        ownership: read_ownership(lines)?,
        yielded_to: read_yielded(lines)?,
        excluded: read_excluded(lines)?,
        sealed: read_sealed(lines)?,
    })
}

fn read_ownership(lines: &mut Lines<'_>) -> Result<Ownership, RecordError> {
    let ownership = match lines.value("ownership") {
        Some("applied") => Some(Ownership::Applied),
        Some("recorded") => Some(Ownership::Recorded),
        _ => None,
    };
    need(ownership, lines, "ownership applied|recorded")
}

fn read_yielded(lines: &mut Lines<'_>) -> Result<BTreeSet<PackageName>, RecordError> {
    let mut yielded_to = BTreeSet::new();
    while let Some(name) = optional(lines, "yielded", "yielded NAME")? {
        yielded_to.insert(name);
    }
    Ok(yielded_to)
}

fn read_excluded(lines: &mut Lines<'_>) -> Result<BTreeSet<PathPattern>, RecordError> {
    let mut patterns = BTreeSet::new();
    while let Some(pattern) = lines.value("excluded") {
        let pattern = Exclusions::parse_pattern(pattern);
        patterns.insert(need(pattern, lines, "excluded PATTERN")?);
    }
    Ok(patterns)
}

fn read_sealed(lines: &mut Lines<'_>) -> Result<Option<Seal>, RecordError> {
    let Some(length) = lines.value("seal-text") else {
        return Ok(None);
    };
    let length = length.parse().ok();
    let text = length.and_then(|length| lines.take_bytes(length));
    let sealed = text.and_then(|text| Seal::from_bytes(text).ok());
    need(sealed, lines, "seal-text LENGTH").map(Some)
}

/// Returns a value, or that its line has to be there.
fn need<T>(value: Option<T>, lines: &Lines<'_>, expected: &'static str) -> Result<T, RecordError> {
    value.ok_or(RecordError::Line {
        line: lines.number() + 1,
        expected,
    })
}

/// Takes the line of `key` if it is there.
fn optional<T: FromStr>(
    lines: &mut Lines<'_>,
    key: &str,
    expected: &'static str,
) -> Result<Option<T>, RecordError> {
    match lines.value(key) {
        None => Ok(None),
        Some(text) => need(text.parse().ok(), lines, expected).map(Some),
    }
}
