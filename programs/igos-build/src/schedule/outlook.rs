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
    /// How long a package takes of which nothing is known, as far as anybody can guess: the mean of the others.
    usual: f64,
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
        let seconds: Vec<Option<f64>> = names.clone().map(last).collect();
        Watch::of(
            names.map(|name| name.as_str()).collect(),
            graph.edges(),
            seconds,
            jobs,
        )
    }

    fn of(
        names: Vec<&'r str>,
        edges: Vec<Vec<usize>>,
        seconds: Vec<Option<f64>>,
        jobs: usize,
    ) -> Self {
        let known: Vec<f64> = seconds.iter().filter_map(|one| *one).collect();
        let usual = match known.len() {
            0 => 1.0,
            count => known.iter().sum::<f64>() / count as f64,
        };
        Watch {
            states: Mutex::new(vec![State::Waiting; names.len()]),
            names,
            edges,
            seconds,
            usual,
            jobs,
        }
    }

    /// Notes that a package is worked on, and tells what is left: the build that begins may take hours.
    pub(super) fn begin(&self, node: usize, task: &Task<'_>) {
        self.note(node, State::Running(Instant::now()), task);
    }

    /// Notes that work on a package ended, and tells what is left.
    pub(super) fn end(&self, node: usize, task: &Task<'_>) {
        self.note(node, State::Ended, task);
    }

    fn note(&self, node: usize, state: State, task: &Task<'_>) {
        let outlook = {
            let mut states = self.lock();
            states[node] = state;
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
        // What is known to be left, and what is guessed where nothing is known: the first is a bound from below, the second
        // keeps a chain of unknown packages from looking short.
        let mut known = vec![0.0; states.len()];
        let mut guessed = known.clone();
        for (node, state) in states.iter().enumerate() {
            let is_known = self.seconds[node].is_some();
            let ran = match state {
                State::Ended => continue,
                State::Running(since) => since.elapsed().as_secs_f64(),
                State::Waiting => 0.0,
            };
            known[node] = (self.seconds[node].unwrap_or(0.0) - ran).max(0.0);
            guessed[node] = (self.seconds[node].unwrap_or(self.usual) - ran).max(0.0);
            if let State::Waiting = state {
                match self.edges[node].iter().all(|one| is_ended(*one)) {
                    true => ready += 1,
                    false => waiting += 1,
                }
            }
            unknown += u64::from(!is_known);
        }
        let seconds = forecast(&self.edges, &known, self.jobs).seconds;
        let chain = forecast(&self.edges, &guessed, self.jobs).critical;
        let critical = chain.iter().filter(|node| !is_ended(**node));
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
            remaining_seconds: seconds.round() as u64,
            unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{State, Watch};

    #[test]
    fn package_of_which_nothing_is_known_is_no_short_one() {
        // a ← b, c alone; nothing is known of a and b.
        let edges = vec![vec![], vec![0], vec![]];
        let watch = Watch::of(vec!["a", "b", "c"], edges, vec![None, None, Some(30.0)], 2);
        let told = watch.outlook(&watch.lock());
        assert_eq!(told.critical, ["a", "b"]);
        assert_eq!((told.remaining_seconds, told.unknown), (30, 2));
        assert_eq!((told.ready, told.waiting), (2, 1));

        watch.lock()[0] = State::Running(Instant::now());
        let told = watch.outlook(&watch.lock());
        assert_eq!(told.running, ["a"]);
        assert_eq!((told.ready, told.waiting, told.unknown), (1, 1, 2));
        watch.lock()[0] = State::Ended;
        watch.lock()[1] = State::Ended;
        let told = watch.outlook(&watch.lock());
        assert_eq!(told.critical, ["c"]);
        assert_eq!((told.remaining_seconds, told.unknown), (30, 0));
    }
}
