//! Asking `packages.index`.

use std::fmt;
use std::ops::ControlFlow;

use super::frames::{Frames, records};
use super::rows::{feature_key, name_key, package_of, program_key, superseded_key};
use super::{IndexEntry, IndexKind, Part, ReadAt, ReadIndexError, Summary, Table, record};
use crate::declaration::Feature;
use crate::{PackageId, PackageName};

/// `packages.index`, opened: answers are read from it a few frames at a time.
pub struct IndexReader<R> {
    pub(super) frames: Frames<R>,
}

impl<R: ReadAt> IndexReader<R> {
    /// Opens an index: reads its header and its directory.
    ///
    /// # Errors
    ///
    /// Refuses what is not an index. What frames hold is compared when they are read.
    pub fn open(file: R) -> Result<Self, ReadIndexError> {
        Frames::open(IndexKind::Packages, file).map(|frames| IndexReader { frames })
    }

    /// Returns how many packages there are, each version counted.
    #[must_use]
    pub fn packages(&self) -> usize {
        self.frames.records(Table::Packages)
    }

    /// Returns the packages of this name, oldest version first.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn named(&self, name: &PackageName) -> Result<Vec<IndexEntry>, ReadIndexError> {
        let mut found = Vec::new();
        self.with_key(Table::Packages, name.as_str(), |part, record| {
            found.push(entry(part, record)?);
            Ok(())
        })?;
        found.sort_by(|a, b| a.package.cmp(&b.package));
        Ok(found)
    }

    /// Returns what versions of this name there are, oldest first; costs less than [`IndexReader::named`].
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn versions(&self, name: &PackageName) -> Result<Vec<PackageId>, ReadIndexError> {
        let mut found = Vec::new();
        self.with_key(Table::Summaries, name.as_str(), |part, row| {
            found.push(summary(part, row)?.package().ok_or_else(|| bad_row(part))?);
            Ok(())
        })?;
        found.sort_unstable();
        Ok(found)
    }

    /// Returns the packages that provide this name without having it, by name and version.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn providing(&self, name: &PackageName) -> Result<Vec<IndexEntry>, ReadIndexError> {
        let names = self.names(Table::Names, &name_key(name))?;
        self.which(&names, |entry| {
            entry.provides.iter().any(|provided| provided.name == *name)
        })
    }

    /// Returns the packages that supersede one of this name, by name and version.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn superseding(&self, name: &PackageName) -> Result<Vec<IndexEntry>, ReadIndexError> {
        let names = self.names(Table::Names, &superseded_key(name))?;
        self.which(&names, |entry| entry.supersedes.contains(name))
    }

    /// Returns the packages that offer this feature, by name and version.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn offering(&self, feature: &Feature) -> Result<Vec<IndexEntry>, ReadIndexError> {
        let names = self.names(Table::Names, &feature_key(feature))?;
        self.which(&names, |entry| entry.has_feature(feature))
    }

    /// Returns the names of packages that bring a program of this name.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn with_program(&self, program: &str) -> Result<Vec<PackageName>, ReadIndexError> {
        self.names(Table::Programs, &program_key(program))
    }

    /// Gives the name of each program and of a package that brings it to `visit`, in the order of programs.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn programs(
        &self,
        mut visit: impl FnMut(&str, &str) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        self.frames.scan(Table::Programs, |part, text| {
            for row in text.lines() {
                let (program, package) = row.split_once(' ').ok_or_else(|| bad_row(part))?;
                if visit(program, package).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Returns the names of packages that begin with `prefix`, sorted, `limit` at most.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn names_with_prefix(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<PackageName>, ReadIndexError> {
        let mut found: Vec<PackageName> = Vec::new();
        self.frames.seek(Table::Summaries, prefix, |part, row| {
            let name = summary(part, row)?.name();
            if !name.starts_with(prefix) || found.len() == limit {
                return Ok(ControlFlow::Break(()));
            }
            if found.last().is_none_or(|last| last.as_str() != name) {
                found.push(name.parse().map_err(|_| bad_row(part))?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Gives one line about each package to `visit`, by name.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn summaries(
        &self,
        mut visit: impl FnMut(Summary<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        self.frames.scan(Table::Summaries, |part, text| {
            for row in records(Table::Summaries, text) {
                if visit(summary(part, row)?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Gives each package to `visit`, by name; only one frame of them is held at a time.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn entries(
        &self,
        mut visit: impl FnMut(IndexEntry) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        self.frames.scan(Table::Packages, |part, text| {
            for record in records(Table::Packages, text) {
                if visit(entry(part, record)?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn with_key(
        &self,
        table: Table,
        key: &str,
        mut visit: impl FnMut(Part, &str) -> Result<(), ReadIndexError>,
    ) -> Result<(), ReadIndexError> {
        self.frames.seek(table, key, |part, record| {
            if table.key(record) != key {
                return Ok(ControlFlow::Break(()));
            }
            visit(part, record)?;
            Ok(ControlFlow::Continue(()))
        })
    }

    fn names(&self, table: Table, key: &str) -> Result<Vec<PackageName>, ReadIndexError> {
        let mut found = Vec::new();
        self.with_key(table, key, |part, row| {
            found.push(package_of(row).ok_or_else(|| bad_row(part))?);
            Ok(())
        })?;
        Ok(found)
    }

    fn which(
        &self,
        names: &[PackageName],
        mut is_wanted: impl FnMut(&IndexEntry) -> bool,
    ) -> Result<Vec<IndexEntry>, ReadIndexError> {
        let mut found = Vec::new();
        for name in names {
            found.extend(self.named(name)?);
        }
        found.retain(|entry| is_wanted(entry));
        Ok(found)
    }
}

impl<R> fmt::Debug for IndexReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexReader").field(&self.frames).finish()
    }
}

/// Returns the package of a record.
pub(super) fn entry(part: Part, record: &str) -> Result<IndexEntry, ReadIndexError> {
    record::read(record).map_err(|source| ReadIndexError::Record {
        part,
        name: Table::Packages.key(record).chars().take(200).collect(),
        source,
    })
}

pub(super) fn summary(part: Part, row: &str) -> Result<Summary<'_>, ReadIndexError> {
    Summary::from_row(row).ok_or_else(|| bad_row(part))
}

/// Returns the error for a row that could not have been written so.
pub(super) fn bad_row(part: Part) -> ReadIndexError {
    ReadIndexError::Frame {
        part,
        reason: "a row does not have its fields",
    }
}
