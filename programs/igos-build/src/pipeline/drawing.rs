//! The graph of a profile's recipes and the schedule of its phases, as SVG.

use std::collections::{BTreeMap, BTreeSet};

use super::Phase;
use super::work::Pipeline;
use crate::markup::{Drawing, layers};
use crate::schedule::forecast;

/// Width of a recipe's box, in pixels.
const BOX_WIDTH: usize = 132;
/// Height of a recipe's box.
const BOX_HEIGHT: usize = 22;
/// From one column of boxes to the next.
const COLUMN: usize = 190;
/// From one row of boxes to the next.
const ROW: usize = 30;
/// Around everything.
const MARGIN: usize = 20;
/// Height of the line of names of phases.
const HEADING: usize = 30;
/// Width of a whole schedule.
const SCHEDULE_WIDTH: f64 = 1200.0;
/// Seconds that a build takes of which nothing is known.
const UNKNOWN_SECONDS: f64 = 10.0;

/// The colour of a phase's boxes; names are always written, too.
fn colour(phase: Phase) -> &'static str {
    match phase {
        Phase::Core => "#cfe3ff",
        Phase::Config => "#e8e8e8",
        Phase::CoreExtra => "#d9f2d9",
        Phase::Base => "#fff0c2",
        Phase::Kernel => "#ffd9cc",
        Phase::Desktop => "#ead9ff",
        Phase::Ai => "#ffd9ec",
        _ => "#d9f5f2",
    }
}

/// Returns the graph of all recipes of a profile: a recipe is right of everything that it needs.
#[must_use]
pub fn draw_graph(pipeline: &Pipeline<'_>) -> String {
    let selection = pipeline.selection;
    let members: Vec<usize> = selection
        .order
        .order
        .iter()
        .filter_map(|step| selection.graph.find(&step.name))
        .collect();
    let place = |at| members.iter().position(|other| *other == at);
    let needed: Vec<BTreeSet<usize>> = members
        .iter()
        .map(|at| needs(pipeline, *at).into_iter().filter_map(place).collect())
        .collect();
    let grid = layers(&needed);
    let places: BTreeMap<usize, (usize, usize)> = members
        .iter()
        .zip(&grid)
        .map(|(at, (column, row))| {
            let (x, y) = (column * COLUMN, HEADING + row * ROW);
            (*at, (MARGIN + x, MARGIN + y))
        })
        .collect();
    let columns = grid.iter().map(|place| place.0 + 1).max().unwrap_or(1);
    let rows = grid.iter().map(|place| place.1 + 1).max().unwrap_or(1);
    let width = MARGIN * 2 + columns * COLUMN;
    let height = MARGIN * 2 + HEADING + rows * ROW;
    let title = format!("Recipes of profile {}", pipeline.profile.name);
    let mut drawing = Drawing::new(width, height, &title);
    for (number, phase) in selection.recipes.keys().enumerate() {
        let x = (MARGIN + number * 110) as f64;
        drawing.rectangle((x, 12.0), (14.0, 14.0), colour(*phase), phase.as_str());
        drawing.word((x + 20.0, 23.0), phase.as_str());
    }
    for at in &members {
        for one in needs(pipeline, *at) {
            if let (Some(from), Some(to)) = (places.get(&one), places.get(at)) {
                let half = BOX_HEIGHT / 2;
                drawing.line((from.0 + BOX_WIDTH, from.1 + half), (to.0, to.1 + half));
            }
        }
    }
    for at in &members {
        let (place, entry) = (places[at], &pipeline.tree.entries[*at]);
        let fill = selection.phase_of(*at).map_or("white", colour);
        let place = (place.0 as f64, place.1 as f64);
        let title = format!("{} {}", entry.recipe.name, entry.recipe.full_version());
        let size = (BOX_WIDTH as f64, BOX_HEIGHT as f64);
        drawing.rectangle(place, size, fill, &title);
        drawing.word((place.0 + 6.0, place.1 + 15.0), entry.recipe.name.as_str());
    }
    drawing.finish()
}

/// Returns the recipes that a recipe needs, each once.
fn needs(pipeline: &Pipeline<'_>, at: usize) -> BTreeSet<usize> {
    pipeline.selection.graph.recipes_needed(at).collect()
}

/// One bar of a schedule.
struct Bar {
    phase: Phase,
    name: String,
    lane: usize,
    start: f64,
    end: f64,
    is_known: bool,
}

/// Returns when each package of the system would be built, phase after phase, from how long each took last.
#[must_use]
pub fn draw_schedule(pipeline: &Pipeline<'_>) -> String {
    let jobs = pipeline.jobs.get();
    let mut bars = Vec::new();
    let mut now = 0.0;
    for (phase, recipes) in &pipeline.selection.recipes {
        let edges: Vec<Vec<usize>> = recipes
            .iter()
            .map(|at| {
                let place = |one| recipes.iter().position(|other| *other == one);
                needs(pipeline, *at).into_iter().filter_map(place).collect()
            })
            .collect();
        let names = recipes
            .iter()
            .map(|at| &pipeline.selection.graph.names[*at]);
        let known: Vec<Option<f64>> = names
            .clone()
            .map(|name| super::preview::last_seconds(pipeline, name))
            .collect();
        let seconds: Vec<f64> = known
            .iter()
            .map(|one| one.unwrap_or(UNKNOWN_SECONDS))
            .collect();
        let told = forecast(&edges, &seconds, jobs);
        for ((slot, name), known) in told.slots.iter().zip(names).zip(known) {
            bars.push(Bar {
                phase: *phase,
                name: name.to_string(),
                lane: slot.lane,
                start: now + slot.start,
                end: now + slot.end,
                is_known: known.is_some(),
            });
        }
        now += told.seconds;
    }
    bars_as_svg(pipeline, &bars, jobs, now)
}

fn bars_as_svg(pipeline: &Pipeline<'_>, bars: &[Bar], jobs: usize, seconds: f64) -> String {
    let width = MARGIN * 2 + SCHEDULE_WIDTH as usize;
    let height = MARGIN * 2 + HEADING + jobs * ROW;
    let title = format!(
        "Schedule of profile {} with {jobs} jobs: {seconds:.0} s",
        pipeline.profile.name
    );
    let mut drawing = Drawing::new(width, height, &title);
    drawing.word((MARGIN as f64, 23.0), &title);
    let scale = SCHEDULE_WIDTH / seconds.max(1.0);
    for bar in bars {
        let x = MARGIN as f64 + bar.start * scale;
        let y = (MARGIN + HEADING + bar.lane * ROW) as f64;
        let wide = (bar.end - bar.start) * scale;
        let guess = if bar.is_known { "" } else { " (a guess)" };
        let told = format!(
            "{} of phase {}: {:.0} s{guess}",
            bar.name,
            bar.phase,
            bar.end - bar.start
        );
        drawing.rectangle((x, y), (wide, BOX_HEIGHT as f64), colour(bar.phase), &told);
        // Seven pixels are about one letter.
        if wide > bar.name.len() as f64 * 7.0 {
            drawing.word((x + 4.0, y + 15.0), &bar.name);
        }
    }
    drawing.finish()
}
