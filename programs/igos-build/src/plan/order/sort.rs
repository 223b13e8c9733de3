//! Sorts packages by walks.

use std::collections::{BTreeSet, HashSet};

use super::answer::{Missing, Order, Reason, Step};
use super::walk::{Keep, Walk};
use crate::plan::graph::{Graph, Target};

/// Returns the order in which the packages `names` and all that they need are built.
#[must_use]
pub fn order(graph: &Graph, names: &[String]) -> Order {
    let mut result = Order::default();
    let mut explicit: Vec<usize> = Vec::new();
    let mut asked = HashSet::new();
    for name in names {
        match graph.resolve(name) {
            Some(at) if asked.insert(at) => explicit.push(at),
            Some(_) => {}
            None => result.missing.push(Missing {
                name: name.clone(),
                required_by: None,
                kind: None,
            }),
        }
    }
    // First the explicit ones alone are sorted, by a walk that keeps everything; then they are walked again.
    let mut sorting = Walk::new(graph);
    for at in explicit {
        sorting.visit(at, Keep::All);
    }
    let sorted = sorting.found.iter().filter_map(|found| match found.node {
        Target::Recipe(at) if asked.contains(&at) => Some(at),
        _ => None,
    });
    let sorted: Vec<usize> = sorted.collect();
    let mut walk = Walk::new(graph);
    for at in &sorted {
        walk.visit(*at, Keep::Dependencies);
    }
    let steps = walk.found.iter().map(|found| Step {
        name: walk.text(&found.node),
        reason: Reason::Implicit,
        required_by: found.required_by.map(|at| graph.name(at).to_owned()),
    });
    result.order = steps.collect();
    let is_left = |at: &&usize| !walk.is_kept[**at];
    result
        .order
        .extend(sorted.iter().filter(is_left).map(|at| Step {
            name: graph.name(*at).to_owned(),
            reason: Reason::Explicit,
            required_by: None,
        }));
    result.cycles = sorting
        .cycles
        .into_iter()
        .map(|cycle| named(graph, &cycle))
        .collect();
    connect(graph, &mut result);
    result
}

/// Returns the order of all packages of a graph, asked for in byte order of their names as `kiss build *` does.
#[must_use]
pub fn order_all(graph: &Graph) -> Order {
    let names: BTreeSet<String> = graph.names.iter().map(ToString::to_string).collect();
    order(graph, &names.into_iter().collect::<Vec<_>>())
}

fn named(graph: &Graph, cycle: &[usize]) -> Vec<String> {
    cycle.iter().map(|at| graph.name(*at).to_owned()).collect()
}

/// Adds edges and missing dependencies of everything in the order.
fn connect(graph: &Graph, result: &mut Order) {
    let mut edges = HashSet::new();
    let mut missing = HashSet::new();
    let recipes: Vec<usize> = result
        .order
        .iter()
        .filter_map(|step| graph.find(&step.name))
        .collect();
    for at in recipes {
        for need in &graph.needs[at] {
            let name = match &need.target {
                Target::Recipe(to) => graph.name(*to).to_owned(),
                Target::Missing(name) => {
                    if missing.insert((at, name, need.kind)) {
                        result.missing.push(Missing {
                            name: name.clone(),
                            required_by: Some(graph.name(at).to_owned()),
                            kind: Some(need.kind),
                        });
                    }
                    name.clone()
                }
            };
            if edges.insert((at, name.clone(), need.kind)) {
                result
                    .edges
                    .push((graph.name(at).to_owned(), name, need.kind));
            }
        }
    }
}
