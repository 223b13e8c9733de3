//! `igos-build pipeline status`

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Session};

use super::pipeline::{Place, Prepared, ProfileFlags};
use super::pipeline_run::PipelineAnswer;
use super::recipes::RecipeFlags;
use super::workshop::WorkshopFlags;
use crate::pipeline::{Detail, Phase, Span, preview};

/// Say of every phase whether it is done, and what would make it run again
///
/// A phase is done if its receipt is there and undamaged, nothing that it was made from changed, and what it made is
/// still there.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages pipeline status --profile standard"
)]
pub(super) struct StatusCommand {
    #[command(flatten)]
    profile: ProfileFlags,
}

impl StatusCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let workshop = workshop.open(globals, recipes, session)?;
        let prepared = Prepared::open(&self.profile, Place::Temporary, workshop, recipes, session)?;
        let span = Span {
            from: None,
            until: Phase::Iso,
        };
        let mut report = prepared.with(session, |pipeline| preview(pipeline, span, Detail::Phases));
        // That phases are not there yet, or would run, is what was asked.
        report.exit_code = 0;
        Ok(Answer::from(PipelineAnswer { report }))
    }
}
