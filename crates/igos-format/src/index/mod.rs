//! The index: what a repository offers, in two files that are read by position, a few frames at a time.
//!
//! `docs/formats/index.md` is the normative description. `packages.index` has every package and what leads to
//! it: provided names, sonames, descriptions, programs. `files.index` has every path.
//!
//! [`IndexWriter`] and [`FilesIndexWriter`] make them; [`IndexReader`] and [`FilesIndexReader`] answer from anything
//! that can [`ReadAt`] positions.

mod advisory;
mod directory;
mod entry;
mod error;
mod file_name;
mod files;
mod frame;
mod frames;
mod header;
mod read;
mod read_at;
mod record;
mod rows;
mod search;
mod table;
mod verify;
mod write;

pub use advisory::{
    Advisory, AdvisoryError, AdvisoryId, AdvisorySeverity, AdvisoryState, AdvisoryWordError,
};
pub use entry::{ArchiveLocation, IndexEntry, PROGRAM_DIRECTORIES, SourceLocation};
pub use error::{Part, ReadIndexError, RecordError, WriteIndexError};
pub use file_name::{FileName, FileNameError};
pub use files::{FilesIndexReader, FilesIndexWriter};
pub use header::FORMAT;
pub use read::IndexReader;
pub use read_at::ReadAt;
pub use record::{read as read_record, write as write_record};
pub use rows::Summary;
pub use search::SearchTerms;
pub use table::{IndexKind, Table};
pub use write::{IndexWriter, WrittenIndex};
