//! `pkm config`: what became of configuration files.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::config_answer::{Accept, Merge, Reject};
use super::config_diff::ConfigDiff;
use super::config_list::ConfigList;

/// Show edited configuration files, and answer new versions of them
///
/// A configuration file that was not edited is replaced when its package brings a new version. An edited one stays,
/// and the new version waits beside it as NAME.pkmnew until it is merged, accepted or rejected, or until you delete
/// NAME.pkmnew. What you deleted stays deleted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm config list\n  pkm config diff /etc/ssh/sshd_config\n  pkm config merge /etc/ssh/sshd_config",
    arg_required_else_help = true
)]
pub(super) struct Config {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    #[command(visible_alias = "ls")]
    List(ConfigList),
    Diff(ConfigDiff),
    Merge(Merge),
    Accept(Accept),
    Reject(Reject),
}

impl Config {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            ConfigCommand::List(list) => list.run(context).map(Answer::from),
            ConfigCommand::Diff(diff) => diff.run(context).map(Answer::from),
            ConfigCommand::Merge(merge) => merge.run(context).map(Answer::from),
            ConfigCommand::Accept(accept) => accept.run(context).map(Answer::from),
            ConfigCommand::Reject(reject) => reject.run(context).map(Answer::from),
        }
    }
}
