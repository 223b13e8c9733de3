//! Archives on the local disk: which files hold them, and what they are.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::remote::Remote;
use fs_err as fs;
use igos_format::archive::CompressionFormat;
use igos_format::{PackageName, Sha256};
use igos_repo::FileBelow;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_sysroot::{Candidate, CandidateError, Vouch};

/// Archives cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchivesError {
    /// A file or directory cannot be opened or listed; the cause names it.
    #[error("cannot read archives")]
    Read(#[source] io::Error),
    /// A file is not an archive that can be installed.
    #[error("cannot use archive {}", file.display())]
    Refused {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: CandidateError,
    },
}

impl Explain for ArchivesError {
    fn code(&self) -> &'static str {
        match self {
            ArchivesError::Read(_) => "archives-unreadable",
            ArchivesError::Refused { source, .. } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ArchivesError::Read(_) => Vec::new(),
            ArchivesError::Refused { source, .. } => source.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ArchivesError::Read(_) => 4,
            ArchivesError::Refused { source, .. } => source.exit_code(),
        }
    }
}

/// Where an archive is.
#[derive(Debug, Clone)]
pub(crate) enum ArchiveFile {
    /// At a path that the user names.
    Named(PathBuf),
    /// In the cache of the root, by descriptor.
    Kept(FileBelow),
}

impl ArchiveFile {
    /// Returns its path for messages.
    pub(crate) fn shown(&self) -> PathBuf {
        match self {
            ArchiveFile::Named(path) => path.clone(),
            ArchiveFile::Kept(file) => file.path(),
        }
    }

    /// Opens it.
    pub(crate) fn open(&self) -> io::Result<fs::File> {
        match self {
            ArchiveFile::Named(path) => fs::File::open(path),
            ArchiveFile::Kept(file) => Ok(fs::File::from_parts(file.open()?, file.path())),
        }
    }
}

/// Archives whose heads were read and verified, by their seals.
#[derive(Debug, Default)]
pub(crate) struct Archives {
    candidates: BTreeMap<Sha256, Candidate>,
    files: BTreeMap<Sha256, ArchiveFile>,
    /// Those of repositories that were chosen.
    pub(crate) remote: Remote,
}

impl Archives {
    /// Reads the head of one archive, and returns the seal it goes by from then on.
    pub(crate) fn add_file(&mut self, file: &Path) -> Result<Sha256, ArchivesError> {
        self.add(ArchiveFile::Named(file.to_owned()))
    }

    fn add(&mut self, file: ArchiveFile) -> Result<Sha256, ArchivesError> {
        let opened = file.open().map_err(ArchivesError::Read)?;
        // Nobody vouches for an archive yet: keys and signatures come with repositories.
        let candidate = Candidate::read(opened, Vouch::unsigned()).map_err(|source| {
            ArchivesError::Refused {
                file: file.shown(),
                source,
            }
        })?;
        let seal = candidate.seal();
        self.candidates.insert(seal, candidate);
        self.files.insert(seal, file);
        Ok(seal)
    }

    /// Reads the heads of all archives in a directory, and returns their seals; what cannot be used is told to
    /// `refused` and left out, because the others may be all that is needed.
    pub(crate) fn add_directory(
        &mut self,
        directory: &Path,
        refused: &mut dyn FnMut(Diagnostic),
    ) -> Result<Vec<Sha256>, ArchivesError> {
        let mut files = Vec::new();
        for entry in fs::read_dir(directory).map_err(ArchivesError::Read)? {
            let path = entry.map_err(ArchivesError::Read)?.path();
            if is_archive_name(&path) {
                files.push(path);
            }
        }
        // Warnings in one order whatever order the disk has.
        files.sort();
        let files = files.into_iter().map(ArchiveFile::Named);
        Ok(self.add_usable(files, refused))
    }

    /// Reads the heads of archives that are kept in the cache of the root, as those of a directory.
    pub(crate) fn add_kept(
        &mut self,
        files: impl IntoIterator<Item = FileBelow>,
        refused: &mut dyn FnMut(Diagnostic),
    ) {
        self.add_usable(files.into_iter().map(ArchiveFile::Kept), refused);
    }

    fn add_usable(
        &mut self,
        files: impl Iterator<Item = ArchiveFile>,
        refused: &mut dyn FnMut(Diagnostic),
    ) -> Vec<Sha256> {
        let mut seals = Vec::new();
        for file in files {
            match self.add(file) {
                Ok(seal) => seals.push(seal),
                Err(error) => {
                    let mut diagnostic = diagnose(&error);
                    diagnostic.severity = igos_report::Severity::Warning;
                    refused(diagnostic);
                }
            }
        }
        seals
    }

    /// Returns all archives.
    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        self.candidates.values().cloned().collect()
    }

    /// Returns the archive with this seal.
    pub(crate) fn candidate(&self, seal: &Sha256) -> Option<&Candidate> {
        self.candidates.get(seal)
    }

    /// Returns the file with the newest archive of this name.
    pub(crate) fn file_of(&self, name: &PackageName) -> Option<ArchiveFile> {
        let version = |candidate: &Candidate| {
            let package = &candidate.manifest().package;
            (
                package.epoch,
                package.version.clone(),
                package.release.clone(),
            )
        };
        self.candidates
            .values()
            .filter(|candidate| candidate.manifest().package.name == *name)
            .max_by_key(|candidate| version(candidate))
            .and_then(|candidate| self.files.get(&candidate.seal()).cloned())
    }

    /// Opens the archive with this seal once more, to read its files.
    pub(crate) fn open(&self, seal: &Sha256) -> io::Result<fs::File> {
        match self.files.get(seal) {
            Some(file) => file.open(),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("there is no archive with seal {seal}"),
            )),
        }
    }
}

/// Tells whether a path is named as archives are; what it is, its content says alone.
pub(crate) fn is_archive_name(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    CompressionFormat::ALL
        .iter()
        .any(|format| name.ends_with(format.suffix()))
}
