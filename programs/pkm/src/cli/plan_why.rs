//! Why a plan changes what it changes: what the solver said about it.

use std::collections::BTreeMap;
use std::fmt;

use igos_format::PackageName;
use igos_solve::{KeptBack, RemovalWhy, Solution, Why};
use igos_sysroot::Change;
use serde::Serialize;

/// Why packages change, and which do not although something newer is offered.
///
/// Empty for what the solver was not asked about: marks, a rollback, alternatives.
#[derive(Debug, Default, Serialize)]
pub(super) struct Grounds {
    /// By the name of the package.
    why: BTreeMap<PackageName, Cause>,
    kept_back: Vec<KeptBack>,
}

/// Why one package changes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Cause {
    /// Why it comes.
    Comes(Why),
    /// Why it goes.
    Goes(RemovalWhy),
}

impl Grounds {
    /// Returns what the solver said about its solution.
    pub(super) fn of(solution: &Solution) -> Self {
        let comes = solution.install.iter().map(|choice| {
            let name = choice.offer.package.name.clone();
            (name, Cause::Comes(choice.why.clone()))
        });
        let goes = solution.remove.iter().map(|removal| {
            let name = removal.package.name.clone();
            (name, Cause::Goes(removal.why.clone()))
        });
        let marked = solution.now_explicit.iter();
        let marked = marked.map(|name| (name.clone(), Cause::Comes(Why::Requested)));
        Grounds {
            why: comes.chain(goes).chain(marked).collect(),
            kept_back: solution.kept_back.clone(),
        }
    }

    /// Returns why a package changes, as the end of its line in a plan; `None` where that is plain.
    pub(super) fn words(&self, change: &Change) -> Option<String> {
        match self.why.get(&change.package.name) {
            // The user's own words, and the old version that the line has.
            None
            | Some(Cause::Comes(Why::Requested | Why::Upgrade))
            | Some(Cause::Goes(RemovalWhy::Requested)) => needed_by(change),
            Some(Cause::Comes(Why::Needed { by, .. })) if change.required_by.contains(by) => {
                needed_by(change)
            }
            Some(cause) => Some(cause.to_string()),
        }
    }
}

/// Returns which of the packages that come with this one need it.
fn needed_by(change: &Change) -> Option<String> {
    let names: Vec<String> = change.required_by.iter().map(ToString::to_string).collect();
    (!names.is_empty()).then(|| format!("needed by {}", names.join(", ")))
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Comes(why) => why.fmt(f),
            Cause::Goes(why) => why.fmt(f),
        }
    }
}
