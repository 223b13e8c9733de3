//! `pkm repository remove`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_repo::repository::RepositoryName;
use serde::Serialize;

use super::Context;
use super::client::parse_name;

/// Remove a repository
///
/// Deletes its settings and what is known of it. What was installed from it stays.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm repository remove testing\n  pkm --yes repository remove testing"
)]
pub(super) struct RepositoryRemove {
    /// Its name on this machine
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: RepositoryName,
}

impl RepositoryRemove {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RepositoryRemoveAnswer, Failure> {
        let places = context.places();
        let settings = places.load_one(&self.name)?;
        let answer = RepositoryRemoveAnswer {
            name: self.name,
            is_removed: !context.is_dry_run(),
        };
        if answer.is_removed {
            let plan = format!(
                "removes repository {} ({}) and what is known of it\n",
                answer.name, settings.url
            );
            context.session.confirm(&plan, "Remove it?")?;
            places.remove(&settings, context.waiting(), context.session.reporter())?;
        }
        Ok(answer)
    }
}

/// What was removed.
#[derive(Debug, Serialize)]
pub(super) struct RepositoryRemoveAnswer {
    name: RepositoryName,
    is_removed: bool,
}

impl Render for RepositoryRemoveAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.is_removed {
            writeln!(out, "repository {} is removed", self.name)
        } else {
            writeln!(out, "repository {} would be removed", self.name)
        }
    }
}
