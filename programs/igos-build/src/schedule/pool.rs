//! Threads along a graph.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};

/// What happens to the rest when one fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// What runs is finished, nothing else is started.
    Stop,
    /// Everything that does not depend on it goes on.
    KeepGoing,
}

/// How work on one node ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worked {
    Well,
    Badly,
}

/// What became of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was worked on.
    Worked(Worked),
    /// It was not, because this dependency of it failed or was not worked on either.
    Blocked(usize),
    /// It was not, because work stopped.
    NotStarted,
}

struct State {
    fates: Vec<Option<Fate>>,
    ready: BTreeSet<usize>,
    missing: Vec<usize>,
    running: usize,
    is_stopped: bool,
}

/// Calls `work` for every node, dependencies first, on at most `jobs` threads; of those that are ready, the one
/// with the lowest number first. `is_interrupted` is asked before each start.
pub(crate) fn run(
    dependencies: &[Vec<usize>],
    jobs: usize,
    on_failure: OnFailure,
    is_interrupted: &(dyn Fn() -> bool + Sync),
    work: &(dyn Fn(usize) -> Worked + Sync),
) -> Vec<Fate> {
    let dependants = reverse(dependencies);
    let missing: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let state = Mutex::new(State {
        fates: vec![None; dependencies.len()],
        ready: (0..dependencies.len())
            .filter(|node| missing[*node] == 0)
            .collect(),
        missing,
        running: 0,
        is_stopped: false,
    });
    let changed = Condvar::new();
    let lock = || {
        state
            .lock()
            .expect("no thread panics while it holds this lock")
    };
    let worker = || {
        let mut held = lock();
        loop {
            held.is_stopped |= is_interrupted();
            if held.is_stopped || (held.ready.is_empty() && held.running == 0) {
                changed.notify_all();
                return;
            }
            let Some(node) = held.ready.pop_first() else {
                held = changed
                    .wait(held)
                    .expect("no thread panics while it holds this lock");
                continue;
            };
            held.running += 1;
            drop(held);
            let worked = work(node);
            held = lock();
            held.running -= 1;
            held.settle(node, worked, on_failure, &dependants);
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs.min(dependencies.len()).max(1) {
            scope.spawn(worker);
        }
        worker();
    });
    let state = state
        .into_inner()
        .expect("no thread panicked, or the scope had");
    state
        .fates
        .into_iter()
        .map(|fate| fate.unwrap_or(Fate::NotStarted))
        .collect()
}

impl State {
    fn settle(
        &mut self,
        node: usize,
        worked: Worked,
        on_failure: OnFailure,
        dependants: &[Vec<usize>],
    ) {
        self.fates[node] = Some(Fate::Worked(worked));
        if worked == Worked::Well {
            for &dependant in &dependants[node] {
                self.missing[dependant] -= 1;
                if self.missing[dependant] == 0 && self.fates[dependant].is_none() {
                    self.ready.insert(dependant);
                }
            }
            return;
        }
        self.is_stopped |= on_failure == OnFailure::Stop;
        let mut blocked: Vec<(usize, usize)> =
            dependants[node].iter().map(|one| (*one, node)).collect();
        while let Some((one, because)) = blocked.pop() {
            if self.fates[one].is_none() {
                self.fates[one] = Some(Fate::Blocked(because));
                blocked.extend(dependants[one].iter().map(|next| (*next, one)));
            }
        }
    }
}

fn reverse(dependencies: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut dependants = vec![Vec::new(); dependencies.len()];
    for (node, needed) in dependencies.iter().enumerate() {
        for &dependency in needed {
            dependants[dependency].push(node);
        }
    }
    dependants
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{Fate, OnFailure, Worked, run};

    /// 0 ← 1 ← 3, 0 ← 2 ← 3, 4 alone, 3 ← 5
    fn diamond() -> Vec<Vec<usize>> {
        vec![vec![], vec![0], vec![0], vec![1, 2], vec![], vec![3]]
    }

    #[test]
    fn dependencies_are_done_before_their_dependants() {
        for jobs in [1, 2, 8] {
            let done = Mutex::new(Vec::new());
            let fates = run(&diamond(), jobs, OnFailure::Stop, &|| false, &|node| {
                let mut done = done.lock().expect("nobody panics");
                assert!(
                    diamond()[node].iter().all(|needed| done.contains(needed)),
                    "{node} after {done:?}"
                );
                done.push(node);
                Worked::Well
            });
            assert_eq!(fates, [Fate::Worked(Worked::Well); 6]);
        }
    }

    #[test]
    fn failure_blocks_dependants_and_nothing_else_when_going_on() {
        let work = |node| {
            if node == 1 {
                Worked::Badly
            } else {
                Worked::Well
            }
        };
        let fates = run(&diamond(), 2, OnFailure::KeepGoing, &|| false, &work);
        let well = Fate::Worked(Worked::Well);
        assert_eq!(
            fates,
            [
                well,
                Fate::Worked(Worked::Badly),
                well,
                Fate::Blocked(1),
                well,
                Fate::Blocked(3)
            ]
        );
    }

    #[test]
    fn failure_stops_what_has_not_begun() {
        let work = |node| {
            if node == 0 {
                Worked::Badly
            } else {
                Worked::Well
            }
        };
        let fates = run(&diamond(), 1, OnFailure::Stop, &|| false, &work);
        assert_eq!(fates[0], Fate::Worked(Worked::Badly));
        assert_eq!(fates[1], Fate::Blocked(0));
        assert_eq!(fates[4], Fate::NotStarted);
    }

    #[test]
    fn nothing_begins_after_an_interrupt() {
        let interrupted = AtomicBool::new(false);
        let work = |_| {
            interrupted.store(true, Ordering::SeqCst);
            Worked::Well
        };
        let fates = run(
            &diamond(),
            1,
            OnFailure::Stop,
            &|| interrupted.load(Ordering::SeqCst),
            &work,
        );
        assert_eq!(fates[0], Fate::Worked(Worked::Well));
        assert!(
            fates[1..].iter().all(|fate| *fate == Fate::NotStarted),
            "{fates:?}"
        );
    }

    #[test]
    fn empty_graph_ends_at_once() {
        assert_eq!(
            run(&[], 4, OnFailure::Stop, &|| false, &|_| Worked::Well),
            []
        );
    }
}
