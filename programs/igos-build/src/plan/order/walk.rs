//! The walk through the graph.

use std::collections::{BTreeSet, HashSet};

use crate::plan::graph::{Graph, Target};

/// What a walk keeps of the package it starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// The package itself, too.
    All,
    /// Only what it needs.
    Dependencies,
}

#[derive(Debug, Clone)]
pub(super) struct FoundStep {
    pub(super) node: Target,
    pub(super) required_by: Option<usize>,
}

/// A walk through the graph; every recipe and every edge is looked at once, however often it is met.
#[derive(Debug)]
pub(super) struct Walk<'g> {
    graph: &'g Graph,
    pub(super) found: Vec<FoundStep>,
    /// Recipes that are in `found`.
    pub(super) is_kept: Vec<bool>,
    /// Recipes whose needs were walked, so that only they themselves may be added.
    is_done: Vec<bool>,
    /// Place on the current path, from 1; 0 for recipes that are not on it.
    on_path: Vec<usize>,
    missing: HashSet<String>,
    pub(super) cycles: BTreeSet<Vec<usize>>,
}

#[derive(Debug)]
struct Frame {
    at: usize,
    next: usize,
    required_by: Option<usize>,
    keep: Keep,
}

impl<'g> Walk<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
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

    pub(super) fn text(&self, node: &Target) -> String {
        match node {
            Target::Recipe(at) => self.graph.name(*at).to_owned(),
            Target::Missing(name) => name.clone(),
        }
    }

    pub(super) fn visit(&mut self, start: usize, keep: Keep) {
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
            self.cycles.insert(self.turn(cycle));
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
    fn turn(&self, mut cycle: Vec<usize>) -> Vec<usize> {
        let names = |at: &usize| &self.graph.names[*at];
        let first = (0..cycle.len())
            .min_by_key(|place| names(&cycle[*place]))
            .unwrap_or(0);
        cycle.rotate_left(first);
        cycle
    }
}
