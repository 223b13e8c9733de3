//! Finished builds under their keys.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{PackageName, Sha256};
use igos_sandbox::Measures;
use serde::{Deserialize, Serialize};

use super::directory::set_mode;
use super::work::delete;
use super::{Cache, CacheError};

/// The version of `receipt.json` that this program writes and reads.
const FORMAT: u32 = 2;
/// Largest receipt, in bytes; a thousand outputs need less.
const RECEIPT_MAX_BYTES: u64 = 4 * 1024 * 1024;
const RECEIPT: &str = "receipt.json";

/// What a build used and made: everything that may differ from machine to machine, which the archives hold not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The version of this text.
    pub format: u32,
    /// The recipe.
    pub package: PackageName,
    /// `VERSION-RELEASE`, with `EPOCH:` before it unless that is 0.
    pub version: String,
    /// The key of everything that went into the build.
    pub key: Sha256,
    /// The packages it made, the main one first.
    pub outputs: Vec<CachedOutput>,
    /// The sources it was made from.
    pub sources: Vec<SourceReceipt>,
    /// Its steps.
    pub steps: Vec<StepReceipt>,
    /// What came of upstream's tests.
    pub check: String,
    /// Which locks and limits were in force.
    pub measures: Option<Measures>,
}

/// One archive of a build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachedOutput {
    /// The package.
    pub name: PackageName,
    /// The file in the build's directory.
    pub archive: String,
    /// The digest of the seal, which identifies the package.
    pub seal: Sha256,
    /// The digest of what it is, apart from what it was made from ([`Manifest::contents_digest`]).
    ///
    /// [`Manifest::contents_digest`]: igos_format::manifest::Manifest::contents_digest
    pub contents: Sha256,
    /// The digest of the file.
    pub sha256: Sha256,
    /// The size of the file.
    pub size_bytes: u64,
}

/// One source and who delivered it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceReceipt {
    /// The source as the recipe names it.
    pub location: String,
    /// The digest of what was used.
    pub sha256: Sha256,
    /// Who delivered it.
    pub provider: String,
}

/// One step and what it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepReceipt {
    /// Its name.
    pub name: String,
    /// Time on the clock.
    pub wall_ms: u64,
    /// Largest memory seen.
    pub memory_peak_bytes: u64,
}

impl Receipt {
    /// Returns the receipt in a directory of archives, `None` without a readable one.
    #[must_use]
    pub fn read_in(directory: &Path) -> Option<Self> {
        let text = read_if_present(&directory.join(RECEIPT)).ok()??;
        serde_json::from_slice(&text).ok()
    }
}

/// A finished build whose archives were just verified.
#[derive(Debug, Clone, PartialEq)]
pub struct CachedBuild {
    directory: PathBuf,
    receipt: Receipt,
}

impl CachedBuild {
    /// Returns what was used and made.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Returns the archive of an output.
    #[must_use]
    pub fn archive(&self, output: &CachedOutput) -> PathBuf {
        self.directory.join(&output.archive)
    }
}

/// What a look for a build found.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// It is there, and its archives are what its receipt says.
    Found(Box<CachedBuild>),
    /// It is not there.
    Absent,
    /// It is there and is not what it should be.
    Damaged {
        /// What is wrong.
        reason: String,
    },
}

impl Receipt {
    /// Returns an empty receipt.
    #[must_use]
    pub fn new(package: PackageName, version: String, key: Sha256) -> Self {
        Receipt {
            format: FORMAT,
            package,
            version,
            key,
            outputs: Vec::new(),
            sources: Vec::new(),
            steps: Vec::new(),
            check: String::new(),
            measures: None,
        }
    }
}

impl Cache {
    /// Looks for the build with this key and reads its archives to verify them.
    ///
    /// # Errors
    ///
    /// Returns what the kernel says, except that a file is absent.
    pub fn find_build(&self, key: &Sha256) -> Result<Lookup, CacheError> {
        let directory = self.build(key);
        let Some(text) = read_if_present(&directory.join(RECEIPT))? else {
            return Ok(if directory.exists() {
                damaged("its receipt is missing")
            } else {
                Lookup::Absent
            });
        };
        let receipt: Receipt = match serde_json::from_slice(&text) {
            Ok(receipt) => receipt,
            Err(error) => return Ok(damaged(format!("its receipt cannot be read: {error}"))),
        };
        if receipt.format != FORMAT || receipt.key != *key || receipt.outputs.is_empty() {
            return Ok(damaged("its receipt is that of another build"));
        }
        for output in &receipt.outputs {
            if output.archive.contains('/') || output.archive.starts_with('.') {
                return Ok(damaged("its receipt names a file elsewhere"));
            }
            let path = directory.join(&output.archive);
            match digest_if_present(&path)? {
                None => return Ok(damaged(format!("archive {} is missing", output.archive))),
                Some(actual) if actual != output.sha256 => {
                    return Ok(damaged(format!(
                        "archive {} has digest {actual}, expected {}",
                        output.archive, output.sha256
                    )));
                }
                Some(_) => {}
            }
        }
        Ok(Lookup::Found(Box::new(CachedBuild { directory, receipt })))
    }

    /// Puts a finished build into the cache: `output` holds its archives and becomes part of the cache. A build
    /// of the same key that is there already is replaced.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written or renamed.
    pub fn add_build(&self, receipt: Receipt, output: &Path) -> Result<CachedBuild, CacheError> {
        for one in &receipt.outputs {
            let path = output.join(&one.archive);
            set_mode(&path, 0o644)?;
            fs::File::open(&path)
                .and_then(|file| file.sync_all())
                .map_err(CacheError::io("sync", &path))?;
        }
        let mut text =
            serde_json::to_vec_pretty(&receipt).expect("a receipt has text keys and plain values");
        text.push(b'\n');
        self.write_file(&output.join(RECEIPT), &text)?;
        let directory = self.build(&receipt.key);
        delete(&directory)?;
        fs::rename(output, &directory).map_err(CacheError::io("rename", output))?;
        Ok(CachedBuild { directory, receipt })
    }

    /// Deletes the build with this key.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted.
    pub fn delete_build(&self, key: &Sha256) -> Result<(), CacheError> {
        delete(&self.build(key))
    }

    /// Returns the last key document of a package, `None` if it was never built here.
    ///
    /// # Errors
    ///
    /// Returns what the kernel says, except that the file is absent.
    pub fn last_key_document(&self, package: &PackageName) -> Result<Option<String>, CacheError> {
        let bytes = read_if_present(&self.key_document(package))?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Returns what the last build of a package used and made, as far as the cache still knows.
    #[must_use]
    pub fn last_receipt(&self, package: &PackageName) -> Option<Receipt> {
        // What cannot be read is as good as never built: this is for estimates.
        self.receipt(&self.last_key(package).ok()??)
    }

    /// Returns the key of the last build of a package, `None` if it was never built here.
    ///
    /// # Errors
    ///
    /// Returns what the kernel says, except that the file is absent.
    pub fn last_key(&self, package: &PackageName) -> Result<Option<Sha256>, CacheError> {
        let document = self.last_key_document(package)?;
        Ok(document.map(|document| Sha256::of(document.as_bytes())))
    }

    /// Keeps the key document of the build of a package that was used last.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn keep_key_document(
        &self,
        package: &PackageName,
        document: &str,
    ) -> Result<(), CacheError> {
        self.write_file(&self.key_document(package), document.as_bytes())
    }
}

fn damaged(reason: impl Into<String>) -> Lookup {
    Lookup::Damaged {
        reason: reason.into(),
    }
}

fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, CacheError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CacheError::io("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(RECEIPT_MAX_BYTES)
        .read_to_end(&mut bytes)
        .map_err(CacheError::io("read", path))?;
    Ok(Some(bytes))
}

fn digest_if_present(path: &Path) -> Result<Option<Sha256>, CacheError> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CacheError::io("open", path)(error)),
    };
    let digest = Sha256::read(file).map_err(CacheError::io("read", path))?;
    Ok(Some(digest))
}
