//! `pkm settings`: what is set, and where.

use clap::Args;
use igos_cli::Failure;
use igos_cli::settings::SettingsAnswer;

use super::Context;

/// Show the settings in force
#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from, lowest to highest: built in, /usr/lib/igos/pkm.toml, /etc/igos/pkm.toml,\n\
        /etc/igos/pkm.d/*.toml, variables, flags; all files below --root.\n\n\
        Examples:\n  pkm settings --origin\n  IGOS_ARCHIVES=/srv/archives pkm settings"
)]
pub(super) struct Settings {
    /// Show what each setting is for, and where its value comes from
    #[arg(long)]
    origin: bool,
}

impl Settings {
    pub(super) fn run(self, context: &Context<'_>) -> Result<SettingsAnswer, Failure> {
        Ok(SettingsAnswer::new(&context.settings()?, self.origin))
    }
}
