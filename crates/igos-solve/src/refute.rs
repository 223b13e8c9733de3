//! Why there is no solution: a short chain of consequences, found by trying what is left until nothing is.
//!
//! The solver says only that there is none. What people read is made here from the same pool and demands: unit
//! propagation, and where that stops, one case after the other. Only what a contradiction rests on is kept.

use std::collections::BTreeSet;

use crate::pool::{CandidateNo, Pool};
use crate::propagate::{Cause, Clause, Contradiction, Ground, Propagator};
use crate::search::Demand;

/// Most cases that are looked at; explanations with more are none.
const CASES_MAX: usize = 400;

/// Why there is no solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    /// What leads to the contradiction, in order.
    pub(crate) grounds: Vec<Ground>,
    /// The cases that are left after that; each has a proof of its own.
    pub(crate) cases: Vec<(CandidateNo, Proof)>,
}

struct Refuter<'a> {
    propagator: Propagator<'a>,
    cases: usize,
}

/// A proof together with the candidates whose values outside of it it rests on.
type Refuted = (Proof, BTreeSet<CandidateNo>);

/// Proves that there is no solution; `None` if the proof is too long, or there is one.
///
/// `is_first` names the demands whose consequences are drawn before all others.
pub(crate) fn refute(
    pool: &Pool,
    demands: &[Demand],
    is_first: impl Fn(&Demand) -> bool,
) -> Option<Proof> {
    let mut refuter = Refuter::new(pool, demands);
    let first = (0..demands.len()).filter(|at| is_first(&demands[*at]));
    let first: Vec<usize> = first.collect();
    refuter.start(&first).map(|(proof, _)| proof)
}

impl<'a> Refuter<'a> {
    fn new(pool: &'a Pool, demands: &[Demand]) -> Self {
        Refuter {
            propagator: Propagator::new(pool, demands),
            cases: 0,
        }
    }

    fn start(&mut self, first: &[usize]) -> Option<Refuted> {
        let all = 0..self.propagator.clauses.len();
        for at in first.iter().copied().chain(all) {
            let contradiction = self
                .propagator
                .look_at(at)
                .or_else(|| self.propagator.propagate());
            if let Some(contradiction) = contradiction {
                return Some(self.prove(contradiction, 0, Vec::new()));
            }
        }
        self.refute(0)
    }

    /// Proves that what is assigned cannot be; `start` is where on the trail this case begins.
    fn refute(&mut self, start: usize) -> Option<Refuted> {
        if let Some(contradiction) = self.propagator.propagate() {
            return Some(self.prove(contradiction, start, Vec::new()));
        }
        self.cases += 1;
        let at = self.branching().filter(|_| self.cases <= CASES_MAX)?;
        let left: Vec<CandidateNo> = self.propagator.clauses[at]
            .list
            .iter()
            .copied()
            .filter(|no| self.propagator.value(*no).is_none())
            .collect();
        let mark = self.propagator.trail.len();
        let mut cases = Vec::new();
        let mut rests_on = self.propagator.falsified(at);
        for case in left {
            self.propagator.assign(case, true, Cause::Case, Vec::new());
            let (proof, mut under) = self.refute(mark)?;
            self.propagator.undo(mark);
            if !under.remove(&case) {
                // The case does not matter: the contradiction was there without it.
                let (mut outer, rests_on) = self.prove((None, under), start, Vec::new());
                outer.grounds.extend(proof.grounds);
                outer.cases = proof.cases;
                return Some((outer, rests_on));
            }
            rests_on.extend(under);
            cases.push((case, proof));
        }
        let ground = Some(self.propagator.clauses[at].ground);
        Some(self.prove((ground, rests_on), start, cases))
    }

    /// Returns the clause with the fewest cases of those that are not met yet.
    fn branching(&self) -> Option<usize> {
        let cases = |clause: &Clause| {
            let is_active = clause
                .head
                .is_none_or(|head| self.propagator.value(head) == Some(true));
            let is_met = clause
                .list
                .iter()
                .any(|no| self.propagator.value(*no) == Some(true));
            let left = clause
                .list
                .iter()
                .filter(|no| self.propagator.value(**no).is_none());
            (is_active && !is_met).then(|| left.count())
        };
        (0..self.propagator.clauses.len())
            .filter_map(|at| Some((cases(&self.propagator.clauses[at])?, at)))
            .min()
            .map(|(_, at)| at)
    }

    /// Collects what a contradiction rests on, back to where the case begins.
    fn prove(
        &self,
        (ground, from): Contradiction,
        start: usize,
        cases: Vec<(CandidateNo, Proof)>,
    ) -> Refuted {
        let mut wanted = from;
        let mut grounds = Vec::new();
        for assigned in self.propagator.trail[start..].iter().rev() {
            if !wanted.contains(&assigned.candidate) {
                continue;
            }
            if let Cause::Ground(ground) = assigned.cause {
                wanted.remove(&assigned.candidate);
                wanted.extend(assigned.from.iter().copied());
                grounds.push(ground);
            }
            debug_assert!(assigned.is_there || !matches!(assigned.cause, Cause::Case));
        }
        grounds.reverse();
        grounds.extend(ground);
        (Proof { grounds, cases }, wanted)
    }
}
