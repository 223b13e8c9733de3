//! `igos-build recipe show`

use std::collections::BTreeMap;
use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_format::declaration::{
    GroupDeclaration, HookDeclaration, ServiceDeclaration, TriggerDeclaration, UserDeclaration,
};
use igos_format::{Arch, Sha256};
use igos_recipe::{
    AlternativeLocation, Recipe, RecipeDependency, Source, SourceAlternative, SourceKind, Style,
    TestFailure, TripleTemplate, Triples,
};
use serde::Serialize;

use super::recipe_list::{CommonRow, DependencyRow, SourceRow};
use super::recipe_text::text;
use super::recipes::{self, RecipeFlags};
use crate::tree::TreeEntry;

#[derive(Debug, Args)]
pub(super) struct ShowCommand {
    /// The recipe
    name: String,
}

#[derive(Debug, Serialize)]
struct RecipeDetails {
    #[serde(flatten)]
    row: CommonRow,
    dependencies: Vec<NeedRow>,
    sources: Vec<OriginRow>,
    directory: String,
    format: u32,
    imported: Option<String>,
    epoch: u32,
    arch: Vec<Arch>,
    homepage: String,
    style: Style,
    declared_style: Style,
    functions: Vec<String>,
    install_function: String,
    configure_flags: Vec<String>,
    tests: Tests,
    patches: Vec<PatchRow>,
    outputs: Vec<OutputRow>,
    verify_paths: Vec<String>,
    configuration: Vec<String>,
    environment: BTreeMap<String, String>,
    flags: BTreeMap<String, FlagRow>,
    files: Vec<FileRow>,
    users: Vec<UserDeclaration>,
    groups: Vec<GroupDeclaration>,
    services: Vec<ServiceDeclaration>,
    alternatives: Vec<AlternativeRow>,
    triggers: Vec<TriggerDeclaration>,
    hook_commands: Vec<HookDeclaration>,
    triples: TriplesRow,
    source_date_epoch: Option<u64>,
    has_errors: bool,
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Serialize)]
struct NeedRow {
    #[serde(flatten)]
    row: DependencyRow,
    constraint: Option<String>,
}

#[derive(Debug, Serialize)]
struct OriginRow {
    #[serde(flatten)]
    row: SourceRow,
    is_unpinned: bool,
    only: Vec<String>,
    alternatives: Vec<SubstituteRow>,
}

/// Another place of a source.
#[derive(Debug, Serialize)]
struct SubstituteRow {
    url: Option<String>,
    debian: Option<String>,
    sha256: Sha256,
    inner: Option<InnerRow>,
    repack: Option<String>,
}

#[derive(Debug, Serialize)]
struct InnerRow {
    path: String,
    sha256: Sha256,
}

/// A path that the package can serve.
#[derive(Debug, Serialize)]
struct AlternativeRow {
    path: String,
    target: String,
    priority: i32,
}

#[derive(Debug, Serialize)]
struct TriplesRow {
    build: Option<String>,
    host: Option<String>,
    target: Option<String>,
}

#[derive(Debug, Serialize)]
struct Tests {
    enabled: bool,
    failure_policy: TestFailure,
    reason: String,
}

#[derive(Debug, Serialize)]
struct PatchRow {
    file: String,
    sha256: Option<String>,
}

#[derive(Debug, Serialize)]
struct OutputRow {
    name: String,
    description: String,
    paths: Vec<String>,
    dependencies: Vec<String>,
    provides: Vec<String>,
    conflicts: Vec<String>,
    supersedes: Vec<String>,
    essential: bool,
}

#[derive(Debug, Serialize)]
struct FlagRow {
    replace: Option<Vec<String>>,
    remove: Vec<String>,
    append: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FileRow {
    path: String,
    mode: Option<String>,
    owner: Option<String>,
    capabilities: Option<String>,
}

impl ShowCommand {
    pub(super) fn execute(self, flags: &RecipeFlags, session: &Session) -> Result<Answer, Failure> {
        let tree = flags.load(session)?;
        let entry = recipes::find(&tree, &self.name)?;
        Ok(Answer::from(details(entry)))
    }
}

pub(super) fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn details(entry: &TreeEntry) -> RecipeDetails {
    let recipe = &entry.recipe;
    RecipeDetails {
        row: CommonRow::from(entry),
        dependencies: recipe.dependencies.iter().map(NeedRow::from).collect(),
        sources: recipe.sources.iter().map(OriginRow::from).collect(),
        directory: entry.directory.display().to_string(),
        format: recipe.format,
        imported: recipe.imported.clone(),
        epoch: recipe.epoch,
        arch: recipe.arch.clone(),
        homepage: recipe.homepage.clone(),
        style: recipe.style,
        declared_style: recipe.declared_style,
        functions: recipe.functions.iter().cloned().collect(),
        install_function: recipe.install_function.clone(),
        configure_flags: recipe.configure_flags.clone(),
        tests: Tests {
            enabled: recipe.tests.is_enabled,
            failure_policy: recipe.tests.failure,
            reason: recipe.tests.reason.clone(),
        },
        patches: recipe
            .patches
            .iter()
            .map(|patch| PatchRow {
                file: patch.file.clone(),
                sha256: patch.sha256.as_ref().map(ToString::to_string),
            })
            .collect(),
        outputs: outputs(recipe),
        verify_paths: texts(&recipe.verify_paths),
        configuration: texts(&recipe.configuration),
        environment: recipe.environment.clone(),
        flags: flag_rows(recipe),
        files: file_rows(recipe),
        users: recipe.users.clone(),
        groups: recipe.groups.clone(),
        services: recipe.services.clone(),
        alternatives: alternatives(recipe),
        triggers: recipe.triggers.clone(),
        hook_commands: recipe.hooks.clone(),
        triples: TriplesRow::from(&recipe.triples),
        source_date_epoch: recipe.source_date_epoch,
        has_errors: entry.has_errors,
        text: text(entry),
    }
}

impl From<&RecipeDependency> for NeedRow {
    fn from(needed: &RecipeDependency) -> Self {
        let constraint = &needed.dependency.constraint;
        NeedRow {
            row: DependencyRow::from(needed),
            constraint: constraint.as_ref().map(ToString::to_string),
        }
    }
}

impl From<&Source> for OriginRow {
    fn from(source: &Source) -> Self {
        OriginRow {
            row: SourceRow::from(source),
            is_unpinned: source.is_unpinned,
            only: match &source.kind {
                SourceKind::Directory { only } => texts(only),
                _ => Vec::new(),
            },
            alternatives: source
                .alternatives
                .iter()
                .map(SubstituteRow::from)
                .collect(),
        }
    }
}

impl From<&SourceAlternative> for SubstituteRow {
    fn from(alternative: &SourceAlternative) -> Self {
        let (url, debian) = match &alternative.location {
            AlternativeLocation::Url(url) => (Some(url.clone()), None),
            AlternativeLocation::Debian(name) => (None, Some(name.clone())),
        };
        SubstituteRow {
            url,
            debian,
            sha256: alternative.sha256,
            inner: alternative.inner.as_ref().map(|inner| InnerRow {
                path: inner.path.clone(),
                sha256: inner.sha256,
            }),
            repack: alternative.repack.clone(),
        }
    }
}

impl From<&Triples> for TriplesRow {
    fn from(triples: &Triples) -> Self {
        let text = |triple: &Option<TripleTemplate>| {
            let text = triple.as_ref().map(TripleTemplate::as_str);
            text.map(str::to_owned)
        };
        TriplesRow {
            build: text(&triples.build),
            host: text(&triples.host),
            target: text(&triples.target),
        }
    }
}

fn alternatives(recipe: &Recipe) -> Vec<AlternativeRow> {
    let rows = recipe.alternatives.iter().map(|one| AlternativeRow {
        path: format!("/{}", one.path),
        target: format!("/{}", one.target),
        priority: one.priority,
    });
    rows.collect()
}

fn outputs(recipe: &Recipe) -> Vec<OutputRow> {
    let rows = recipe.outputs.iter().map(|output| OutputRow {
        name: output.name.to_string(),
        description: output.description.clone(),
        paths: texts(&output.paths),
        dependencies: texts(&output.dependencies),
        provides: texts(&output.provides),
        conflicts: texts(&output.conflicts),
        supersedes: texts(&output.supersedes),
        essential: output.is_essential,
    });
    rows.collect()
}

fn flag_rows(recipe: &Recipe) -> BTreeMap<String, FlagRow> {
    let rows = recipe.flags.variables.iter().map(|(variable, change)| {
        let row = FlagRow {
            replace: change.replace.clone(),
            remove: change.remove.clone(),
            append: change.append.clone(),
        };
        (variable.clone(), row)
    });
    rows.collect()
}

fn file_rows(recipe: &Recipe) -> Vec<FileRow> {
    let rows = recipe.files.iter().map(|rule| FileRow {
        path: format!("/{}", rule.path),
        mode: rule.mode.map(|mode| format!("{mode:04o}")),
        owner: rule
            .owner
            .as_ref()
            .map(|owner| format!("{}:{}", owner.user, owner.group)),
        capabilities: rule
            .capabilities
            .map(|capabilities| capabilities.to_string()),
    });
    rows.collect()
}

impl Render for RecipeDetails {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(&self.text)
    }

    fn exit(&self) -> Exit {
        if self.has_errors {
            Exit::No
        } else {
            Exit::Done
        }
    }
}
