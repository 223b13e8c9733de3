//! From one output's entries to its manifest.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{Arch, Dependency, DependencyKind, PackageId, PackageName};
use igos_recipe::Output;
use igos_report::Diagnostic;

use super::StageInput;
use super::checks::{check_collisions, check_entries};
use super::debug;
use super::facts::ReadEntry;
use super::relate::{Relations, UnmetNeed, Visibility, VisiblePackage, relate};
use super::rules::Rules;
use super::scan::{Requirement, usr_merged};

/// What the files of one output need and offer, taken together.
#[derive(Debug, Default)]
pub(crate) struct OutputFacts {
    /// What other packages may rely on.
    pub(crate) provided: BTreeSet<Feature>,
    /// What its own files find in it.
    pub(crate) inside: BTreeSet<Feature>,
    /// What its files need.
    pub(crate) required: BTreeSet<Requirement>,
}

impl OutputFacts {
    /// Collects the facts of one output's entries.
    pub(crate) fn of(entries: &[ReadEntry]) -> Self {
        let mut facts = OutputFacts::default();
        for read in entries {
            facts.provided.extend(read.facts.provided.iter().cloned());
            facts.inside.extend(read.facts.known_inside.iter().cloned());
            let path = usr_merged(&read.entry.path.to_string());
            facts.inside.extend(Feature::new(FeatureKind::Path, path));
            let path = &read.entry.path;
            facts
                .required
                .extend(read.facts.required.iter().map(|feature| Requirement {
                    feature: feature.clone(),
                    path: path.clone(),
                }));
        }
        facts
    }

    /// Returns what other packages must offer.
    fn required_from_outside(&self) -> BTreeSet<Feature> {
        self.required
            .iter()
            .map(|requirement| &requirement.feature)
            .filter(|feature| !self.inside.contains(feature))
            .cloned()
            .collect()
    }
}

/// Makes the manifest of one output, or says what is wrong with it.
pub(crate) fn assemble(
    input: &StageInput<'_>,
    output: &Output,
    entries: Vec<ReadEntry>,
    facts: &OutputFacts,
    siblings: &BTreeMap<PackageName, BTreeSet<Feature>>,
) -> Result<Manifest, Vec<Diagnostic>> {
    let recipe = input.recipe;
    let is_main = output.name == recipe.name;
    let mut problems: Vec<Diagnostic> = entries
        .iter()
        .flat_map(|read| read.problems.clone())
        .collect();
    let arch = package_arch(input, &entries, &mut problems);
    let entries: Vec<_> = entries.into_iter().map(|read| read.entry).collect();
    problems.extend(check_entries(&entries, &Rules::new(recipe)));
    let supersedes: Vec<PackageName> = match is_main {
        true => output
            .supersedes
            .iter()
            .chain(&recipe.supersedes)
            .cloned()
            .collect(),
        false => output.supersedes.clone(),
    };
    problems.extend(check_collisions(&entries, &supersedes, input.visible));
    let visible = visible_to(output, is_main, input.origin, input.visible);
    let relations = relate(
        &facts.required,
        &facts.inside,
        siblings,
        &visible,
        input.undeclared,
    );
    problems.extend(
        relations
            .unmet
            .iter()
            .map(|need| explain_unmet(need, &recipe.name)),
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut manifest = Manifest {
        recipe: recipe.name.clone(),
        description: output.description.clone(),
        license: recipe.license.clone(),
        homepage: recipe.homepage.clone(),
        tier: recipe.tier,
        source_date_epoch: input.source_date_epoch,
        is_essential: output.is_essential,
        depends: depends(input, output, relations),
        provides: output
            .provides
            .iter()
            .cloned()
            .chain(debug::provided(&entries))
            .collect(),
        conflicts: output.conflicts.iter().cloned().collect(),
        supersedes: supersedes.into_iter().collect(),
        features_provided: facts.provided.clone(),
        features_required: facts.required_from_outside(),
        entries,
        ..Manifest::new(
            PackageId {
                name: output.name.clone(),
                epoch: recipe.epoch,
                version: recipe.version.clone(),
                release: recipe.release.clone(),
                arch,
            },
            input.origin,
            input.build_key,
        )
    };
    if is_main {
        manifest.users = recipe.users.iter().cloned().collect();
        manifest.groups = recipe.groups.iter().cloned().collect();
        manifest.services = recipe.services.iter().cloned().collect();
        manifest.alternatives = recipe.alternatives.iter().cloned().collect();
        manifest.triggers = recipe.triggers.iter().cloned().collect();
        manifest.hooks = recipe.hooks.iter().cloned().collect();
    }
    manifest::normalise(&mut manifest);
    match manifest::validate(&manifest) {
        Ok(()) => Ok(manifest),
        Err(error) => Err(vec![
            Diagnostic::error("refused-by-format", error.to_string()).at(output.name.to_string()),
        ]),
    }
}

/// Returns the packages as one output's declarations show them: what the recipe needs to run is what its main
/// output needs, so for another output it counts as declared only where that output names it.
fn visible_to<'a>(
    output: &Output,
    is_main: bool,
    origin: Origin,
    visible: &[VisiblePackage<'a>],
) -> Vec<VisiblePackage<'a>> {
    let is_named = |manifest: &Manifest| {
        output.dependencies.iter().any(|needed| {
            needed.name == manifest.package.name
                || manifest.provides.iter().any(|one| one.name == needed.name)
        })
    };
    let mut visible = visible.to_vec();
    // The build may see what was not compiled here; what is installed may not need it.
    if origin != Origin::Imported {
        let imports = visible.iter_mut();
        imports
            .filter(|package| package.manifest.origin == Origin::Imported)
            .for_each(|package| package.visibility = Visibility::Toolchain);
    }
    for package in visible.iter_mut().filter(|_| !is_main) {
        if package.visibility == Visibility::Run && !is_named(package.manifest) {
            package.visibility = Visibility::Build;
        }
    }
    visible
}

fn package_arch(
    input: &StageInput<'_>,
    entries: &[ReadEntry],
    problems: &mut Vec<Diagnostic>,
) -> Arch {
    if input.recipe.arch != [Arch::Any] {
        return input.arch;
    }
    if let Some(read) = entries.iter().find(|read| read.is_machine_code) {
        problems.push(
            Diagnostic::error(
                "machine-code-in-any",
                format!("/{} is machine code", read.entry.path),
            )
            .because("the recipe says `arch: [any]`")
            .hint("remove `arch`, or do not install the file"),
        );
    }
    Arch::Any
}

fn depends(input: &StageInput<'_>, output: &Output, relations: Relations) -> BTreeSet<Dependency> {
    let mut depends: BTreeSet<Dependency> = output.dependencies.iter().cloned().collect();
    if output.name == input.recipe.name {
        let declared = input
            .recipe
            .dependencies
            .iter()
            .filter(|needed| needed.kind == DependencyKind::Run);
        depends.extend(declared.map(|needed| needed.dependency.clone()));
    }
    let named: BTreeSet<PackageName> = depends
        .iter()
        .map(|dependency| dependency.name.clone())
        .collect();
    depends.extend(
        relations
            .added
            .into_iter()
            .filter(|added| !named.contains(&added.name)),
    );
    depends
}

fn explain_unmet(need: &UnmetNeed, recipe: &PackageName) -> Diagnostic {
    let what = match need.feature.kind {
        FeatureKind::Soname => "the library",
        FeatureKind::PkgConfig => "the pkg-config module",
        FeatureKind::Path => "the program",
    };
    let message = format!(
        "/{} needs {what} {}, which {recipe} does not declare",
        need.path, need.feature.name
    );
    let diagnostic =
        Diagnostic::error("undeclared-dependency", message).at(format!("/{}", need.path));
    match &need.provider {
        Some(provider) => diagnostic
            .because(format!("{provider} offers it to the build, but an installed {recipe} would be without it"))
            .hint(format!("declare `{provider}`, or a package of yours that offers it, under `dependencies: runtime:`")),
        None => diagnostic
            .because("no package that the build could see offers it")
            .hint("declare the package that offers it, or configure the feature away"),
    }
}
