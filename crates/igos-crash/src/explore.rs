//! Every state that kills can lead to, however often the program is killed, and its recovery.
//!
//! A run is looked at before each of its calls. A state that was not met before becomes a case of its own: the program is
//! killed there, recovered, and judged, and the states of that recovery are taken in like those of the operation. Should
//! no new state come up, recoveries of recoveries to any depth were tried.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};

use igos_format::Sha256;

use crate::campaign::Tally;
use crate::fingerprint;
use crate::run::{Machine, RunError};
use crate::scenario::Operation;
use crate::schedule::{Fault, Schedule};
use crate::trace::{Call, Observer, Verdict};

/// Looks at the root before calls.
struct Watcher {
    root: PathBuf,
    /// The call before which the program is killed.
    kill: Option<usize>,
    database_calls: usize,
    /// The states before each call, or only that of the kill.
    states: Vec<Sha256>,
    failed: Option<io::Error>,
}

impl Watcher {
    fn new(root: &Path, kill: Option<usize>) -> Self {
        Watcher {
            root: root.to_owned(),
            kill,
            database_calls: 0,
            states: Vec::new(),
            failed: None,
        }
    }

    fn states(self) -> Result<Vec<Sha256>, RunError> {
        match self.failed {
            Some(error) => Err(RunError::File(error)),
            None => Ok(self.states),
        }
    }
}

impl Observer for Watcher {
    fn before(&mut self, call: &Call) -> Verdict {
        if self.kill.is_none_or(|at| at == call.number) {
            match fingerprint::of(&self.root, self.database_calls) {
                Ok(found) => self.states.push(found),
                Err(error) => self.failed = Some(error),
            }
        }
        if self.kill == Some(call.number) {
            return Verdict::Kill;
        }
        Verdict::Go
    }

    fn after(&mut self, call: &Call) -> Verdict {
        // SQLite alone writes at offsets.
        self.database_calls += usize::from(call.call == "pwrite64");
        Verdict::Go
    }
}

/// What came of an exploration.
#[derive(Debug, Clone, Default)]
pub struct Explored {
    /// The cases, one for each state.
    pub tally: Tally,
    /// How many cases had so many kills, from one on.
    pub depths: Vec<usize>,
    /// How many calls of recoveries a kill was tried at, or was found to leave a state that was met before.
    pub calls: usize,
}

/// Kills an operation, its recovery, the recovery of that, and so on, at most `depth` times in a row, in every state that
/// this leads to.
///
/// # Errors
///
/// Returns why a schedule cannot be carried out.
pub fn explore(
    machine: &mut Machine,
    operation: Operation,
    depth: usize,
) -> Result<Explored, RunError> {
    let mut explored = Explored::default();
    let mut seen = BTreeSet::new();
    let mut queue = VecDeque::new();
    let prepared = machine
        .stage()
        .prepare(operation)
        .map_err(RunError::Stage)?;
    let mut watcher = Watcher::new(&prepared.root(), None);
    machine.observed(&prepared.root(), operation, 0, &mut watcher)?;
    take(&mut seen, &mut queue, &[], watcher.states()?);
    while let Some(kills) = queue.pop_front() {
        let prepared = machine
            .stage()
            .prepare(operation)
            .map_err(RunError::Stage)?;
        let root = prepared.root();
        for (at, kill) in kills.iter().enumerate() {
            let mut watcher = Watcher::new(&root, Some(*kill));
            machine.observed(&root, operation, at, &mut watcher)?;
            seen.extend(watcher.states()?);
        }
        let mut watcher = Watcher::new(&root, None);
        let (ended, _) = machine.observed(&root, operation, kills.len(), &mut watcher)?;
        let states = watcher.states()?;
        explored.calls += states.len();
        if kills.len() < depth {
            take(&mut seen, &mut queue, &kills, states);
        }
        explored
            .depths
            .resize(explored.depths.len().max(kills.len()), 0);
        explored.depths[kills.len() - 1] += 1;
        let faults = kills.into_iter().map(Fault::KillBefore).collect();
        let schedule = Schedule { operation, faults };
        explored
            .tally
            .add(machine.judge_recovered(&root, schedule, &ended)?);
    }
    Ok(explored)
}

/// Puts the states that are new into the queue.
fn take(
    seen: &mut BTreeSet<Sha256>,
    queue: &mut VecDeque<Vec<usize>>,
    kills: &[usize],
    states: Vec<Sha256>,
) {
    for (at, state) in states.into_iter().enumerate() {
        if seen.insert(state) {
            queue.push_back([kills, &[at]].concat());
        }
    }
}
