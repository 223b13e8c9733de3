//! How long a graph takes whose builds take so long: the schedule of the pool, worked out in advance.

use std::collections::BTreeSet;

/// When one node would run, in seconds from the beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slot {
    /// The worker, from 0.
    pub lane: usize,
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// A schedule in advance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Forecast {
    /// By node.
    pub slots: Vec<Slot>,
    /// How long all take together.
    pub seconds: f64,
    /// The chain of nodes, each needing the one before, that takes longest.
    pub critical: Vec<usize>,
}

/// Returns the schedule of nodes whose dependencies come before them, each taking `seconds`, on `jobs` workers: of
/// those that are ready, the one with the lowest number first, as builds are started.
#[must_use]
pub fn forecast(dependencies: &[Vec<usize>], seconds: &[f64], jobs: usize) -> Forecast {
    let count = dependencies.len();
    let mut missing: Vec<usize> = dependencies.iter().map(Vec::len).collect();
    let mut dependants = vec![Vec::new(); count];
    for (node, needed) in dependencies.iter().enumerate() {
        for &one in needed {
            dependants[one].push(node);
        }
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|node| missing[*node] == 0).collect();
    let mut free: BTreeSet<usize> = (0..jobs.max(1)).collect();
    let mut running: Vec<usize> = Vec::new();
    let mut now = 0.0;
    let nowhere = Slot {
        lane: 0,
        start: 0.0,
        end: 0.0,
    };
    let mut slots = vec![nowhere; count];
    loop {
        while !ready.is_empty()
            && let Some(lane) = free.pop_first()
            && let Some(node) = ready.pop_first()
        {
            slots[node] = Slot {
                lane,
                start: now,
                end: now + seconds[node],
            };
            running.push(node);
        }
        let Some(at) = first_to_end(&running, &slots) else {
            break;
        };
        let node = running.swap_remove(at);
        now = slots[node].end;
        free.insert(slots[node].lane);
        for &dependant in &dependants[node] {
            missing[dependant] -= 1;
            if missing[dependant] == 0 {
                ready.insert(dependant);
            }
        }
    }
    Forecast {
        slots,
        seconds: now,
        critical: critical(dependencies, seconds),
    }
}

fn first_to_end(running: &[usize], slots: &[Slot]) -> Option<usize> {
    (0..running.len()).min_by(|one, other| {
        let (one, other) = (running[*one], running[*other]);
        let ends = slots[one].end.total_cmp(&slots[other].end);
        ends.then(one.cmp(&other))
    })
}

/// Returns the chain that takes longest, first node first.
fn critical(dependencies: &[Vec<usize>], seconds: &[f64]) -> Vec<usize> {
    let mut ends = vec![0.0_f64; dependencies.len()];
    let mut before: Vec<Option<usize>> = vec![None; dependencies.len()];
    for (node, needed) in dependencies.iter().enumerate() {
        let last = needed
            .iter()
            .copied()
            .max_by(|one, other| ends[*one].total_cmp(&ends[*other]));
        before[node] = last;
        ends[node] = seconds[node] + last.map_or(0.0, |last| ends[last]);
    }
    let last = (0..ends.len()).max_by(|one, other| ends[*one].total_cmp(&ends[*other]));
    let mut chain: Vec<usize> = std::iter::successors(last, |node| before[*node]).collect();
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::forecast;

    #[test]
    fn two_workers_share_a_diamond_and_the_longest_chain_is_critical() {
        // 0 ← 1 ← 3, 0 ← 2 ← 3, 4 alone
        let edges = [vec![], vec![0], vec![0], vec![1, 2], vec![]];
        let told = forecast(&edges, &[1.0, 2.0, 5.0, 1.0, 3.0], 2);
        assert_eq!(told.critical, [0, 2, 3]);
        let starts: Vec<f64> = told.slots.iter().map(|slot| slot.start).collect();
        assert_eq!(starts, [0.0, 1.0, 3.0, 8.0, 0.0]);
        assert!((told.seconds - 9.0).abs() < 1e-9);
        let alone = forecast(&edges, &[1.0, 2.0, 5.0, 1.0, 3.0], 1);
        assert!((alone.seconds - 12.0).abs() < 1e-9);
        assert!((forecast(&[], &[], 4).seconds).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn schedule_keeps_the_order_and_no_worker_does_two_things(
            graph in prop::collection::vec((prop::collection::vec(0_usize..32, 0..4), 0.0_f64..9.0), 0..24),
            jobs in 1_usize..5,
        ) {
            let edges: Vec<Vec<usize>> = graph
                .iter()
                .enumerate()
                .map(|(node, (needed, _))| {
                    let mut needed: Vec<usize> = needed.iter().copied().filter(|one| *one < node).collect();
                    needed.sort_unstable();
                    needed.dedup();
                    needed
                })
                .collect();
            let seconds: Vec<f64> = graph.iter().map(|(_, seconds)| *seconds).collect();
            let told = forecast(&edges, &seconds, jobs);
            for (node, needed) in edges.iter().enumerate() {
                for one in needed {
                    prop_assert!(told.slots[*one].end <= told.slots[node].start);
                }
                for other in 0..node {
                    let (one, other) = (told.slots[node], told.slots[other]);
                    let apart = one.lane != other.lane || one.start >= other.end || other.start >= one.end;
                    prop_assert!(apart, "{one:?} {other:?}");
                }
            }
            let chain: f64 = told.critical.iter().map(|node| seconds[*node]).sum();
            prop_assert!(told.seconds + 1e-9 >= chain);
            prop_assert!(told.seconds <= seconds.iter().sum::<f64>() + 1e-9);
        }
    }
}
