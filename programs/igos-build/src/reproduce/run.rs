//! Making the archives of one recipe again and comparing them.

use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{PackageName, Sha256};
use igos_report::{Diagnostic, Explain};

use super::compare::{CompareError, Difference, compare};
use super::scratch::Scratch;
use crate::cache::{Cache, CacheError, CachedBuild};
use crate::execute::BuildError;
use crate::schedule::{Again, AgainError};

/// An archive that shall be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The package.
    pub name: PackageName,
    /// The file.
    pub archive: PathBuf,
    /// The digest of the file.
    pub sha256: Sha256,
}

/// An archive, and what came of making it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remade {
    /// The archive.
    pub original: Original,
    /// The file that was made again, in the scratch cache, and its digest; absent if the package did not come out.
    pub again: Option<(PathBuf, Sha256)>,
    /// How alike they are.
    pub likeness: Likeness,
}

/// How alike an archive and the one made again are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Likeness {
    /// They are the same, byte by byte, apart from signatures.
    Identical,
    /// They differ.
    Different(Box<Difference>),
    /// The build did not make this package again.
    Missing,
}

/// Archives were not made again, or not compared.
#[derive(Debug, thiserror::Error)]
pub enum ReproduceError {
    /// They were not made again.
    #[error(transparent)]
    Again(#[from] AgainError),
    /// They cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// There is no place to make them.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

impl Explain for ReproduceError {
    fn code(&self) -> &'static str {
        match self {
            ReproduceError::Again(error) => error.code(),
            ReproduceError::Compare(error) => error.code(),
            ReproduceError::Cache(error) => error.code(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ReproduceError::Again(error) => error.exit_code(),
            ReproduceError::Compare(error) => error.exit_code(),
            ReproduceError::Cache(error) => error.exit_code(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            ReproduceError::Again(error) => error.diagnostics(),
            ReproduceError::Compare(error) => error.diagnostics(),
            ReproduceError::Cache(error) => error.diagnostics(),
        }
    }
}

/// Makes the archives of one node again and compares them with `originals`, which a build with the key `key` made.
///
/// # Errors
///
/// Returns why nothing was made or compared. The log of a build that failed is kept beside those of `cache`.
pub fn reproduce(
    again: &Again<'_>,
    node: usize,
    key: Sha256,
    originals: Vec<Original>,
    scratch: &Scratch,
    cache: &Cache,
) -> Result<Vec<Remade>, ReproduceError> {
    let built = again
        .build(node, key, scratch.cache())
        .map_err(|error| with_log(error, cache))?;
    let remade = originals
        .into_iter()
        .map(|original| Ok(compare_one(original, &built)?));
    remade.collect()
}

fn compare_one(original: Original, built: &CachedBuild) -> Result<Remade, CompareError> {
    let mut outputs = built.receipt().outputs.iter();
    let Some(output) = outputs.find(|output| output.name == original.name) else {
        return Ok(Remade {
            original,
            again: None,
            likeness: Likeness::Missing,
        });
    };
    let archive = built.archive(output);
    let likeness = if output.sha256 == original.sha256 {
        Likeness::Identical
    } else {
        match compare(&original.archive, &archive)? {
            None => Likeness::Identical,
            Some(difference) => Likeness::Different(Box::new(difference)),
        }
    };
    Ok(Remade {
        original,
        again: Some((archive, output.sha256)),
        likeness,
    })
}

/// Puts the log of a build that failed where it stays.
fn with_log(error: AgainError, cache: &Cache) -> AgainError {
    match error {
        AgainError::Build(BuildError::Step {
            package,
            mut failure,
        }) => {
            let name = failure.log.with_extension("again.log");
            let name = name.file_name().map(Path::new).unwrap_or(&failure.log);
            let kept = cache.root().join("logs").join(name);
            // Its last lines are part of the message in every case.
            if fs::copy(&failure.log, &kept).is_ok() {
                failure.log = kept;
            }
            AgainError::Build(BuildError::Step { package, failure })
        }
        other => other,
    }
}
