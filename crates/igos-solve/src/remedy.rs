//! What would make a refused request possible: a rule that is laxer, and the plan that it leads to.

use std::collections::BTreeSet;

use crate::answer::answer;
use crate::build::{Builder, Scope, upgraded};
use crate::choose::choose;
use crate::request::{Holds, Removals};
use crate::{Offers, OffersError, Request, Solution, Universe, Upgrade};

/// Most changes of a plan that are listed.
const LISTED_MAX: usize = 12;

/// Returns which flags would make a refused request possible, each with what would happen then.
pub(crate) fn remedies(
    universe: &Universe,
    offers: &dyn Offers,
    request: &Request,
) -> Result<Vec<String>, OffersError> {
    let mut found = Vec::new();
    let is_held = universe.packages.values().any(|package| package.is_held);
    if is_held && request.policy.holds == Holds::Keep && !request.is_removal() {
        let mut lax = request.clone();
        lax.policy.holds = Holds::Ignore;
        if let Some(solution) = attempt(universe, offers, &lax)? {
            found.push(format!(
                "change held packages too: `--ignore-holds`{}",
                plan(&solution)
            ));
        }
    }
    if request.policy.removals == Removals::Refuse {
        let mut lax = request.clone();
        lax.policy.removals = Removals::Allow;
        if let Some(solution) = attempt(universe, offers, &lax)? {
            let removed: Vec<&str> = solution
                .remove
                .iter()
                .map(|removal| &removal.package.name)
                .filter(|name| !request.remove.contains(*name))
                .map(|name| name.as_str())
                .collect();
            if !removed.is_empty() {
                let removed = removed.join(", ");
                found.push(format!(
                    "remove {removed} too: `--allow-removals`{}",
                    plan(&solution)
                ));
            }
        }
    }
    Ok(found)
}

fn attempt(
    universe: &Universe,
    offers: &dyn Offers,
    request: &Request,
) -> Result<Option<Solution>, OffersError> {
    let upgraded = match &request.upgrade {
        Upgrade::Nothing => BTreeSet::new(),
        _ => upgraded(universe, offers, request)?,
    };
    let scope = match request.is_removal() {
        true => Scope::Named,
        false => Scope::Whole,
    };
    let pool = Builder::new(universe, offers, request, &upgraded, scope).build()?;
    let chosen = choose(&pool, universe, request, &upgraded);
    Ok(chosen.map(|chosen| answer(&pool, universe, request, &upgraded, &chosen)))
}

/// Returns what a solution would do; nothing where only packages go, which are named already.
fn plan(solution: &Solution) -> String {
    if solution.install.is_empty() {
        return String::new();
    }
    let comes = solution.install.iter().map(|choice| {
        let package = &choice.offer.package;
        let name = &package.name;
        match &choice.installed {
            None => format!("install {package}"),
            Some(old) if package.compare_versions(old).is_lt() => {
                format!("downgrade {name} to {}", package.full_version())
            }
            Some(_) => format!("upgrade {name} to {}", package.full_version()),
        }
    });
    let goes = solution.remove.iter();
    let goes = goes.map(|removal| format!("remove {}", removal.package.name));
    let all: Vec<String> = comes.chain(goes).collect();
    let more = match all.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let listed = &all[..all.len().min(LISTED_MAX)];
    format!(", which would {}{more}", listed.join(", "))
}
