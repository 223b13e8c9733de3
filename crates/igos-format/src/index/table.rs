//! The two files and their tables.

use std::fmt;

/// Which of the two files it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexKind {
    /// `packages.index`: every package and what leads to it.
    Packages,
    /// `files.index`: every path.
    Files,
}

impl IndexKind {
    /// Both kinds.
    pub const ALL: [IndexKind; 2] = [IndexKind::Packages, IndexKind::Files];

    /// Returns the first word of the header.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            IndexKind::Packages => "igos-packages-index",
            IndexKind::Files => "igos-files-index",
        }
    }

    /// Returns the tables of the file, in their order.
    pub(super) fn tables(self) -> &'static [Table] {
        match self {
            IndexKind::Packages => &[
                Table::Packages,
                Table::Names,
                Table::Summaries,
                Table::Programs,
            ],
            IndexKind::Files => &[Table::Files],
        }
    }
}

impl fmt::Display for IndexKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A sorted sequence of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Everything about each package.
    Packages,
    /// Provided names, features, paths and superseded names, each with a package that has it.
    Names,
    /// One line for each package.
    Summaries,
    /// Names of programs, each with a package that brings it.
    Programs,
    /// Paths, each with a package that brings it.
    Files,
}

impl Table {
    /// Returns the word of the directory.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Table::Packages => "packages",
            Table::Names => "names",
            Table::Summaries => "summaries",
            Table::Programs => "programs",
            Table::Files => "files",
        }
    }

    /// Returns what ends a record of this table, and is nowhere else in it.
    pub(super) fn end(self) -> &'static str {
        match self {
            Table::Packages => "\n\n",
            _ => "\n",
        }
    }

    /// Returns what is sought by in a record, which begins with it: everything before the first space, but for a
    /// package its name.
    pub(super) fn key(self, record: &str) -> &str {
        let record = match self {
            Table::Packages => record.strip_prefix("name ").unwrap_or(record),
            _ => record,
        };
        let end = record.find([' ', '\n']).unwrap_or(record.len());
        &record[..end]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
