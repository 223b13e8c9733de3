//! Running phases: each is looked at, and skipped or carried out; what it made is written down.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use igos_format::PackageName;
use igos_report::{Diagnostic, Event, Explain, Outcome, Subject, Task};

use super::decide::{Decision, Judge, UNCHANGED};
use super::receipt::Receipt;
use super::report::{PhasePackage, PhaseReport, PhaseStatus, PipelineReport};
use super::times::Times;
use super::work::Pipeline;
use super::{Facts, Phase, PhaseError, generations, sources, system, validate};
use crate::schedule::{PackageStatus, RunReport};

/// Which phases are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first one; those before have to be done, and are not run.
    pub from: Option<Phase>,
    /// The last one.
    pub until: Phase,
}

impl Span {
    /// Returns the phases from the first of all to the last of the span.
    pub(super) fn phases(self) -> Vec<Phase> {
        self.until.up_to()
    }

    /// Tells whether a phase has to be done already.
    pub(super) fn is_before(self, phase: Phase) -> bool {
        self.from.is_some_and(|from| phase < from)
    }

    /// Tells whether a phase runs whatever its receipt says.
    pub(super) fn is_forced(self, phase: Phase) -> bool {
        self.from == Some(phase)
    }
}

/// Runs phases in order, until one fails.
pub fn run(pipeline: &Pipeline<'_>, span: Span) -> PipelineReport {
    let started = Instant::now();
    let phases = span.phases();
    let mut reports: Vec<PhaseReport> = phases.iter().map(|one| PhaseReport::new(*one)).collect();
    let mut exit_code = 0;
    let mut judge = Judge::new(pipeline);
    let mut times = Times::read(&pipeline.directory());
    for (phase, report) in phases.into_iter().zip(&mut reports) {
        let began = Instant::now();
        let result = one(&mut judge, pipeline, span, phase, report);
        match result {
            Ok(()) if report.status == PhaseStatus::Done => {
                let seconds = began.elapsed().as_secs_f64();
                report.seconds = Some(seconds);
                times.set(phase, seconds);
                // Estimates are worth no failure.
                times.write(pipeline.cache, &pipeline.directory());
            }
            Ok(()) => {}
            Err(error) => {
                exit_code = error.exit_code();
                report.status = match &error {
                    PhaseError::NotThere { .. } => PhaseStatus::NotThere,
                    _ => PhaseStatus::Failed,
                };
                report.reason = error.to_string();
                report.diagnostics = error.diagnostics();
                break;
            }
        }
    }
    if pipeline.interrupted.load(Ordering::SeqCst) && exit_code != 0 {
        exit_code = 130;
    }
    PipelineReport {
        profile: pipeline.profile.name.clone(),
        directory: pipeline.directory(),
        phases: reports,
        seconds: Some(started.elapsed().as_secs_f64()),
        unknown: 0,
        exit_code,
    }
}

/// Looks at one phase, and carries it out if it has to be.
fn one(
    judge: &mut Judge<'_>,
    pipeline: &Pipeline<'_>,
    span: Span,
    phase: Phase,
    report: &mut PhaseReport,
) -> Result<(), PhaseError> {
    interrupted(pipeline)?;
    let subject = Subject::Phase(phase.as_str().to_owned());
    let task = Task::start(pipeline.reporter, None, subject);
    let result = look_and_carry_out(judge, pipeline, span, phase, report);
    task.finish(match &result {
        Err(error) => Outcome::Failed(error.to_string()),
        Ok(()) if report.status == PhaseStatus::Skipped => Outcome::Skipped(report.reason.clone()),
        Ok(()) => Outcome::Done,
    });
    result
}

fn interrupted(pipeline: &Pipeline<'_>) -> Result<(), PhaseError> {
    if !pipeline.interrupted.load(Ordering::SeqCst) {
        return Ok(());
    }
    Err(PhaseError::Operation {
        exit_code: 130,
        causes: vec![Diagnostic::error("interrupted", "it was interrupted")],
    })
}

fn look_and_carry_out(
    judge: &mut Judge<'_>,
    pipeline: &Pipeline<'_>,
    span: Span,
    phase: Phase,
    report: &mut PhaseReport,
) -> Result<(), PhaseError> {
    if !phase.is_there() {
        return Err(PhaseError::NotThere { phase });
    }
    let inputs = judge.inputs(phase)?;
    let reason = match judge.decide(phase, &inputs)? {
        Decision::Skip(receipt) if !span.is_forced(phase) => {
            let receipt = relink(judge, pipeline, *receipt)?;
            report.status = PhaseStatus::Skipped;
            report.reason = UNCHANGED.to_owned();
            report.receipt = Some(receipt.digest());
            judge.take(&receipt);
            return Ok(());
        }
        Decision::Skip(_) => "it was asked for".to_owned(),
        Decision::Run(reason) => reason,
        Decision::Damaged(reason) => {
            tell_damaged(judge, pipeline, phase, &reason);
            format!("its receipt is damaged: {reason}")
        }
    };
    if span.is_before(phase) {
        return Err(PhaseError::Earlier { phase, reason });
    }
    report.reason = reason;
    let (outputs, packages) = carry_out(judge, pipeline, phase)?;
    report.packages = packages;
    let receipt = Receipt {
        phase,
        profile: pipeline.profile.name.clone(),
        previous: judge.previous,
        inputs,
        outputs,
    };
    judge
        .receipts()
        .write(pipeline.cache, &receipt)
        .map_err(PhaseError::of)?;
    report.status = PhaseStatus::Done;
    report.receipt = Some(receipt.digest());
    judge.take(&receipt);
    Ok(())
}

/// Lets the receipt of a skipped phase name the receipt that is before it now.
fn relink(
    judge: &Judge<'_>,
    pipeline: &Pipeline<'_>,
    mut receipt: Receipt,
) -> Result<Receipt, PhaseError> {
    if receipt.previous != judge.previous {
        receipt.previous = judge.previous;
        judge
            .receipts()
            .write(pipeline.cache, &receipt)
            .map_err(PhaseError::of)?;
    }
    Ok(receipt)
}

fn tell_damaged(judge: &Judge<'_>, pipeline: &Pipeline<'_>, phase: Phase, reason: &str) {
    let message = format!("the receipt of phase {phase} is damaged, and the phase runs again");
    let path = judge.receipts().path(phase).display().to_string();
    let diagnostic = Diagnostic::warning("receipt-damaged", message)
        .at(path)
        .because(reason);
    pipeline.reporter.report(Event::Notice {
        id: None,
        diagnostic,
    });
}

/// Carries a phase out: returns what it made.
fn carry_out(
    judge: &mut Judge<'_>,
    pipeline: &Pipeline<'_>,
    phase: Phase,
) -> Result<(Facts, Vec<PhasePackage>), PhaseError> {
    match phase {
        Phase::Validate => Ok((validate::carry_out(pipeline)?, Vec::new())),
        Phase::VerifySources => Ok((sources::carry_out(pipeline)?, Vec::new())),
        Phase::Setup => Ok((generations::set_up(pipeline)?, Vec::new())),
        Phase::Toolchain => toolchain(pipeline),
        Phase::ChrootPrep => chroot_prep(pipeline),
        Phase::ChrootTools => chroot_tools(pipeline),
        Phase::Publish => Ok((publish(judge, pipeline)?, Vec::new())),
        _ => {
            judge.root_changed();
            let (outputs, report) = system::carry_out(pipeline, phase, &judge.earlier)?;
            let own = pipeline.selection.names_of(phase);
            let packages = report.as_ref().map(|report| told(report, Some(&own)));
            Ok((outputs, packages.unwrap_or_default()))
        }
    }
}

/// Returns the packages of a run that belong to a phase: its own, and whatever had to be built again.
fn told(report: &RunReport, own: Option<&BTreeSet<&PackageName>>) -> Vec<PhasePackage> {
    let packages = report.packages.iter().filter(|package| {
        package.status == PackageStatus::Built || own.is_none_or(|own| own.contains(&package.name))
    });
    packages.map(PhasePackage::from).collect()
}

fn toolchain(pipeline: &Pipeline<'_>) -> Result<(Facts, Vec<PhasePackage>), PhaseError> {
    if pipeline.bootstrap.generations.is_empty() {
        return Ok((Facts::default(), Vec::new()));
    }
    let report = generations::build_generation(pipeline, 0)?;
    let outputs = generations::generation_outputs(pipeline, &report)?;
    Ok((outputs, told(&report, None)))
}

fn chroot_prep(pipeline: &Pipeline<'_>) -> Result<(Facts, Vec<PhasePackage>), PhaseError> {
    if pipeline.bootstrap.generations.is_empty() {
        return Ok((Facts::default(), Vec::new()));
    }
    // Everything is in the cache, unless somebody deleted it since.
    let report = generations::build_generation(pipeline, 0)?;
    let outputs = generations::assemble_generation(pipeline, Phase::ChrootPrep, 0, &report)?;
    Ok((outputs, Vec::new()))
}

fn chroot_tools(pipeline: &Pipeline<'_>) -> Result<(Facts, Vec<PhasePackage>), PhaseError> {
    let mut outputs = Facts::default();
    let mut packages = Vec::new();
    for number in 1..pipeline.bootstrap.generations.len() {
        let report = generations::build_generation(pipeline, number)?;
        packages.extend(told(&report, None));
        let phase = Phase::ChrootTools;
        let made = generations::assemble_generation(pipeline, phase, number, &report)?;
        outputs.extend(made);
    }
    Ok((outputs, packages))
}

/// Publishes the archives of all phases.
fn publish(judge: &Judge<'_>, pipeline: &Pipeline<'_>) -> Result<Facts, PhaseError> {
    let Some(publish) = pipeline.publish else {
        let message = "nobody said which repository";
        let finding = Diagnostic::error("repository-unnamed", message)
            .hint("name it and its keys: `--repository DIR --keys DIR`");
        return Err(PhaseError::refused(Phase::Publish, finding));
    };
    let packages = publish(system::archives(pipeline, &judge.earlier)?)?;
    let mut outputs = Facts::default();
    outputs.add("repository", "packages", packages);
    Ok(outputs)
}
