//! `pkm services list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{InstalledService, Unmanaged};
use serde::Serialize;

use super::Context;

/// List services that installed packages bring, and whether they start with the machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm services list\n  pkm services list --json")]
pub(super) struct ServicesList {}

impl ServicesList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ServicesAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        Ok(ServicesAnswer(sysroot.services()?))
    }
}

/// Services, by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ServicesAnswer(Vec<InstalledService>);

impl Render for ServicesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for service in &self.0 {
            let suggested = match service.is_suggested {
                true => ", which suggests enabling it",
                false => "",
            };
            writeln!(out, "{}: of {}{suggested}", service.name, service.package)?;
            for link in &service.links {
                let state = match link.is_enabled {
                    true => "enabled",
                    false => "not enabled",
                };
                writeln!(out, "  {}: {state}, /{}", link.manager, link.path)?;
            }
            if service.links.is_empty() {
                writeln!(out, "  cannot be enabled: the package has no file for it")?;
            }
        }
        Ok(())
    }
}
