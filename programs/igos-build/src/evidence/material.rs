//! What lies in and beside an archive and tells how it came to be.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::archive::{Head, ReadArchiveError};
use igos_format::manifest::{Manifest, Origin};
use igos_report::Explain;
use serde_json::Value;

use crate::cache::Receipt;
use crate::toolchain::{Toolchain, ToolchainArchive};

/// What an archive and the things beside it say of how it came to be.
#[derive(Debug)]
pub struct Evidence {
    /// What the package is.
    pub manifest: Manifest,
    /// The archive's own account, as it is in the archive.
    pub provenance: Value,
    /// The customary name of the file.
    pub file_name: String,
    /// The digest of the file.
    pub sha256: Sha256,
    /// The digest of the seal.
    pub seal: Sha256,
    /// The receipt of the build, where it lies beside the archive.
    pub receipt: Option<Receipt>,
    /// The archives of the toolchain, where the archive lies in a cache that still has it.
    pub toolchain: Vec<ToolchainMaterial>,
}

/// One archive of the toolchain that a build saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolchainMaterial {
    /// What the toolchain's document says of it.
    pub archive: ToolchainArchive,
    /// What its manifest says of where it came from.
    pub origin: Origin,
}

/// What an archive says cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no archive, or a damaged one.
    #[error("cannot read archive {}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ReadArchiveError,
    },
    /// Its provenance is of a kind that we do not know.
    #[error("the provenance in {} is of a kind that this program does not know", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for EvidenceError {
    fn code(&self) -> &'static str {
        match self {
            EvidenceError::Read { .. } => "archive-unreadable",
            EvidenceError::Archive { source, .. } => source.code(),
            EvidenceError::Unknown { .. } => "provenance-unknown",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            EvidenceError::Archive { source, .. } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        4
    }
}

impl Evidence {
    /// Reads the head of an archive and what lies beside it. The contents of the package are not read.
    ///
    /// # Errors
    ///
    /// Returns that the archive cannot be read. A receipt or a toolchain that is not there, or not of this archive, is
    /// no error: it is not evidence.
    pub fn of_archive(path: &Path) -> Result<Self, EvidenceError> {
        let head = read_head(path)?;
        let provenance: Value =
            serde_json::from_slice(head.provenance()).map_err(|_| EvidenceError::Unknown {
                path: path.to_owned(),
            })?;
        let sha256 = digest(path)?;
        let receipt = receipt_of(path, sha256);
        let toolchain = toolchain_of(path, &provenance);
        Ok(Evidence {
            manifest: Manifest::clone(head.manifest()),
            file_name: head.compression().file_name(&head.manifest().package),
            seal: head.seal_digest(),
            provenance,
            sha256,
            receipt,
            toolchain,
        })
    }
}

fn read_head(path: &Path) -> Result<Head, EvidenceError> {
    let file = fs::File::open(path).map_err(|source| EvidenceError::Read {
        path: path.to_owned(),
        source,
    })?;
    Head::read(BufReader::new(file)).map_err(|source| EvidenceError::Archive {
        path: path.to_owned(),
        source,
    })
}

/// Returns the digest of a file.
pub(super) fn digest(path: &Path) -> Result<Sha256, EvidenceError> {
    fs::File::open(path)
        .and_then(Sha256::read)
        .map_err(|source| EvidenceError::Read {
            path: path.to_owned(),
            source,
        })
}

/// Returns the receipt beside an archive, if it names this very file.
fn receipt_of(archive: &Path, sha256: Sha256) -> Option<Receipt> {
    let receipt = Receipt::read_in(archive.parent()?)?;
    let mut outputs = receipt.outputs.iter();
    outputs
        .any(|output| output.sha256 == sha256)
        .then_some(receipt)
}

/// Returns the archives of the toolchain that the provenance names, if the archive lies in a cache that has it.
fn toolchain_of(archive: &Path, provenance: &Value) -> Vec<ToolchainMaterial> {
    let wanted = provenance["toolchain"].as_str();
    // CACHE/builds/KEY/ARCHIVE
    let Some((wanted, cache)) = wanted.zip(archive.ancestors().nth(3)) else {
        return Vec::new();
    };
    let directories = fs::read_dir(cache.join("toolchains"));
    let mut directories: Vec<PathBuf> = directories
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    directories.sort();
    let loaded = directories
        .iter()
        .filter_map(|directory| Toolchain::load(directory).ok());
    let Some(toolchain) = loaded
        .into_iter()
        .find(|toolchain| toolchain.digest().to_string() == wanted)
    else {
        return Vec::new();
    };
    let materials = toolchain.archives().iter().map(|archive| {
        let head = read_head(&toolchain.path_of(archive)).ok()?;
        Some(ToolchainMaterial {
            archive: archive.clone(),
            origin: head.manifest().origin,
        })
    });
    // All of it or nothing: half a list would look like a whole one.
    materials.collect::<Option<_>>().unwrap_or_default()
}
