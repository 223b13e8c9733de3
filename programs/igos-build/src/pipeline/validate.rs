//! Phase `validate`: recipes, profile and chain, and the graph of all of them.

use std::collections::BTreeSet;

use igos_format::{Dependency, DependencyKind, PackageName};
use igos_report::{Diagnostic, Severity};

use super::bootstrap::Seed;
use super::selection::closure;
use super::work::Pipeline;
use super::{Facts, Phase, PhaseError, Profile, sources};
use crate::plan::{Target, order, order_all};
use crate::tree::{self, TreeEntry};

/// Raised whenever this phase begins to refuse, or to tell, something else: what an older program found good is looked at
/// again then. Recipes are linted by rules of their own, [`tree::LINT_RULES`].
pub(super) const RULES: u32 = 2;

/// Returns what the phase looks at.
pub(super) fn inputs(pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    let mut facts = Facts::default();
    facts.add("rules", "lint", tree::LINT_RULES);
    for profile in pipeline.profile.all_beside().map_err(PhaseError::of)? {
        facts.add("profile", profile.name, profile.sha256);
    }
    facts.extend(chain(pipeline));
    for entry in &pipeline.tree.entries {
        facts.add("recipe", &entry.recipe.name, pipeline.recipe_digest(entry)?);
    }
    for directory in &pipeline.tree.faulty {
        facts.add("faulty", directory.display(), "");
    }
    Ok(facts)
}

/// Returns what says which toolchain builds which.
pub(super) fn chain(pipeline: &Pipeline<'_>) -> Facts {
    let mut facts = Facts::default();
    facts.add("bootstrap", "chain", pipeline.bootstrap.sha256);
    if let Seed::Imported(list) = &pipeline.bootstrap.seed {
        facts.add("bootstrap", &list.name, list.sha256);
    }
    facts
}

/// Looks at everything, and returns which phase builds which recipe.
pub(super) fn carry_out(pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    let mut findings = lint(pipeline);
    findings.extend(names(pipeline));
    findings.extend(imported(pipeline));
    findings.extend(fragments(pipeline));
    findings.extend(cycles(pipeline));
    findings.extend(missing(pipeline));
    findings.extend(order_of_phases(pipeline));
    findings.extend(pins(pipeline));
    tell_unreached(pipeline)?;
    if !findings.is_empty() {
        return Err(PhaseError::Refused {
            phase: Phase::Validate,
            findings,
        });
    }
    let mut outputs = Facts::default();
    for (phase, recipes) in &pipeline.selection.recipes {
        for at in recipes {
            let name = &pipeline.tree.entries[*at].recipe.name;
            outputs.add("selected", name, phase);
        }
    }
    Ok(outputs)
}

/// Everything that is wrong with recipes, alone and among others; warnings are shown and stop nothing.
fn lint(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let linted = tree::lint(pipeline.tree, pipeline.tree.entries.iter());
    let read = pipeline.tree.diagnostics.iter().cloned();
    let (errors, others): (Vec<_>, Vec<_>) = read
        .chain(linted)
        // Linting does not know what toolchains provide: what is missing is looked for below.
        .filter(|one| one.code != "lint-dependency-missing")
        .partition(|one| one.severity == Severity::Error);
    for diagnostic in others {
        pipeline.reporter.report(igos_report::Event::Notice {
            id: None,
            diagnostic,
        });
    }
    errors
}

/// Names that the profile and the chain give, and that no recipe makes.
fn names(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let graph = &pipeline.selection.graph;
    let is_absent = |name: &&PackageName| graph.resolve(name.as_str()).is_none();
    let mut findings = Vec::new();
    for name in pipeline.profile.requested().filter(is_absent) {
        let message = format!("no recipe makes {name}");
        findings.push(pipeline.profile.diagnostic(
            name.as_str(),
            "profile-package-absent",
            message,
        ));
    }
    for generation in &pipeline.bootstrap.generations {
        for name in generation.packages.iter().filter(is_absent) {
            let message = format!(
                "no recipe makes {name}, which generation {} has",
                generation.name
            );
            let place = pipeline.bootstrap.file.display().to_string();
            findings.push(Diagnostic::error("bootstrap-package-absent", message).at(place));
        }
    }
    findings
}

/// Packages of the profile and of the chain that were not compiled here.
fn imported(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let graph = &pipeline.selection.graph;
    let is_imported = |name: &&PackageName| {
        let at = graph.resolve(name.as_str());
        at.is_some_and(|at| pipeline.tree.entries[at].recipe.imported.is_some())
    };
    let mut findings = Vec::new();
    for name in pipeline.profile.requested().filter(is_imported) {
        let message = format!("{name} is imported: no system has it");
        let code = "profile-package-imported";
        findings.push(pipeline.profile.diagnostic(name.as_str(), code, message));
    }
    for generation in &pipeline.bootstrap.generations {
        for name in generation.packages.iter().filter(is_imported) {
            let message = format!(
                "{name} is imported: generation {} may not have it",
                generation.name
            );
            let place = pipeline.bootstrap.file.display().to_string();
            findings.push(Diagnostic::error("bootstrap-package-imported", message).at(place));
        }
    }
    findings
}

/// Fragments of the kernel's configuration that its recipe does not have.
fn fragments(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let Some(kernel) = &pipeline.profile.kernel else {
        return Vec::new();
    };
    let at = pipeline.selection.graph.resolve(kernel.package.as_str());
    let Some(entry) = at.map(|at| &pipeline.tree.entries[at]) else {
        return Vec::new();
    };
    let file = |name: &PackageName| format!("files/{name}.config");
    let absent = kernel
        .fragments
        .iter()
        .filter(|name| !entry.files.contains_key(&file(name)));
    absent
        .map(|name| {
            let message = format!("recipe {} has no {}", entry.recipe.name, file(name));
            pipeline
                .profile
                .diagnostic(name.as_str(), "fragment-absent", message)
        })
        .collect()
}

/// Tells which recipes of the profiles' tree nothing builds: neither a profile nor the chain needs them.
fn tell_unreached(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    let profiles = pipeline.profile.all_beside().map_err(PhaseError::of)?;
    let graph = &pipeline.selection.graph;
    let wanted = profiles.iter().flat_map(Profile::requested);
    let wanted = wanted.filter_map(|name| graph.resolve(name.as_str()));
    let reached = closure(graph, sources::recipes(pipeline).into_iter().chain(wanted));
    let Some(tree) = pipeline.tree.repositories.first() else {
        return Ok(());
    };
    let entries = pipeline.tree.entries.iter().enumerate();
    let names: Vec<&str> = entries
        .filter(|(at, entry)| !reached.contains(at) && entry.directory.starts_with(&tree.directory))
        .map(|(_, entry)| entry.recipe.name.as_str())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} recipes are needed by no profile and no generation: no pipeline builds them",
        names.len()
    );
    pipeline.reporter.report(igos_report::Event::Notice {
        id: None,
        diagnostic: Diagnostic::warning("recipes-unreached", message)
            .because(names.join(", "))
            .hint("name them in a profile, or build them alone: `igos-build build NAME`"),
    });
    Ok(())
}

fn cycles(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let all = order_all(&pipeline.selection.graph);
    all.cycles
        .iter()
        .map(|cycle| {
            let circle: Vec<&str> = cycle
                .iter()
                .chain(cycle.first())
                .map(String::as_str)
                .collect();
            let message = format!("recipes need each other: {}", circle.join(" → "));
            Diagnostic::error("recipe-cycle", message)
        })
        .collect()
}

/// Returns the names of packages that the seed has, as far as they are known before it is imported.
fn provided(pipeline: &Pipeline<'_>) -> BTreeSet<PackageName> {
    let mut names: BTreeSet<PackageName> = BTreeSet::new();
    if let Seed::Imported(list) = &pipeline.bootstrap.seed {
        names.extend(list.packages.iter().filter_map(|name| name.parse().ok()));
    }
    if let Ok(toolchain) = pipeline.toolchain(pipeline.bootstrap.seed.name()) {
        names.extend(toolchain.archives().iter().map(|one| one.name.clone()));
    }
    for generation in &pipeline.bootstrap.generations {
        names.extend(generation.packages.iter().cloned());
    }
    names
}

/// What recipes need and nothing makes: to run, a recipe has to; to build, a toolchain of the chain may.
fn missing(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let provided = provided(pipeline);
    let wanted: Vec<String> = pipeline
        .bootstrap
        .generations
        .iter()
        .flat_map(|generation| &generation.packages)
        .map(ToString::to_string)
        .collect();
    let chain = order(&pipeline.selection.graph, &wanted);
    let mut findings = BTreeSet::new();
    for one in pipeline
        .selection
        .order
        .missing
        .iter()
        .chain(&chain.missing)
    {
        let (Some(by), Some(kind)) = (&one.required_by, one.kind) else {
            continue;
        };
        let name = one.name.parse::<Dependency>().map(|needed| needed.name);
        let is_there =
            kind != DependencyKind::Run && name.is_ok_and(|name| provided.contains(&name));
        if !is_there {
            let message = format!("no recipe makes {}, which {by} needs ({kind})", one.name);
            findings.insert(Diagnostic::error("recipe-absent", message));
        }
    }
    findings.into_iter().collect()
}

/// A recipe may need what its own phase and earlier ones build, and nothing of later ones.
fn order_of_phases(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let selection = pipeline.selection;
    let mut findings = Vec::new();
    for at in selection.members() {
        let own = selection.phase_of(at);
        for need in &selection.graph.needs[at] {
            let Target::Recipe(to) = need.target else {
                continue;
            };
            let later = selection.phase_of(to);
            if later > own {
                findings.push(too_late(
                    &pipeline.tree.entries[at],
                    &pipeline.tree.entries[to],
                    own,
                    later,
                ));
            }
        }
    }
    findings
}

fn too_late(
    entry: &TreeEntry,
    needed: &TreeEntry,
    own: Option<Phase>,
    later: Option<Phase>,
) -> Diagnostic {
    let phase = |phase: Option<Phase>| phase.map_or("none", Phase::as_str);
    let message = format!(
        "{} of phase {} needs {} of the later phase {}",
        entry.recipe.name,
        phase(own),
        needed.recipe.name,
        phase(later)
    );
    Diagnostic::error("phase-order", message)
        .at(entry.directory.display().to_string())
        .hint("move one of them to another tier")
}

/// Sources that nothing pins: whoever serves them decides what is built.
fn pins(pipeline: &Pipeline<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for at in sources::recipes(pipeline) {
        let entry = &pipeline.tree.entries[at];
        for source in entry.recipe.sources.iter().filter(|one| one.is_unpinned) {
            let message = format!(
                "nothing pins source {} of {}",
                source.location, entry.recipe.name
            );
            findings.push(Diagnostic::error("source-unpinned", message));
        }
    }
    findings
}
