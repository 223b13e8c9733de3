//! `igos-build pipeline`

use clap::{Args, Subcommand};
use igos_cli::{Answer, Exit, Failure, Globals, Session};
use igos_format::PackageName;
use igos_repo::Fetcher;
use igos_report::Diagnostic;

use super::pipeline_explain::ExplainCommand;
use super::pipeline_list::ListCommand;
use super::pipeline_run::RunCommand;
use super::pipeline_scripts::ScriptsCommand;
use super::pipeline_status::StatusCommand;
use super::recipes::RecipeFlags;
use super::workshop::{PolicyFlags, Workshop, WorkshopFlags};
use crate::execute::BuildSettings;
use crate::pipeline::bootstrap::Bootstrap;
use crate::pipeline::configuration::Configuration;
use crate::pipeline::{Pipeline, Profile, Selection};
use crate::plan::RootMode;
use crate::tree::{self, Tree};

/// Make a whole system, in phases
///
/// A profile of the recipe tree says what the system is. Each phase writes a receipt of what it was made from and what
/// it made; what did not change is not done again, and a run that was stopped goes on where it was.
#[derive(Debug, Subcommand)]
pub(super) enum PipelineCommand {
    Run(RunCommand),
    Status(StatusCommand),
    List(ListCommand),
    Explain(ExplainCommand),
    Scripts(ScriptsCommand),
}

impl PipelineCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        match self {
            PipelineCommand::Run(command) => command.execute(globals, workshop, recipes, session),
            PipelineCommand::Status(command) => {
                command.execute(globals, workshop, recipes, session)
            }
            PipelineCommand::List(command) => command.execute(globals, workshop, recipes, session),
            PipelineCommand::Explain(command) => command.execute(),
            PipelineCommand::Scripts(command) => {
                command.execute(globals, workshop, recipes, session)
            }
        }
    }
}

/// Which system.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct ProfileFlags {
    /// The system to make: the name of a file in `profiles` of the first recipe tree
    #[arg(long, value_name = "NAME", default_value = "minimal")]
    pub(super) profile: PackageName,
    #[command(flatten)]
    pub(super) policy: PolicyFlags,
}

/// Where the recipe of the configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the directory of the pipeline, which a run needs.
    Pipeline,
    /// In a directory that is gone afterwards: nothing is changed.
    Temporary,
}

/// Everything that a pipeline is made of.
pub(super) struct Prepared {
    pub(super) workshop: Workshop,
    settings: BuildSettings,
    tree: Tree,
    profile: Profile,
    bootstrap: Bootstrap,
    selection: Selection,
    _temporary: Option<tempfile::TempDir>,
}

impl Prepared {
    /// Reads profile, chain and recipes.
    pub(super) fn open(
        flags: &ProfileFlags,
        place: Place,
        workshop: Workshop,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Self, Failure> {
        let settings = workshop.build_settings(&flags.policy)?;
        if settings.mode == RootMode::Host {
            return Err(Failure::usage(
                "a pipeline builds from packages alone: `--mode host` is for single packages",
            ));
        }
        let mut path = recipes.settings(session);
        let Some(first) = path.path.first().cloned() else {
            return Err(Failure::usage("no recipes were named")
                .hint("name them with `--recipes DIR` or in the variable `IGOS_RECIPES`"));
        };
        let profile = Profile::load(&first, &flags.profile)?;
        let bootstrap = Bootstrap::load(&first)?;
        let configuration = Configuration::of(&profile);
        let temporary = match place {
            Place::Pipeline => None,
            Place::Temporary => Some(tempfile::tempdir().map_err(|error| no_directory(&error))?),
        };
        if let Some(configuration) = &configuration {
            let work = match &temporary {
                Some(temporary) => temporary.path().to_owned(),
                None => workshop.cache.pipeline(&profile.name),
            };
            path.path.push(configuration.write(&work)?);
        }
        let mut tree = tree::load(&path)?;
        choose_fragments(&mut tree, &profile);
        let name = configuration.map(|configuration| configuration.name);
        let selection = Selection::new(&tree, &profile, name.as_ref());
        Ok(Prepared {
            workshop,
            settings,
            tree,
            profile,
            bootstrap,
            selection,
            _temporary: temporary,
        })
    }

    /// Calls `operation` with the pipeline.
    pub(super) fn with<T>(
        &self,
        session: &Session,
        operation: impl FnOnce(&Pipeline<'_>) -> T,
    ) -> T {
        let fetcher: Fetcher<'_> = self.workshop.fetcher();
        let debian = self.workshop.debian_fetcher();
        operation(&Pipeline {
            cache: &self.workshop.cache,
            settings: &self.settings,
            tree: &self.tree,
            profile: &self.profile,
            bootstrap: &self.bootstrap,
            selection: &self.selection,
            fetcher: &fetcher,
            debian: (self.workshop.debian(), &debian),
            publish: None,
            jobs: self.workshop.jobs(),
            interrupted: session.interrupt().flag(),
            reporter: session.reporter(),
        })
    }
}

/// Tells the kernel's recipe which fragments of its configuration the profile wants.
fn choose_fragments(tree: &mut Tree, profile: &Profile) {
    let Some(kernel) = &profile.kernel else {
        return;
    };
    let makes = |recipe: &igos_recipe::Recipe| {
        let mut outputs = recipe.outputs.iter();
        outputs.any(|output| output.name == kernel.package)
    };
    let names: Vec<&str> = kernel.fragments.iter().map(PackageName::as_str).collect();
    for entry in tree.entries.iter_mut().filter(|entry| makes(&entry.recipe)) {
        let environment = &mut entry.recipe.environment;
        environment.insert("KERNEL_FRAGMENTS".to_owned(), names.join(" "));
    }
}

fn no_directory(error: &std::io::Error) -> Failure {
    let diagnostic = Diagnostic::error("directory-refused", "cannot make a temporary directory");
    Failure::new(Exit::Unfinished, diagnostic.because(error.to_string()))
}
