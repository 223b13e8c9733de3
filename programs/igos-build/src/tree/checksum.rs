//! Writes the digests of a recipe's sources into the recipe.

use std::io;
use std::path::PathBuf;

use igos_format::{Blake3, Digest, Hasher, PackageName, Sha256};
use igos_recipe::{Dialect, Source, SourceKind, with_digests, write_checksums};
use igos_report::Explain;

use super::entry::TreeEntry;

/// Both digests of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// SHA-256.
    pub sha256: Sha256,
    /// BLAKE3 of 33 bytes, as KISS recipes have it.
    pub blake3: Blake3,
}

impl Digests {
    /// Returns the digests of everything that can be read from `file`.
    ///
    /// # Errors
    ///
    /// Passes on what reading returns.
    ///
    /// # Panics
    ///
    /// Never: the hasher is made for both.
    pub fn read(mut file: impl io::Read) -> io::Result<Self> {
        let mut hasher = Hasher::with_blake3();
        io::copy(&mut file, &mut hasher)?;
        Ok(Digests {
            sha256: hasher.sha256(),
            blake3: hasher.blake3().expect("the hasher was made with BLAKE3"),
        })
    }
}

/// A recipe file with digests, not yet written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksummed {
    /// The file: `checksums` or `package.yml`.
    pub file: PathBuf,
    /// Its new text; absent where nothing can be written as long as digests are unknown.
    pub text: Option<String>,
    /// Locations of sources whose digests nobody knows.
    pub unknown: Vec<String>,
}

/// Digests cannot be written into a recipe.
#[derive(Debug, thiserror::Error)]
pub enum ChecksumError {
    /// A local source cannot be read.
    #[error("cannot read source {} of {package}", file.display())]
    Read {
        /// The recipe.
        package: PackageName,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The recipe is written in a way that cannot be changed safely.
    #[error("cannot write digests into {}", file.display())]
    Shape {
        /// The file.
        file: PathBuf,
    },
}

impl Explain for ChecksumError {
    fn code(&self) -> &'static str {
        match self {
            ChecksumError::Read { .. } => "source-unreadable",
            ChecksumError::Shape { .. } => "recipe-shape",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ChecksumError::Read { .. } => Vec::new(),
            ChecksumError::Shape { .. } => {
                vec!["give each source in `source` a line `sha256:` of its own".to_owned()]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ChecksumError::Read { .. } => 4,
            ChecksumError::Shape { .. } => 1,
        }
    }
}

/// Says what the digests of a source are that does not lie beside its recipe, `None` where nobody knows.
pub type Provide<'a, E> = dyn FnMut(&TreeEntry, &Source) -> Result<Option<Digests>, E> + 'a;

/// Returns a recipe's file with the digests of its sources: of local files as they are, of others as `provide`
/// says, or as they stand in the recipe where it says nothing.
///
/// # Errors
///
/// Fails where a local file cannot be read or the recipe cannot be changed; passes on what `provide` returns.
pub fn checksum<E: From<ChecksumError>>(
    entry: &TreeEntry,
    provide: &mut Provide<'_, E>,
) -> Result<Checksummed, E> {
    let mut sources = entry.recipe.sources.clone();
    // What a lock pins has its digest there.
    sources.retain(|source| source.kind != SourceKind::Crate);
    let mut unknown = Vec::new();
    for source in &mut sources {
        // Zeros stand where a digest is still to come.
        source.digest = source.digest.filter(|digest| !digest.is_placeholder());
        let found = match source.kind {
            SourceKind::Git { .. } | SourceKind::Directory { .. } | SourceKind::Crate => continue,
            SourceKind::File if is_beside(entry, source) => Some(local(entry, source)?),
            SourceKind::File | SourceKind::Http => provide(entry, source)?,
        };
        match found {
            Some(digests) if !source.is_unpinned => {
                source.digest = Some(match entry.recipe.dialect {
                    Dialect::KissCommunity | Dialect::KissNg => Digest::Blake3(digests.blake3),
                    Dialect::PackageYml | Dialect::KissClassic => Digest::Sha256(digests.sha256),
                });
            }
            _ if source.digest.is_none() && !source.is_unpinned => {
                unknown.push(source.location.clone())
            }
            _ => {}
        }
    }
    if entry.recipe.dialect.is_kiss() {
        return Ok(Checksummed {
            file: entry.directory.join("checksums"),
            text: write_checksums(&sources),
            unknown,
        });
    }
    let file = entry.directory.join("package.yml");
    let digests: Vec<Option<Sha256>> = sources
        .iter()
        .map(|source| match source.digest {
            Some(Digest::Sha256(digest)) => Some(digest),
            _ => None,
        })
        .collect();
    let text = entry
        .texts
        .get("package.yml")
        .and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.and_then(|text| with_digests(text, &digests)) {
        Some(text) => Ok(Checksummed {
            file,
            text: Some(text),
            unknown,
        }),
        None => Err(ChecksumError::Shape { file }.into()),
    }
}

fn is_beside(entry: &TreeEntry, source: &Source) -> bool {
    entry.files.contains_key(&source.location) || source.location.starts_with('/')
}

fn local(entry: &TreeEntry, source: &Source) -> Result<Digests, ChecksumError> {
    let file = entry.directory.join(&source.location);
    let read = fs_err::File::open(&file).and_then(Digests::read);
    read.map_err(|source| ChecksumError::Read {
        package: entry.recipe.name.clone(),
        file,
        source,
    })
}
