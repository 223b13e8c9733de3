//! `files.index`: every path of every package.

use std::fmt;
use std::io::Write;
use std::ops::{ControlFlow, Range};

use super::frames::Frames;
use super::rows::{id_fields, parse_id};
use super::verify::verify_table;
use super::write::{FramesWriter, WrittenIndex};
use super::{IndexKind, Part, ReadAt, ReadIndexError, Table, WriteIndexError};
use crate::escape::{escape, unescape};
use crate::{EntryKind, FileEntry, PackageId, RelPath};

/// Collects paths of packages and writes `files.index`: equal packages give equal bytes, in whatever order they
/// come. Takes the memory of all paths together.
#[derive(Debug, Default)]
pub struct FilesIndexWriter {
    packages: Vec<String>,
    paths: String,
    /// The package by its number, and where its path is in `paths`.
    rows: Vec<(usize, Range<usize>)>,
}

impl FilesIndexWriter {
    /// Returns a writer of no paths.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the paths of a package, but for its directories.
    pub fn add(&mut self, package: &PackageId, entries: &[FileEntry]) {
        let number = self.packages.len();
        self.packages.push(id_fields(package));
        for entry in entries {
            if entry.kind != EntryKind::Directory {
                self.push(number, &entry.path);
            }
        }
    }

    /// Adds one path of a package, as [`FilesIndexReader::paths`] gives them.
    pub fn add_path(&mut self, package: &PackageId, path: &RelPath) {
        let fields = id_fields(package);
        // Paths of one package mostly come together.
        if self.packages.last() != Some(&fields) {
            self.packages.push(fields);
        }
        self.push(self.packages.len() - 1, path);
    }

    fn push(&mut self, package: usize, path: &RelPath) {
        let start = self.paths.len();
        self.paths.push_str(&escape(path.as_bytes()));
        self.rows.push((package, start..self.paths.len()));
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// Those of the output; and there can be too many paths for one index.
    pub fn write(mut self, out: &mut impl Write) -> Result<WrittenIndex, WriteIndexError> {
        let (packages, paths) = (&self.packages, &self.paths);
        let key = |row: &(usize, Range<usize>)| (&paths[row.1.clone()], packages[row.0].as_str());
        self.rows.sort_unstable_by(|a, b| key(a).cmp(&key(b)));
        self.rows.dedup_by(|a, b| key(a) == key(b));
        let mut frames = FramesWriter::new(IndexKind::Files)?;
        let rows = self.rows.iter().map(key);
        frames.table(
            Table::Files,
            rows.map(|(path, package)| format!("{path} {package}\n")),
        )?;
        frames.finish(out)
    }
}

/// `files.index`, opened.
pub struct FilesIndexReader<R> {
    frames: Frames<R>,
}

impl<R: ReadAt> FilesIndexReader<R> {
    /// Opens an index: reads its header and its directory.
    ///
    /// # Errors
    ///
    /// Refuses what is not an index. What frames hold is compared when they are read.
    pub fn open(file: R) -> Result<Self, ReadIndexError> {
        Frames::open(IndexKind::Files, file).map(|frames| FilesIndexReader { frames })
    }

    /// Returns how many paths there are, each package counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.records(Table::Files)
    }

    /// Tells whether there are no paths.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the packages that bring this path.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn owners(&self, path: &RelPath) -> Result<Vec<PackageId>, ReadIndexError> {
        let key = escape(path.as_bytes());
        let mut owners = Vec::new();
        self.frames.seek(Table::Files, &key, |part, row| {
            if Table::Files.key(row) != key {
                return Ok(ControlFlow::Break(()));
            }
            owners.push(parse(part, row)?.1);
            Ok(ControlFlow::Continue(()))
        })?;
        owners.sort_unstable();
        Ok(owners)
    }

    /// Gives each path below a directory and a package that brings it to `visit`.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn below(
        &self,
        directory: &RelPath,
        mut visit: impl FnMut(RelPath, PackageId) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        let prefix = format!("{}/", escape(directory.as_bytes()));
        self.frames.seek(Table::Files, &prefix, |part, row| {
            if !row.starts_with(&prefix) {
                return Ok(ControlFlow::Break(()));
            }
            let (path, package) = parse(part, row)?;
            Ok(visit(path, package))
        })
    }

    /// Gives every path and a package that brings it to `visit`.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn paths(
        &self,
        mut visit: impl FnMut(RelPath, PackageId) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        self.frames.scan(Table::Files, |part, text| {
            for row in text.split_inclusive('\n') {
                let (path, package) = parse(part, row)?;
                if visit(path, package).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Reads everything and tests that a writer could have written it.
    ///
    /// # Errors
    ///
    /// Returns the first thing that is not as it should be.
    pub fn verify(&self) -> Result<(), ReadIndexError> {
        verify_table(&self.frames, Table::Files, |part, row| {
            parse(part, row).map(|_| ())
        })
    }
}

impl<R> fmt::Debug for FilesIndexReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FilesIndexReader")
            .field(&self.frames)
            .finish()
    }
}

/// Reads a row; refuses what is not the one way to write it.
fn parse(part: Part, row: &str) -> Result<(RelPath, PackageId), ReadIndexError> {
    let parsed = || {
        let mut fields = row.strip_suffix('\n')?.split(' ');
        let mut next = || fields.next();
        let path = RelPath::from_bytes(&unescape(next()?).ok()?).ok()?;
        let package = parse_id([next()?, next()?, next()?, next()?, next()?])?;
        let is_canonical = row.ends_with(&format!(" {}\n", id_fields(&package)));
        (fields.next().is_none() && is_canonical).then_some((path, package))
    };
    parsed().ok_or(ReadIndexError::Frame {
        part,
        reason: "a row is not a path and the package that brings it",
    })
}
