//! `igos-build pipeline list`

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session};
use igos_report::Diagnostic;
use serde::Serialize;

use super::pipeline::{Place, Prepared, ProfileFlags};
use super::recipes::RecipeFlags;
use super::workshop::WorkshopFlags;
use crate::pipeline::{Explanation, Phase, draw_graph, draw_schedule, explain};

/// List all phases in their order; draw the graph and the schedule of a profile
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build pipeline list\n  igos-build --recipes packages pipeline list --profile standard --graph graph.svg --schedule schedule.svg"
)]
pub(super) struct ListCommand {
    #[command(flatten)]
    profile: ProfileFlags,
    /// Draw the recipes of the profile, and which needs which, as SVG
    #[arg(long, value_name = "FILE")]
    graph: Option<PathBuf>,
    /// Draw when each package would be built, from how long each took last, as SVG
    #[arg(long, value_name = "FILE")]
    schedule: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct ListAnswer {
    phases: Vec<Listed>,
    drawn: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Listed {
    phase: Phase,
    number: usize,
    is_there: bool,
    summary: &'static str,
}

impl ListCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let mut drawn = Vec::new();
        if self.graph.is_some() || self.schedule.is_some() {
            let workshop = workshop.open(globals, recipes, session)?;
            let place = Place::Temporary;
            let prepared = Prepared::open(&self.profile, place, workshop, recipes, session)?;
            if let Some(file) = self.graph {
                draw(&file, &prepared.with(session, draw_graph))?;
                drawn.push(file);
            }
            if let Some(file) = self.schedule {
                draw(&file, &prepared.with(session, draw_schedule))?;
                drawn.push(file);
            }
        }
        let listed = |phase: Phase| {
            let Explanation { summary, .. } = explain(phase);
            Listed {
                phase,
                number: phase.number(),
                is_there: phase.is_there(),
                summary,
            }
        };
        Ok(Answer::from(ListAnswer {
            phases: Phase::ALL.into_iter().map(listed).collect(),
            drawn,
        }))
    }
}

fn draw(file: &Path, text: &str) -> Result<(), Failure> {
    fs_err::write(file, text).map_err(|error| {
        let message = format!("cannot write {}", file.display());
        let diagnostic = Diagnostic::error("file-unwritable", message);
        Failure::new(Exit::Unfinished, diagnostic.because(error.to_string()))
    })
}

impl Render for ListAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for one in &self.phases {
            writeln!(
                out,
                "{:>2} {:<15} {}",
                one.number,
                one.phase.as_str(),
                one.summary
            )?;
        }
        for file in &self.drawn {
            writeln!(out, "drew {}", file.display())?;
        }
        Ok(())
    }
}
