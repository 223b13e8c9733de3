//! The document that lists a toolchain's archives, and the toolchain that builds load.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use igos_format::archive::Head;
use igos_format::manifest;
use igos_format::{Arch, PackageName, Sha256};
use igos_report::Explain;
use serde::{Deserialize, Serialize};

/// Name of the document in a toolchain's directory.
pub(super) const DOCUMENT: &str = "toolchain.json";

/// Name of the directory of archives.
pub(super) const ARCHIVES: &str = "archives";

/// Largest document, in bytes: some thousand packages.
const DOCUMENT_MAX_BYTES: u64 = 4 << 20;

/// The version of the document.
const SCHEMA: u32 = 2;

/// Where an imported archive comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DebOrigin {
    /// The version as Debian writes it.
    pub version: String,
    /// The path in the archive of the distribution.
    pub path: String,
    /// The digest of the `.deb`.
    pub sha256: Sha256,
}

/// One archive of a toolchain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolchainArchive {
    /// The package's name.
    pub name: PackageName,
    /// Its version and release.
    pub version: String,
    /// Its architecture.
    pub arch: Arch,
    /// The digest of its seal: what it is.
    pub seal: Sha256,
    /// The digest of what it is, apart from what it was made from.
    pub contents: Sha256,
    /// The digest of the file.
    pub sha256: Sha256,
    /// The size of the file in bytes.
    pub size: u64,
    /// The size of its contents in bytes.
    pub installed_size: u64,
    /// The `.deb` it was made from, absent for the archive of links.
    pub origin: Option<DebOrigin>,
}

impl ToolchainArchive {
    /// Returns the name of the file in the directory of archives.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.igos.tar.zst", self.seal)
    }
}

/// The document, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) schema: u32,
    pub(super) name: PackageName,
    pub(super) arch: Arch,
    /// What the archives together are; [`Document::digest_of`] computes it.
    pub(super) digest: Sha256,
    /// What the import was made from; an import from the same is not repeated.
    pub(super) inputs: Sha256,
    /// Sorted by name.
    pub(super) archives: Vec<ToolchainArchive>,
}

impl Document {
    pub(super) fn new(
        name: PackageName,
        arch: Arch,
        inputs: Sha256,
        archives: Vec<ToolchainArchive>,
    ) -> Self {
        Document {
            schema: SCHEMA,
            name,
            arch,
            digest: Self::digest_of(arch, &archives),
            inputs,
            archives,
        }
    }

    /// Returns the digest of lines `igos toolchain 2`, `arch ARCH` and, for each archive, `NAME CONTENTS`.
    fn digest_of(arch: Arch, archives: &[ToolchainArchive]) -> Sha256 {
        let mut text = format!("igos toolchain 2\narch {arch}\n");
        for archive in archives {
            text.push_str(&format!("{} {}\n", archive.name, archive.contents));
        }
        Sha256::of(text.as_bytes())
    }

    pub(super) fn to_text(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("names, digests and numbers are JSON");
        text.push('\n');
        text
    }
}

/// A toolchain cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadToolchainError {
    /// It was never imported.
    #[error("there is no toolchain in {}", directory.display())]
    Absent {
        /// Where it would be.
        directory: PathBuf,
    },
    /// Its document cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The document.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Its document is damaged, or of another program.
    #[error("{} is not the document of a toolchain: {reason}", path.display())]
    Document {
        /// The document.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// An archive is missing or is another one.
    #[error("the archive of {package} is missing or damaged: {}", path.display())]
    Archive {
        /// The package.
        package: PackageName,
        /// Where it should be.
        path: PathBuf,
    },
}

impl Explain for LoadToolchainError {
    fn code(&self) -> &'static str {
        match self {
            LoadToolchainError::Absent { .. } => "toolchain-absent",
            LoadToolchainError::Read { .. } => "toolchain-unreadable",
            LoadToolchainError::Document { .. } => "toolchain-document-invalid",
            LoadToolchainError::Archive { .. } => "toolchain-archive-missing",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["import it: `igos-build toolchain import`".into()]
    }
}

/// A toolchain that was imported: archives that builds see before anything they declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    directory: PathBuf,
    document: Document,
}

impl Toolchain {
    /// Loads the toolchain in `directory`.
    ///
    /// The document is tested as a whole, and that every archive is there in its size with the seal that the
    /// document names. The contents are verified against the seal by whoever unpacks them.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be used.
    pub fn load(directory: &Path) -> Result<Self, LoadToolchainError> {
        let document = load_document(directory)?;
        let toolchain = Toolchain {
            directory: directory.to_owned(),
            document,
        };
        for archive in toolchain.archives() {
            let path = toolchain.path_of(archive);
            if !is_archive(&path, archive) {
                return Err(LoadToolchainError::Archive {
                    package: archive.name.clone(),
                    path,
                });
            }
        }
        Ok(toolchain)
    }

    /// Returns the toolchain's name.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        &self.document.name
    }

    /// Returns the architecture its programs run on.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.document.arch
    }

    /// Returns what enters the keys of builds: a digest of the contents of all archives.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        self.document.digest
    }

    /// Returns the archives, sorted by name.
    #[must_use]
    pub fn archives(&self) -> &[ToolchainArchive] {
        &self.document.archives
    }

    /// Returns the file of one of its archives.
    #[must_use]
    pub fn path_of(&self, archive: &ToolchainArchive) -> PathBuf {
        self.directory.join(ARCHIVES).join(archive.file_name())
    }

    pub(super) fn inputs(&self) -> Sha256 {
        self.document.inputs
    }
}

/// Tells whether a file has the size and the seal of an archive of the document.
fn is_archive(path: &Path, archive: &ToolchainArchive) -> bool {
    let has_size = fs_err::symlink_metadata(path)
        .is_ok_and(|found| found.is_file() && found.len() == archive.size);
    // Why it is not the archive does not matter: it is imported again.
    let head = || Head::read(BufReader::new(fs_err::File::open(path).ok()?)).ok();
    has_size
        && head().is_some_and(|head| {
            head.seal_digest() == archive.seal
                && manifest::contents_digest(head.manifest_bytes()) == archive.contents
        })
}

fn load_document(directory: &Path) -> Result<Document, LoadToolchainError> {
    let path = directory.join(DOCUMENT);
    let mut text = String::new();
    let read = fs_err::File::open(&path)
        .and_then(|file| file.take(DOCUMENT_MAX_BYTES).read_to_string(&mut text));
    match read {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadToolchainError::Absent {
                directory: directory.to_owned(),
            });
        }
        Err(source) => return Err(LoadToolchainError::Read { path, source }),
        Ok(_) => {}
    }
    parse(&text).map_err(|reason| LoadToolchainError::Document { path, reason })
}

/// Parses a document and tests everything that it says of itself.
pub(super) fn parse(text: &str) -> Result<Document, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if document.schema != SCHEMA {
        let found = document.schema;
        return Err(format!(
            "its schema is {found}, this program knows {SCHEMA}"
        ));
    }
    if !document.archives.is_sorted_by(|a, b| a.name < b.name) {
        return Err("its archives are not sorted by name".into());
    }
    if Document::digest_of(document.arch, &document.archives) != document.digest {
        return Err("its digest is not that of its archives".into());
    }
    Ok(document)
}
