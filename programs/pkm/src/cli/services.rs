//! `pkm services`: services that installed packages bring.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};
use igos_sysroot::ServiceWish;

use super::Context;
use super::services_change::{ServicesDisable, ServicesEnable};
use super::services_list::ServicesList;

/// Show which services packages bring, and let them start with the machine
///
/// Nothing is enabled unless you ask for it, and nothing is started here. Services are enabled by links for the
/// runlevel `default` of OpenRC and for `multi-user.target` of systemd, which belong to the record and go with the package.
#[derive(Debug, Args)]
#[command(
    visible_alias = "service",
    after_help = "Examples:\n  pkm services list\n  pkm services enable sshd\n  pkm services disable sshd",
    arg_required_else_help = true
)]
pub(super) struct Services {
    #[command(subcommand)]
    command: ServicesCommand,
}

#[derive(Debug, Subcommand)]
enum ServicesCommand {
    #[command(visible_alias = "ls")]
    List(ServicesList),
    Enable(ServicesEnable),
    Disable(ServicesDisable),
}

impl Services {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            ServicesCommand::List(list) => list.run(context).map(Answer::from),
            ServicesCommand::Enable(enable) => enable
                .names
                .run(context, ServiceWish::Enabled)
                .map(Answer::from),
            ServicesCommand::Disable(disable) => disable
                .names
                .run(context, ServiceWish::Disabled)
                .map(Answer::from),
        }
    }
}
