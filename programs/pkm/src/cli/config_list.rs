//! `pkm config list`: configuration files that are not as their packages brought them.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{ConfigurationFile, ConfigurationState, Unmanaged};
use serde::Serialize;

use super::Context;

/// List configuration files that you edited or deleted, and new versions that wait
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm config list\n  pkm config list --pending\n  pkm config list --all --json"
)]
pub(super) struct ConfigList {
    /// Also list files that nobody changed
    #[arg(long, conflicts_with = "pending")]
    all: bool,
    /// List only files of which a new version waits for an answer
    #[arg(long)]
    pending: bool,
}

impl ConfigList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ConfigListAnswer, Failure> {
        let mut files = context.sysroot(Unmanaged::Refuse)?.configuration()?;
        files.retain(|file| match file.state {
            ConfigurationState::Unchanged => self.all,
            ConfigurationState::Pending => true,
            ConfigurationState::Edited | ConfigurationState::Deleted => !self.pending,
        });
        Ok(ConfigListAnswer(files))
    }
}

/// Configuration files by path.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ConfigListAnswer(Vec<ConfigurationFile>);

impl Render for ConfigListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for file in &self.0 {
            write!(
                out,
                "{:<9} /{} ({})",
                file.state.as_str(),
                file.path,
                file.package
            )?;
            match &file.beside {
                Some(beside) => writeln!(out, ": the new version is /{beside}")?,
                None => writeln!(out)?,
            }
        }
        Ok(())
    }
}
