//! The best solution: wishes are kept one after the other, each unless those before it forbid it.
//!
//! The solver finds one solution of many. Which one people mean is a list of wishes in the order in which they
//! count. A wish that the solution at hand fulfils already costs nothing; for any other the solver runs once more
//! with it as a further demand, and if that cannot be, the wish is dropped. The result does not depend on how the
//! solver searches.

use std::collections::BTreeMap;

use resolvo::{Problem, Solver, UnsolvableOrCancelled};

use crate::encode::{Encoding, candidate};
use crate::pool::{CandidateNo, NameNo, Pool};
use crate::propagate::Propagator;

/// One of these candidates of one name has to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) name: NameNo,
    pub(crate) candidates: Vec<CandidateNo>,
}

/// What becomes of each name; names that nothing needs are absent.
pub(crate) type Model = BTreeMap<NameNo, CandidateNo>;

/// A pool, demands, and the solver that is asked again and again.
pub(crate) struct Search<'a> {
    pool: &'a Pool,
    solver: Solver<Encoding<'a>>,
    propagator: Propagator<'a>,
    demands: Vec<Demand>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(pool: &'a Pool, demands: Vec<Demand>) -> Self {
        Search {
            pool,
            solver: Solver::new(Encoding::new(pool)),
            propagator: Propagator::new(pool, &[]),
            demands,
        }
    }

    /// Finds a solution of all demands.
    pub(crate) fn start(&mut self) -> Option<Model> {
        let pool = self.pool;
        let model = self.solve(None)?;
        // There is a solution, so that nothing of this is a contradiction.
        self.propagator = Propagator::new(pool, &self.demands);
        for at in 0..self.propagator.clauses.len() {
            self.propagator.look_at(at);
        }
        self.propagator.propagate();
        Some(model)
    }

    /// Finds some solution of all demands and `more`.
    fn solve(&mut self, more: Option<&Demand>) -> Option<Model> {
        let mut tightest: BTreeMap<NameNo, Vec<CandidateNo>> = BTreeMap::new();
        for demand in self.demands.iter().chain(more) {
            tightest
                .entry(demand.name)
                .and_modify(|list| list.retain(|no| demand.candidates.contains(no)))
                .or_insert_with(|| demand.candidates.clone());
        }
        let encoding = self.solver.provider();
        let requirements = tightest
            .into_iter()
            .map(|(name, list)| encoding.set(name, list).into())
            .collect();
        match self.solver.solve(Problem::new().requirements(requirements)) {
            Ok(solvables) => Some(
                solvables
                    .into_iter()
                    .map(candidate)
                    .map(|no| (self.pool.candidate(no).name, no))
                    .collect(),
            ),
            Err(UnsolvableOrCancelled::Unsolvable(_)) => None,
            Err(UnsolvableOrCancelled::Cancelled(_)) => {
                unreachable!("nothing here cancels a search")
            }
        }
    }

    /// Keeps a wish if it can be kept: `model` then fulfils it, and so will all to come.
    pub(crate) fn wish(&mut self, model: &mut Model, wish: Demand) -> bool {
        let holds = model
            .get(&wish.name)
            .is_some_and(|no| wish.candidates.contains(no));
        if !holds {
            if self.propagator.refutes(&wish) {
                return false;
            }
            let Some(better) = self.solve(Some(&wish)) else {
                return false;
            };
            *model = better;
        }
        self.propagator.demand(self.demands.len(), &wish);
        self.demands.push(wish);
        true
    }

    /// Brings one name as far up in the order of `candidates` as it goes.
    pub(crate) fn wish_best(
        &mut self,
        model: &mut Model,
        name: NameNo,
        candidates: &[CandidateNo],
    ) {
        for end in 1..=candidates.len() {
            let wish = Demand {
                name,
                candidates: candidates[..end].to_vec(),
            };
            if self.wish(model, wish) {
                return;
            }
        }
    }
}
