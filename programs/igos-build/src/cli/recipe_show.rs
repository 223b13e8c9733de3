//! `igos-build recipe show`

use std::collections::BTreeMap;
use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render, Session};
use igos_format::Arch;
use igos_format::recipe::{Recipe, Style, TestFailure};
use serde::Serialize;

use super::recipe_list::RecipeRow;
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
    row: RecipeRow,
    directory: String,
    format: u32,
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
    has_errors: bool,
    #[serde(skip)]
    text: String,
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

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn details(entry: &TreeEntry) -> RecipeDetails {
    let recipe = &entry.recipe;
    RecipeDetails {
        row: RecipeRow::from(entry),
        directory: entry.directory.display().to_string(),
        format: recipe.format,
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
        has_errors: entry.has_errors,
        text: text(entry),
    }
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

/// Returns the recipe for people.
fn text(entry: &TreeEntry) -> String {
    let recipe = &entry.recipe;
    let mut lines = vec![("name", recipe.name.to_string())];
    lines.push(("version", recipe.full_version()));
    lines.push(("description", recipe.description.clone()));
    lines.push(("license", recipe.license.clone()));
    lines.push(("homepage", recipe.homepage.clone()));
    lines.push((
        "tier",
        recipe.tier.map(|tier| tier.to_string()).unwrap_or_default(),
    ));
    lines.push(("dialect", recipe.dialect.to_string()));
    lines.push(("directory", entry.directory.display().to_string()));
    lines.push(("style", recipe.style.as_str().to_owned()));
    for needed in &recipe.dependencies {
        lines.push(("needs", format!("{} ({})", needed.dependency, needed.kind)));
    }
    for source in &recipe.sources {
        let digest = match &source.digest {
            Some(digest) => format!("{} {digest}", digest.algorithm()),
            None if source.is_unpinned => "unpinned".to_owned(),
            None => "no digest".to_owned(),
        };
        lines.push(("source", format!("{} ({digest})", source.location)));
    }
    for patch in &recipe.patches {
        lines.push(("patch", patch.file.clone()));
    }
    for output in recipe.outputs.iter().skip(1) {
        lines.push((
            "output",
            format!("{}: {}", output.name, texts(&output.paths).join(" ")),
        ));
    }
    for hook in &recipe.hooks {
        lines.push(("hook", hook.clone()));
    }
    let shown = lines.iter().filter(|(_, value)| !value.is_empty());
    shown
        .map(|(key, value)| format!("{key:<12} {value}\n"))
        .collect()
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
