//! What a run would do, and how the phases stand: nothing is changed.

use std::collections::BTreeSet;

use igos_format::PackageName;
use igos_report::Explain;

use super::decide::{Decision, Judge, UNCHANGED};
use super::report::{PhasePackage, PhaseReport, PhaseStatus, PipelineReport};
use super::run::Span;
use super::times::Times;
use super::work::Pipeline;
use super::{Phase, PhaseError, generations, system};
use crate::schedule::{PackageStatus, RunReport};

/// How closely a look is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// At the phases.
    Phases,
    /// At every package that would be built, too.
    Packages,
}

/// Says of every phase whether it would run, and why.
///
/// What a phase after one that would run is made from is not known for certain: it is looked at as if the earlier
/// one made again what it made before.
pub fn preview(pipeline: &Pipeline<'_>, span: Span, detail: Detail) -> PipelineReport {
    let mut judge = Judge::new(pipeline);
    let times = Times::read(&pipeline.directory());
    let mut report = PipelineReport {
        profile: pipeline.profile.name.clone(),
        directory: pipeline.directory(),
        phases: Vec::new(),
        seconds: Some(0.0),
        unknown: 0,
        exit_code: 0,
    };
    let mut runs: Option<Phase> = None;
    for phase in span.phases() {
        let mut one = PhaseReport::new(phase);
        if let Err(error) = look(&mut judge, span, &mut one, runs) {
            report.exit_code = error.exit_code();
            one.status = match &error {
                PhaseError::NotThere { .. } => PhaseStatus::NotThere,
                _ => PhaseStatus::Failed,
            };
            one.reason = error.to_string();
            one.diagnostics = error.diagnostics();
        }
        if one.status == PhaseStatus::Planned {
            runs = runs.or(Some(phase));
            if detail == Detail::Packages {
                one.packages = packages(pipeline, phase);
            }
            estimate(&times, &mut one);
            report.unknown += one.unknown;
        }
        let is_end = one.status == PhaseStatus::Failed && detail == Detail::Packages;
        report.phases.push(one);
        if is_end {
            break;
        }
    }
    report.seconds = together(&report.phases);
    report
}

fn look(
    judge: &mut Judge<'_>,
    span: Span,
    report: &mut PhaseReport,
    runs: Option<Phase>,
) -> Result<(), PhaseError> {
    let phase = report.phase;
    if !phase.is_there() {
        return Err(PhaseError::NotThere { phase });
    }
    let inputs = judge.inputs(phase)?;
    let decision = judge.decide(phase, &inputs)?;
    report.status = PhaseStatus::Planned;
    match decision {
        Decision::Skip(receipt) => {
            judge.take(&receipt);
            report.receipt = Some(receipt.digest());
            report.reason = UNCHANGED.to_owned();
            report.status = PhaseStatus::Skipped;
            if span.is_forced(phase) {
                report.reason = "it was asked for".to_owned();
                report.status = PhaseStatus::Planned;
            }
        }
        Decision::Run(reason) => {
            report.reason = match runs {
                Some(earlier) if reason == "it was never done here" => {
                    format!("it was never done here, and follows {earlier}")
                }
                _ => reason,
            };
            if let super::receipt::Found::Receipt(receipt) =
                judge.receipts().read(phase).map_err(PhaseError::of)?
            {
                judge.take(&receipt);
            }
        }
        Decision::Damaged(reason) => {
            report.reason = format!("its receipt is damaged: {reason}");
        }
    }
    if span.is_before(phase) && report.status == PhaseStatus::Planned {
        let reason = report.reason.clone();
        return Err(PhaseError::Earlier { phase, reason });
    }
    Ok(())
}

/// Returns the packages that a phase would build or find; by name alone where no toolchain can be asked.
fn packages(pipeline: &Pipeline<'_>, phase: Phase) -> Vec<PhasePackage> {
    let numbers = match phase {
        Phase::Toolchain => 0..pipeline.bootstrap.generations.len().min(1),
        Phase::ChrootTools => 1..pipeline.bootstrap.generations.len().max(1),
        _ => 0..0,
    };
    let mut found = Vec::new();
    for number in numbers {
        let generation = &pipeline.bootstrap.generations[number];
        let own = generations::recipes(pipeline, generation);
        found.extend(match generations::preview_generation(pipeline, number) {
            Ok(Some(report)) => of_report(pipeline, &report, None),
            _ => by_name(pipeline, own.into_iter()),
        });
    }
    if phase.builds_system() {
        let own = pipeline.selection.recipes_of(phase);
        let names: BTreeSet<&PackageName> = own
            .iter()
            .map(|at| &pipeline.selection.graph.names[*at])
            .collect();
        found.extend(match system::preview_phase(pipeline, phase) {
            Ok(Some(report)) => of_report(pipeline, &report, Some(&names)),
            _ => by_name(pipeline, own.iter().copied()),
        });
    }
    found
}

fn of_report(
    pipeline: &Pipeline<'_>,
    report: &RunReport,
    own: Option<&BTreeSet<&PackageName>>,
) -> Vec<PhasePackage> {
    let packages = report
        .packages
        .iter()
        .filter(|package| own.is_none_or(|own| own.contains(&package.name)));
    packages
        .map(|package| {
            let mut told = PhasePackage::from(package);
            if package.status == PackageStatus::Planned {
                told.seconds = last_seconds(pipeline, &package.name);
            }
            told
        })
        .collect()
}

fn by_name(pipeline: &Pipeline<'_>, recipes: impl Iterator<Item = usize>) -> Vec<PhasePackage> {
    recipes
        .map(|at| {
            let recipe = &pipeline.tree.entries[at].recipe;
            PhasePackage {
                name: recipe.name.clone(),
                version: format!("{}-{}", recipe.version, recipe.release),
                status: PackageStatus::Planned,
                reason: "its toolchain is made first".to_owned(),
                seconds: last_seconds(pipeline, &recipe.name),
                size: 0,
            }
        })
        .collect()
}

/// Returns how long the last build of a package took, whatever it was built with.
pub(super) fn last_seconds(pipeline: &Pipeline<'_>, name: &PackageName) -> Option<f64> {
    let receipt = pipeline.cache.last_receipt(name)?;
    let milliseconds: u64 = receipt.steps.iter().map(|step| step.wall_ms).sum();
    Some(milliseconds as f64 / 1000.0)
}

/// Estimates a phase: from its packages' last builds, else from its last run.
///
/// Where nothing is known nothing is said: no time at all would be a promise.
fn estimate(times: &Times, phase: &mut PhaseReport) {
    let planned: Vec<Option<f64>> = phase
        .packages
        .iter()
        .filter(|package| package.status == PackageStatus::Planned)
        .map(|package| package.seconds)
        .collect();
    let known: Vec<f64> = planned.iter().filter_map(|one| *one).collect();
    phase.unknown = planned.len() - known.len();
    phase.seconds = if phase.packages.is_empty() {
        times.get(phase.phase)
    } else {
        // Each build uses all processors that the others leave: the sum is nearer than its share.
        let is_known = planned.is_empty() || !known.is_empty();
        is_known.then(|| known.iter().sum())
    };
}

/// Returns how long planned phases take together, as far as is known; `None` where nothing is.
fn together(phases: &[PhaseReport]) -> Option<f64> {
    let planned = phases
        .iter()
        .filter(|phase| phase.status == PhaseStatus::Planned);
    let known: Vec<f64> = planned.clone().filter_map(|phase| phase.seconds).collect();
    (planned.count() == 0 || !known.is_empty()).then(|| known.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::{
        PackageStatus, Phase, PhasePackage, PhaseReport, PhaseStatus, Times, estimate, together,
    };

    fn planned(phase: Phase, seconds: &[Option<f64>]) -> PhaseReport {
        let package = |seconds: &Option<f64>| PhasePackage {
            name: "some".parse().expect("a name"),
            version: "1-1".to_owned(),
            status: PackageStatus::Planned,
            reason: String::new(),
            seconds: *seconds,
            size: 0,
        };
        let mut report = PhaseReport {
            status: PhaseStatus::Planned,
            packages: seconds.iter().map(package).collect(),
            ..PhaseReport::new(phase)
        };
        estimate(&Times::default(), &mut report);
        report
    }

    #[test]
    fn phase_of_which_nothing_is_known_takes_an_unknown_time_and_not_none() {
        let core = planned(Phase::Core, &[None, None]);
        assert_eq!((core.seconds, core.unknown), (None, 2));
        assert_eq!(together(std::slice::from_ref(&core)), None);
        let base = planned(Phase::Base, &[Some(2.0), None, Some(3.0)]);
        assert_eq!((base.seconds, base.unknown), (Some(5.0), 1));
        assert_eq!(together(&[core, base]), Some(5.0));
        assert_eq!(planned(Phase::Validate, &[]).seconds, None);
        assert_eq!(together(&[]), Some(0.0));
    }
}
