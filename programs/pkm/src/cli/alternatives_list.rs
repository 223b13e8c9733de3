//! `pkm alternatives list`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_sysroot::{Alternative, Unmanaged};
use serde::Serialize;

use super::Context;

/// List paths that packages offer to serve, and who serves them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm alternatives list\n  pkm alternatives list --json")]
pub(super) struct AlternativesList {}

impl AlternativesList {
    pub(super) fn run(self, context: &Context<'_>) -> Result<AlternativesAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        Ok(AlternativesAnswer(sysroot.alternatives()?))
    }
}

/// Paths that packages offer to serve, by path.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct AlternativesAnswer(Vec<Alternative>);

impl Render for AlternativesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for alternative in &self.0 {
            writeln!(out, "/{}", alternative.path)?;
            for offer in &alternative.offers {
                let note = match (offer.package == alternative.package, alternative.is_chosen) {
                    (false, _) => "",
                    (true, false) => ", serves it",
                    (true, true) => ", serves it by your choice",
                };
                writeln!(
                    out,
                    "  {}: /{}, priority {}{note}",
                    offer.package, offer.target, offer.priority
                )?;
            }
        }
        Ok(())
    }
}
