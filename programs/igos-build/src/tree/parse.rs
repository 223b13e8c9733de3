//! Turns one recipe directory into an entry of the tree.

use std::collections::BTreeMap;
use std::path::Path;

use igos_format::Tier;
use igos_recipe::{
    Dialect, FileKind, FileList, KissDirectory, Leniency, Overlay, PackageYml, Parsed, Recipe,
    parse_kiss_directory, parse_package_yml,
};
use igos_report::{Diagnostic, Severity};

use super::above::read_lock;
use super::entry::TreeEntry;
use super::files::{self, Bounds};
use super::scan::Candidate;

/// The files of a `package.yml` recipe that are texts of ours.
const PACKAGE_YML_TEXTS: &[&str] = &["package.yml", "build.sh"];
/// The files of a KISS recipe that have a meaning.
const KISS_TEXTS: &[&str] = &[
    "build",
    "checksums",
    "depends",
    "post-install",
    "pre-remove",
    "sources",
    "version",
];

/// What all recipes of a repository have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) repository: &'a str,
    /// The directory of the repository.
    pub(super) tree: &'a Path,
    pub(super) dialect: Dialect,
    pub(super) leniency: Leniency,
    pub(super) overlay: &'a Overlay,
    pub(super) bounds: &'a Bounds,
}

/// What one recipe directory gave.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) entry: Option<TreeEntry>,
    pub(super) has_errors: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads and parses a recipe directory.
pub(super) fn parse(candidate: &Candidate, context: &Context<'_>) -> Found {
    let mut diagnostics = Vec::new();
    let directory = &candidate.directory;
    let files = files::list(directory, context.bounds, &mut diagnostics);
    let names = if context.dialect.is_kiss() {
        KISS_TEXTS
    } else {
        PACKAGE_YML_TEXTS
    };
    let mut texts = BTreeMap::new();
    for name in names {
        let is_file = matches!(
            files.get(*name),
            Some(FileKind::File | FileKind::Executable)
        );
        if is_file && let Some(bytes) = files::read(directory, name, &mut diagnostics) {
            texts.insert((*name).to_owned(), bytes);
        }
    }
    let shown = directory.display().to_string();
    let parsed = if context.dialect.is_kiss() {
        parse_kiss(candidate, context, &shown, &files, &texts)
    } else {
        parse_yml(context, directory, &files, &texts)
    };
    diagnostics.extend(parsed.diagnostics);
    if let Some(recipe) = &parsed.recipe {
        diagnostics.extend(misplaced(recipe, candidate, &shown));
    }
    let has_errors = diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    let entry = parsed.recipe.map(|recipe| TreeEntry {
        recipe,
        directory: directory.clone(),
        repository: context.repository.to_owned(),
        tree: context.tree.to_owned(),
        files,
        has_errors,
        texts,
    });
    Found {
        entry,
        has_errors,
        diagnostics,
    }
}

fn parse_yml(
    context: &Context<'_>,
    directory: &Path,
    files: &FileList,
    texts: &BTreeMap<String, Vec<u8>>,
) -> Parsed {
    let Some(text) = texts.get("package.yml") else {
        // Why it could not be read is reported already.
        return Parsed {
            recipe: None,
            diagnostics: Vec::new(),
        };
    };
    parse_package_yml(&PackageYml {
        file: &format!("{}/package.yml", directory.display()),
        text,
        script: texts.get("build.sh").map(Vec::as_slice),
        files,
        lock: &|location| read_lock(directory, context.tree, location),
        leniency: context.leniency,
    })
}

fn parse_kiss(
    candidate: &Candidate,
    context: &Context<'_>,
    shown: &str,
    files: &FileList,
    texts: &BTreeMap<String, Vec<u8>>,
) -> Parsed {
    let text = |name: &str| texts.get(name).map(Vec::as_slice);
    let name = candidate.name.parse().ok();
    parse_kiss_directory(&KissDirectory {
        directory: shown,
        name: &candidate.name,
        dialect: context.dialect,
        files,
        version: text("version"),
        depends: text("depends"),
        sources: text("sources"),
        checksums: text("checksums"),
        absolute: &of_host,
        overlay: name.and_then(|name| context.overlay.packages.get(&name)),
    })
}

/// Returns what a path of the host is; KISS recipes may name files that lie outside of them.
fn of_host(path: &str) -> Option<FileKind> {
    let metadata = fs_err::metadata(Path::new("/").join(path)).ok()?;
    files::kind_of(&metadata)
}

/// Tests that a recipe lies where its name and tier say.
fn misplaced(recipe: &Recipe, candidate: &Candidate, shown: &str) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut report = |code: &str, message: String| {
        // Foreign trees are read as they are.
        let diagnostic = if recipe.format > 0 {
            Diagnostic::error(code, message)
        } else {
            Diagnostic::warning(code, message)
        };
        found.push(diagnostic.at(shown));
    };
    if recipe.name.as_str() != candidate.name {
        let message = format!(
            "the recipe of {} lies in a directory named {:?}",
            recipe.name, candidate.name
        );
        report("recipe-name-differs", message);
    }
    let section = candidate
        .section
        .as_ref()
        .and_then(|section| section.parse::<Tier>().ok());
    if let (Some(section), Some(tier)) = (section, recipe.tier)
        && section != tier
    {
        report(
            "recipe-tier-differs",
            format!("the recipe of tier {tier} lies below {section}"),
        );
    }
    found
}
