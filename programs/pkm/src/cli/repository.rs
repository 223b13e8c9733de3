//! `pkm repository`: where packages come from.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::repository_add::RepositoryAdd;
use super::repository_keys::RepositoryKeys;
use super::repository_list::RepositoryList;
use super::repository_remove::RepositoryRemove;

/// Add, remove and list the repositories that packages come from
///
/// Each has a file in /etc/igos/repositories.d, which may be edited as well.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm repository list\n  pkm repository add main https://packages.example.org/igos --root-key ./root.json\n  \
        pkm repository keys main\n  pkm repository remove main",
    arg_required_else_help = true
)]
pub(super) struct Repository {
    #[command(subcommand)]
    command: RepositoryCommand,
}

#[derive(Debug, Subcommand)]
enum RepositoryCommand {
    Add(RepositoryAdd),
    Remove(RepositoryRemove),
    #[command(visible_alias = "ls")]
    List(RepositoryList),
    Keys(RepositoryKeys),
}

impl Repository {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            RepositoryCommand::Add(add) => add.run(context).map(Answer::from),
            RepositoryCommand::Remove(remove) => remove.run(context).map(Answer::from),
            RepositoryCommand::List(list) => list.run(context).map(Answer::from),
            RepositoryCommand::Keys(keys) => keys.run(context).map(Answer::from),
        }
    }
}
