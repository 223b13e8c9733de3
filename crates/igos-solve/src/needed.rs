//! What of a solution is needed, and for what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::pool::{CandidateNo, NameNo, NeedNo, Pool};
use crate::search::Model;

/// The part of a solution that somebody needs.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    pub(crate) names: BTreeSet<NameNo>,
    /// For what is there because of others: who needs it first, and what for.
    pub(crate) because: BTreeMap<NameNo, (CandidateNo, NeedNo)>,
}

struct Marker<'a> {
    pool: &'a Pool,
    model: &'a Model,
    needed: Needed,
    queue: VecDeque<CandidateNo>,
    /// Needs that several packages of the solution could meet.
    open: Vec<(CandidateNo, NeedNo)>,
}

/// Returns what of `model` the names in `roots` need, themselves included.
///
/// A need that one package of the solution alone meets decides first; of several that would do and are not needed
/// otherwise, the most welcome is taken.
pub(crate) fn needed(pool: &Pool, model: &Model, roots: impl Iterator<Item = NameNo>) -> Needed {
    let mut marker = Marker {
        pool,
        model,
        needed: Needed::default(),
        queue: VecDeque::new(),
        open: Vec::new(),
    };
    for root in roots {
        marker.mark(root, None);
    }
    loop {
        while let Some(candidate) = marker.queue.pop_front() {
            marker.visit(candidate);
        }
        let open = std::mem::take(&mut marker.open);
        let Some((at, (who, need))) = open
            .iter()
            .copied()
            .enumerate()
            .find(|(_, (_, need))| !marker.is_met(*need))
        else {
            return marker.needed;
        };
        marker.open = open[at + 1..].to_vec();
        if let Some(first) = marker.meeting(need).first() {
            marker.mark(*first, Some((who, need)));
        }
    }
}

impl Marker<'_> {
    fn mark(&mut self, name: NameNo, because: Option<(CandidateNo, NeedNo)>) {
        if let Some(candidate) = self.model.get(&name)
            && self.needed.names.insert(name)
        {
            self.queue.push_back(*candidate);
            if let Some(because) = because {
                self.needed.because.insert(name, because);
            }
        }
    }

    /// Returns the names of the solution that meet a need, the most welcome first.
    fn meeting(&self, need: NeedNo) -> Vec<NameNo> {
        self.pool
            .need(need)
            .satisfied_by
            .iter()
            .filter(|(name, list)| self.model.get(name).is_some_and(|no| list.contains(no)))
            .map(|(name, _)| *name)
            .collect()
    }

    fn is_met(&self, need: NeedNo) -> bool {
        self.meeting(need)
            .iter()
            .any(|name| self.needed.names.contains(name))
    }

    fn visit(&mut self, candidate: CandidateNo) {
        for need in &self.pool.candidate(candidate).needs {
            if self.is_met(*need) {
                continue;
            }
            match self.meeting(*need).as_slice() {
                [one] => self.mark(*one, Some((candidate, *need))),
                _ => self.open.push((candidate, *need)),
            }
        }
    }
}
