//! A pool as `resolvo` wants it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;

use resolvo::{
    Candidates, Condition, ConditionId, ConditionalRequirement, Dependencies, DependencyProvider,
    HintDependenciesAvailable, Interner, KnownDependencies, NameId, Requirement, SolvableId,
    SolverCache, StringId, VersionSetId, VersionSetUnionId,
};

use crate::pool::{CandidateNo, NameNo, Need, Pool};

/// Some candidates of one name, in the order of welcome.
type Set = (NameNo, Vec<CandidateNo>);

/// A pool as `resolvo` wants it: its version sets are lists of candidates.
pub(crate) struct Encoding<'a> {
    pool: &'a Pool,
    sets: RefCell<Vec<Set>>,
    numbers: RefCell<HashMap<Set, VersionSetId>>,
    unions: Vec<Vec<VersionSetId>>,
    /// For each need of the pool.
    requirements: Vec<Requirement>,
}

impl<'a> Encoding<'a> {
    pub(crate) fn new(pool: &'a Pool) -> Self {
        let mut encoding = Encoding {
            pool,
            sets: RefCell::default(),
            numbers: RefCell::default(),
            unions: Vec::new(),
            requirements: Vec::new(),
        };
        for need in &pool.needs {
            let requirement = encoding.requirement(need);
            encoding.requirements.push(requirement);
        }
        encoding
    }

    fn requirement(&mut self, need: &Need) -> Requirement {
        let sets: Vec<VersionSetId> = need
            .satisfied_by
            .iter()
            .map(|(name, list)| self.set(*name, list.clone()))
            .collect();
        match sets.as_slice() {
            [] => self.set(NameNo(0), Vec::new()).into(),
            [one] => (*one).into(),
            _ => {
                let number = u32::try_from(self.unions.len()).expect("memory ends first");
                self.unions.push(sets);
                VersionSetUnionId(number).into()
            }
        }
    }

    /// Returns the number of a set of candidates of one name.
    pub(crate) fn set(&self, name: NameNo, list: Vec<CandidateNo>) -> VersionSetId {
        let set = (name, list);
        if let Some(number) = self.numbers.borrow().get(&set) {
            return *number;
        }
        let mut sets = self.sets.borrow_mut();
        let number = VersionSetId(u32::try_from(sets.len()).expect("memory ends first"));
        sets.push(set.clone());
        self.numbers.borrow_mut().insert(set, number);
        number
    }

    /// Returns, for one candidate, what of other names it leaves.
    fn constrains(&self, candidate: CandidateNo) -> Vec<VersionSetId> {
        let mut by_name: Vec<(NameNo, Vec<CandidateNo>)> = Vec::new();
        for other in &self.pool.candidate(candidate).conflicts {
            let name = self.pool.candidate(*other).name;
            match by_name.iter_mut().find(|(known, _)| *known == name) {
                Some((_, list)) => list.push(*other),
                None => by_name.push((name, vec![*other])),
            }
        }
        by_name
            .into_iter()
            .map(|(name, refused)| {
                let all = &self.pool.name(name).candidates;
                let left = all.iter().copied().filter(|no| !refused.contains(no));
                self.set(name, left.collect())
            })
            .collect()
    }
}

fn solvable(no: CandidateNo) -> SolvableId {
    SolvableId::from_raw(no.0)
}

/// Returns what a number of `resolvo` means here.
pub(crate) fn candidate(solvable: SolvableId) -> CandidateNo {
    CandidateNo(solvable.into_raw())
}

impl Interner for Encoding<'_> {
    type NameId = NameId;
    type SolvableId = SolvableId;

    fn display_solvable(&self, solvable: SolvableId) -> impl Display + '_ {
        self.pool.candidate(candidate(solvable)).to_string()
    }

    fn display_name(&self, name: NameId) -> impl Display + '_ {
        &self.pool.name(NameNo(name.into_raw())).name
    }

    fn display_version_set(&self, version_set: VersionSetId) -> impl Display + '_ {
        version_set.0
    }

    fn display_string(&self, string: StringId) -> impl Display + '_ {
        string.0
    }

    fn version_set_name(&self, version_set: VersionSetId) -> NameId {
        NameId::from_raw(self.sets.borrow()[version_set.0 as usize].0.0)
    }

    fn solvable_name(&self, solvable: SolvableId) -> NameId {
        NameId::from_raw(self.pool.candidate(candidate(solvable)).name.0)
    }

    fn version_sets_in_union(
        &self,
        union: VersionSetUnionId,
    ) -> impl Iterator<Item = VersionSetId> {
        self.unions[union.0 as usize].iter().copied()
    }

    fn resolve_condition(&self, _condition: ConditionId) -> Condition {
        unreachable!("no requirement here has a condition")
    }
}

impl DependencyProvider for Encoding<'_> {
    async fn filter_candidates(
        &self,
        candidates: &[SolvableId],
        version_set: VersionSetId,
        inverse: bool,
    ) -> Vec<SolvableId> {
        let sets = self.sets.borrow();
        let (_, list) = &sets[version_set.0 as usize];
        candidates
            .iter()
            .copied()
            .filter(|found| list.contains(&candidate(*found)) != inverse)
            .collect()
    }

    async fn get_candidates(&self, name: NameId) -> Option<Candidates> {
        let name = self.pool.name(NameNo(name.into_raw()));
        Some(Candidates {
            candidates: name.candidates.iter().copied().map(solvable).collect(),
            hint_dependencies_available: HintDependenciesAvailable::All,
            ..Candidates::default()
        })
    }

    async fn sort_candidates(&self, _solver: &SolverCache<Self>, _solvables: &mut [SolvableId]) {
        // Candidates of a name are in the order of welcome from the start, and filtering keeps it.
    }

    async fn get_dependencies(&self, solvable: SolvableId) -> Dependencies {
        let no = candidate(solvable);
        let requirements = self
            .pool
            .candidate(no)
            .needs
            .iter()
            .map(|need| ConditionalRequirement::from(self.requirements[need.0 as usize]));
        Dependencies::Known(KnownDependencies {
            requirements: requirements.collect(),
            constrains: self.constrains(no),
        })
    }
}
