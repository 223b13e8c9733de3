//! `pkm hooks`: what transactions left to be run.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::hooks_list::HooksList;
use super::hooks_run::HooksRun;

/// Show and run what packages asked to be run and what was not, or failed
///
/// Hooks and triggers run once after a transaction, confined to the root. One that was interrupted is run again by
/// the next command that changes the root; one that failed waits here.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm hooks list\n  pkm hooks list --transaction 12\n  pkm hooks run",
    arg_required_else_help = true
)]
pub(super) struct Hooks {
    #[command(subcommand)]
    command: HooksCommand,
}

#[derive(Debug, Subcommand)]
enum HooksCommand {
    #[command(visible_alias = "ls")]
    List(HooksList),
    Run(HooksRun),
}

impl Hooks {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            HooksCommand::List(list) => list.run(context).map(Answer::from),
            HooksCommand::Run(run) => run.run(context).map(Answer::from),
        }
    }
}
