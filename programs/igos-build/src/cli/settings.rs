//! `igos-build settings`

use clap::Args;
use igos_cli::settings::SettingsAnswer;
use igos_cli::{Answer, Failure, Session};

use super::recipes::RecipeFlags;
use super::workshop;

/// Show the settings in force
///
/// They come from `/usr/lib/igos/igos-build.toml`, `/etc/igos/igos-build.toml`, the files of
/// `/etc/igos/igos-build.d/`, `igos.toml` of the first recipe tree, and a few variables; what comes later wins.
#[derive(Debug, Args)]
pub(super) struct SettingsCommand {
    /// Show where each of them comes from
    #[arg(long)]
    origin: bool,
}

impl SettingsCommand {
    pub(super) fn execute(
        self,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let loaded = workshop::load_settings(recipes, session)?;
        Ok(Answer::from(SettingsAnswer::new(&loaded, self.origin)))
    }
}
