//! A recipe for people, as `igos-build recipe show` prints it.

use igos_recipe::{
    AlternativeLocation, FileRule, Output, Recipe, Source, SourceAlternative, SourceKind,
    TestFailure,
};

use super::recipe_show::texts;
use crate::tree::TreeEntry;

/// A key and what the recipe says about it, which is left out where it is empty.
type Line = (&'static str, String);

/// Returns everything that a recipe says, a line for each thing.
pub(super) fn text(entry: &TreeEntry) -> String {
    let recipe = &entry.recipe;
    let mut lines = head(entry);
    lines.extend(build(recipe));
    lines.extend(packages(recipe));
    lines.extend(declarations(recipe));
    let shown = lines.iter().filter(|(_, value)| !value.is_empty());
    shown
        .map(|(key, value)| format!("{key:<12} {value}\n"))
        .collect()
}

fn head(entry: &TreeEntry) -> Vec<Line> {
    let recipe = &entry.recipe;
    let tier = recipe.tier.map(|tier| tier.to_string());
    vec![
        ("name", recipe.name.to_string()),
        ("version", recipe.full_version()),
        ("description", recipe.description.clone()),
        ("license", recipe.license.clone()),
        ("homepage", recipe.homepage.clone()),
        ("tier", tier.unwrap_or_default()),
        ("arch", texts(&recipe.arch).join(" ")),
        ("imported", recipe.imported.clone().unwrap_or_default()),
        ("dialect", recipe.dialect.to_string()),
        ("repository", entry.repository.clone()),
        ("directory", entry.directory.display().to_string()),
    ]
}

/// What it is built from, and how.
fn build(recipe: &Recipe) -> Vec<Line> {
    let mut lines = vec![("style", style(recipe))];
    for needed in &recipe.dependencies {
        lines.push(("needs", format!("{} ({})", needed.dependency, needed.kind)));
    }
    for one in &recipe.sources {
        lines.push(("source", source(one)));
        lines.extend(
            one.alternatives
                .iter()
                .map(|one| ("  alternative", alternative(one))),
        );
    }
    for patch in &recipe.patches {
        let digest = patch.sha256.map(|digest| format!(" (sha256 {digest})"));
        lines.push((
            "patch",
            format!("{}{}", patch.file, digest.unwrap_or_default()),
        ));
    }
    let functions: Vec<&str> = recipe.functions.iter().map(String::as_str).collect();
    lines.push(("functions", functions.join(" ")));
    lines.push(("configure", recipe.configure_flags.join(" ")));
    for (variable, change) in &recipe.flags.variables {
        let parts = [
            ("replace", change.replace.as_deref().unwrap_or_default()),
            ("remove", &change.remove),
            ("append", &change.append),
        ];
        let mut said = variable.clone();
        for (verb, words) in parts.iter().filter(|(_, words)| !words.is_empty()) {
            said.push_str(&format!(" {verb} {}", words.join(" ")));
        }
        lines.push(("flags", said));
    }
    for (name, value) in &recipe.environment {
        lines.push(("environment", format!("{name}={value}")));
    }
    let triples = [
        ("build", &recipe.triples.build),
        ("host", &recipe.triples.host),
        ("target", &recipe.triples.target),
    ];
    for (role, triple) in triples {
        let said = triple
            .as_ref()
            .map(|triple| format!("{role} {}", triple.as_str()));
        lines.push(("triple", said.unwrap_or_default()));
    }
    let epoch = recipe.source_date_epoch.map(|time| time.to_string());
    lines.push(("epoch time", epoch.unwrap_or_default()));
    lines.push(("tests", tests(recipe)));
    lines
}

/// What it makes.
fn packages(recipe: &Recipe) -> Vec<Line> {
    let mut lines = Vec::new();
    for (at, output) in recipe.outputs.iter().enumerate() {
        if at > 0 {
            lines.push(("output", output_paths(output)));
            lines.push(("  description", output.description.clone()));
        }
        lines.extend(relations(output, at > 0));
    }
    for path in &recipe.verify_paths {
        lines.push(("verifies", format!("/{path}")));
    }
    for pattern in &recipe.configuration {
        lines.push(("keeps edits", pattern.to_string()));
    }
    for rule in &recipe.files {
        lines.push(("file", file(rule)));
    }
    lines
}

/// What the packages ask of the system they are installed on.
fn declarations(recipe: &Recipe) -> Vec<Line> {
    let mut lines = Vec::new();
    for user in &recipe.users {
        let mut said = user.name.to_string();
        let parts = [
            ("uid", user.uid.map(|uid| uid.to_string())),
            ("group", user.group.as_ref().map(ToString::to_string)),
            ("home", user.home.clone()),
            ("shell", user.shell.clone()),
        ];
        for (key, value) in parts {
            said.extend(value.map(|value| format!(" {key} {value}")));
        }
        said.extend(user.description.as_ref().map(|text| format!(" ({text})")));
        lines.push(("user", said));
    }
    for group in &recipe.groups {
        let gid = group.gid.map(|gid| format!(" gid {gid}"));
        lines.push((
            "group",
            format!("{}{}", group.name, gid.unwrap_or_default()),
        ));
    }
    for service in &recipe.services {
        let state = if service.enabled {
            "enabled"
        } else {
            "disabled"
        };
        lines.push(("service", format!("{} ({state})", service.name)));
    }
    for one in &recipe.alternatives {
        let said = format!(
            "/{} is /{} (priority {})",
            one.path, one.target, one.priority
        );
        lines.push(("alternative", said));
    }
    for trigger in &recipe.triggers {
        let (run, paths) = (trigger.run.join(" "), trigger.paths.join(" "));
        lines.push(("trigger", format!("{}: {run} after {paths}", trigger.name)));
    }
    for script in &recipe.hook_scripts {
        lines.push(("hook", script.clone()));
    }
    for hook in &recipe.hooks {
        lines.push(("hook", format!("{}: {}", hook.moment, hook.run.join(" "))));
    }
    lines
}

fn style(recipe: &Recipe) -> String {
    let (style, declared) = (recipe.style, recipe.declared_style);
    if style == declared {
        style.as_str().to_owned()
    } else {
        format!("{} (declared as {})", style.as_str(), declared.as_str())
    }
}

fn source(source: &Source) -> String {
    let mut notes = Vec::new();
    match (&source.digest, &source.kind) {
        (Some(digest), _) => notes.push(format!("{} {digest}", digest.algorithm())),
        (None, _) if source.is_unpinned => notes.push("unpinned".to_owned()),
        (None, SourceKind::Http) => notes.push("no digest".to_owned()),
        (None, SourceKind::Directory { only }) if !only.is_empty() => {
            notes.push(format!("only {}", texts(only).join(" ")));
        }
        (None, SourceKind::Crate) => notes.push("absent".to_owned()),
        // Git has its commit in the location, and what lies beside the recipe is part of it.
        (None, SourceKind::Git { .. } | SourceKind::File | SourceKind::Directory { .. }) => {}
    }
    if source.extract {
        notes.push("unpacked".to_owned());
    }
    if !source.destination.is_empty() {
        notes.push(format!("to {}", source.destination));
    }
    if notes.is_empty() {
        source.location.clone()
    } else {
        format!("{} ({})", source.location, notes.join(", "))
    }
}

fn alternative(alternative: &SourceAlternative) -> String {
    let place = match &alternative.location {
        AlternativeLocation::Url(url) => url.clone(),
        AlternativeLocation::Debian(name) => format!("debian {name}"),
    };
    let mut said = format!("{place} (sha256 {})", alternative.sha256);
    let inner = alternative.inner.as_ref();
    said.extend(inner.map(|inner| format!(", in it {} (sha256 {})", inner.path, inner.sha256)));
    said.extend(alternative.repack.as_ref().map(|why| format!(": {why}")));
    said
}

/// What is unusual about upstream's tests.
fn tests(recipe: &Recipe) -> String {
    let tests = &recipe.tests;
    let said = match (tests.is_enabled, tests.failure) {
        (false, _) => "no",
        (true, TestFailure::KnownFailures) => "may fail",
        (true, TestFailure::Strict) => return String::new(),
    };
    if tests.reason.is_empty() {
        said.to_owned()
    } else {
        format!("{said} ({})", tests.reason)
    }
}

fn output_paths(output: &Output) -> String {
    format!("{}: {}", output.name, texts(&output.paths).join(" "))
}

/// How an output stands to other packages; the lines of further outputs are set in.
fn relations(output: &Output, is_further: bool) -> Vec<Line> {
    let keys = if is_further {
        [
            "  needs",
            "  provides",
            "  conflicts",
            "  supersedes",
            "  essential",
        ]
    } else {
        // What the main output needs is among the dependencies of the recipe.
        ["", "provides", "conflicts", "supersedes", "essential"]
    };
    let essential = if output.is_essential { "yes" } else { "" };
    let values = [
        texts(&output.dependencies).join(" "),
        texts(&output.provides).join(" "),
        texts(&output.conflicts).join(" "),
        texts(&output.supersedes).join(" "),
        essential.to_owned(),
    ];
    let lines = keys.into_iter().zip(values);
    lines.filter(|(key, _)| !key.is_empty()).collect()
}

fn file(rule: &FileRule) -> String {
    let mut said = format!("/{}", rule.path);
    said.extend(rule.mode.map(|mode| format!(" mode {mode:04o}")));
    let owner = rule.owner.as_ref();
    said.extend(owner.map(|owner| format!(" owner {}:{}", owner.user, owner.group)));
    said.extend(rule.capabilities.map(|all| format!(" capabilities {all}")));
    said
}
