//! Why a request cannot be fulfilled, in words.

use std::collections::BTreeSet;
use std::fmt;

use igos_format::PackageName;
use igos_format::declaration::FeatureKind;
use serde::Serialize;

use crate::pool::{CandidateNo, Kind, NameNo, Need, NeedNo, Pool, What};
use crate::propagate::Ground;
use crate::refute::Proof;
use crate::search::Demand;
use crate::{Offer, Offers, OffersError, Request, Sought, Upgrade};

/// Most lines of an explanation.
const LINES_MAX: usize = 24;

/// What kind of request it is that cannot be fulfilled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impossible {
    /// Something named is not installed.
    NotInstalled,
    /// Nothing offered has the name, or none of its versions is meant.
    NotOffered,
    /// Several packages provide a name that none has.
    Ambiguous,
    /// What is to go is needed.
    Needed,
    /// What is to go is essential.
    Essential,
    /// What is asked for cannot be there together with the rest.
    NoSolution,
}

/// Why a request cannot be fulfilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What kind of request it is.
    pub kind: Impossible,
    /// What cannot be done.
    pub headline: String,
    /// Why: one step each.
    pub because: Vec<String>,
    /// How to go on.
    pub hints: Vec<String>,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.headline)?;
        for (at, line) in self.because.iter().enumerate() {
            write!(
                f,
                "{} {}",
                if at == 0 { ":" } else { ";" },
                line.trim_start()
            )?;
        }
        Ok(())
    }
}

/// Tells whether a demand is what somebody asked for, rather than that what is installed stays.
pub(crate) fn is_asked(pool: &Pool, request: &Request, demand: &Demand) -> bool {
    request.names(&pool.name(demand.name).name)
}

struct Words<'a> {
    pool: &'a Pool,
    offers: &'a dyn Offers,
    request: &'a Request,
    demands: &'a [Demand],
    lines: Vec<String>,
    hints: BTreeSet<String>,
    guilty: BTreeSet<PackageName>,
    /// Names that a feature drove out.
    outdated: BTreeSet<PackageName>,
    /// Names that a line has spoken of.
    mentioned: BTreeSet<NameNo>,
}

/// Puts a proof into words.
pub(crate) fn explain(
    pool: &Pool,
    offers: &dyn Offers,
    request: &Request,
    demands: &[Demand],
    proof: Option<&Proof>,
) -> Result<Explanation, OffersError> {
    let mut words = Words {
        pool,
        offers,
        request,
        demands,
        lines: Vec::new(),
        hints: BTreeSet::new(),
        guilty: BTreeSet::new(),
        outdated: BTreeSet::new(),
        mentioned: BTreeSet::new(),
    };
    match proof {
        Some(proof) => words.tell(proof, 0)?,
        None => words.lines.push(
            "no choice of versions satisfies everything that is asked for and installed".to_owned(),
        ),
    }
    let mut because = Vec::new();
    for line in words.lines.iter().take(LINES_MAX) {
        if !because.contains(line) {
            because.push(line.clone());
        }
    }
    if words.lines.len() > LINES_MAX {
        because.push("and more of the kind".to_owned());
    }
    Ok(Explanation {
        kind: words.kind(),
        headline: words.headline(),
        because,
        hints: words.hints.into_iter().collect(),
    })
}

impl Words<'_> {
    fn kind(&self) -> Impossible {
        let is_unknown = |name: &PackageName| {
            let demands = self.demands.iter();
            demands
                .filter(|demand| self.pool.name(demand.name).name == *name)
                .any(|demand| demand.candidates.is_empty())
        };
        if self.request.is_removal() {
            Impossible::Needed
        } else if self.guilty.iter().any(is_unknown) {
            Impossible::NotOffered
        } else {
            Impossible::NoSolution
        }
    }

    fn headline(&self) -> String {
        let list = |names: Vec<String>| names.join(", ");
        let install = self.request.install.iter();
        let install: Vec<String> = install
            .filter(|wanted| self.guilty.is_empty() || self.guilty.contains(&wanted.name))
            .map(ToString::to_string)
            .collect();
        let upgrade: Vec<String> = match &self.request.upgrade {
            Upgrade::Names(names) => names
                .iter()
                .filter(|name| self.guilty.is_empty() || self.guilty.contains(*name))
                .map(ToString::to_string)
                .collect(),
            _ => Vec::new(),
        };
        let remove = self
            .request
            .remove
            .iter()
            .filter(|name| self.guilty.is_empty() || self.guilty.contains(*name));
        let remove: Vec<String> = remove.map(ToString::to_string).collect();
        let parts: Vec<String> = [
            ("install", install),
            ("upgrade", upgrade),
            ("remove", remove),
        ]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}", list(names)))
        .collect();
        if parts.is_empty() {
            "cannot upgrade".to_owned()
        } else {
            format!("cannot {}", parts.join(" and "))
        }
    }

    fn push(&mut self, depth: usize, line: &str) {
        self.lines
            .push(format!("{:depth$}{line}", "", depth = 2 * depth));
    }

    fn tell(&mut self, proof: &Proof, depth: usize) -> Result<(), OffersError> {
        let mut left = proof.grounds.clone();
        // Each line should speak of something that a line before it brought up.
        while !left.is_empty() {
            let next = left.iter().position(|ground| self.is_due(*ground));
            let ground = left.remove(next.unwrap_or(0));
            self.mention(ground);
            self.tell_ground(ground, depth)?;
        }
        for (case, proof) in &proof.cases {
            let line = format!("with {}:", self.pool.candidate(*case));
            self.push(depth, &line);
            self.tell(proof, depth + 1)?;
        }
        Ok(())
    }

    /// Returns the names that a line speaks of: whose line it is, then the others.
    fn names_of(&self, ground: Ground) -> Vec<NameNo> {
        let name = |no: CandidateNo| self.pool.candidate(no).name;
        match ground {
            Ground::Demand(at) => vec![self.demands[at].name],
            Ground::Need(candidate, need) => {
                let others = self.pool.need(need).satisfied_by.iter();
                let others = others.map(|(name, _)| *name);
                std::iter::once(name(candidate)).chain(others).collect()
            }
            Ground::Once(a, b) | Ground::Conflict(a, b) => vec![name(a), name(b)],
        }
    }

    fn is_due(&self, ground: Ground) -> bool {
        let names = self.names_of(ground);
        let asked = matches!(ground, Ground::Demand(at) if self.is_asked(&self.demands[at]));
        asked || names.iter().any(|name| self.mentioned.contains(name))
    }

    fn mention(&mut self, ground: Ground) {
        self.mentioned.extend(self.names_of(ground));
    }

    fn is_asked(&self, demand: &Demand) -> bool {
        is_asked(self.pool, self.request, demand)
    }

    fn tell_ground(&mut self, ground: Ground, depth: usize) -> Result<(), OffersError> {
        match ground {
            Ground::Demand(at) => return self.tell_demand(at, depth),
            Ground::Need(candidate, need) => return self.tell_need(candidate, need, depth),
            Ground::Once(..) => {}
            Ground::Conflict(a, b) => {
                self.blame(a);
                self.blame(b);
                let line = self.conflict(a, b);
                self.push(depth, &line);
            }
        }
        Ok(())
    }

    fn conflict(&self, a: CandidateNo, b: CandidateNo) -> String {
        let (a, b) = (self.pool.candidate(a), self.pool.candidate(b));
        let takes_place = a
            .package()
            .zip(b.package())
            .is_some_and(|((_, a), (b, _))| a.supersedes.contains(&b.name));
        if takes_place {
            format!("{a} takes the place of {b}")
        } else {
            format!("{a} conflicts with {b}")
        }
    }

    /// Notes that a name of the request takes part.
    fn blame(&mut self, candidate: CandidateNo) {
        let name = &self.pool.name_of(candidate).name;
        self.blame_name(&name.clone());
    }

    fn blame_name(&mut self, name: &PackageName) {
        if self.request.names(name) {
            self.guilty.insert(name.clone());
        }
    }

    fn tell_demand(&mut self, at: usize, depth: usize) -> Result<(), OffersError> {
        let demand = &self.demands[at];
        let own = self.pool.name(demand.name).name.clone();
        self.blame_name(&own);
        if self.is_asked(demand) {
            if demand.candidates.is_empty() {
                self.tell_nothing_meant(&own, depth)?;
            }
            return Ok(());
        }
        let installed = self.pool.name(demand.name).installed;
        let installed = installed.and_then(|no| match &self.pool.candidate(no).kind {
            Kind::Installed(installed) => Some(installed),
            _ => None,
        });
        let is_held = installed
            .is_some_and(|it| it.is_held && self.request.policy.holds == crate::Holds::Keep);
        let is_essential = installed.is_some_and(|it| it.is_essential);
        let line = if is_held {
            self.hints
                .insert(format!("let it change: `pkm unhold {own}`"));
            format!("{own} is held")
        } else if demand.candidates.len() > 1 {
            return Ok(());
        } else if self.outdated.contains(&own) && !self.request.is_removal() {
            format!("nothing newer of {own} is offered: it has to be rebuilt")
        } else if is_essential {
            format!("{own} is essential, and nothing else of it is offered")
        } else if self.request.is_removal() {
            return Ok(());
        } else {
            format!("{own} is installed, and nothing else of it is offered")
        };
        self.push(depth, &line);
        Ok(())
    }

    /// Tells why nothing of a name that was asked for is what is meant.
    fn tell_nothing_meant(&mut self, name: &PackageName, depth: usize) -> Result<(), OffersError> {
        let (offered, excluded) = (self.offered(name), self.excluded(name, |_| true)?);
        if offered.is_empty() && excluded.is_empty() {
            self.push(depth, &format!("nothing offered is called {name}"));
        } else if !offered.is_empty() {
            self.push(
                depth,
                &format!("of {name} there is only {}", joined(&offered)),
            );
        }
        excluded.iter().for_each(|line| self.push(depth, line));
        Ok(())
    }

    fn tell_need(
        &mut self,
        candidate: CandidateNo,
        need: NeedNo,
        depth: usize,
    ) -> Result<(), OffersError> {
        self.blame(candidate);
        let need = self.pool.need(need);
        if let What::Successor { .. } = need.what {
            return Ok(());
        }
        let who = self.pool.candidate(candidate);
        let own = self.pool.name_of(candidate).name.clone();
        if who.is_installed()
            && matches!(&need.what, What::Feature(feature) if feature.kind != FeatureKind::Path)
        {
            self.outdated.insert(own);
        }
        let having: Vec<String> = need
            .candidates()
            .map(|no| self.pool.candidate(no).to_string())
            .collect();
        let start = format!("{who} needs {}", need.what);
        match having.as_slice() {
            [] => {
                let lines = self.lack(need)?;
                let (first, more) = lines.split_first().expect("a lack has words");
                let first = format!("{start}, {first}");
                self.push(depth, &first);
                more.iter().for_each(|line| self.push(depth, line));
            }
            [one] if self.is_by_name(need) => {
                self.push(depth, &format!("{start}, which only {one} is"));
            }
            [one] => self.push(depth, &format!("{start}, which only {one} has")),
            several if self.is_by_name(need) => {
                self.push(depth, &format!("{start}, which {} are", joined(several)));
            }
            several => self.push(depth, &format!("{start}, which {} have", joined(several))),
        }
        Ok(())
    }

    /// Tells whether all that have what is needed are called so.
    fn is_by_name(&self, need: &Need) -> bool {
        let What::Dependency(dependency) = &need.what else {
            return false;
        };
        let mut names = need.satisfied_by.iter();
        names.all(|(name, _)| self.pool.name(*name).name == dependency.name)
    }

    fn lack(&mut self, need: &Need) -> Result<Vec<String>, OffersError> {
        let what = need.what.clone();
        if let What::Dependency(dependency) = &what
            && self.request.remove.contains(&dependency.name)
        {
            self.blame_name(&dependency.name.clone());
            return Ok(vec!["which is to go".to_owned()]);
        }
        Ok(match &what {
            What::Dependency(dependency) => {
                let name = &dependency.name;
                let offered = self.offered(name);
                let excluded = self.excluded(name, |offer| {
                    offer.relations.satisfies(&offer.package, dependency)
                })?;
                let mut lines = match offered.as_slice() {
                    [] if excluded.is_empty() => vec![format!("which nothing offered has")],
                    [] => vec!["which nothing usable has".to_owned()],
                    [one] => vec![format!("and the only {name} is {one}")],
                    several => vec![format!("and {name} is only {}", joined(several))],
                };
                lines.extend(excluded);
                lines
            }
            What::Feature(feature) => {
                let leaving = self.request.remove.iter().next().cloned();
                if let Some(name) = leaving.filter(|_| self.request.is_removal()) {
                    self.blame_name(&name);
                    return Ok(vec!["which nothing would have any more".to_owned()]);
                }
                let mut lines = vec!["which nothing offered has".to_owned()];
                for name in &self.pool.names {
                    for (offer, exclusion) in &name.excluded {
                        if offer.relations.has(feature) {
                            lines.push(format!("{offer} {}", exclusion.words(&name.name)));
                            self.hints.extend(exclusion.hint(&name.name));
                        }
                    }
                }
                self.add_hidden(Sought::Feature(feature), |_| true, &mut lines)?;
                lines
            }
            What::Successor { .. } => vec!["which nothing offered has".to_owned()],
        })
    }

    /// Returns what is there or offered of a name.
    fn offered(&self, name: &PackageName) -> Vec<String> {
        let candidates = self.pool.find(name).map(|name| name.candidates.as_slice());
        candidates
            .unwrap_or_default()
            .iter()
            .map(|no| self.pool.candidate(*no))
            .filter(|candidate| matches!(candidate.kind, Kind::Installed(_) | Kind::Offer(_)))
            .map(ToString::to_string)
            .collect()
    }

    /// Returns what of a name is offered and not considered, with the reasons.
    fn excluded(
        &mut self,
        name: &PackageName,
        counts: impl Fn(&Offer) -> bool,
    ) -> Result<Vec<String>, OffersError> {
        let mut lines = Vec::new();
        let found = self.pool.find(name);
        let excluded = found.iter().flat_map(|found| &found.excluded);
        for (offer, exclusion) in excluded.filter(|(offer, _)| counts(offer)) {
            lines.push(format!("{offer} {}", exclusion.words(name)));
            self.hints.extend(exclusion.hint(name));
        }
        self.add_hidden(Sought::Name(name), counts, &mut lines)?;
        Ok(lines)
    }

    /// Tells what repositories have and may not offer.
    fn add_hidden(
        &mut self,
        sought: Sought<'_>,
        counts: impl Fn(&Offer) -> bool,
        lines: &mut Vec<String>,
    ) -> Result<(), OffersError> {
        for hidden in self.offers.hidden(sought)? {
            if counts(&hidden.offer) {
                lines.push(format!("{} {}", hidden.offer, hidden.why));
                self.hints.insert(hidden.hint);
            }
        }
        Ok(())
    }
}

fn joined(list: &[String]) -> String {
    match list {
        [] => String::new(),
        [one] => one.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}
