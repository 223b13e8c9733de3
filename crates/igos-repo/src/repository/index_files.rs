//! The index files of a repository: fetched by digest, compared as a whole, and then read by position.

use std::io;

use igos_format::index::{FilesIndexReader, IndexReader, ReadIndexError};
use igos_format::trust::TargetFile;
use igos_root::Kind;

use super::RepositoryAddress;
use super::collected::{Expected, Unlike, complete};
use super::transport::{Transport, TransportError};
use crate::below::{DirectoryBelow, FileBelow};
use crate::fetch::partial::Partial;
use crate::trust::Trusted;

/// One of the files of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum IndexFile {
    /// Every package.
    Packages,
    /// Every path of every package.
    Files,
}

impl IndexFile {
    pub(super) const ALL: [IndexFile; 2] = [IndexFile::Packages, IndexFile::Files];

    fn name(self) -> &'static str {
        match self {
            IndexFile::Packages => "packages.index",
            IndexFile::Files => "files.index",
        }
    }

    /// Returns what signed metadata say about it.
    pub(super) fn listed(self, trusted: &Trusted) -> Option<TargetFile> {
        trusted.file(&format!("index/{}", self.name()))
    }
}

/// Why an index file could not be had from one copy.
#[derive(Debug, thiserror::Error)]
pub(super) enum IndexFileError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("it delivers {file} with {found} bytes instead of {expected}")]
    Size {
        file: &'static str,
        expected: u64,
        found: u64,
    },
    #[error("it delivers {file} with another digest than the signed one")]
    Digest { file: &'static str },
    #[error("the signed {file} cannot be used: {source}")]
    Index {
        file: &'static str,
        source: ReadIndexError,
    },
    #[error("cannot keep {file}: {source}")]
    Keep {
        file: &'static str,
        source: io::Error,
    },
}

/// The directory of the index files of a repository.
#[derive(Debug, Clone)]
pub(super) struct IndexFiles {
    directory: DirectoryBelow,
}

impl IndexFiles {
    /// Returns the index files among what is known of a repository.
    pub(super) fn below(state: &DirectoryBelow) -> Self {
        IndexFiles {
            directory: state.join("index"),
        }
    }

    /// Returns a file that is there, or would be.
    pub(super) fn file(&self, file: IndexFile, listed: &TargetFile) -> FileBelow {
        self.directory
            .file(format!("{}.{}", listed.sha256, file.name()))
    }

    /// Tells whether a file is there; its bytes were compared when it was put there.
    pub(super) fn has(&self, file: IndexFile, listed: &TargetFile) -> bool {
        // What cannot be looked at is fetched again.
        let found = self.file(file, listed).look();
        found.is_ok_and(|found| {
            found.is_some_and(|found| found.kind == Kind::File && found.size == listed.length)
        })
    }

    /// Fetches a file from one copy, compares it, and puts it into its place.
    pub(super) fn fetch(
        &self,
        file: IndexFile,
        listed: &TargetFile,
        transport: &Transport,
        copy: &RepositoryAddress,
        advance: &dyn Fn(u64),
    ) -> Result<(), IndexFileError> {
        let name = file.name();
        let keep = |source| IndexFileError::Keep { file: name, source };
        let place = self.file(file, listed);
        let collected = self.directory.file(format!("{}.part", place.name()));
        let mut partial = Partial::open(&collected).map_err(keep)?;
        let (size_bytes, sha256) = (listed.length, listed.sha256);
        let expected = Expected { size_bytes, sha256 };
        let refuse = |unlike| match unlike {
            Unlike::Size { expected, found } => IndexFileError::Size {
                file: name,
                expected,
                found,
            },
            Unlike::Digest { .. } => IndexFileError::Digest { file: name },
        };
        complete(&mut partial, expected, keep, refuse, |partial| {
            let path = format!("targets/index/{sha256}.{name}");
            let progress = |done, _| {
                advance(done);
                Ok(())
            };
            Ok(transport.download(copy, &path, partial, size_bytes, &progress)?)
        })?;
        open_as(file, &partial).map_err(|source| IndexFileError::Index { file: name, source })?;
        partial.place(&place, 0o644).map_err(keep)
    }

    /// Deletes every file but those listed.
    pub(super) fn keep_only(&self, kept: &[FileBelow]) -> io::Result<()> {
        for (file, _) in self.directory.files()? {
            if !kept.contains(&file) {
                file.delete()?;
            }
        }
        Ok(())
    }
}

fn open_as(file: IndexFile, partial: &Partial) -> Result<(), ReadIndexError> {
    let opened = partial.read_from_start();
    let opened = opened.map_err(|source| ReadIndexError::Input { source })?;
    match file {
        IndexFile::Packages => IndexReader::open(opened).map(drop),
        IndexFile::Files => FilesIndexReader::open(opened).map(drop),
    }
}
