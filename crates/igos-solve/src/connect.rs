//! Who has what is needed, and what cannot be there together: links between the candidates of a pool.

use std::collections::{BTreeSet, HashMap};

use igos_format::PackageName;
use igos_format::declaration::{Feature, FeatureKind};

use crate::build::{Builder, has};
use crate::pool::{Aim, CandidateNo, Kind, NameNo, Need, NeedNo, What};
use crate::{OffersError, Source};

impl Builder<'_> {
    /// Finds out who has what is needed.
    pub(crate) fn satisfy(&mut self) -> Result<(), OffersError> {
        let names = &mut self.answering;
        let mut features: HashMap<Feature, Vec<CandidateNo>> = HashMap::new();
        for (no, candidate) in (0..).map(CandidateNo).zip(&self.pool.candidates) {
            let Some((package, relations)) = candidate.package() else {
                continue;
            };
            names.entry(package.name.clone()).or_default().push(no);
            for provided in &relations.provides {
                let list = names.entry(provided.name.clone()).or_default();
                if list.last() != Some(&no) {
                    list.push(no);
                }
            }
            let paths = relations
                .paths
                .iter()
                .filter_map(|path| Feature::new(FeatureKind::Path, path).ok());
            for feature in relations.features_provided.iter().cloned().chain(paths) {
                features.entry(feature).or_default().push(no);
            }
        }
        self.add_successor_needs();
        for at in 0..self.pool.needs.len() {
            let what = self.pool.needs[at].what.clone();
            let mut found = match &what {
                What::Dependency(dependency) => {
                    let all = self
                        .answering
                        .get(&dependency.name)
                        .cloned()
                        .unwrap_or_default();
                    all.into_iter()
                        .filter(|no| {
                            let package = self.pool.candidate(*no).package();
                            package
                                .is_some_and(|(id, relations)| relations.satisfies(id, dependency))
                        })
                        .collect()
                }
                What::Feature(feature) => features.get(feature).cloned().unwrap_or_default(),
                What::Successor { of, by } => self.successor_candidates(of, by),
            };
            if let Some(owner) = self.path_owner(&what)? {
                self.add_path_owner(&mut found, &owner);
            }
            let is_named = |no: &NameNo| matches!(&what, What::Dependency(dependency) if dependency.name == self.pool.name(*no).name);
            self.pool.needs[at].satisfied_by = self.in_order(found, is_named);
        }
        Ok(())
    }

    /// The owner of a path has it; where no list tells who will, newer versions of the owner are trusted to.
    fn add_path_owner(&self, found: &mut Vec<CandidateNo>, owner: &PackageName) {
        let Some(name) = self.pool.find(owner) else {
            return;
        };
        let is_listed = !found.is_empty();
        for no in &name.candidates {
            let candidate = self.pool.candidate(*no);
            let counts = candidate.is_installed() || (!is_listed && candidate.package().is_some());
            if counts && !found.contains(no) {
                found.push(*no);
            }
        }
    }

    fn add_successor_needs(&mut self) {
        for at in 0..self.pool.candidates.len() {
            let candidate = &self.pool.candidates[at];
            if let Kind::Succeeded(by) = &candidate.kind {
                let what = What::Successor {
                    of: self.pool.name(candidate.name).name.clone(),
                    by: by.clone(),
                };
                let no = NeedNo(u32::try_from(self.pool.needs.len()).expect("memory ends first"));
                self.pool.needs.push(Need {
                    what,
                    satisfied_by: Vec::new(),
                });
                self.pool.candidates[at].needs.push(no);
            }
        }
    }

    fn successor_candidates(&self, of: &PackageName, by: &PackageName) -> Vec<CandidateNo> {
        let older: Vec<&PackageName> = std::iter::once(of)
            .chain(self.successors.get(of).into_iter().flatten())
            .collect();
        let Some(name) = self.pool.find(by) else {
            return Vec::new();
        };
        // What is installed beside it already has left it where it is.
        let takes_place = |no: &CandidateNo| match &self.pool.candidate(*no).kind {
            Kind::Offer(offer) => {
                let mut names = offer.relations.supersedes.iter();
                names.any(|name| older.contains(&name))
            }
            _ => false,
        };
        name.candidates
            .iter()
            .copied()
            .filter(takes_place)
            .collect()
    }

    /// Sorts candidates by name: what is installed first, then the very name, then by repository, then by name.
    fn in_order(
        &self,
        found: Vec<CandidateNo>,
        is_named: impl Fn(&NameNo) -> bool,
    ) -> Vec<(NameNo, Vec<CandidateNo>)> {
        let mut groups: HashMap<NameNo, Vec<CandidateNo>> = HashMap::new();
        for no in found {
            groups
                .entry(self.pool.candidate(no).name)
                .or_default()
                .push(no);
        }
        let mut groups: Vec<(NameNo, Vec<CandidateNo>)> = groups.into_iter().collect();
        for (name, list) in &mut groups {
            let welcome = &self.pool.name(*name).candidates;
            list.sort_by_key(|no| welcome.iter().position(|other| other == no));
        }
        groups.sort_by_cached_key(|(name, list)| {
            let entry = self.pool.name(*name);
            let is_there = list
                .iter()
                .any(|no| self.pool.candidate(*no).is_installed());
            let priority = list
                .iter()
                .filter_map(|no| match &self.pool.candidate(*no).kind {
                    Kind::Offer(offer) => match offer.source {
                        Source::Repository { priority, .. } => Some(priority),
                        Source::Archive => Some(i32::MAX),
                    },
                    _ => None,
                })
                .max();
            (
                !is_there,
                entry.aim != Aim::Best && entry.installed.is_none(),
                !is_named(name),
                std::cmp::Reverse(priority),
                entry.name.clone(),
            )
        });
        groups
    }

    /// Drops what installed packages lack already, and links conflicts.
    pub(crate) fn connect(&mut self) {
        for no in (0..self.pool.candidates.len()).map(|at| CandidateNo(at as u32)) {
            self.forgive(no);
            self.add_conflicts(no);
        }
    }

    /// An installed package may go on lacking what it lacks.
    fn forgive(&mut self, no: CandidateNo) {
        let candidate = self.pool.candidate(no);
        if !candidate.is_installed() {
            return;
        }
        let (kept, lacking): (Vec<NeedNo>, Vec<NeedNo>) =
            candidate.needs.iter().partition(|need| {
                let need = self.pool.need(**need);
                need.candidates()
                    .any(|other| self.pool.candidate(other).is_installed())
                    || self.had(&need.what)
            });
        if !lacking.is_empty() {
            let name = self.pool.name_of(no).name.clone();
            let whats = lacking
                .iter()
                .map(|need| self.pool.need(*need).what.clone());
            self.pool.broken.insert(name, whats.collect());
        }
        self.pool.candidates[no.0 as usize].needs = kept;
    }

    /// Tells whether something that leaves by request had it.
    fn had(&self, what: &What) -> bool {
        self.request
            .remove
            .iter()
            .filter_map(|name| self.universe.packages.get(name))
            .any(|installed| has(what, installed))
            || self
                .path_owner(what)
                .is_ok_and(|owner| owner.is_some_and(|owner| self.request.remove.contains(&owner)))
    }

    fn add_conflicts(&mut self, no: CandidateNo) {
        let candidate = self.pool.candidate(no);
        let Some((package, relations)) = candidate.package() else {
            return;
        };
        if relations.conflicts.is_empty() && relations.supersedes.is_empty() {
            return;
        }
        let is_installed = candidate.is_installed();
        let own = &package.name;
        let mut conflicts = BTreeSet::new();
        for declared in &relations.conflicts {
            for other_no in self.answering.get(&declared.name).into_iter().flatten() {
                let other = self.pool.candidate(*other_no);
                let Some((id, facts)) = other.package() else {
                    continue;
                };
                let both_there = is_installed && other.is_installed();
                if id.name != *own && !both_there && facts.satisfies(id, declared) {
                    conflicts.insert(*other_no);
                }
            }
        }
        // What follows through a chain of names may stand beside the first of it, where that is held.
        for (of, successors) in &self.successors {
            let follows = successors.contains(own) && relations.supersedes.contains(of);
            let Some(name) = self.pool.find(of).filter(|_| follows) else {
                continue;
            };
            if self.successor_candidates(of, own).contains(&no) {
                let there = |other: &&CandidateNo| self.pool.candidate(**other).package().is_some();
                conflicts.extend(name.candidates.iter().filter(there));
            }
        }
        self.pool.candidates[no.0 as usize].conflicts = conflicts.into_iter().collect();
    }
}
