//! The command line of `igos-build`: each command parses, calls one operation and returns its value.

mod build;
mod cache;
mod fetch;
mod graph;
mod key;
mod key_apply;
mod key_draft;
mod key_make;
mod key_new;
mod key_renew;
mod key_replace;
mod key_show;
mod key_sign;
mod order;
mod pipeline;
mod pipeline_explain;
mod pipeline_list;
mod pipeline_run;
mod pipeline_scripts;
mod pipeline_status;
mod provenance;
mod publish;
mod publish_sources;
mod recipe;
mod recipe_checksum;
mod recipe_lint;
mod recipe_list;
mod recipe_new;
mod recipe_outdated;
mod recipe_show;
mod recipe_text;
mod recipes;
mod reference;
mod reproduce;
mod reproduce_answer;
mod run;
mod sbom;
mod settings;
mod shell;
mod signing;
mod staging;
mod toolchain;
mod toolchain_compare;
mod toolchain_make;
mod why_rebuild;
mod workshop;

use clap::{Parser, Subcommand};
use igos_cli::{Answer, Failure, Globals, Program, Session};

pub use recipes::RecipeFlags;

/// The factory: recipes in, archives out
///
/// A recipe says how to build one or more packages. `igos-build` reads recipes from the directories of
/// `--recipes`, sorts them so that dependencies come first, and builds each in a sandbox that holds nothing but
/// what the recipe declares.
#[derive(Debug, Parser)]
#[command(name = "igos-build", version, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages recipe list\n  igos-build --recipes packages:kiss/community order pigz\n  igos-build --recipes packages recipe lint\n\nExit codes: 0 done, 1 the answer is no, 2 usage, 3 settings, 4 could not finish, 70 our defect,\n75 locked by another, 130 interrupted"
)]
pub struct IgosBuild {
    #[command(flatten)]
    globals: Globals,
    #[command(flatten)]
    recipes: RecipeFlags,
    #[command(flatten)]
    workshop: workshop::WorkshopFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List, show, check and write recipes
    #[command(subcommand)]
    Recipe(recipe::RecipeCommand),
    Build(build::BuildCommand),
    /// Print the order in which packages are built, and why each is
    Order(order::OrderCommand),
    /// Print which recipe needs which, for Graphviz or as JSON
    Graph(graph::GraphCommand),
    Fetch(fetch::FetchCommand),
    Shell(shell::ShellCommand),
    Run(run::RunCommand),
    WhyRebuild(why_rebuild::WhyRebuildCommand),
    #[command(subcommand)]
    Cache(cache::CacheCommand),
    #[command(subcommand)]
    Pipeline(pipeline::PipelineCommand),
    Publish(publish::PublishCommand),
    Reproduce(reproduce::ReproduceCommand),
    Provenance(provenance::ProvenanceCommand),
    Sbom(sbom::SbomCommand),
    #[command(subcommand)]
    Staging(staging::StagingCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
    Settings(settings::SettingsCommand),
    Reference(reference::ReferenceCommand),
    #[command(subcommand)]
    Toolchain(toolchain::ToolchainCommand),
}

impl Program for IgosBuild {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

/// Carries out a command line.
///
/// # Errors
///
/// Returns why there is no answer.
pub fn execute(program: IgosBuild, session: &Session) -> Result<Answer, Failure> {
    igos_sandbox::stop_when(session.interrupt().flag());
    let (globals, recipes, workshop) = (&program.globals, &program.recipes, &program.workshop);
    match program.command {
        Command::Recipe(command) => command.execute(globals, workshop, recipes, session),
        Command::Order(command) => command.execute(recipes, session),
        Command::Graph(command) => command.execute(recipes, session),
        Command::Build(command) => command.execute(globals, workshop, recipes, session),
        Command::Fetch(command) => command.execute(globals, workshop, recipes, session),
        Command::Shell(command) => command.execute(globals, workshop, recipes, session),
        Command::Run(command) => command.execute(globals, session),
        Command::WhyRebuild(command) => command.execute(globals, workshop, recipes, session),
        Command::Cache(command) => command.execute(globals, workshop, recipes, session),
        Command::Pipeline(command) => command.execute(globals, workshop, recipes, session),
        Command::Provenance(command) => command.execute(),
        Command::Sbom(command) => command.execute(),
        Command::Reproduce(command) => command.execute(globals, workshop, recipes, session),
        Command::Publish(command) => command.execute(globals, workshop, recipes, session),
        Command::Staging(command) => command.execute(globals, session),
        Command::Key(command) => command.execute(globals, session),
        Command::Settings(command) => command.execute(recipes, session),
        Command::Reference(command) => command.execute(globals, workshop, recipes, session),
        Command::Toolchain(command) => command.execute(globals, workshop, recipes, session),
    }
}
