//! What is allowed in a recipe and yet likely wrong.

use igos_report::Diagnostic;

use crate::{FileKind, FileList, Recipe, SourceKind, Style};

/// Directories that packages install to.
const INSTALLED: [&str; 10] = [
    "bin", "boot", "etc", "lib", "lib64", "opt", "sbin", "srv", "usr", "var",
];

/// Returns what is likely wrong with one recipe, all about `file`, the path of its main file.
///
/// Rules that need other recipes, such as that of tiers, are not here.
#[must_use]
pub fn lint(recipe: &Recipe, files: &FileList, file: &str) -> Vec<Diagnostic> {
    let mut findings = Findings {
        file,
        found: Vec::new(),
    };
    texts(recipe, &mut findings);
    sources(recipe, &mut findings);
    paths(recipe, &mut findings);
    patches(recipe, files, &mut findings);
    functions(recipe, files, &mut findings);
    dependencies(recipe, &mut findings);
    findings.found
}

struct Findings<'a> {
    file: &'a str,
    found: Vec<Diagnostic>,
}

impl Findings<'_> {
    fn warning(&mut self, code: &str, message: impl Into<String>) {
        self.found
            .push(Diagnostic::warning(code, message).at(self.file));
    }
}

fn texts(recipe: &Recipe, findings: &mut Findings<'_>) {
    if recipe.dialect.is_kiss() {
        return;
    }
    let texts = [
        ("description", &recipe.description),
        ("homepage", &recipe.homepage),
        ("license", &recipe.license),
    ];
    for (key, text) in texts {
        // What is made of nothing, or of what the tree lies in, has no upstream, hence no page of it.
        let is_ours = |kind: &SourceKind| match kind {
            SourceKind::Directory { only } => !only.is_empty(),
            SourceKind::Crate => true,
            SourceKind::Http | SourceKind::Git { .. } | SourceKind::File => false,
        };
        let has_upstream = recipe.sources.iter().any(|source| !is_ours(&source.kind));
        let is_needed = key != "homepage" || has_upstream;
        if is_needed && text.trim().is_empty() {
            findings.warning(
                "lint-text-missing",
                format!("{} has no `{key}`", recipe.name),
            );
        }
    }
    if recipe.description.contains('\n') {
        findings.warning(
            "lint-description-long",
            "`description` has more than one line",
        );
    }
}

fn sources(recipe: &Recipe, findings: &mut Findings<'_>) {
    for source in &recipe.sources {
        let location = &source.location;
        let is_remote = source.kind == SourceKind::Http;
        if is_remote && source.digest.is_none() && !source.is_unpinned {
            findings.warning(
                "lint-source-unpinned",
                format!("source {location} has no digest"),
            );
        }
        if source.is_unpinned {
            findings.warning(
                "lint-source-unpinned",
                format!("source {location} may change at any time"),
            );
        }
        if location.starts_with("http://") {
            findings.warning(
                "lint-source-http",
                format!("source {location} is fetched without TLS"),
            );
        }
    }
}

fn paths(recipe: &Recipe, findings: &mut Findings<'_>) {
    for path in &recipe.verify_paths {
        let top = path.components().next().unwrap_or_default();
        if !INSTALLED.iter().any(|known| known.as_bytes() == top) {
            findings.warning(
                "lint-path-outside",
                format!("/{path} is not below a directory that packages install to"),
            );
        }
    }
    if recipe.verify_paths.is_empty() && recipe.dialect == crate::Dialect::PackageYml {
        findings.warning(
            "lint-path-missing",
            format!("{} has no `verify_paths`", recipe.name),
        );
    }
}

fn patches(recipe: &Recipe, files: &FileList, findings: &mut Findings<'_>) {
    let is_used = |path: &str| {
        recipe.patches.iter().any(|patch| patch.file == path)
            || recipe.sources.iter().any(|source| {
                let location = source.location.trim_start_matches("./");
                location == path || path.starts_with(&format!("{location}/"))
            })
    };
    for (path, kind) in files {
        let is_patch = path.ends_with(".patch") || path.ends_with(".diff");
        if is_patch && *kind != FileKind::Directory && !is_used(path) {
            findings.warning("lint-patch-unused", format!("patch {path} is not used"));
        }
    }
    for patch in &recipe.patches {
        if !files.contains_key(&patch.file) {
            findings.warning(
                "lint-patch-missing",
                format!("patch {} does not lie beside the recipe", patch.file),
            );
        }
    }
}

fn functions(recipe: &Recipe, files: &FileList, findings: &mut Findings<'_>) {
    if recipe.style != Style::Script {
        return;
    }
    if !files.contains_key("build.sh") {
        findings.warning("lint-function-missing", "style custom needs a `build.sh`");
        return;
    }
    if recipe.declared_style != Style::Script {
        return;
    }
    // Without sources there may be nothing to build.
    let build = (!recipe.sources.is_empty()).then_some("build");
    let needed = build.into_iter().chain([recipe.install_function.as_str()]);
    for function in needed.filter(|function| !recipe.functions.contains(*function)) {
        findings.warning(
            "lint-function-missing",
            format!("`build.sh` defines no function `{function}`"),
        );
    }
}

fn dependencies(recipe: &Recipe, findings: &mut Findings<'_>) {
    for (at, needed) in recipe.dependencies.iter().enumerate() {
        let name = &needed.dependency.name;
        if *name == recipe.name {
            findings.warning("lint-dependency-self", format!("{name} needs itself"));
        }
        if recipe.dependencies[..at].contains(needed) {
            findings.warning(
                "lint-dependency-twice",
                format!(
                    "{name} is there twice as a dependency of kind {}",
                    needed.kind
                ),
            );
        }
    }
}
