//! Consequences: what has to be and cannot be, given what is demanded so far.
//!
//! Unit propagation alone: a clause of which one candidate is left makes that one be there, and a candidate that
//! lacks something is not there. It is cheap, and enough to refute most wishes without asking the solver.

use std::collections::{BTreeSet, VecDeque};

use crate::pool::{CandidateNo, NeedNo, Pool};
use crate::search::Demand;

/// What a step rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ground {
    /// One of the demands.
    Demand(usize),
    /// What a candidate needs.
    Need(CandidateNo, NeedNo),
    /// Of one name, one candidate alone is there.
    Once(CandidateNo, CandidateNo),
    /// Two candidates conflict.
    Conflict(CandidateNo, CandidateNo),
}

/// Something that cannot be: the last step, if there is one, and the candidates whose values led there.
pub(crate) type Contradiction = (Option<Ground>, BTreeSet<CandidateNo>);

/// At least one of a list is there, if the head is.
pub(crate) struct Clause {
    pub(crate) ground: Ground,
    pub(crate) head: Option<CandidateNo>,
    pub(crate) list: Vec<CandidateNo>,
}

/// Why a candidate has a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    Case,
    Ground(Ground),
}

/// A candidate got a value.
pub(crate) struct Assigned {
    pub(crate) candidate: CandidateNo,
    pub(crate) is_there: bool,
    pub(crate) cause: Cause,
    /// Candidates whose values led here.
    pub(crate) from: Vec<CandidateNo>,
}

/// Clauses, and the values that follow from them.
pub(crate) struct Propagator<'a> {
    pool: &'a Pool,
    pub(crate) clauses: Vec<Clause>,
    /// For each candidate, the clauses it is in.
    clauses_of: Vec<Vec<usize>>,
    conflicts_of: Vec<Vec<CandidateNo>>,
    values: Vec<Option<bool>>,
    pub(crate) trail: Vec<Assigned>,
    queue: VecDeque<CandidateNo>,
}

impl<'a> Propagator<'a> {
    pub(crate) fn new(pool: &'a Pool, demands: &[Demand]) -> Self {
        let count = pool.candidates.len();
        let mut propagator = Propagator {
            pool,
            clauses: Vec::new(),
            clauses_of: vec![Vec::new(); count],
            conflicts_of: vec![Vec::new(); count],
            values: vec![None; count],
            trail: Vec::new(),
            queue: VecDeque::new(),
        };
        for (at, demand) in demands.iter().enumerate() {
            propagator.add(Ground::Demand(at), None, demand.candidates.clone());
        }
        for (no, candidate) in (0..).map(CandidateNo).zip(&pool.candidates) {
            for need in &candidate.needs {
                let list = pool.need(*need).candidates().collect();
                propagator.add(Ground::Need(no, *need), Some(no), list);
            }
            for other in &candidate.conflicts {
                propagator.conflicts_of[no.0 as usize].push(*other);
                propagator.conflicts_of[other.0 as usize].push(no);
            }
        }
        propagator
    }

    fn add(&mut self, ground: Ground, head: Option<CandidateNo>, list: Vec<CandidateNo>) {
        let at = self.clauses.len();
        for no in list.iter().chain(&head) {
            self.clauses_of[no.0 as usize].push(at);
        }
        self.clauses.push(Clause { ground, head, list });
    }

    pub(crate) fn value(&self, no: CandidateNo) -> Option<bool> {
        self.values[no.0 as usize]
    }

    pub(crate) fn assign(
        &mut self,
        candidate: CandidateNo,
        is_there: bool,
        cause: Cause,
        from: Vec<CandidateNo>,
    ) {
        self.values[candidate.0 as usize] = Some(is_there);
        self.trail.push(Assigned {
            candidate,
            is_there,
            cause,
            from,
        });
        self.queue.push_back(candidate);
    }

    pub(crate) fn undo(&mut self, mark: usize) {
        for assigned in self.trail.drain(mark..) {
            self.values[assigned.candidate.0 as usize] = None;
        }
        self.queue.clear();
    }

    /// Returns what a clause rests on when it is as good as false.
    pub(crate) fn falsified(&self, at: usize) -> BTreeSet<CandidateNo> {
        let clause = &self.clauses[at];
        let list = clause.list.iter().chain(&clause.head).copied();
        list.filter(|no| self.value(*no).is_some()).collect()
    }

    /// Adds a demand for good, and draws its consequences.
    pub(crate) fn demand(&mut self, number: usize, demand: &Demand) -> Option<Contradiction> {
        self.add(Ground::Demand(number), None, demand.candidates.clone());
        self.look_at(self.clauses.len() - 1)
            .or_else(|| self.propagate())
    }

    /// Tells whether a further demand is refuted by what follows from it; nothing changes.
    pub(crate) fn refutes(&mut self, demand: &Demand) -> bool {
        let mark = self.trail.len();
        let found = self.demand(usize::MAX, demand).is_some();
        self.undo(mark);
        self.clauses.pop();
        for no in &demand.candidates {
            self.clauses_of[no.0 as usize].pop();
        }
        found
    }

    pub(crate) fn propagate(&mut self) -> Option<Contradiction> {
        while let Some(no) = self.queue.pop_front() {
            if self.value(no) == Some(true)
                && let Some(contradiction) = self.exclude_others(no)
            {
                return Some(contradiction);
            }
            for place in 0..self.clauses_of[no.0 as usize].len() {
                let at = self.clauses_of[no.0 as usize][place];
                if let Some(contradiction) = self.look_at(at) {
                    return Some(contradiction);
                }
            }
        }
        None
    }

    fn exclude_others(&mut self, no: CandidateNo) -> Option<Contradiction> {
        let same = self.pool.name_of(no).candidates.clone();
        let once = same
            .into_iter()
            .filter(|other| *other != no)
            .map(|other| (other, Ground::Once(no, other)));
        let conflicting = self.conflicts_of[no.0 as usize].clone();
        let conflicting = conflicting.into_iter().map(|other| {
            let declares = self.pool.candidate(no).conflicts.contains(&other);
            let ground = if declares {
                Ground::Conflict(no, other)
            } else {
                Ground::Conflict(other, no)
            };
            (other, ground)
        });
        let others: Vec<(CandidateNo, Ground)> = once.chain(conflicting).collect();
        for (other, ground) in others {
            match self.value(other) {
                Some(false) => {}
                Some(true) => return Some((Some(ground), BTreeSet::from([no, other]))),
                None => self.assign(other, false, Cause::Ground(ground), vec![no]),
            }
        }
        None
    }

    /// Draws the consequence of one clause.
    pub(crate) fn look_at(&mut self, at: usize) -> Option<Contradiction> {
        let clause = &self.clauses[at];
        let head = clause.head.map(|head| (head, self.value(head)));
        if matches!(head, Some((_, Some(false)))) {
            return None;
        }
        let mut left = None;
        let mut count = 0;
        for no in &clause.list {
            match self.value(*no) {
                Some(true) => return None,
                Some(false) => {}
                None => {
                    left = left.or(Some(*no));
                    count += 1;
                }
            }
        }
        let is_active = head.is_none_or(|(_, value)| value == Some(true));
        let cause = Cause::Ground(clause.ground);
        match (count, is_active, left, head) {
            (0, true, _, _) => return Some((Some(clause.ground), self.falsified(at))),
            (0, false, _, Some((head, _))) => {
                let from = self.falsified(at).into_iter().collect();
                self.assign(head, false, cause, from);
            }
            (1, true, Some(last), _) => {
                let from = self.falsified(at).into_iter().collect();
                self.assign(last, true, cause, from);
            }
            _ => {}
        }
        None
    }
}
