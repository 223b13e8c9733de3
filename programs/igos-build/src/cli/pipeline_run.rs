//! `igos-build pipeline run`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Elapsed, Exit, Failure, Globals, Render, Session, Size};
use igos_repo::publish::PublishRequest;
use serde::Serialize;

use super::pipeline::{Place, Prepared, ProfileFlags};
use super::recipes::RecipeFlags;
use super::signing::SigningFlags;
use super::workshop::WorkshopFlags;
use crate::pipeline::{
    Detail, Phase, PhaseError, PhasePackage, PhaseReport, PhaseStatus, Pipeline, PipelineReport,
    Publish, Receipts, Span, preview, run,
};
use crate::schedule::PackageStatus;

/// Carry out the phases of a pipeline
///
/// Phases whose inputs are those of their receipts, and whose outputs are there, are skipped. With `--dry-run` nothing
/// is changed: what would run is said, with every package, and how long it took when it was last built.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages pipeline run --until setup\n  igos-build --recipes packages pipeline run --profile standard --until extra\n  igos-build --recipes packages pipeline run --until extra --dry-run\n  igos-build --recipes packages pipeline run --from base --until extra"
)]
pub(super) struct RunCommand {
    #[command(flatten)]
    profile: ProfileFlags,
    /// Run PHASE whatever its receipt says; those before it have to be done, and are not run
    #[arg(long, value_name = "PHASE")]
    from: Option<Phase>,
    /// The last phase
    #[arg(long, value_name = "PHASE", default_value = "iso")]
    until: Phase,
    /// With `--until publish`: the directory of the repository
    #[arg(long, value_name = "DIR", requires = "keys")]
    repository: Option<PathBuf>,
    /// With `--until publish`: sign with the keys in DIR and in its `online` and `offline`; may be repeated
    #[arg(long, value_name = "DIR", requires = "repository")]
    keys: Vec<PathBuf>,
}

/// What became of a run, or would become of it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct PipelineAnswer {
    pub(super) report: PipelineReport,
}

impl RunCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let span = Span {
            from: self.from,
            until: self.until,
        };
        if span.from.is_some_and(|from| from > span.until) {
            return Err(Failure::usage(
                "`--from` names a phase after that of `--until`",
            ));
        }
        let workshop = workshop.open(globals, recipes, session)?;
        if globals.dry_run {
            let prepared =
                Prepared::open(&self.profile, Place::Temporary, workshop, recipes, session)?;
            let report = prepared.with(session, |pipeline| {
                preview(pipeline, span, Detail::Packages)
            });
            return Ok(Answer::from(told(report, session)));
        }
        let _lock = workshop
            .cache
            .lock_for_building(workshop.waiting, session.reporter())?;
        workshop.cache.delete_stale_work()?;
        let name = &self.profile.profile;
        Receipts::new(&workshop.cache.pipeline(name), name).delete_partial()?;
        let prepared = Prepared::open(&self.profile, Place::Pipeline, workshop, recipes, session)?;
        let publish = |archives: Vec<PathBuf>| self.publish(archives, globals, session);
        let publish: &Publish<'_> = &publish;
        let report = prepared.with(session, |pipeline| {
            let publish = self.repository.is_some().then_some(publish);
            run(
                &Pipeline {
                    publish,
                    ..pipeline.clone()
                },
                span,
            )
        });
        Ok(Answer::from(told(report, session)))
    }
}

impl RunCommand {
    /// Publishes the archives of a pipeline; returns how many packages the repository has.
    fn publish(
        &self,
        archives: Vec<PathBuf>,
        globals: &Globals,
        session: &Session,
    ) -> Result<usize, PhaseError> {
        let Some(directory) = &self.repository else {
            return Ok(0);
        };
        let request = PublishRequest::new(archives);
        let signing = SigningFlags::of_keys(self.keys.clone());
        let published = signing.publisher(directory, globals, session, |publisher| {
            Ok(publisher.publish(request)?)
        });
        match published {
            Ok(publication) => Ok(publication.packages),
            Err(failure) => Err(PhaseError::Operation {
                exit_code: failure.exit.code(),
                causes: failure.diagnostics,
            }),
        }
    }
}

/// Shows everything that is wrong, which is part of the answer, too.
fn told(report: PipelineReport, session: &Session) -> PipelineAnswer {
    for diagnostic in report.phases.iter().flat_map(|phase| &phase.diagnostics) {
        session.notice(diagnostic.clone());
    }
    PipelineAnswer { report }
}

impl Render for PipelineAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let report = &self.report;
        for phase in &report.phases {
            render_phase(phase, out)?;
        }
        let is_plan = report
            .phases
            .iter()
            .any(|phase| phase.status == PhaseStatus::Planned);
        let took = match report.seconds {
            Some(seconds) if !is_plan => elapsed(seconds),
            seconds => estimate(seconds, report.unknown, is_whole(&report.phases)),
        };
        writeln!(out, "{}: {took}", report.profile)
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.report.exit_code)
    }
}

fn elapsed(seconds: f64) -> String {
    Elapsed(std::time::Duration::from_secs_f64(seconds)).to_string()
}

/// Tells whether something is known of all that is planned.
fn is_whole(phases: &[PhaseReport]) -> bool {
    let lacks = |phase: &PhaseReport| {
        phase.status == PhaseStatus::Planned && (phase.seconds.is_none() || phase.unknown > 0)
    };
    !phases.iter().any(lacks)
}

/// Returns an estimate in words; `unknown` packages were never built here, and may take any time.
fn estimate(seconds: Option<f64>, unknown: usize, is_whole: bool) -> String {
    let mut text = match seconds {
        None => "unknown".to_owned(),
        Some(seconds) if is_whole => format!("about {}", elapsed(seconds)),
        Some(seconds) => format!("at least {}", elapsed(seconds)),
    };
    if unknown > 0 {
        text.push_str(&format!(": {unknown} packages were never built here"));
    }
    text
}

fn render_phase(phase: &PhaseReport, out: &mut dyn fmt::Write) -> fmt::Result {
    let took = match (phase.status, phase.seconds) {
        (PhaseStatus::Planned, seconds) => Some(format!(
            " ({})",
            estimate(seconds, phase.unknown, phase.unknown == 0)
        )),
        (_, seconds) => seconds.map(|seconds| format!(" ({})", elapsed(seconds))),
    };
    writeln!(
        out,
        "{:>2} {:<15} {:<9} {}{}",
        phase.phase.number(),
        phase.phase.as_str(),
        phase.status.as_str(),
        phase.reason,
        took.unwrap_or_default()
    )?;
    for package in phase.packages.iter().filter(|one| is_told(one)) {
        let took = package.seconds.map(elapsed);
        let size = match package.size {
            0 => String::new(),
            size => Size(size).to_string(),
        };
        writeln!(
            out,
            "     {:<8} {} {}: {} {} {size}",
            package.status.as_str(),
            package.name,
            package.version,
            package.reason,
            took.unwrap_or_default(),
        )?;
    }
    Ok(())
}

/// What the cache had is not worth a line.
fn is_told(package: &PhasePackage) -> bool {
    package.status != PackageStatus::Cached
}
