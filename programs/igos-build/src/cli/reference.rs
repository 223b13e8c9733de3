//! `igos-build reference`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session, Size};
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use super::workshop::WorkshopFlags;
use crate::reference::{Reference, Replaced, site, write};

/// Write a web site of all packages
///
/// For each recipe a page with its version, licence, sources, what it needs and what needs it; from archives in the cache
/// also files, sizes, configuration files and how they came to be. Pages for tiers with their graphs, for licences and
/// for configuration files, and a search. Plain files, which a browser opens from the disk or from any web server;
/// nothing is loaded from elsewhere. The same recipes and archives give the same bytes.
///
/// The directory is made, or was empty, or holds a site that this command wrote and nothing else; that is replaced at
/// once.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages reference --out site\n  igos-build --recipes packages reference --out site --dry-run"
)]
pub(super) struct ReferenceCommand {
    /// The directory of the site
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, Serialize)]
struct ReferenceAnswer {
    directory: PathBuf,
    recipes: usize,
    /// Recipes with archives in the cache.
    built: usize,
    files: usize,
    size: usize,
    is_replaced: bool,
    is_dry_run: bool,
    #[serde(skip)]
    exit: Exit,
}

impl ReferenceCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipes.load(session)?;
        let workshop = workshop.open(globals, recipes, session)?;
        let reference = Reference::new(&tree, &workshop.cache);
        for note in &reference.notes {
            session.notice(note.clone());
        }
        let site = site(&reference);
        let replaced = if globals.dry_run {
            Replaced::Nothing
        } else {
            write(&site, &self.out)?
        };
        Ok(Answer::from(ReferenceAnswer {
            directory: self.out,
            recipes: tree.entries.len(),
            built: reference.built.iter().flatten().count(),
            files: site.len(),
            size: site.values().map(Vec::len).sum(),
            is_replaced: replaced == Replaced::Site,
            is_dry_run: globals.dry_run,
            exit: recipes::exit(&tree),
        }))
    }
}

impl Render for ReferenceAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let word = match (self.is_dry_run, self.is_replaced) {
            (true, _) => "would be written",
            (false, true) => "replaced",
            (false, false) => "written",
        };
        writeln!(
            out,
            "{}  {word}: {} recipes, {} of them with archives; {} files, {}",
            self.directory.display(),
            self.recipes,
            self.built,
            self.files,
            Size(self.size as u64)
        )
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}
