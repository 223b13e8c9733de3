//! `pkm hooks run`.

use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use serde::Serialize;

use super::Context;
use super::plan_hooks::RanHooks;

/// Run again what was interrupted or failed
///
/// Ends with 1 if something is left afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm hooks run\n  pkm --root /mnt/target hooks run --wait")]
pub(super) struct HooksRun {}

impl HooksRun {
    pub(super) fn run(self, context: &Context<'_>) -> Result<HooksRunAnswer, Failure> {
        if context.is_dry_run() {
            return Err(Failure::usage("what is left can only be run, not planned")
                .hint("see what there is: `pkm hooks list`"));
        }
        context.retry_hooks().map(HooksRunAnswer)
    }
}

/// What became of each job.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct HooksRunAnswer(RanHooks);

impl Render for HooksRunAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        self.0.render_all(out)
    }

    fn exit(&self) -> Exit {
        self.0.exit()
    }
}
