//! The wishes, in the order in which they count.
//!
//! 1. Nothing that is installed goes unless that was asked for; what was asked for once counts before the rest.
//! 2. What is asked for is the best there is, in the order of the request; then what is to be upgraded.
//! 3. Everything else stays as it is.
//! 4. Where several packages would do, the most welcome one comes, in its best version; nothing comes without need.

use crate::build::{Upgraded, explicit_first};
use crate::needed::{Needed, needed};
use crate::pool::{Aim, CandidateNo, Kind, NameNo, Pool};
use crate::search::{Demand, Model, Search};
use crate::{Request, Universe, Which};

/// Most rounds in which choices between packages are improved; each settles one choice at least.
const ROUNDS_MAX: usize = 64;

/// A solution that fulfils all demands, and as many wishes as possible.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) model: Model,
    pub(crate) needed: Needed,
}

/// Returns what has to be: what is asked for is there, and what is installed stays, in some version.
pub(crate) fn demands(
    pool: &Pool,
    universe: &Universe,
    request: &Request,
    upgraded: &Upgraded,
) -> Vec<Demand> {
    let mut demands = Vec::new();
    for no in pool.numbers() {
        let name = pool.name(no);
        let installed = universe.packages.get(&name.name);
        if installed.is_some() {
            demands.push(Demand {
                name: no,
                candidates: name.candidates.clone(),
            });
        }
        if let Some(wanted) = request.wanted(&name.name) {
            demands.push(Demand {
                name: no,
                candidates: wanted_candidates(pool, no, &wanted.which),
            });
        }
        if matches!(request.upgrade, crate::Upgrade::Names(_)) && upgraded.contains(&name.name) {
            let better = better_candidates(pool, no);
            if !better.is_empty() {
                demands.push(Demand {
                    name: no,
                    candidates: better,
                });
            }
        }
    }
    demands
}

/// Returns the candidates of a name that are what is asked for, the best first.
fn wanted_candidates(pool: &Pool, no: NameNo, which: &Which) -> Vec<CandidateNo> {
    let name = pool.name(no);
    let installed = name
        .installed
        .and_then(|no| match &pool.candidate(no).kind {
            Kind::Installed(installed) => Some(installed),
            _ => None,
        });
    let mut found: Vec<CandidateNo> =
        name.candidates
            .iter()
            .copied()
            .filter(|candidate| match &pool.candidate(*candidate).kind {
                Kind::Installed(installed) => {
                    *which != Which::Again && which.accepts(&installed.package, &installed.seal)
                }
                Kind::Offer(offer) if *which == Which::Again => installed
                    .is_some_and(|old| old.package.compare_versions(&offer.package).is_eq()),
                Kind::Offer(offer) => which.accepts_offer(offer),
                Kind::Succeeded(_) | Kind::Gone => false,
            })
            .collect();
    if *which == Which::Again {
        // The very archive that was installed, if it is still to be had.
        found.sort_by_key(
            |candidate| match (&pool.candidate(*candidate).kind, installed) {
                (Kind::Offer(offer), Some(installed)) => offer.seal != installed.seal,
                _ => true,
            },
        );
    }
    found
}

/// Returns the candidates of an installed name that are better than what is installed.
pub(crate) fn better_candidates(pool: &Pool, no: NameNo) -> Vec<CandidateNo> {
    let name = pool.name(no);
    let end = name
        .candidates
        .iter()
        .position(|candidate| Some(*candidate) == name.installed);
    name.candidates[..end.unwrap_or(0)].to_vec()
}

/// Finds the best solution; `None` if there is none.
pub(crate) fn choose(
    pool: &Pool,
    universe: &Universe,
    request: &Request,
    upgraded: &Upgraded,
) -> Option<Chosen> {
    let mut search = Search::new(pool, demands(pool, universe, request, upgraded));
    let mut model = search.start()?;
    let number = |name| pool.by_name.get(name).copied();
    for no in explicit_first(universe).into_iter().filter_map(number) {
        let staying: Vec<CandidateNo> = pool.name(no).candidates.clone();
        let stays = |no: &CandidateNo| !matches!(pool.candidate(*no).kind, Kind::Gone);
        let staying: Vec<CandidateNo> = staying.into_iter().filter(stays).collect();
        if staying.len() < pool.name(no).candidates.len() && !staying.is_empty() {
            search.wish(
                &mut model,
                Demand {
                    name: no,
                    candidates: staying,
                },
            );
        }
    }
    for wanted in &request.install {
        if let Some(no) = number(&wanted.name) {
            let candidates = wanted_candidates(pool, no, &wanted.which);
            search.wish_best(&mut model, no, &candidates);
        }
    }
    for aim in [Aim::Best, Aim::Keep] {
        for name in explicit_first(universe) {
            let no = pool.by_name[name];
            if pool.name(no).aim == aim && request.wanted(name).is_none() {
                search.wish_best(&mut model, no, &pool.name(no).candidates);
            }
        }
    }
    let needed = settle_new(pool, request, &mut search, &mut model);
    Some(Chosen { model, needed })
}

fn roots<'a>(pool: &'a Pool, request: &'a Request) -> impl Iterator<Item = NameNo> + 'a {
    pool.numbers().filter(|no| {
        let name = pool.name(*no);
        name.is_there || request.wanted(&name.name).is_some()
    })
}

/// Settles which new packages come: the most welcome ones, in their best versions.
fn settle_new(
    pool: &Pool,
    request: &Request,
    search: &mut Search<'_>,
    model: &mut Model,
) -> Needed {
    let mut refused: Vec<(NameNo, Vec<CandidateNo>)> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let found = needed(pool, model, roots(pool, request));
        let mut better = Vec::new();
        for (name, (_, need)) in &found.because {
            let groups = &pool.need(*need).satisfied_by;
            let before = groups.iter().take_while(|(other, _)| other != name);
            better.extend(before.filter(|group| !refused.contains(group)).cloned());
        }
        let Some((name, candidates)) = better.into_iter().next() else {
            break;
        };
        let wish = Demand { name, candidates };
        let group = (wish.name, wish.candidates.clone());
        search.wish(model, wish);
        refused.push(group);
    }
    let found = needed(pool, model, roots(pool, request));
    for no in &found.names {
        if pool.name(*no).aim == Aim::None && pool.name(*no).installed.is_none() {
            search.wish_best(model, *no, &pool.name(*no).candidates);
        }
    }
    needed(pool, model, roots(pool, request))
}

/// Tells whether what was asked for is the best there is and nothing else changed: the solution of a narrow search
/// is then that of the whole.
pub(crate) fn is_best(pool: &Pool, request: &Request, model: &Model) -> bool {
    request.install.iter().all(|wanted| {
        pool.by_name.get(&wanted.name).is_some_and(|no| {
            let best = wanted_candidates(pool, *no, &wanted.which);
            model.get(no) == best.first()
        })
    }) && model.iter().all(|(no, chosen)| {
        let name = pool.name(*no);
        name.aim != Aim::Keep || name.installed.is_none_or(|installed| installed == *chosen)
    })
}
