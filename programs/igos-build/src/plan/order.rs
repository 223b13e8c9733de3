//! The build order.
//!
//! The rule is that of KISS, which orders by walking: depth first, in the order of the lines, everything that a
//! package needs before the package itself. The walk keeps its own stack, so that a chain of any length fits.

use std::collections::{BTreeSet, HashSet};

use igos_format::DependencyKind;
use serde::Serialize;

use super::graph::{Graph, Target};

/// The packages to build, dependencies first, and what stands in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The packages in build order. A dependency that no recipe makes keeps its place here, as in KISS.
    pub order: Vec<Step>,
    /// Who needs whom, for all recipes of the order: dependant, dependency, kind.
    pub edges: Vec<(String, String, DependencyKind)>,
    /// What no recipe makes.
    pub missing: Vec<Missing>,
    /// Circles of packages that need each other, each once and from its first name in byte order.
    pub cycles: Vec<Vec<String>>,
}

/// One package of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Why it is there.
    pub reason: Reason,
    /// The package that needed it first; absent for an explicit one.
    pub required_by: Option<String>,
}

/// Why a package is in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was asked for, and no other package of the order needs it.
    Explicit,
    /// Another package of the order needs it.
    Implicit,
}

/// Something that no recipe makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// What.
    pub name: String,
    /// Who needs it; absent for a name that was asked for.
    pub required_by: Option<String>,
    /// When it is needed.
    pub kind: Option<DependencyKind>,
}

impl Order {
    /// Tells whether everything in the order can be built.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.cycles.is_empty()
    }
}

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

/// What a walk keeps of the package it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// The package itself, too.
    All,
    /// Only what it needs.
    Dependencies,
}

#[derive(Debug, Clone)]
struct FoundStep {
    node: Target,
    required_by: Option<usize>,
}

/// A walk through the graph; every recipe and every edge is looked at once, however often it is met.
#[derive(Debug)]
struct Walk<'g> {
    graph: &'g Graph,
    found: Vec<FoundStep>,
    /// Recipes that are in `found`.
    is_kept: Vec<bool>,
    /// Recipes whose needs were walked, so that only they themselves may be added.
    is_done: Vec<bool>,
    /// Place on the current path, from 1; 0 for recipes that are not on it.
    on_path: Vec<usize>,
    missing: HashSet<String>,
    cycles: BTreeSet<Vec<usize>>,
}

#[derive(Debug)]
struct Frame {
    at: usize,
    next: usize,
    required_by: Option<usize>,
    keep: Keep,
}

impl<'g> Walk<'g> {
    fn new(graph: &'g Graph) -> Self {
        let count = graph.names.len();
        Walk {
            graph,
            found: Vec::new(),
            is_kept: vec![false; count],
            is_done: vec![false; count],
            on_path: vec![0; count],
            missing: HashSet::new(),
            cycles: BTreeSet::new(),
        }
    }

    fn text(&self, node: &Target) -> String {
        match node {
            Target::Recipe(at) => self.graph.name(*at).to_owned(),
            Target::Missing(name) => name.clone(),
        }
    }

    fn visit(&mut self, start: usize, keep: Keep) {
        let mut path: Vec<Frame> = Vec::new();
        self.enter(&mut path, start, None, keep);
        while let Some(frame) = path.last_mut() {
            let (at, next) = (frame.at, frame.next);
            frame.next += 1;
            match self.graph.needs[at].get(next).map(|need| &need.target) {
                Some(Target::Recipe(to)) => self.enter(&mut path, *to, Some(at), Keep::All),
                Some(Target::Missing(name)) => self.miss(name, at),
                None => {
                    let frame = path.pop().expect("the loop saw this frame");
                    self.leave(&frame);
                }
            }
        }
    }

    fn enter(&mut self, path: &mut Vec<Frame>, at: usize, required_by: Option<usize>, keep: Keep) {
        let place = self.on_path[at];
        if place > 0 {
            let cycle: Vec<usize> = path[place - 1..].iter().map(|frame| frame.at).collect();
            self.cycles.insert(self.from_first(cycle));
            // The package that closes the circle is needed, even if its own walk does not keep it.
            path[place - 1].keep = Keep::All;
            let first = &mut path[place - 1];
            first.required_by = first.required_by.or(required_by);
            return;
        }
        let frame = Frame {
            at,
            next: 0,
            required_by,
            keep,
        };
        if self.is_done[at] {
            self.leave(&frame);
            return;
        }
        path.push(frame);
        self.on_path[at] = path.len();
    }

    fn leave(&mut self, frame: &Frame) {
        self.on_path[frame.at] = 0;
        self.is_done[frame.at] = true;
        if frame.keep == Keep::All && !self.is_kept[frame.at] {
            self.is_kept[frame.at] = true;
            self.found.push(FoundStep {
                node: Target::Recipe(frame.at),
                required_by: frame.required_by,
            });
        }
    }

    fn miss(&mut self, name: &str, required_by: usize) {
        if self.missing.insert(name.to_owned()) {
            self.found.push(FoundStep {
                node: Target::Missing(name.to_owned()),
                required_by: Some(required_by),
            });
        }
    }

    /// Turns a circle so that it begins with its first name, and two walks around it are alike.
    fn from_first(&self, mut cycle: Vec<usize>) -> Vec<usize> {
        let names = |at: &usize| &self.graph.names[*at];
        let first = (0..cycle.len())
            .min_by_key(|place| names(&cycle[*place]))
            .unwrap_or(0);
        cycle.rotate_left(first);
        cycle
    }
}

#[cfg(test)]
mod tests;
