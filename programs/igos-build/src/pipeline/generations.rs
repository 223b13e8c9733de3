//! Phases `setup`, `toolchain`, `chroot-prep` and `chroot-tools`: the chain of toolchains.

use std::collections::BTreeSet;

use igos_format::manifest::Origin;
use igos_format::{Arch, PackageName};
use igos_repo::debian::Refresh;
use igos_report::{Diagnostic, Event};

use super::archives::made_by;
use super::bootstrap::{Generation, GenerationTests, Seed};
use super::selection::closure;
use super::work::{Pipeline, refuse_unbuilt, settings_digest};
use super::{Facts, Phase, PhaseError};
use crate::cache::read_head;
use crate::execute::BuildSettings;
use crate::schedule::{RunReport, build, preview};
use crate::toolchain::{
    AssembleInput, ImportInput, Likeness, Toolchain, assemble, compare, import,
};

/// Raised whenever the phases `setup` to `chroot-tools` begin to want something else of toolchains, or to make other ones of
/// the same archives. What builds give has [`crate::plan::BUILDER_VERSION`].
pub(super) const RULES: u32 = 2;

/// Kind of the facts that name a toolchain.
pub(super) const TOOLCHAIN: &str = "toolchain";

/// Returns what phase `setup` looks at.
pub(super) fn setup_inputs(pipeline: &Pipeline<'_>) -> Facts {
    let bootstrap = pipeline.bootstrap;
    let mut facts = Facts::default();
    let seed = match &bootstrap.seed {
        Seed::Imported(list) => list.sha256.to_string(),
        Seed::Present(_) => "present".to_owned(),
    };
    facts.add("seed", bootstrap.seed.name(), seed);
    if let Some(digest) = bootstrap.seed_digest {
        facts.add("expected", bootstrap.seed.name(), digest);
    }
    facts
}

/// Makes the directory of the pipeline and the seed.
pub(super) fn set_up(pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    require_sandbox(pipeline)?;
    let bootstrap = pipeline.bootstrap;
    let seed = match &bootstrap.seed {
        Seed::Present(name) => pipeline.toolchain(name)?,
        Seed::Imported(list) => {
            let (debian, fetcher) = pipeline.debian;
            let input = ImportInput {
                list,
                arch: Arch::native(),
                debian,
                refresh: Refresh::IfAbsent,
                fetcher,
                toolchains: &pipeline.cache.toolchains(),
                jobs: pipeline.jobs,
            };
            let imported = import(&input, pipeline.reporter).map_err(PhaseError::of)?;
            imported.toolchain().clone()
        }
    };
    if let Some(expected) = bootstrap.seed_digest
        && seed.digest() != expected
    {
        let message = format!(
            "toolchain {} has digest {}, the chain says {expected}",
            seed.name(),
            seed.digest()
        );
        let place = bootstrap.file.display().to_string();
        let finding = Diagnostic::error("seed-digest-mismatch", message).at(place);
        return Err(PhaseError::refused(Phase::Setup, finding));
    }
    Ok(toolchain_fact(&seed))
}

fn require_sandbox(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    if pipeline.settings.confinement == crate::plan::Confinement::None {
        return Ok(());
    }
    let Err(missing) = igos_sandbox::probe() else {
        return Ok(());
    };
    let causes = missing.iter().map(|one| {
        let message = format!("cannot make a sandbox: {one}");
        Diagnostic::error("sandbox-feature-missing", message).hint(one.remedy.clone())
    });
    Err(PhaseError::Operation {
        exit_code: 4,
        causes: causes.collect(),
    })
}

fn toolchain_fact(toolchain: &Toolchain) -> Facts {
    let mut facts = Facts::default();
    facts.add(TOOLCHAIN, toolchain.name(), toolchain.digest());
    facts
}

/// Returns why a toolchain that a phase made is not there any more.
pub(super) fn lost(pipeline: &Pipeline<'_>, outputs: &Facts) -> Option<String> {
    outputs.of_kind(TOOLCHAIN).find_map(|(name, digest)| {
        let found = name.parse().ok().map(|name| pipeline.toolchain(&name));
        match found {
            Some(Ok(toolchain)) if toolchain.digest().to_string() == digest => None,
            Some(Ok(_)) => Some(format!("toolchain {name} is another one now")),
            _ => Some(format!("toolchain {name} is no longer in the cache")),
        }
    })
}

/// Returns everything that the packages of a generation are made from; `builder` is the digest of the toolchain.
pub(super) fn generation_inputs(
    pipeline: &Pipeline<'_>,
    number: usize,
    builder: Option<&str>,
) -> Result<Facts, PhaseError> {
    let generation = &pipeline.bootstrap.generations[number];
    let mut facts = Facts::default();
    let name = pipeline.bootstrap.builder_of(number);
    facts.add(TOOLCHAIN, name, builder.unwrap_or("not made here"));
    let settings = generation_settings(pipeline, generation);
    facts.add("settings", &generation.name, settings_digest(&settings));
    let recipes = recipes(pipeline, generation);
    facts.extend(pipeline.tests(&generation.name, &settings, &recipes));
    for name in &generation.packages {
        facts.add(&format!("{}-package", generation.name), name, "");
    }
    if let Some(compare) = &generation.compare {
        facts.add("compare", &generation.name, compare);
    }
    for at in recipes {
        let entry = &pipeline.tree.entries[at];
        facts.add("recipe", &entry.recipe.name, pipeline.recipe_digest(entry)?);
    }
    Ok(facts)
}

/// Returns the recipes that are built for a generation.
pub(super) fn recipes(pipeline: &Pipeline<'_>, generation: &Generation) -> BTreeSet<usize> {
    let graph = &pipeline.selection.graph;
    let packages = generation.packages.iter();
    closure(
        graph,
        packages.filter_map(|name| graph.resolve(name.as_str())),
    )
}

fn generation_settings(pipeline: &Pipeline<'_>, generation: &Generation) -> BuildSettings {
    let mut settings = pipeline.settings_with(&generation.profile);
    if generation.tests == GenerationTests::Skip {
        settings.wants_check = false;
    }
    settings
}

/// Builds the packages of a generation with the toolchain before it.
pub(super) fn build_generation(
    pipeline: &Pipeline<'_>,
    number: usize,
) -> Result<RunReport, PhaseError> {
    let generation = &pipeline.bootstrap.generations[number];
    let view = pipeline.view(&pipeline.toolchain(pipeline.bootstrap.builder_of(number))?)?;
    let graph = pipeline.graph_of(&generation.packages, &view)?;
    let settings = generation_settings(pipeline, generation);
    let report = pipeline.with_run(&graph, &view, &settings, build);
    refuse_unbuilt(&report)?;
    Ok(report)
}

/// Returns what building a generation would do; `None` while the toolchain before it is not there.
pub(super) fn preview_generation(
    pipeline: &Pipeline<'_>,
    number: usize,
) -> Result<Option<RunReport>, PhaseError> {
    let generation = &pipeline.bootstrap.generations[number];
    let Ok(builder) = pipeline.toolchain(pipeline.bootstrap.builder_of(number)) else {
        return Ok(None);
    };
    let view = pipeline.glance(&builder)?;
    let graph = pipeline.graph_of(&generation.packages, &view)?;
    let settings = generation_settings(pipeline, generation);
    let report = pipeline.with_run(&graph, &view, &settings, preview);
    report.map(Some).map_err(PhaseError::of)
}

/// Returns the packages that a generation was built from, as facts.
pub(super) fn generation_outputs(
    pipeline: &Pipeline<'_>,
    report: &RunReport,
) -> Result<Facts, PhaseError> {
    let all: BTreeSet<&PackageName> = report.packages.iter().map(|one| &one.name).collect();
    made_by(pipeline.cache, report, &all)
}

/// Makes the toolchain of a generation whose packages were built, tests that nothing of the host is in it, and compares it
/// where the chain says so; one that is refused does not get its name.
pub(super) fn assemble_generation(
    pipeline: &Pipeline<'_>,
    phase: Phase,
    number: usize,
    report: &RunReport,
) -> Result<Facts, PhaseError> {
    let generation = &pipeline.bootstrap.generations[number];
    let packages = generation.packages.iter().cloned().collect();
    let made = assemble(&AssembleInput {
        name: &generation.name,
        arch: Arch::native(),
        packages: &packages,
        archives: &report.archives(),
        toolchains: &pipeline.cache.toolchains(),
    })
    .map_err(PhaseError::of)?;
    let mut findings = foreign(pipeline, made.toolchain())?;
    let mut told = None;
    if let Some(compare) = &generation.compare {
        let likeness = Comparison::of(made.toolchain(), &pipeline.toolchain(compare)?)?;
        told = Some((compare, likeness.told(compare)));
        findings.extend(likeness.findings);
    }
    if !findings.is_empty() {
        made.discard().map_err(PhaseError::of)?;
        return Err(PhaseError::Refused { phase, findings });
    }
    let toolchain = made.keep().map_err(PhaseError::of)?;
    let mut facts = toolchain_fact(&toolchain);
    for archive in toolchain.archives() {
        facts.add(
            &format!("{}-archive", generation.name),
            &archive.name,
            archive.contents,
        );
    }
    if let Some((compare, told)) = told {
        let message = format!("toolchain {}: {told}", generation.name);
        pipeline.reporter.report(Event::Notice {
            id: None,
            diagnostic: Diagnostic::note("generations-compared", message),
        });
        facts.add("compared", format!("{} {compare}", generation.name), told);
    }
    Ok(facts)
}

/// Everything in a toolchain that was not built from source in a sandbox without weakened protections.
fn foreign(pipeline: &Pipeline<'_>, toolchain: &Toolchain) -> Result<Vec<Diagnostic>, PhaseError> {
    let mut findings = Vec::new();
    for archive in toolchain.archives() {
        let (manifest, _) = read_head(&toolchain.path_of(archive)).map_err(PhaseError::of)?;
        let why = match manifest.origin {
            Origin::Built => continue,
            // Whoever says `--unsafe-no-sandbox` knows; archives and receipts record it.
            Origin::BuiltWeakened
                if pipeline.settings.confinement == crate::plan::Confinement::None =>
            {
                continue;
            }
            Origin::BuiltWeakened => "was built with weakened protections",
            Origin::Imported => "was imported",
        };
        let message = format!("{} of toolchain {} {why}", archive.name, toolchain.name());
        findings.push(Diagnostic::error("toolchain-foreign", message));
    }
    Ok(findings)
}

/// What a generation has in common with one that it has to be equal to.
struct Comparison {
    archives: usize,
    /// Archives with the same contents.
    same: usize,
    /// Those of them that are the same archive, with all that it says of its making.
    identical: usize,
    findings: Vec<Diagnostic>,
}

impl Comparison {
    fn of(one: &Toolchain, other: &Toolchain) -> Result<Self, PhaseError> {
        let mut found = Comparison {
            archives: one.archives().len(),
            same: 0,
            identical: 0,
            findings: Vec::new(),
        };
        for compared in compare(one, other).map_err(PhaseError::of)? {
            match &compared.likeness {
                Likeness::Identical => {
                    found.same += 1;
                    found.identical += 1;
                }
                Likeness::SameContents => found.same += 1,
                likeness => {
                    let message = difference(&compared.name, likeness, one.name(), other.name());
                    found.findings.push(
                        Diagnostic::error("generations-differ", message)
                            .hint("compare their archives: `pkm unpack` both, then `diff -r`"),
                    );
                }
            }
        }
        Ok(found)
    }

    /// Says exactly what was compared: archives name what made them, so that those of two generations differ in their heads
    /// where their contents do not.
    fn told(&self, other: &PackageName) -> String {
        format!(
            "{} of {} archives have the contents of those of {other}, {} of them bit for bit",
            self.same, self.archives, self.identical
        )
    }
}

fn difference(
    name: &PackageName,
    likeness: &Likeness,
    mine: &PackageName,
    theirs: &PackageName,
) -> String {
    match likeness {
        Likeness::Different { contents, .. } => {
            let [first, second] = contents;
            format!("{name} has contents {first} in {mine}, {second} in {theirs}")
        }
        Likeness::OnlySecond => format!("{name} is in {theirs} and not in {mine}"),
        _ => format!("{name} is in {mine} and not in {theirs}"),
    }
}
