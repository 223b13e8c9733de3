//! `igos-build recipe …`

use clap::Subcommand;
use igos_cli::{Answer, Failure, Globals, Session};

use super::recipe_checksum::ChecksumCommand;
use super::recipe_lint::LintCommand;
use super::recipe_list;
use super::recipe_new::NewCommand;
use super::recipe_outdated::OutdatedCommand;
use super::recipe_show::ShowCommand;
use super::recipes::RecipeFlags;
use super::workshop::WorkshopFlags;

#[derive(Debug, Subcommand)]
pub(super) enum RecipeCommand {
    /// List all recipes in search order
    List,
    /// Show everything that one recipe says
    Show(ShowCommand),
    /// Report errors and what is likely wrong
    Lint(LintCommand),
    /// Write the beginning of a recipe
    New(NewCommand),
    /// Write the digests of a recipe's sources into it
    Checksum(ChecksumCommand),
    Outdated(OutdatedCommand),
}

impl RecipeCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        match self {
            RecipeCommand::List => recipe_list::execute(recipes, session),
            RecipeCommand::Show(command) => command.execute(recipes, session),
            RecipeCommand::Lint(command) => command.execute(recipes, session),
            RecipeCommand::New(command) => command.execute(globals, recipes, session),
            RecipeCommand::Checksum(command) => command.execute(globals, recipes, session),
            RecipeCommand::Outdated(command) => {
                command.execute(globals, workshop, recipes, session)
            }
        }
    }
}
