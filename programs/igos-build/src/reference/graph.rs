//! Which needs which, drawn: the neighbours of a package, and a whole tier.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::Tier;

use super::Reference;
use super::page::package_path;
use crate::markup::{Drawing, layers};

const BOX_WIDTH: usize = 150;
const BOX_HEIGHT: usize = 22;
/// From one column of boxes to the next.
const COLUMN: usize = 230;
/// From one row of boxes to the next.
const ROW: usize = 28;
const MARGIN: usize = 12;
/// Most neighbours on one side; musl has a hundred, of which nobody would find one.
const NEIGHBOURS_MAX: usize = 24;
/// Letters that fit into a box.
const LETTERS: usize = 23;
/// Most recipes of a tier that is drawn; a larger graph is black.
const TIER_MAX: usize = 400;

/// The colour of a tier's boxes, in which text is black by day and by night.
fn colour(tier: Option<Tier>) -> &'static str {
    match tier {
        Some(Tier::Toolchain) => "#e8e8e8",
        Some(Tier::Core) => "#cfe3ff",
        Some(Tier::Base) => "#fff0c2",
        Some(Tier::Desktop) => "#ead9ff",
        Some(Tier::Extra) => "#d9f5f2",
        Some(Tier::Ai) => "#ffd9ec",
        None => "#f4f4f4",
    }
}

/// Draws what a recipe needs on its left, and what needs it on its right; `None` where it is alone.
pub(super) fn neighbours(reference: &Reference<'_>, at: usize) -> Option<Drawing> {
    let needed: Vec<usize> = reference.needs(at).into_keys().collect();
    let needing: Vec<usize> = reference.needed_by[at]
        .keys()
        .copied()
        .filter(|other| *other != at)
        .collect();
    if needed.is_empty() && needing.is_empty() {
        return None;
    }
    let boxes = |side: &[usize]| match side.len() {
        count if count > NEIGHBOURS_MAX => NEIGHBOURS_MAX + 1,
        count => count,
    };
    let rows = boxes(&needed).max(boxes(&needing)).max(1);
    let height = MARGIN * 2 + rows * ROW;
    let title = format!("What {0} needs, and what needs {0}", reference.name(at));
    let mut drawing = Drawing::new(MARGIN * 2 + COLUMN * 2 + BOX_WIDTH, height, &title);
    let middle = (MARGIN + COLUMN, MARGIN + (rows - 1) * ROW / 2);
    let half = BOX_HEIGHT / 2;
    let start = |side: &[usize]| MARGIN + (rows - boxes(side)) * ROW / 2;
    for row in 0..boxes(&needed) {
        let y = start(&needed) + row * ROW + half;
        drawing.line((MARGIN + BOX_WIDTH, y), (middle.0, middle.1 + half));
    }
    for row in 0..boxes(&needing) {
        let y = start(&needing) + row * ROW + half;
        let from = (middle.0 + BOX_WIDTH, middle.1 + half);
        drawing.line(from, (MARGIN + COLUMN * 2, y));
    }
    for (side, x) in [(&needed, MARGIN), (&needing, MARGIN + COLUMN * 2)] {
        for (row, other) in side.iter().take(NEIGHBOURS_MAX).enumerate() {
            place(
                &mut drawing,
                reference,
                *other,
                (x, start(side) + row * ROW),
            );
        }
        if side.len() > NEIGHBOURS_MAX {
            let y = start(side) + NEIGHBOURS_MAX * ROW + 15;
            let more = format!("and {} more, listed above", side.len() - NEIGHBOURS_MAX);
            drawing.word((x as f64 + 6.0, y as f64), &more);
        }
    }
    place(&mut drawing, reference, at, middle);
    Some(drawing)
}

/// Draws the recipes of a tier: each is right of everything of the tier that it needs. Where a recipe needs another
/// one also by way of a third, only that way is drawn. `None` for tiers that are too large to be seen.
pub(super) fn tier(reference: &Reference<'_>, tier: Option<Tier>) -> Option<Drawing> {
    let members = reference.members(tier);
    if members.len() > TIER_MAX {
        return None;
    }
    let numbers: BTreeMap<usize, usize> = members
        .iter()
        .enumerate()
        .map(|(number, at)| (*at, number))
        .collect();
    let needs: Vec<BTreeSet<usize>> = members
        .iter()
        .map(|at| {
            let needed = reference.needs(*at).into_keys();
            needed
                .filter_map(|one| numbers.get(&one).copied())
                .collect()
        })
        .collect();
    let needs = without_shortcuts(&needs);
    let grid = layers(&needs);
    let columns = grid.iter().map(|place| place.0 + 1).max().unwrap_or(1);
    let rows = grid.iter().map(|place| place.1 + 1).max().unwrap_or(1);
    let width = MARGIN * 2 + (columns - 1) * COLUMN + BOX_WIDTH;
    let title = "Each package is right of those of this tier that it needs";
    let mut drawing = Drawing::new(width, MARGIN * 2 + rows * ROW, title);
    let corner = |node: usize| (MARGIN + grid[node].0 * COLUMN, MARGIN + grid[node].1 * ROW);
    let half = BOX_HEIGHT / 2;
    for (node, needed) in needs.iter().enumerate() {
        for one in needed {
            let (from, to) = (corner(*one), corner(node));
            drawing.line((from.0 + BOX_WIDTH, from.1 + half), (to.0, to.1 + half));
        }
    }
    for (node, at) in members.iter().enumerate() {
        place(&mut drawing, reference, *at, corner(node));
    }
    Some(drawing)
}

/// Leaves out what is needed by way of another need as well.
fn without_shortcuts(needs: &[BTreeSet<usize>]) -> Vec<BTreeSet<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..needs.len()).map(|node| reached(needs, node)).collect();
    let is_shortcut = |node: usize, one: usize| {
        needs[node]
            .iter()
            // In a circle everything reaches everything: there, all is drawn.
            .any(|other| {
                *other != one && reach[*other].contains(&one) && !reach[one].contains(other)
            })
    };
    needs
        .iter()
        .enumerate()
        .map(|(node, needed)| {
            let kept = needed.iter().filter(|one| !is_shortcut(node, **one));
            kept.copied().collect()
        })
        .collect()
}

fn reached(needs: &[BTreeSet<usize>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = needs[from].iter().copied().collect();
    while let Some(node) = open.pop() {
        if found.insert(node) {
            open.extend(&needs[node]);
        }
    }
    found
}

/// Draws the box of a recipe, which leads to its page from any page below the top.
fn place(drawing: &mut Drawing, reference: &Reference<'_>, at: usize, corner: (usize, usize)) {
    let recipe = &reference.tree.entries[at].recipe;
    let name = reference.name(at);
    let shown: String = match name.len() {
        length if length > LETTERS => format!("{}…", &name[..LETTERS - 1]),
        _ => name.to_owned(),
    };
    let corner = (corner.0 as f64, corner.1 as f64);
    drawing.link(&format!("../{}", package_path(name)), |inside| {
        let title = format!("{name} {}", recipe.full_version());
        let size = (BOX_WIDTH as f64, BOX_HEIGHT as f64);
        inside.rectangle(corner, size, colour(recipe.tier), &title);
        inside.word((corner.0 + 6.0, corner.1 + 15.0), &shown);
    });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::without_shortcuts;

    #[test]
    fn what_is_needed_by_way_of_another_is_drawn_once() {
        let graph = |needs: &[&[usize]]| -> Vec<BTreeSet<usize>> {
            needs
                .iter()
                .map(|all| all.iter().copied().collect())
                .collect()
        };
        assert_eq!(
            without_shortcuts(&graph(&[&[], &[0], &[0, 1], &[0, 2]])),
            graph(&[&[], &[0], &[1], &[2]])
        );
        let circle = graph(&[&[1], &[0], &[0, 1]]);
        assert_eq!(without_shortcuts(&circle), circle);
    }
}
