//! What can be wrong with an index.

use std::fmt;
use std::io;

use igos_report::Explain;

use super::{IndexKind, Table};
use crate::{PackageId, Sha256};

/// A part of a file of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The list of frames.
    Directory,
    /// A frame, by its number in its table.
    Frame(Table, usize),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Directory => f.write_str("the directory"),
            Part::Frame(table, number) => write!(f, "frame {number} of the table `{table}`"),
        }
    }
}

/// What is wrong with the record of one package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is longer than records may be.
    #[error("a record of {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// Its length.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A line is absent, or not at its place.
    #[error("{field} is missing")]
    Missing {
        /// Its key.
        field: &'static str,
    },
    /// A field has a value it cannot have.
    #[error("{field} cannot be {text:?}: {reason}")]
    Value {
        /// The key of its line.
        field: &'static str,
        /// The text, at most 200 characters of it.
        text: String,
        /// Why not.
        reason: String,
    },
    /// A line is unknown, out of order, there twice, or not the only way to write its value.
    #[error("not in canonical form; found {found:?}, expected {expected:?}")]
    NotCanonical {
        /// The line, at most 200 characters of it.
        found: String,
        /// What a writer would write there, at most 200 characters of it.
        expected: String,
    },
}

/// Bytes are not an index.
#[derive(Debug, thiserror::Error)]
pub enum ReadIndexError {
    /// The file cannot be read.
    #[error("the index cannot be read")]
    Input {
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It does not begin as an index does.
    #[error("not an index: it does not begin with the header of one")]
    NotAnIndex,
    /// It is the other file of an index.
    #[error("expected a file of the kind `{expected}`, found `{found}`")]
    Kind {
        /// What was to be read.
        expected: IndexKind,
        /// What it is.
        found: IndexKind,
    },
    /// It was made for a newer program.
    #[error("the index needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// It was written by an older program, and does not say all that this one asks for.
    #[error("the index has format {found}, this program reads {known}")]
    OlderFormat {
        /// The format it has.
        found: u32,
        /// The only one this program knows.
        known: u32,
    },
    /// The header is not in its one form.
    #[error("the header of the index is not in canonical form")]
    Header,
    /// A part is longer than allowed.
    #[error("{part} of the index has {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// The part.
        part: Part,
        /// Its length.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// The file is shorter or longer than its directory says.
    #[error("the index has {found} bytes, its directory says {expected}")]
    Length {
        /// What the directory says.
        expected: u64,
        /// What there is.
        found: u64,
    },
    /// A part has another digest than is written down for it.
    #[error("{part} of the index has digest {actual}, expected {expected}")]
    Digest {
        /// The part.
        part: Part,
        /// What is written down.
        expected: Sha256,
        /// What it has.
        actual: Sha256,
    },
    /// A part is not one zstd frame of its length.
    #[error("{part} of the index cannot be unpacked: {reason}")]
    Unpack {
        /// The part.
        part: Part,
        /// Why not.
        reason: String,
    },
    /// A line of the directory is not possible or not in its one form.
    #[error("line {line} of the directory of the index is refused")]
    Directory {
        /// One-based.
        line: usize,
    },
    /// A frame is not what the directory says, or could not have been written so.
    #[error("{part} of the index is refused: {reason}")]
    Frame {
        /// The frame.
        part: Part,
        /// Why.
        reason: &'static str,
    },
    /// A record of a package is wrong.
    #[error("{part} of the index has a record that is refused, of {name:?}")]
    Record {
        /// The frame.
        part: Part,
        /// The package, as far as it can be told.
        name: String,
        /// What is wrong.
        #[source]
        source: RecordError,
    },
    /// A table does not follow from the packages.
    #[error("the table `{table}` of the index does not follow from its packages: {record:?}")]
    Disagree {
        /// The table.
        table: Table,
        /// The first record that is there and should not be, or should be and is not.
        record: String,
    },
}

impl Explain for ReadIndexError {
    fn code(&self) -> &'static str {
        match self {
            ReadIndexError::Input { .. } => "index-unreadable",
            ReadIndexError::NotAnIndex => "index-unknown-form",
            ReadIndexError::Kind { .. } => "index-kind",
            ReadIndexError::NewerFormat { .. } => "index-newer-format",
            ReadIndexError::OlderFormat { .. } => "index-older-format",
            ReadIndexError::Header => "index-header",
            ReadIndexError::TooLong { .. } => "index-too-long",
            ReadIndexError::Length { .. } => "index-length",
            ReadIndexError::Digest { .. } => "index-digest",
            ReadIndexError::Unpack { .. } => "index-unpack",
            ReadIndexError::Directory { .. } => "index-directory",
            ReadIndexError::Frame { .. } => "index-frame",
            ReadIndexError::Record { .. } => "index-record",
            ReadIndexError::Disagree { .. } => "index-tables-disagree",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ReadIndexError::Input { .. } => Vec::new(),
            ReadIndexError::NewerFormat { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            ReadIndexError::OlderFormat { .. } => {
                vec![
                    "the repository has to be published again by a program of this version"
                        .to_owned(),
                ]
            }
            _ => vec!["delete the file and synchronise again".to_owned()],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ReadIndexError::Input { .. } => 4,
            _ => 1,
        }
    }
}

/// An index cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteIndexError {
    /// A package has a value that the index cannot hold.
    #[error("{package} cannot be put into the index")]
    Package {
        /// The package.
        package: PackageId,
        /// Why not.
        #[source]
        source: RecordError,
    },
    /// A package is there twice.
    #[error("{package} for {} would be in the index twice", .package.arch)]
    Twice {
        /// The package.
        package: PackageId,
    },
    /// There are more packages than a directory can list.
    #[error(
        "the index is too large: its directory has {length} bytes, at most {limit} are allowed"
    )]
    TooLarge {
        /// The length of the directory.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It cannot be compressed or written.
    #[error("the index cannot be written")]
    Output {
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Explain for WriteIndexError {
    fn code(&self) -> &'static str {
        match self {
            WriteIndexError::Package { .. } => "index-package",
            WriteIndexError::Twice { .. } => "index-package-twice",
            WriteIndexError::TooLarge { .. } => "index-too-large",
            WriteIndexError::Output { .. } => "index-not-written",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            WriteIndexError::Twice { .. } => {
                vec![
                    "raise the release of the recipe, or publish one of the two archives"
                        .to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            WriteIndexError::Output { .. } => 4,
            _ => 1,
        }
    }
}
