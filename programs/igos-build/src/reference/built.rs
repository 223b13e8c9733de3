//! What the cache has of a recipe: its last build, as its receipt and its archives tell it.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use igos_format::archive::{Head, ReadArchiveError};
use igos_format::manifest::Manifest;
use igos_format::{PackageName, Sha256};
use igos_report::Diagnostic;
use serde::Deserialize;

use crate::cache::{Cache, CachedOutput, Receipt};
use crate::source::RecipeFiles;
use crate::tree::TreeEntry;

/// The last build of a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// What was used and made.
    pub receipt: Receipt,
    /// The packages, the main one first.
    pub outputs: Vec<BuiltOutput>,
    /// How they came to be, as the main package's archive says.
    pub provenance: Provenance,
    /// Whether the recipe is still the one that was built.
    pub from: BuiltFrom,
}

/// One archive.
#[derive(Debug, Clone, PartialEq)]
pub struct BuiltOutput {
    /// The file.
    pub archive: CachedOutput,
    /// What it holds.
    pub manifest: Manifest,
}

/// Whether a recipe is still the one that was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuiltFrom {
    /// All its files are those that were built.
    ThisRecipe,
    /// A file of it is another one now.
    EarlierRecipe,
}

/// What the pages tell of the provenance in an archive (`docs/formats/archive.md`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provenance {
    /// The recipe.
    pub recipe: BuiltRecipe,
    /// What was built from.
    pub sources: Vec<BuiltSource>,
    /// The packages that the build saw, with the digests of their seals.
    pub dependencies: BTreeMap<PackageName, Sha256>,
    /// The digest of the toolchain; absent where the machine's own was used.
    pub toolchain: Option<Sha256>,
    /// How the build was confined.
    pub sandbox: BuiltSandbox,
    /// The time that installed files carry, in seconds since 1970.
    pub source_date_epoch: u64,
    /// What of the build was weaker than usual.
    pub weakened: Vec<String>,
}

/// The recipe that was built.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuiltRecipe {
    /// Its files and their digests.
    pub files: BTreeMap<String, Sha256>,
}

/// A source that was used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuiltSource {
    /// The source as the recipe names it.
    pub location: String,
    /// The digest of what was used.
    pub sha256: Sha256,
}

/// How a build was confined.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuiltSandbox {
    /// `sandbox`, or `none`.
    pub confinement: String,
    /// What `/` was: `packages`, or `host`.
    pub root: String,
}

/// Returns the last build of a recipe; `None` if there is none, or none whose archives can be read, which is noted.
pub(super) fn built(
    cache: &Cache,
    entry: &TreeEntry,
    trees: &[std::path::PathBuf],
    notes: &mut Vec<Diagnostic>,
) -> Option<Built> {
    let receipt = cache.last_receipt(&entry.recipe.name)?;
    let directory = cache.build(&receipt.key);
    let mut outputs = Vec::new();
    let mut provenance = None;
    for archive in &receipt.outputs {
        let path = directory.join(&archive.archive);
        match read(&path, archive) {
            Ok((manifest, found)) => {
                provenance.get_or_insert(found);
                outputs.push(BuiltOutput {
                    archive: archive.clone(),
                    manifest,
                });
            }
            Err(reason) => {
                let message = format!("the archive of {} is not told of", archive.name);
                let note = Diagnostic::warning("archive-unreadable", message);
                notes.push(note.because(reason).at(path.display().to_string()));
                return None;
            }
        }
    }
    let provenance = provenance?;
    let from = match RecipeFiles::read(&entry.directory, &entry.files, trees) {
        Ok(files) if digests(&files) == provenance.recipe.files => BuiltFrom::ThisRecipe,
        // What cannot be read any more is not what was built.
        Ok(_) | Err(_) => BuiltFrom::EarlierRecipe,
    };
    Some(Built {
        receipt,
        outputs,
        provenance,
        from,
    })
}

fn digests(files: &RecipeFiles) -> BTreeMap<String, Sha256> {
    let files = files.files().iter();
    files
        .map(|(name, file)| (name.clone(), file.sha256))
        .collect()
}

/// Reads the head of an archive, whose seal must be that of the receipt.
fn read(path: &Path, archive: &CachedOutput) -> Result<(Manifest, Provenance), String> {
    if archive.archive.contains('/') {
        return Err("its receipt names a file elsewhere".to_owned());
    }
    let file = fs::File::open(path).map_err(|error| error.to_string())?;
    let head = Head::read(std::io::BufReader::new(file))
        .map_err(|error: ReadArchiveError| error.to_string())?;
    if head.seal_digest() != archive.seal {
        return Err("its seal is not that of its receipt".to_owned());
    }
    let provenance =
        serde_json::from_slice(head.provenance()).map_err(|error| error.to_string())?;
    Ok((Manifest::clone(head.manifest()), provenance))
}
