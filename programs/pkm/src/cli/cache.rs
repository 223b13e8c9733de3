//! `pkm cache`: archives that were downloaded.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::cache_clean::CacheClean;
use super::cache_list::CacheList;

/// List and delete downloaded archives
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm cache list\n  pkm cache clean\n  pkm cache clean --keep 2",
    arg_required_else_help = true
)]
pub(super) struct Cache {
    #[command(subcommand)]
    command: CacheCommand,
}

#[derive(Debug, Subcommand)]
enum CacheCommand {
    #[command(visible_alias = "ls")]
    List(CacheList),
    Clean(CacheClean),
}

impl Cache {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            CacheCommand::List(list) => list.run(context).map(Answer::from),
            CacheCommand::Clean(clean) => clean.run(context).map(Answer::from),
        }
    }
}
