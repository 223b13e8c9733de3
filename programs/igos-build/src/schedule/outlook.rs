//! What is left of a run while it runs: queue, critical path and remaining time.

use std::sync::Mutex;
use std::time::Instant;

use igos_report::{Outlook, Task};

use super::forecast::forecast;
use super::graph::BuildGraph;
use crate::cache::Cache;

/// Packages of the critical path that are named.
const CRITICAL_SHOWN: usize = 8;

/// What is known of the packages of a run.
pub(super) struct Watch<'r> {
    names: Vec<&'r str>,
    edges: Vec<Vec<usize>>,
    /// How long each took when it was last built.
    seconds: Vec<Option<f64>>,
    jobs: usize,
    states: Mutex<Vec<State>>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting,
    Running(Instant),
    Ended,
}

impl<'r> Watch<'r> {
    pub(super) fn new(cache: &Cache, graph: &'r BuildGraph<'r>, jobs: usize) -> Self {
        let nodes = graph.nodes();
        let last = |name| {
            let receipt = cache.last_receipt(name)?;
            let milliseconds: u64 = receipt.steps.iter().map(|step| step.wall_ms).sum();
            Some(milliseconds as f64 / 1000.0)
        };
        let names = nodes.iter().map(|node| &node.entry.recipe.name);
        Watch {
            names: names.clone().map(|name| name.as_str()).collect(),
            edges: graph.edges(),
            seconds: names.map(last).collect(),
            jobs,
            states: Mutex::new(vec![State::Waiting; nodes.len()]),
        }
    }

    /// Notes that a package is worked on.
    pub(super) fn begin(&self, node: usize) {
        self.lock()[node] = State::Running(Instant::now());
    }

    /// Notes that work on a package ended, and tells what is left.
    pub(super) fn end(&self, node: usize, task: &Task<'_>) {
        let outlook = {
            let mut states = self.lock();
            states[node] = State::Ended;
            self.outlook(&states)
        };
        task.outlook(outlook);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<State>> {
        self.states
            .lock()
            .expect("no thread panics while it holds this lock")
    }

    fn outlook(&self, states: &[State]) -> Outlook {
        let is_ended = |node: usize| matches!(states[node], State::Ended);
        let (mut ready, mut waiting, mut unknown) = (0, 0, 0);
        let mut left = vec![0.0; states.len()];
        for (node, state) in states.iter().enumerate() {
            let is_known = self.seconds[node].is_some();
            let whole = self.seconds[node].unwrap_or(0.0);
            match state {
                State::Ended => continue,
                State::Running(since) => {
                    left[node] = (whole - since.elapsed().as_secs_f64()).max(0.0);
                }
                State::Waiting => {
                    left[node] = whole;
                    match self.edges[node].iter().all(|one| is_ended(*one)) {
                        true => ready += 1,
                        false => waiting += 1,
                    }
                }
            }
            unknown += u64::from(!is_known);
        }
        let told = forecast(&self.edges, &left, self.jobs);
        let critical = told.critical.iter().filter(|node| !is_ended(**node));
        Outlook {
            running: states
                .iter()
                .zip(&self.names)
                .filter(|(state, _)| matches!(state, State::Running(_)))
                .map(|(_, name)| (*name).to_owned())
                .collect(),
            ready,
            waiting,
            critical: critical
                .take(CRITICAL_SHOWN)
                .map(|node| self.names[*node].to_owned())
                .collect(),
            // Rounded: the fractions of a guess say nothing.
            remaining_seconds: told.seconds.round() as u64,
            unknown,
        }
    }
}
