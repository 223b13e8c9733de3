//! Corresponding sources, published beside what was built from them.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::archive::Head;
use igos_format::index::{FileName, FileNameError, SourceLocation};
use igos_report::Explain;

/// One file of the corresponding sources of a package.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its name.
    pub name: FileName,
    /// Where its bytes are.
    pub bytes: SourceContent,
}

/// Where the bytes of a source are.
#[derive(Debug, Clone)]
pub enum SourceContent {
    /// In a file, which must have this digest.
    File(PathBuf, Sha256),
    /// Here.
    Bytes(Vec<u8>),
}

/// Says what a package was built from.
pub trait CorrespondingSources: Sync {
    /// Returns the recipe and all sources of the package with this head.
    ///
    /// # Errors
    ///
    /// Returns why they are not at hand.
    fn of(&self, head: &Head) -> Result<Vec<SourceFile>, SourcesAbsent>;
}

/// Corresponding sources of a package are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum SourcesAbsent {
    /// The archive does not say what it was made from in a way that is understood.
    #[error("its provenance does not name its recipe and sources")]
    Provenance,
    /// The recipe is not the one it was built from.
    #[error("file {file} of recipe {recipe} is not what the package was built from")]
    Recipe {
        /// The recipe.
        recipe: String,
        /// The file that is absent or another.
        file: String,
    },
    /// A source is not in the store.
    #[error("source {name} with digest {sha256} is not in the source store")]
    Source {
        /// Its name.
        name: String,
        /// Its digest.
        sha256: Sha256,
    },
    /// A file has a name that published files cannot have.
    #[error("its source cannot be published under its name")]
    Name(#[from] FileNameError),
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Explain for SourcesAbsent {
    fn code(&self) -> &'static str {
        match self {
            SourcesAbsent::Provenance => "publish-provenance",
            SourcesAbsent::Recipe { .. } => "publish-recipe-changed",
            SourcesAbsent::Source { .. } => "publish-source-absent",
            SourcesAbsent::Name(_) => "publish-source-name",
            SourcesAbsent::Io { .. } => "publish-source-unreadable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            SourcesAbsent::Recipe { .. } => vec![
                "name the recipes that it was built from: `--recipes`, or build it again".to_owned(),
            ],
            SourcesAbsent::Source { .. } => vec![
                "fetch it: `igos-build fetch NAME`, or name the cache it was built with: `--cache DIR`".to_owned(),
            ],
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            SourcesAbsent::Io { .. } => 4,
            _ => 1,
        }
    }
}

/// A source with what is said of it.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) location: SourceLocation,
    content: SourceContent,
}

impl Located {
    /// Returns the file with its digest and length.
    pub(super) fn new(file: SourceFile) -> std::io::Result<Self> {
        let (sha256, size_bytes) = match &file.bytes {
            SourceContent::Bytes(bytes) => (Sha256::of(bytes), bytes.len() as u64),
            SourceContent::File(path, sha256) => (*sha256, fs_err::metadata(path)?.len()),
        };
        Ok(Located {
            location: SourceLocation {
                file_name: file.name,
                sha256,
                size_bytes,
            },
            content: file.bytes,
        })
    }

    /// Opens the bytes, and says what to call them in messages.
    pub(super) fn open(&self) -> std::io::Result<(Box<dyn std::io::Read + '_>, &Path)> {
        Ok(match &self.content {
            SourceContent::Bytes(bytes) => (
                Box::new(Cursor::new(bytes)),
                Path::new(self.location.file_name.as_str()),
            ),
            SourceContent::File(path, _) => (Box::new(crate::store::open_regular(path)?), path),
        })
    }
}

/// Gives files with one name and different bytes different names, the first keeping its own.
///
/// Names of sources are upstreams': two projects can have a `v1.0.tar.gz`.
pub(super) fn tell_apart(files: &mut [Located], taken: &dyn Fn(&FileName) -> Option<Sha256>) {
    let mut seen: BTreeMap<FileName, Sha256> = BTreeMap::new();
    for file in files {
        let location = &mut file.location;
        let name = &location.file_name;
        let known = seen.get(name).copied().or_else(|| taken(name));
        if known.is_some_and(|known| known != location.sha256) {
            let digest = location.sha256.to_string();
            let short: String = name.as_str().chars().take(NAME_WITH_DIGEST_MAX).collect();
            if let Ok(other) = format!("{}-{short}", &digest[..DIGEST_DIGITS]).parse() {
                location.file_name = other;
            }
        }
        seen.insert(location.file_name.clone(), location.sha256);
    }
}

/// Digits of a digest that tell files of one name apart.
const DIGEST_DIGITS: usize = 16;
/// Longest rest of a name behind them, in characters: names of files have 190 at most.
const NAME_WITH_DIGEST_MAX: usize = 190 - DIGEST_DIGITS - 1;
