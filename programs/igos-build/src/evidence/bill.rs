//! What a bill of materials lists, before it is written in anybody's words.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::archive::{ArchiveReader, Content, ReadArchiveError};
use igos_format::manifest::Manifest;
use igos_format::trust::UtcTime;
use igos_format::{EntryKind, PackageName, Sha256};
use igos_report::Explain;
use igos_root::{RootDir, RootError};
use igos_sysroot::{OpenError, QueryError, Sysroot, Unmanaged};
use serde::Deserialize;
use sha1::{Digest as _, Sha1};

use super::EvidenceError;
use super::material::digest;

/// The packages of a bill of materials, sorted by name and seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bill {
    /// What it is of, in a word.
    pub name: String,
    /// Its packages.
    pub packages: Vec<BilledPackage>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledPackage {
    /// What it is.
    pub manifest: Manifest,
    /// The digest of its seal.
    pub seal: Sha256,
    /// The archive: its customary name and its digest; absent for an installed package.
    pub archive: Option<(String, Sha256)>,
    /// Its regular files; empty for an installed package.
    pub files: Vec<BilledFile>,
    /// What it was built from, as far as the archive tells.
    pub sources: Vec<BilledSource>,
}

/// One regular file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BilledFile {
    /// The path from the root, without a slash before it.
    pub path: String,
    /// The digest of its content.
    pub sha256: Sha256,
    /// The digest that SPDX 2.3 wants of every file (clause 8.4), in hexadecimal.
    pub sha1: String,
}

/// One source, as provenance has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct BilledSource {
    /// The source as the recipe names it.
    pub location: String,
    /// The digest of what was used.
    pub sha256: Sha256,
    /// The number of the recipe's alternative that was used.
    pub alternative: Option<usize>,
    /// Why its bytes are not upstream's.
    pub repack: Option<String>,
}

/// What a bill lists cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// An archive cannot be read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The root cannot be opened.
    #[error(transparent)]
    Directory(#[from] RootError),
    /// The root has no record that can be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The record cannot be asked.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Explain for BillError {
    fn code(&self) -> &'static str {
        match self {
            BillError::Evidence(error) => error.code(),
            BillError::Directory(error) => error.code(),
            BillError::Open(error) => error.code(),
            BillError::Query(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            BillError::Evidence(error) => error.hints(),
            BillError::Directory(error) => error.hints(),
            BillError::Open(error) => error.hints(),
            BillError::Query(error) => error.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            BillError::Evidence(error) => error.exit_code(),
            BillError::Directory(error) => error.exit_code(),
            BillError::Open(error) => error.exit_code(),
            BillError::Query(error) => error.exit_code(),
        }
    }
}

impl Bill {
    /// Returns the bill of archives; their contents are read and verified.
    ///
    /// # Errors
    ///
    /// Returns the archive that cannot be read.
    pub fn of_archives(archives: &[PathBuf]) -> Result<Self, BillError> {
        let packages = archives.iter().map(|path| of_archive(path));
        let mut packages = packages.collect::<Result<Vec<_>, _>>()?;
        sort(&mut packages);
        let name = match packages.as_slice() {
            [only] => only.manifest.package.file_stem(),
            several => format!("{} packages", several.len()),
        };
        Ok(Bill { name, packages })
    }

    /// Returns the bill of what is installed in a root, by its record.
    ///
    /// # Errors
    ///
    /// Returns why the record cannot be read.
    pub fn of_root(root: &Path) -> Result<Self, BillError> {
        let sysroot = Sysroot::open(RootDir::open(root)?, Unmanaged::Refuse)?;
        let mut packages = Vec::new();
        for listed in sysroot.list()? {
            let record = sysroot.record(&listed.package.name)?;
            packages.push(BilledPackage {
                manifest: record.manifest,
                seal: record.installed.seal,
                archive: None,
                files: Vec::new(),
                sources: Vec::new(),
            });
        }
        sort(&mut packages);
        let name = "root".to_owned();
        Ok(Bill { name, packages })
    }

    /// Returns the digest of all that it lists: of the lines `NAME SEAL`. Bills of the same have the same.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let lines = self.packages.iter();
        let lines = lines.map(|one| format!("{} {}\n", one.manifest.package.name, one.seal));
        Sha256::of(lines.collect::<String>().as_bytes())
    }

    /// Returns the newest time of its packages' files: the time that follows from what it lists.
    #[must_use]
    pub fn time(&self) -> String {
        let times = self.packages.iter();
        let newest = times.map(|one| one.manifest.source_date_epoch).max();
        let seconds = newest.and_then(|seconds| i64::try_from(seconds).ok());
        let time = UtcTime::from_seconds(seconds.unwrap_or_default());
        time.expect("a manifest's time is below 8589934592")
            .to_string()
    }

    /// Returns for each package the numbers of those of the bill that it needs to run.
    #[must_use]
    pub fn needs(&self) -> Vec<BTreeSet<usize>> {
        let mut by_name: BTreeMap<&PackageName, usize> = BTreeMap::new();
        for (number, one) in self.packages.iter().enumerate() {
            for provided in &one.manifest.provides {
                by_name.entry(&provided.name).or_insert(number);
            }
        }
        // A package of the name comes before one that provides it.
        for (number, one) in self.packages.iter().enumerate() {
            by_name.insert(&one.manifest.package.name, number);
        }
        let needs = self.packages.iter().enumerate().map(|(number, one)| {
            let named = one.manifest.depends.iter();
            let found = named.filter_map(|needed| by_name.get(&needed.name).copied());
            found.filter(|needed| *needed != number).collect()
        });
        needs.collect()
    }
}

fn sort(packages: &mut Vec<BilledPackage>) {
    let key = |one: &BilledPackage| (one.manifest.package.name.clone(), one.seal);
    packages.sort_by_key(key);
    packages.dedup_by_key(|one| key(one));
}

fn of_archive(path: &Path) -> Result<BilledPackage, EvidenceError> {
    let failed = |source: ReadArchiveError| EvidenceError::Archive {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(|source| EvidenceError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut reader = ArchiveReader::open(BufReader::new(file)).map_err(failed)?;
    let manifest = reader.manifest().clone();
    let name = reader.compression().file_name(&manifest.package);
    let seal = reader.seal_digest();
    let sources = sources(reader.provenance());
    let mut digests: BTreeMap<usize, String> = BTreeMap::new();
    let mut files = Vec::new();
    while let Some(entry) = reader.next_entry().map_err(failed)? {
        let EntryKind::File { sha256, .. } = &entry.entry.kind else {
            continue;
        };
        let sha1 = match entry.content {
            Content::HardLink(first) | Content::SameAs(first) => digests.get(&first).cloned(),
            Content::Nothing => None,
            Content::Bytes(mut content) => {
                let mut hasher = Sha1::new();
                let mut buffer = vec![0; 64 * 1024];
                loop {
                    let count =
                        content
                            .read(&mut buffer)
                            .map_err(|source| EvidenceError::Read {
                                path: path.to_owned(),
                                source,
                            })?;
                    if count == 0 {
                        break;
                    }
                    hasher.update(&buffer[..count]);
                }
                Some(hexadecimal(&hasher.finalize()))
            }
        };
        let sha1 = sha1.expect("a reader gives the first of equal contents before the others");
        digests.insert(entry.index, sha1.clone());
        files.push(BilledFile {
            path: entry.entry.path.to_string(),
            sha256: *sha256,
            sha1,
        });
    }
    Ok(BilledPackage {
        archive: Some((name, digest(path)?)),
        manifest,
        seal,
        files,
        sources,
    })
}

/// Returns the sources that provenance names; none where it is of another kind.
fn sources(provenance: &[u8]) -> Vec<BilledSource> {
    #[derive(Deserialize)]
    struct Account {
        sources: Vec<BilledSource>,
    }
    // An imported package has none: its provenance is of another kind.
    let account = serde_json::from_slice::<Account>(provenance);
    let mut sources = account.map(|account| account.sources).unwrap_or_default();
    sources.sort();
    sources.dedup();
    sources
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
