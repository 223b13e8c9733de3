//! From a model to the answer.

use std::collections::BTreeMap;

use igos_format::{PackageId, PackageName};

use crate::build::Upgraded;
use crate::choose::{Chosen, better_candidates};
use crate::pool::{CandidateNo, Exclusion, Kind, Name, NameNo, Pool};
use crate::{Choice, KeptBack, Reason, Removal, RemovalWhy, Request, Solution, Universe, Why};

struct Answer<'a> {
    pool: &'a Pool,
    universe: &'a Universe,
    request: &'a Request,
    upgraded: &'a Upgraded,
    chosen: &'a Chosen,
    /// For each package that takes a place, whose.
    successions: BTreeMap<PackageName, Vec<PackageName>>,
}

/// Returns the answer that a model means.
pub(crate) fn answer(
    pool: &Pool,
    universe: &Universe,
    request: &Request,
    upgraded: &Upgraded,
    chosen: &Chosen,
) -> Solution {
    let mut successions: BTreeMap<PackageName, Vec<PackageName>> = BTreeMap::new();
    for (no, candidate) in &chosen.model {
        if let Kind::Succeeded(by) = &pool.candidate(*candidate).kind {
            let of = pool.name(*no).name.clone();
            successions.entry(by.clone()).or_default().push(of);
        }
    }
    let answer = Answer {
        pool,
        universe,
        request,
        upgraded,
        chosen,
        successions,
    };
    let mut names: Vec<NameNo> = chosen.needed.names.iter().copied().collect();
    names.sort_by(|a, b| pool.name(*a).name.cmp(&pool.name(*b).name));
    let mut solution = Solution::default();
    for no in names {
        answer.add(no, &mut solution);
    }
    solution
}

impl Answer<'_> {
    fn add(&self, no: NameNo, solution: &mut Solution) {
        let name = self.pool.name(no);
        let installed = self.universe.packages.get(&name.name);
        match &self.pool.candidate(self.chosen.model[&no]).kind {
            Kind::Installed(package) => {
                let is_wanted = self.request.wanted(&name.name).is_some();
                if is_wanted {
                    solution.unchanged.push(package.package.clone());
                }
                if is_wanted && package.reason == Reason::Automatic {
                    solution.now_explicit.push(name.name.clone());
                }
                if self.upgraded.contains(&name.name) {
                    solution
                        .kept_back
                        .extend(self.kept_back(no, &package.package));
                }
            }
            Kind::Offer(offer) => solution.install.push(Choice {
                offer: offer.clone(),
                installed: installed.map(|installed| installed.package.clone()),
                reason: self.reason(name),
                why: self.why(no, name),
            }),
            Kind::Succeeded(by) => {
                let why = RemovalWhy::Succeeded { by: by.clone() };
                solution.remove.extend(installed.map(|installed| Removal {
                    package: installed.package.clone(),
                    why,
                }));
            }
            Kind::Gone => solution.remove.extend(installed.map(|installed| Removal {
                package: installed.package.clone(),
                why: self.removal_why(name),
            })),
        }
    }

    fn reason(&self, name: &Name) -> Reason {
        let is_explicit = |name: &PackageName| {
            let installed = self.universe.packages.get(name);
            installed.is_some_and(|installed| installed.reason == Reason::Explicit)
        };
        let succeeded = self.successions.get(&name.name);
        if self
            .request
            .wanted(&name.name)
            .is_some_and(|wanted| wanted.which != crate::Which::Again)
            || is_explicit(&name.name)
            || succeeded.into_iter().flatten().any(is_explicit)
        {
            Reason::Explicit
        } else {
            Reason::Automatic
        }
    }

    fn why(&self, no: NameNo, name: &Name) -> Why {
        if self.request.wanted(&name.name).is_some() {
            return Why::Requested;
        }
        if name.installed.is_some() && self.upgraded.contains(&name.name) {
            return Why::Upgrade;
        }
        if let Some(of) = self.successions.get(&name.name) {
            return Why::Succeeds { of: of[0].clone() };
        }
        if let Some((by, need)) = self.chosen.needed.because.get(&no) {
            return Why::Needed {
                by: self.pool.name_of(*by).name.clone(),
                what: self.pool.need(*need).what.to_string(),
            };
        }
        self.forced_by(name).unwrap_or_else(|| Why::Outdated {
            because: self.removal_why(name),
        })
    }

    /// Finds what needs something that the new version has and the installed one has not.
    fn forced_by(&self, name: &Name) -> Option<Why> {
        let old = name.installed?;
        let mut names: Vec<&NameNo> = self.chosen.needed.names.iter().collect();
        // What was asked for is a better answer than what came along, and that than what was there.
        names.sort_by_key(|no| {
            let name = self.pool.name(**no);
            (self.request.wanted(&name.name).is_none(), name.is_there)
        });
        for no in names {
            let candidate = self.chosen.model[no];
            for need in &self.pool.candidate(candidate).needs {
                let need = self.pool.need(*need);
                let meets = |wanted: CandidateNo| need.candidates().any(|other| other == wanted);
                let new = self.chosen.model[&self.pool.candidate(old).name];
                if self.pool.name(*no).name != name.name && meets(new) && !meets(old) {
                    return Some(Why::Needed {
                        by: self.pool.name(*no).name.clone(),
                        what: need.what.to_string(),
                    });
                }
            }
        }
        None
    }

    fn removal_why(&self, name: &Name) -> RemovalWhy {
        if self.request.remove.contains(&name.name) {
            return RemovalWhy::Requested;
        }
        let Some(old) = name.installed else {
            return RemovalWhy::Requested;
        };
        let there = |no: &CandidateNo| {
            let name = self.pool.candidate(*no).name;
            self.chosen.needed.names.contains(&name) && self.chosen.model.get(&name) == Some(no)
        };
        for need in &self.pool.candidate(old).needs {
            let need = self.pool.need(*need);
            if !need.candidates().any(|no| there(&no)) {
                return RemovalWhy::Lacks {
                    what: need.what.to_string(),
                };
            }
        }
        let all = self
            .chosen
            .needed
            .names
            .iter()
            .map(|no| self.chosen.model[no]);
        let against = |no: &CandidateNo| {
            self.pool.candidate(*no).conflicts.contains(&old)
                || self.pool.candidate(old).conflicts.contains(no)
        };
        match all
            .filter(against)
            .find_map(|no| self.pool.candidate(no).package())
        {
            Some((with, _)) => RemovalWhy::Conflicts { with: with.clone() },
            None => RemovalWhy::Requested,
        }
    }

    fn kept_back(&self, no: NameNo, installed: &PackageId) -> Option<KeptBack> {
        let better = better_candidates(self.pool, no);
        let found = better
            .iter()
            .find_map(|no| match &self.pool.candidate(*no).kind {
                Kind::Offer(offer) => Some(offer.package.clone()),
                _ => None,
            });
        if let Some(offered) = found {
            return Some(KeptBack {
                installed: installed.clone(),
                offered,
                why: None,
            });
        }
        let name = self.pool.name(no);
        let excluded = name.excluded.iter().find(|(offer, exclusion)| {
            *exclusion != Exclusion::Arch && offer.package.compare_versions(installed).is_gt()
        });
        excluded.map(|(offer, exclusion)| KeptBack {
            installed: installed.clone(),
            offered: offer.package.clone(),
            why: Some(exclusion.words(&name.name)),
        })
    }
}
