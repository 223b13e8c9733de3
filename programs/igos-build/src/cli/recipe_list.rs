//! `igos-build recipe list`

use std::fmt;

use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_format::{DependencyKind, Digest, Tier};
use igos_recipe::{Dialect, RecipeDependency, Source, SourceKind};
use igos_report::Diagnostic;
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use crate::tree::TreeEntry;

/// All recipes, in search order.
#[derive(Debug, Serialize)]
#[serde(transparent)]
struct RecipeList {
    recipes: Vec<RecipeRow>,
    #[serde(skip)]
    exit: Exit,
}

/// One recipe, as other programs read it.
#[derive(Debug, Serialize)]
struct RecipeRow {
    #[serde(flatten)]
    common: CommonRow,
    dependencies: Vec<DependencyRow>,
    sources: Vec<SourceRow>,
}

/// What a list says of a recipe in the same way as [`super::recipe_show`].
#[derive(Debug, Serialize)]
pub(super) struct CommonRow {
    name: String,
    repository: String,
    dialect: Dialect,
    version: String,
    release: String,
    tier: Option<Tier>,
    description: String,
    license: String,
    hooks: Vec<String>,
    supersedes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct DependencyRow {
    name: String,
    kind: DependencyKind,
}

#[derive(Debug, Serialize)]
pub(super) struct SourceRow {
    location: String,
    kind: &'static str,
    destination: String,
    cache_name: String,
    extract: bool,
    digest: Option<DigestRow>,
}

#[derive(Debug, Serialize)]
struct DigestRow {
    algorithm: &'static str,
    value: String,
}

pub(super) fn execute(flags: &RecipeFlags, session: &Session) -> Result<Answer, Failure> {
    let tree = flags.load(session)?;
    for shadowed in &tree.shadowed {
        let (hidden, winner) = (shadowed.directory.display(), shadowed.by.display());
        let name = &shadowed.name;
        let message = format!("{name} of {hidden} is not used: {winner} comes first");
        session.notice(Diagnostic::note("recipe-shadowed", message));
    }
    Ok(Answer::from(RecipeList {
        recipes: tree.entries.iter().map(RecipeRow::from).collect(),
        exit: recipes::exit(&tree),
    }))
}

impl From<&TreeEntry> for RecipeRow {
    fn from(entry: &TreeEntry) -> Self {
        let recipe = &entry.recipe;
        RecipeRow {
            common: CommonRow::from(entry),
            dependencies: recipe
                .dependencies
                .iter()
                .map(DependencyRow::from)
                .collect(),
            sources: recipe.sources.iter().map(SourceRow::from).collect(),
        }
    }
}

impl From<&RecipeDependency> for DependencyRow {
    fn from(needed: &RecipeDependency) -> Self {
        DependencyRow {
            name: needed.dependency.name.to_string(),
            kind: needed.kind,
        }
    }
}

impl From<&TreeEntry> for CommonRow {
    fn from(entry: &TreeEntry) -> Self {
        let recipe = &entry.recipe;
        CommonRow {
            name: recipe.name.to_string(),
            repository: entry.repository.clone(),
            dialect: recipe.dialect,
            version: recipe.version.to_string(),
            release: recipe.release.to_string(),
            tier: recipe.tier,
            description: recipe.description.clone(),
            license: recipe.license.clone(),
            hooks: recipe.hook_scripts.clone(),
            supersedes: recipe.supersedes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Source> for SourceRow {
    fn from(source: &Source) -> Self {
        SourceRow {
            location: source.location.clone(),
            kind: kind(&source.kind),
            destination: source.destination.clone(),
            cache_name: source.cache_name.clone(),
            extract: source.extract,
            digest: source.digest.as_ref().map(|digest: &Digest| DigestRow {
                algorithm: digest.algorithm(),
                value: digest.to_string(),
            }),
        }
    }
}

fn kind(kind: &SourceKind) -> &'static str {
    match kind {
        SourceKind::Http => "http",
        SourceKind::Git { .. } => "git",
        SourceKind::File => "file",
        SourceKind::Directory { .. } => "directory",
        SourceKind::Crate => "crate",
    }
}

impl RecipeList {
    fn rows(&self) -> impl Iterator<Item = &CommonRow> {
        self.recipes.iter().map(|row| &row.common)
    }
}

impl Render for RecipeList {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let width = |text: fn(&CommonRow) -> usize| self.rows().map(text).max().unwrap_or(0);
        let names = width(|row| row.name.len());
        let versions = width(|row| row.version.len() + 1 + row.release.len());
        for row in self.rows() {
            let version = format!("{}-{}", row.version, row.release);
            let place = match row.tier {
                Some(tier) => format!("{}/{tier}", row.repository),
                None => row.repository.clone(),
            };
            let line = format!(
                "{:names$}  {version:versions$}  {place}  {}",
                row.name, row.description
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}
