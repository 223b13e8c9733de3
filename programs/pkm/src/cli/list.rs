//! `pkm list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{Listed, Reason, Unmanaged};
use serde::Serialize;

use super::Context;

/// List installed packages
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm list\n  pkm list --explicit --json")]
pub(super) struct List {
    /// List what was asked for alone
    #[arg(long, conflicts_with = "automatic")]
    explicit: bool,
    /// List what is there because others need it alone
    #[arg(long)]
    automatic: bool,
}

impl List {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ListAnswer, Failure> {
        let mut packages = context.sysroot(Unmanaged::Refuse)?.list()?;
        let reason = match (self.explicit, self.automatic) {
            (true, _) => Some(Reason::Explicit),
            (_, true) => Some(Reason::Automatic),
            _ => None,
        };
        packages.retain(|listed| reason.is_none_or(|reason| listed.reason == reason.as_str()));
        Ok(ListAnswer(packages))
    }
}

/// Installed packages, by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ListAnswer(Vec<Listed>);

impl Render for ListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let width = self
            .0
            .iter()
            .map(|listed| listed.package.to_string().len())
            .max()
            .unwrap_or_default();
        for listed in &self.0 {
            let line = format!(
                "{:<width$}  {}",
                listed.package.to_string(),
                listed.description
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
