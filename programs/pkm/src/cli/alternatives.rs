//! `pkm alternatives`: paths that several packages can serve.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::alternatives_list::AlternativesList;
use super::alternatives_set::AlternativesSet;

/// Show and choose which package serves a path that several can serve
///
/// The package with the highest priority serves it unless you choose another. When it is removed the next one does.
#[derive(Debug, Args)]
#[command(
    visible_alias = "alternative",
    after_help = "Examples:\n  pkm alternatives list\n  pkm alternatives set /usr/bin/vi vim\n  pkm alternatives set /usr/bin/vi --auto",
    arg_required_else_help = true
)]
pub(super) struct Alternatives {
    #[command(subcommand)]
    command: AlternativesCommand,
}

#[derive(Debug, Subcommand)]
enum AlternativesCommand {
    #[command(visible_alias = "ls")]
    List(AlternativesList),
    Set(AlternativesSet),
}

impl Alternatives {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            AlternativesCommand::List(list) => list.run(context).map(Answer::from),
            AlternativesCommand::Set(set) => set.run(context).map(Answer::from),
        }
    }
}
