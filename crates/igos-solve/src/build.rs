//! From a universe, offers and a request to the pool of everything a solution may consist of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::{Dependency, PackageName};

use crate::admit::{Rules, admit};
use crate::pool::{Aim, CandidateNo, Kind, Name, NameNo, Need, NeedNo, Pool, What};
use crate::request::{Essentials, Holds, Removals, Upgrade};
use crate::{InstalledPackage, Offers, OffersError, Reason, Request, Universe};

/// How much of what is installed may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only what the request names: few things have to be looked up.
    Named,
    /// Everything.
    Whole,
}

/// Which names an upgrade is about, found before the pool is built.
pub(crate) type Upgraded = BTreeSet<PackageName>;

pub(crate) struct Builder<'a> {
    pub(crate) universe: &'a Universe,
    pub(crate) offers: &'a dyn Offers,
    pub(crate) request: &'a Request,
    pub(crate) upgraded: &'a Upgraded,
    pub(crate) scope: Scope,
    pub(crate) pool: Pool,
    pub(crate) queue: VecDeque<NameNo>,
    /// Needs that were seen, so that each is looked up once.
    pub(crate) seen: HashMap<What, NeedNo>,
    /// For an installed name, which offered packages take its place, the latest in a chain first.
    pub(crate) successors: BTreeMap<PackageName, Vec<PackageName>>,
    /// What is installed and does not change, by all names it answers to.
    pub(crate) fixed_names: HashMap<&'a PackageName, Vec<&'a InstalledPackage>>,
    pub(crate) fixed_features: HashSet<&'a Feature>,
    /// Candidates by all names they answer to.
    pub(crate) answering: HashMap<PackageName, Vec<CandidateNo>>,
}

impl<'a> Builder<'a> {
    pub(crate) fn new(
        universe: &'a Universe,
        offers: &'a dyn Offers,
        request: &'a Request,
        upgraded: &'a Upgraded,
        scope: Scope,
    ) -> Self {
        let mut builder = Builder {
            universe,
            offers,
            request,
            upgraded,
            scope,
            pool: Pool::default(),
            queue: VecDeque::new(),
            seen: HashMap::new(),
            successors: BTreeMap::new(),
            fixed_names: HashMap::new(),
            fixed_features: HashSet::new(),
            answering: HashMap::new(),
        };
        for (name, installed) in &universe.packages {
            if builder.is_fixed(name) && !request.remove.contains(name) {
                let provided = installed
                    .relations
                    .provides
                    .iter()
                    .map(|provided| &provided.name);
                for name in provided.chain([name]) {
                    builder.fixed_names.entry(name).or_default().push(installed);
                }
                builder
                    .fixed_features
                    .extend(&installed.relations.features_provided);
            }
        }
        builder
    }

    /// Looks up everything that can be reached from what is installed and asked for.
    pub(crate) fn build(mut self) -> Result<Pool, OffersError> {
        for name in self.universe.packages.keys() {
            self.open(name);
        }
        for wanted in &self.request.install {
            self.open(&wanted.name);
        }
        while let Some(name) = self.queue.pop_front() {
            self.fill(name)?;
        }
        self.add_departures();
        self.satisfy()?;
        self.connect();
        Ok(self.pool)
    }

    fn open(&mut self, name: &PackageName) -> NameNo {
        if let Some(no) = self.pool.by_name.get(name) {
            return *no;
        }
        let no = NameNo(u32::try_from(self.pool.names.len()).expect("memory ends first"));
        self.pool.names.push(Name {
            name: name.clone(),
            candidates: Vec::new(),
            installed: None,
            is_there: self.universe.packages.contains_key(name),
            excluded: Vec::new(),
            aim: self.aim(name),
        });
        self.pool.by_name.insert(name.clone(), no);
        self.queue.push_back(no);
        no
    }

    fn aim(&self, name: &PackageName) -> Aim {
        if self.request.wanted(name).is_some() || self.upgraded.contains(name) {
            Aim::Best
        } else if self.universe.packages.contains_key(name) {
            Aim::Keep
        } else {
            Aim::None
        }
    }

    /// Tells whether nothing but what is installed is considered for a name.
    fn is_fixed(&self, name: &PackageName) -> bool {
        self.scope == Scope::Named
            && self.universe.packages.contains_key(name)
            && self.aim(name) == Aim::Keep
    }

    fn fill(&mut self, no: NameNo) -> Result<(), OffersError> {
        let name = self.pool.name(no).name.clone();
        let installed = self.universe.packages.get(&name);
        let is_leaving = self.request.remove.contains(&name);
        let offers = if self.is_fixed(&name) || is_leaving || self.request.is_removal() {
            Vec::new()
        } else {
            self.offers.named(&name)?
        };
        let admitted = admit(
            offers,
            Rules {
                name: &name,
                arch: self.universe.arch,
                installed,
                wanted: self.request.wanted(&name),
                policy: &self.request.policy,
            },
        );
        self.pool.names[no.0 as usize].excluded = admitted.excluded;
        let mut kinds: Vec<Kind> = admitted.offers.into_iter().map(Kind::Offer).collect();
        if let Some(installed) = installed.filter(|_| !is_leaving) {
            let kind = Kind::Installed(Arc::new(installed.clone()));
            let at = match self.aim(&name) {
                Aim::Best => kinds.partition_point(|kind| is_newer(kind, installed)),
                Aim::Keep | Aim::None => 0,
            };
            kinds.insert(at, kind);
            if !self.is_fixed(&name) {
                self.find_successors(&name, &kinds)?;
            }
        }
        for kind in kinds {
            let is_installed = matches!(kind, Kind::Installed(_));
            let candidate = self.pool.add(no, kind);
            if is_installed {
                self.pool.names[no.0 as usize].installed = Some(candidate);
            }
            self.note_needs(candidate)?;
        }
        Ok(())
    }

    fn note_needs(&mut self, candidate: CandidateNo) -> Result<(), OffersError> {
        let Some((package, relations)) = self.pool.candidate(candidate).package() else {
            return Ok(());
        };
        let (package, relations) = (package.clone(), relations.clone());
        let mut needs = Vec::new();
        for dependency in &relations.depends {
            if !relations.satisfies(&package, dependency) {
                needs.push(self.need(&What::Dependency(dependency.clone()))?);
            }
        }
        for feature in &relations.features_required {
            if !relations.has(feature) {
                needs.push(self.need(&What::Feature(feature.clone()))?);
            }
        }
        for name in relations.supersedes {
            // What takes a place may take that of something installed.
            if self.universe.packages.contains_key(&name)
                && relations
                    .provides
                    .iter()
                    .any(|provided| provided.name == name)
            {
                let list = self.successors.entry(name).or_default();
                if !list.contains(&package.name) {
                    list.push(package.name.clone());
                }
            }
        }
        self.pool.candidates[candidate.0 as usize].needs = needs;
        Ok(())
    }

    /// Returns the number of a need; who may have it is looked up when it is seen first.
    fn need(&mut self, what: &What) -> Result<NeedNo, OffersError> {
        if let Some(no) = self.seen.get(what) {
            return Ok(*no);
        }
        let no = NeedNo(u32::try_from(self.pool.needs.len()).expect("memory ends first"));
        self.pool.needs.push(Need {
            what: what.clone(),
            satisfied_by: Vec::new(),
        });
        self.seen.insert(what.clone(), no);
        if self.request.is_removal() || self.is_met_by_fixed(what)? {
            return Ok(no);
        }
        match what {
            What::Dependency(Dependency { name, .. }) => {
                self.open(name);
                for offer in self.offers.providing(name)? {
                    self.open(&offer.package.name);
                }
            }
            What::Feature(feature) => {
                for offer in self.offers.with_feature(feature)? {
                    self.open(&offer.package.name);
                }
            }
            What::Successor { by, .. } => {
                self.open(by);
            }
        }
        Ok(no)
    }

    fn is_met_by_fixed(&self, what: &What) -> Result<bool, OffersError> {
        if self.scope == Scope::Whole {
            return Ok(false);
        }
        let met = match what {
            What::Dependency(dependency) => {
                let list = self.fixed_names.get(&dependency.name);
                list.into_iter()
                    .flatten()
                    .any(|installed| has(what, installed))
            }
            What::Feature(feature) => self.fixed_features.contains(feature),
            What::Successor { .. } => false,
        };
        if met {
            return Ok(true);
        }
        Ok(self
            .path_owner(what)?
            .is_some_and(|owner| self.is_fixed(&owner) && !self.request.remove.contains(&owner)))
    }

    pub(crate) fn path_owner(&self, what: &What) -> Result<Option<PackageName>, OffersError> {
        match what {
            What::Feature(feature) if feature.kind == FeatureKind::Path => {
                self.offers.installed_with_path(&feature.name)
            }
            _ => Ok(None),
        }
    }

    /// Follows what takes the place of an installed package, and what takes the place of that.
    ///
    /// Also where nobody asked for an upgrade of it: something that is asked for may stand against it and not against
    /// its successor.
    fn find_successors(&mut self, name: &PackageName, kinds: &[Kind]) -> Result<(), OffersError> {
        let is_upgraded = self.upgraded.contains(name);
        if !is_upgraded && self.scope == Scope::Named {
            return Ok(());
        }
        let is_offered = !is_upgraded
            || kinds.iter().any(|kind| matches!(kind, Kind::Offer(_)))
            || self
                .pool
                .find(name)
                .is_some_and(|name| !name.excluded.is_empty());
        let mut chain: Vec<PackageName> = Vec::new();
        let mut layer = vec![name.clone()];
        while !layer.is_empty() {
            let mut next = BTreeSet::new();
            for older in &layer {
                for offer in self.offers.superseding(older)? {
                    let takes_over =
                        offer.relations.provides_name(older) || (older == name && !is_offered);
                    let new = &offer.package.name;
                    if takes_over && new != name && !chain.contains(new) {
                        next.insert(new.clone());
                    }
                }
            }
            layer = next.into_iter().collect();
            // The latest of a chain comes first.
            chain.splice(0..0, layer.iter().cloned());
        }
        for successor in &chain {
            self.open(successor);
        }
        let known = self.successors.entry(name.clone()).or_default();
        known.retain(|other| !chain.contains(other));
        known.splice(0..0, chain);
        Ok(())
    }

    /// Adds, for what is installed, that it goes: because another takes its place, or as it is.
    fn add_departures(&mut self) {
        for (name, installed) in &self.universe.packages {
            let no = self.pool.by_name[name];
            if self.request.remove.contains(name) {
                self.pool.add(no, Kind::Gone);
                continue;
            }
            let policy = &self.request.policy;
            let is_held = installed.is_held && policy.holds == Holds::Keep;
            if is_held {
                continue;
            }
            for by in self.successors.get(name).cloned().unwrap_or_default() {
                let candidate = self.pool.add(no, Kind::Succeeded(by));
                if self.upgraded.contains(name) {
                    // An upgrade goes to the successor rather than to a newer version of what it succeeds.
                    let list = &mut self.pool.names[no.0 as usize].candidates;
                    let at = list.iter().position(|other| {
                        !matches!(
                            self.pool.candidates[other.0 as usize].kind,
                            Kind::Succeeded(_)
                        )
                    });
                    list.pop();
                    list.insert(at.unwrap_or(list.len()), candidate);
                }
            }
            let may_go = policy.removals == Removals::Allow
                && (!installed.is_essential || policy.essentials == Essentials::Remove);
            if may_go && self.request.wanted(name).is_none() {
                self.pool.add(no, Kind::Gone);
            }
        }
    }
}

fn is_newer(kind: &Kind, installed: &InstalledPackage) -> bool {
    match kind {
        Kind::Offer(offer) => offer.package.compare_versions(&installed.package).is_gt(),
        _ => false,
    }
}

pub(crate) fn has(what: &What, installed: &InstalledPackage) -> bool {
    match what {
        What::Dependency(dependency) => installed
            .relations
            .satisfies(&installed.package, dependency),
        What::Feature(feature) => installed.relations.has(feature),
        What::Successor { .. } => false,
    }
}

/// Returns the names that an upgrade is about.
pub(crate) fn upgraded(
    universe: &Universe,
    offers: &dyn Offers,
    request: &Request,
) -> Result<Upgraded, OffersError> {
    Ok(match &request.upgrade {
        Upgrade::Nothing => BTreeSet::new(),
        Upgrade::Names(names) => names.clone(),
        Upgrade::All => universe.packages.keys().cloned().collect(),
        Upgrade::Security => {
            let mut names = BTreeSet::new();
            for (name, installed) in &universe.packages {
                let mends = offers.named(name)?.iter().any(|offer| {
                    offer.is_security && offer.package.compare_versions(&installed.package).is_gt()
                });
                if mends {
                    names.insert(name.clone());
                }
            }
            names
        }
    })
}

/// Returns installed names in the order in which their wishes count: what was asked for before what was not.
pub(crate) fn explicit_first(universe: &Universe) -> Vec<&PackageName> {
    let mut names: Vec<&PackageName> = universe.packages.keys().collect();
    names.sort_by_key(|name| (universe.packages[*name].reason != Reason::Explicit, *name));
    names
}
