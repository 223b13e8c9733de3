//! Finds the recipe directories of a repository.

use std::io;
use std::path::{Path, PathBuf};

use igos_report::Diagnostic;

use super::files::Bounds;

/// In which family a directory is a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    PackageYml,
    Kiss,
}

/// A recipe directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) directory: PathBuf,
    /// Its last component.
    pub(super) name: String,
    /// The directory between it and the repository, where there is one: a tier.
    pub(super) section: Option<String>,
    pub(super) family: Family,
}

/// Returns the recipe directories below `repository`, in the byte order of their paths.
pub(super) fn scan(
    repository: &Path,
    bounds: &Bounds,
    diagnostics: &mut Vec<Diagnostic>,
) -> io::Result<Vec<Candidate>> {
    let mut found = Vec::new();
    for (name, directory) in children(repository, bounds, diagnostics)? {
        if let Some(family) = family(&directory) {
            found.push(Candidate {
                directory,
                name,
                section: None,
                family,
            });
            continue;
        }
        let below = children(&directory, bounds, diagnostics)?;
        found.extend(below.into_iter().filter_map(|(inner, directory)| {
            Some(Candidate {
                family: family(&directory)?,
                directory,
                name: inner,
                section: Some(name.clone()),
            })
        }));
    }
    Ok(found)
}

fn family(directory: &Path) -> Option<Family> {
    // What cannot be looked at is not there for this question; reading it reports why.
    let has = |name: &str| {
        fs_err::symlink_metadata(directory.join(name)).is_ok_and(|found| !found.is_dir())
    };
    if has("package.yml") {
        Some(Family::PackageYml)
    } else if has("build") || has("version") {
        Some(Family::Kiss)
    } else {
        None
    }
}

/// Returns the directories in `directory` that do not begin with a dot.
fn children(
    directory: &Path,
    bounds: &Bounds,
    diagnostics: &mut Vec<Diagnostic>,
) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_symlink() {
            // A link that leads nowhere is nobody's recipe.
            let is_directory = fs_err::metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            if !is_directory {
                continue;
            }
            if !bounds.contain(&path)? {
                let diagnostic = Diagnostic::error(
                    "recipe-file-outside",
                    "the recipe is a link that leads out of the recipes",
                );
                diagnostics.push(diagnostic.at(path.display().to_string()));
                continue;
            }
        } else if !kind.is_dir() {
            continue;
        }
        match entry.file_name().into_string() {
            Ok(name) => found.push((name, path)),
            Err(_) => diagnostics.push(
                Diagnostic::error("recipe-file-name", "a directory name is not UTF-8")
                    .at(path.display().to_string()),
            ),
        }
    }
    found.sort();
    Ok(found)
}
