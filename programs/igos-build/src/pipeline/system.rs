//! Phases `core` to `extra`: the packages of the system are built and installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use igos_format::{PackageName, RelPath};
use igos_report::Diagnostic;

use super::archives::{Lacking, Made, Shelf, archive_of, archives_of, made_by, packages_of};
use super::generations::TOOLCHAIN;
use super::people;
use super::root::{self, InRoot, Wanted};
use super::work::{Pipeline, refuse_unbuilt, settings_digest};
use super::{Facts, Phase, PhaseError};
use crate::build_root::ToolchainView;
use crate::execute::BuildSettings;
use crate::schedule::{BuildGraph, RunReport, build, preview};

/// Raised whenever the phases `core` to `extra` begin to install something else of the same archives, to test it by other
/// rules, or to order it otherwise: with this file `root.rs`, `archives.rs`, `selection.rs` and `configuration.rs`.
pub(super) const RULES: u32 = 4;

/// Kind of the facts that name a package which a phase installed.
const INSTALLED: &str = "installed";

/// Kind of the facts that name a package which an earlier phase installed, and which is needed.
const PRESENT: &str = "present";

/// The outputs of earlier phases, by phase.
pub(super) type Earlier = BTreeMap<Phase, Facts>;

/// Returns everything that the packages of a phase are made from, and what is installed.
pub(super) fn inputs(
    pipeline: &Pipeline<'_>,
    phase: Phase,
    earlier: &Earlier,
) -> Result<Facts, PhaseError> {
    let selection = pipeline.selection;
    let mut facts = Facts::default();
    let name = pipeline.bootstrap.system();
    let digest = system_digest(pipeline, earlier);
    facts.add(
        TOOLCHAIN,
        name,
        digest.as_deref().unwrap_or("not made here"),
    );
    let settings = settings(pipeline);
    facts.add("settings", "system", settings_digest(&settings));
    let own = selection.recipes_of(phase);
    facts.extend(pipeline.tests("system", &settings, own));
    for at in own {
        let entry = &pipeline.tree.entries[*at];
        facts.add("recipe", &entry.recipe.name, pipeline.recipe_digest(entry)?);
    }
    let before = made_before(phase, earlier);
    for at in selection.closure(own.iter().copied()) {
        if own.contains(&at) {
            continue;
        }
        for output in &pipeline.tree.entries[at].recipe.outputs {
            if let Some(made) = before.get(&output.name) {
                facts.add("dependency", &output.name, made.contents);
            }
        }
    }
    for name in selection.requested.get(&phase).into_iter().flatten() {
        facts.add("request", name, "");
    }
    if phase == Phase::Extra {
        // It removes what nothing asks for any more.
        for name in installed_before(phase, earlier).into_keys() {
            facts.add("beside", name, "");
        }
        for (level, services) in &pipeline.profile.services {
            for service in services {
                facts.add("service", format!("{} {service}", level.as_str()), "");
            }
        }
        people::inputs(pipeline.profile, &mut facts);
    }
    Ok(facts)
}

fn system_digest(pipeline: &Pipeline<'_>, earlier: &Earlier) -> Option<String> {
    let name = pipeline.bootstrap.system().as_str();
    earlier
        .values()
        .find_map(|outputs| outputs.get(TOOLCHAIN, name).map(ToOwned::to_owned))
}

fn made_before(phase: Phase, earlier: &Earlier) -> BTreeMap<PackageName, Made> {
    earlier
        .iter()
        .filter(|(one, _)| **one < phase && one.builds_system())
        .flat_map(|(_, outputs)| packages_of(outputs))
        .collect()
}

fn installed_before(phase: Phase, earlier: &Earlier) -> BTreeMap<&str, &str> {
    earlier
        .iter()
        .filter(|(one, _)| **one < phase)
        .flat_map(|(_, outputs)| outputs.of_kind(INSTALLED))
        .collect()
}

/// Returns how packages of the system are built.
pub(super) fn settings(pipeline: &Pipeline<'_>) -> BuildSettings {
    pipeline.settings_with(&pipeline.bootstrap.profile)
}

/// Returns the packages of a phase, and all they need, as a graph; `None` if there are none.
pub(super) fn graph_of<'t>(
    pipeline: &Pipeline<'t>,
    phase: Phase,
    view: &ToolchainView,
) -> Result<Option<BuildGraph<'t>>, PhaseError> {
    let own = pipeline.selection.names_of(phase);
    if own.is_empty() {
        return Ok(None);
    }
    pipeline.graph_of(own, view).map(Some)
}

/// Returns what building the packages of a phase would do; `None` while the toolchain is not there.
pub(super) fn preview_phase(
    pipeline: &Pipeline<'_>,
    phase: Phase,
) -> Result<Option<RunReport>, PhaseError> {
    let Ok(toolchain) = pipeline.toolchain(pipeline.bootstrap.system()) else {
        return Ok(None);
    };
    let view = pipeline.glance(&toolchain)?;
    let Some(graph) = graph_of(pipeline, phase, &view)? else {
        return Ok(None);
    };
    let report = pipeline.with_run(&graph, &view, &settings(pipeline), preview);
    report.map(Some).map_err(PhaseError::of)
}

/// Builds the packages of a phase, installs those that the profile asks for, and verifies the root.
pub(super) fn carry_out(
    pipeline: &Pipeline<'_>,
    phase: Phase,
    earlier: &Earlier,
) -> Result<(Facts, Option<RunReport>), PhaseError> {
    let view = pipeline.view(&pipeline.toolchain(pipeline.bootstrap.system())?)?;
    let mut outputs = Facts::default();
    let mut built = None;
    if let Some(graph) = graph_of(pipeline, phase, &view)? {
        let report = pipeline.with_run(&graph, &view, &settings(pipeline), build);
        refuse_unbuilt(&report)?;
        let own = pipeline.selection.names_of(phase);
        outputs.extend(made_by(pipeline.cache, &report, &own)?);
        built = Some(report);
    }
    let mut made = made_before(phase, earlier);
    made.extend(packages_of(&outputs));
    let before = installed_before(phase, earlier);
    outputs.extend(install(pipeline, phase, &made, &before)?);
    if phase == Phase::Extra {
        complete(pipeline)?;
        people::set(pipeline)?;
    }
    Ok((outputs, built))
}

/// Brings the root to everything that the profile asks for of this phase and earlier ones.
fn install(
    pipeline: &Pipeline<'_>,
    phase: Phase,
    made: &BTreeMap<PackageName, Made>,
    before: &BTreeMap<&str, &str>,
) -> Result<Facts, PhaseError> {
    let shelf = Shelf::read(pipeline.cache, made)?;
    let requested = pipeline.selection.requested_until(phase);
    let packages = shelf
        .closure(&requested)
        .map_err(|lacking| incomplete(phase, &lacking))?;
    let time = packages
        .iter()
        .filter_map(|name| shelf.get(name))
        .map(|package| package.manifest().source_date_epoch)
        .max();
    let of_profile = outputs_of_profile(pipeline);
    let later = |name: &PackageName| phase < Phase::Extra && of_profile.contains(name);
    let wanted = Wanted {
        shelf: &shelf,
        requested: &requested,
        packages: &packages,
        later: &later,
        time: i64::try_from(time.unwrap_or(0)).unwrap_or(i64::MAX),
    };
    let (interrupted, reporter) = (&pipeline.interrupted, pipeline.reporter);
    root::bring(&pipeline.root(), phase, &wanted, interrupted, reporter)?;
    let mut facts = Facts::default();
    for name in &packages {
        if before.contains_key(name.as_str()) {
            facts.add(PRESENT, name, "");
        } else if let Some(package) = shelf.get(name) {
            facts.add(INSTALLED, name, package.contents());
        }
    }
    Ok(facts)
}

fn incomplete(phase: Phase, lacking: &[Lacking]) -> PhaseError {
    let findings = lacking.iter().map(|one| {
        let needed = match &one.required_by {
            Some(by) => format!("{by} needs {} to run", one.name),
            None => format!("the profile asks for {}", one.name),
        };
        let message = format!("{needed}, and no phase so far made it");
        Diagnostic::error("root-incomplete", message).hint(
            "declare it among the runtime dependencies of the recipe, or write a recipe for it",
        )
    });
    PhaseError::Refused {
        phase,
        findings: findings.collect(),
    }
}

/// Returns the names of all packages that recipes of the profile make.
fn outputs_of_profile(pipeline: &Pipeline<'_>) -> BTreeSet<PackageName> {
    pipeline
        .selection
        .members()
        .flat_map(|at| &pipeline.tree.entries[at].recipe.outputs)
        .map(|output| output.name.clone())
        .collect()
}

/// Tests what only a whole root can have: every service that the profile starts.
fn complete(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    let root = igos_root::RootDir::open(&pipeline.root()).map_err(PhaseError::of)?;
    let mut findings = Vec::new();
    for service in pipeline.profile.services.values().flatten() {
        let path: RelPath = format!("etc/init.d/{service}")
            .parse()
            .expect("a name is one component");
        if root.metadata(&path).map_err(PhaseError::of)?.is_none() {
            let message = format!("no package of the root has /{path}, which the profile starts");
            findings.push(
                pipeline
                    .profile
                    .diagnostic(service.as_str(), "service-absent", message),
            );
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(PhaseError::Refused {
        phase: Phase::Extra,
        findings,
    })
}

/// Returns why what a phase made is not there any more.
///
/// What is installed is compared by its contents: a later phase may have brought another build of the same package, which
/// is no reason to do anything.
pub(super) fn lost(
    pipeline: &Pipeline<'_>,
    outputs: &Facts,
    installed: &BTreeMap<PackageName, InRoot>,
) -> Option<String> {
    let gone = packages_of(outputs)
        .into_iter()
        .find(|(name, made)| archive_of(pipeline.cache, name, made).is_none());
    if let Some((name, _)) = gone {
        return Some(format!("the archive of {name} is no longer in the cache"));
    }
    let found = |name: &str| name.parse().ok().and_then(|name| installed.get(&name));
    let present = outputs.of_kind(PRESENT).map(|(name, _)| (name, None));
    let mine = outputs.of_kind(INSTALLED);
    mine.map(|(name, contents)| (name, Some(contents)))
        .chain(present)
        .find_map(|(name, contents)| match (found(name), contents) {
            (None, _) => Some(format!("the root has no {name}")),
            (Some(found), Some(contents)) if found.contents.to_string() != contents => {
                Some(format!("the root has another {name}"))
            }
            _ => None,
        })
}

/// Returns the packages of all phases, which are published, as facts.
pub(super) fn published(earlier: &Earlier) -> Facts {
    let mut facts = Facts::default();
    for (name, made) in made_before(Phase::Publish, earlier) {
        facts.add("published", name, made.seal);
    }
    facts
}

/// Returns the archives of all phases.
pub(super) fn archives(
    pipeline: &Pipeline<'_>,
    earlier: &Earlier,
) -> Result<Vec<PathBuf>, PhaseError> {
    archives_of(pipeline.cache, &made_before(Phase::Publish, earlier))
}
