//! Reads a whole search path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use igos_format::PackageName;
use igos_recipe::{
    ChecksumsKind, Dialect, Leniency, OVERLAY_FILE, Overlay, ParsedOverlay, checksums_kind,
    parse_overlay,
};
use igos_report::Diagnostic;
use rayon::prelude::*;

use super::entry::{Repository, Shadowed, Tree, TreeEntry};
use super::error::{LoadTreeError, UnreadableDirectory};
use super::files::{self, Bounds};
use super::parse::{self, Context, Found};
use super::scan::{self, Candidate, Family};

/// Which recipes to read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeSettings {
    /// The directories, first hit first.
    pub path: Vec<PathBuf>,
    /// The dialect of all KISS repositories, or `package-yml` for all repositories; found out where absent.
    pub dialect: Option<Dialect>,
    /// What is said about unknown keys of foreign trees.
    pub leniency: Leniency,
}

/// Reads all recipes of a search path. Recipes with errors are in the tree wherever they could be named; all
/// errors are in its diagnostics.
///
/// # Errors
///
/// [`LoadTreeError::Nowhere`] for an empty path, [`LoadTreeError::Directories`] when directories cannot be read.
pub fn load(settings: &TreeSettings) -> Result<Tree, LoadTreeError> {
    if settings.path.is_empty() {
        return Err(LoadTreeError::Nowhere);
    }
    let bounds = Bounds::new(&settings.path);
    let mut tree = Tree::default();
    let mut unreadable = Vec::new();
    let names = names(&settings.path);
    for (directory, name) in settings.path.iter().zip(names) {
        match scan::scan(directory, &bounds, &mut tree.diagnostics) {
            Ok(candidates) => repository(&mut tree, settings, &bounds, directory, name, candidates),
            Err(error) => unreadable.push(UnreadableDirectory::new(directory, error)),
        }
    }
    if unreadable.is_empty() {
        Ok(tree)
    } else {
        Err(LoadTreeError::Directories(unreadable))
    }
}

/// Returns the names of repositories: the last component of each path, the whole path where that is not unique.
fn names(path: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    path.iter()
        .map(|one| {
            let is_unique = path
                .iter()
                .filter(|other| short(other) == short(one))
                .count()
                == 1;
            short(one)
                .filter(|_| is_unique)
                .unwrap_or_else(|| one.display().to_string())
        })
        .collect()
}

fn repository(
    tree: &mut Tree,
    settings: &TreeSettings,
    bounds: &Bounds,
    directory: &Path,
    name: String,
    mut candidates: Vec<Candidate>,
) {
    let is_package_yml = settings.dialect == Some(Dialect::PackageYml)
        || candidates
            .iter()
            .any(|candidate| candidate.family == Family::PackageYml);
    let family = if is_package_yml {
        Family::PackageYml
    } else {
        Family::Kiss
    };
    for stray in candidates
        .iter()
        .filter(|candidate| candidate.family != family)
    {
        let message = "a KISS directory among recipes of package.yml is not read";
        let place = stray.directory.display().to_string();
        tree.diagnostics
            .push(Diagnostic::warning("recipe-family-mixed", message).at(place));
    }
    candidates.retain(|candidate| candidate.family == family);
    let overlay = if is_package_yml {
        Overlay::default()
    } else {
        overlay(directory, &mut tree.diagnostics)
    };
    let dialect = if is_package_yml {
        Dialect::PackageYml
    } else {
        settings
            .dialect
            .or(overlay.dialect)
            .unwrap_or_else(|| detect(&candidates))
    };
    unknown_in_overlay(directory, &overlay, &candidates, &mut tree.diagnostics);
    let context = Context {
        repository: &name,
        tree: directory,
        dialect,
        leniency: settings.leniency,
        overlay: &overlay,
        bounds,
    };
    let found: Vec<Found> = candidates
        .par_iter()
        .map(|candidate| parse::parse(candidate, &context))
        .collect();
    let mut entries = Vec::new();
    for (one, candidate) in found.into_iter().zip(&candidates) {
        if one.has_errors {
            tree.faulty.push(candidate.directory.clone());
        }
        tree.diagnostics.extend(one.diagnostics);
        entries.extend(one.entry);
    }
    entries.sort_by(|a, b| (a.recipe.tier, &a.recipe.name).cmp(&(b.recipe.tier, &b.recipe.name)));
    add(tree, entries);
    tree.repositories.push(Repository {
        name,
        directory: directory.to_owned(),
        dialect,
    });
}

/// Adds entries whose names are still free, and notes the others.
fn add(tree: &mut Tree, entries: Vec<TreeEntry>) {
    for entry in entries {
        let name = entry.recipe.name.clone();
        let Some(&at) = tree.by_name.get(&name) else {
            tree.by_name.insert(name, tree.entries.len());
            tree.entries.push(entry);
            continue;
        };
        let first = &tree.entries[at];
        let is_twice = first.repository == entry.repository && !entry.recipe.dialect.is_kiss();
        if is_twice {
            // Nothing hides here: which of them is meant nobody can say.
            let message = format!(
                "{name} has a second recipe, beside that in {}",
                first.directory.display()
            );
            let place = entry.directory.display().to_string();
            tree.diagnostics
                .push(Diagnostic::error("recipe-name-twice", message).at(place));
            tree.faulty.push(entry.directory);
            continue;
        }
        tree.shadowed.push(Shadowed {
            name,
            directory: entry.directory,
            by: first.directory.clone(),
        });
    }
}

fn overlay(directory: &Path, diagnostics: &mut Vec<Diagnostic>) -> Overlay {
    let path = directory.join(OVERLAY_FILE);
    let place = path.display().to_string();
    if fs_err::symlink_metadata(&path).is_err() {
        return Overlay::default();
    }
    match files::read_bounded(&path) {
        Ok(Some(bytes)) => {
            let ParsedOverlay {
                overlay,
                diagnostics: found,
            } = parse_overlay(&place, &bytes);
            diagnostics.extend(found);
            overlay
        }
        Ok(None) => {
            diagnostics
                .push(Diagnostic::error("recipe-too-large", "the overlay is too large").at(place));
            Overlay::default()
        }
        Err(error) => {
            let diagnostic = Diagnostic::error("recipe-unreadable", "cannot read the overlay");
            diagnostics.push(diagnostic.because(error.to_string()).at(place));
            Overlay::default()
        }
    }
}

fn unknown_in_overlay(
    directory: &Path,
    overlay: &Overlay,
    candidates: &[Candidate],
    diagnostics: &mut Vec<Diagnostic>,
) {
    let names: BTreeMap<&str, ()> = candidates
        .iter()
        .map(|one| (one.name.as_str(), ()))
        .collect();
    let is_unknown = |name: &&PackageName| !names.contains_key(name.as_str());
    for name in overlay.packages.keys().filter(is_unknown) {
        let message = format!("the overlay tells about {name}, which the repository does not have");
        let place = directory.join(OVERLAY_FILE).display().to_string();
        diagnostics.push(Diagnostic::warning("overlay-package-unknown", message).at(place));
    }
}

/// Returns the dialect that the digests of a KISS repository tell: `kiss-community` if any of them is BLAKE3,
/// `kiss-classic` if there are others, and `kiss-community`, the living one, if there are none.
fn detect(candidates: &[Candidate]) -> Dialect {
    let mut has_sha256 = false;
    for candidate in candidates {
        let path = candidate.directory.join("checksums");
        // A file that cannot be read is reported when the recipe is parsed.
        let bytes = files::read_bounded(&path)
            .ok()
            .flatten()
            .unwrap_or_default();
        match checksums_kind(&String::from_utf8_lossy(&bytes)) {
            Some(ChecksumsKind::Blake3) => return Dialect::KissCommunity,
            Some(ChecksumsKind::Sha256) => has_sha256 = true,
            None => {}
        }
    }
    if has_sha256 {
        Dialect::KissClassic
    } else {
        Dialect::KissCommunity
    }
}
