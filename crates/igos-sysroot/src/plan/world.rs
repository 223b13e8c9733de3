//! What is installed and what would be: relations between packages, and who has which path.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use igos_format::declaration::{Feature, FeatureKind, Provided};
use igos_format::manifest::Manifest;
use igos_format::{Dependency, EntryKind, PackageId, PackageName, RelPath};
use igos_root::FollowedLinks;

use super::{Candidate, Lack};
use crate::alternatives::{Declared, relative_target};
use crate::database::Database;
use crate::places::place_of;
use crate::{DatabaseError, Exclusions};

/// Most symbolic links followed on the way to one path (as many as Linux follows).
const LINKS_MAX: usize = 40;

/// What one package is to the others.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) package: PackageId,
    pub(super) depends: BTreeSet<Dependency>,
    pub(super) provides: BTreeSet<Provided>,
    pub(super) conflicts: BTreeSet<Dependency>,
    pub(super) features_provided: BTreeSet<Feature>,
    pub(super) features_required: BTreeSet<Feature>,
}

impl Facts {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Facts {
            package: manifest.package.clone(),
            depends: manifest.depends.clone(),
            provides: manifest.provides.clone(),
            conflicts: manifest.conflicts.clone(),
            features_provided: manifest.features_provided.clone(),
            features_required: manifest.features_required.clone(),
        }
    }

    /// Tells whether this package is what `dependency` asks for, by its name or one it provides.
    pub(super) fn satisfies(&self, dependency: &Dependency) -> bool {
        is_satisfied(dependency, &self.package, &self.provides)
    }
}

/// Tells whether a package with this identity and these further names is what `dependency` asks for.
pub(super) fn is_satisfied(
    dependency: &Dependency,
    package: &PackageId,
    provides: &BTreeSet<Provided>,
) -> bool {
    let constraint = dependency.constraint.as_ref();
    if package.name == dependency.name
        && constraint.is_none_or(|constraint| constraint.is_satisfied_by(&package.version))
    {
        return true;
    }
    provides.iter().any(|provided| {
        provided.name == dependency.name
            && constraint.is_none_or(|constraint| {
                provided
                    .version
                    .as_ref()
                    .is_some_and(|version| constraint.is_satisfied_by(version))
            })
    })
}

/// A set of packages and the paths they have.
#[derive(Debug)]
pub(super) struct World<'a> {
    database: &'a Database,
    links: &'a FollowedLinks,
    exclusions: &'a Exclusions,
    pub(super) packages: BTreeMap<PackageName, Facts>,
    /// Which packages answer to a name besides the one of that name.
    providers: HashMap<PackageName, BTreeSet<PackageName>>,
    /// How many packages have a feature.
    features: HashMap<Feature, usize>,
    /// What installed packages offer to serve, by place.
    offers: BTreeMap<RelPath, Vec<Declared>>,
    /// Paths of packages that are not in the database yet: by place, where a symbolic link points.
    arriving: BTreeMap<RelPath, Option<Vec<u8>>>,
    /// Packages in the database whose paths do not count: gone or replaced.
    leaving: BTreeSet<PackageName>,
}

impl<'a> World<'a> {
    /// Returns what is installed.
    pub(super) fn installed(
        database: &'a Database,
        links: &'a FollowedLinks,
        exclusions: &'a Exclusions,
    ) -> Result<Self, DatabaseError> {
        let mut depends =
            database.relations("SELECT package, dependency FROM depends", "a dependency")?;
        let mut conflicts =
            database.relations("SELECT package, dependency FROM conflicts", "a dependency")?;
        let mut provides =
            database.relations("SELECT package, provided FROM provides", "a provided name")?;
        let mut features_provided = database.relations(
            "SELECT package, feature FROM features WHERE direction = 'provided'",
            "a feature",
        )?;
        let mut features_required = database.relations(
            "SELECT package, feature FROM features WHERE direction = 'required'",
            "a feature",
        )?;
        let packages = database
            .packages(None)?
            .into_iter()
            .map(|row| {
                let name = row.package.name.clone();
                let facts = Facts {
                    depends: depends.remove(&name).unwrap_or_default(),
                    provides: provides.remove(&name).unwrap_or_default(),
                    conflicts: conflicts.remove(&name).unwrap_or_default(),
                    features_provided: features_provided.remove(&name).unwrap_or_default(),
                    features_required: features_required.remove(&name).unwrap_or_default(),
                    package: row.package,
                };
                (name, facts)
            })
            .collect();
        let mut offers: BTreeMap<RelPath, Vec<Declared>> = BTreeMap::new();
        for offer in database.alternatives()? {
            let place = links.place(&offer.path);
            offers.entry(place).or_default().push(offer);
        }
        let mut world = World {
            database,
            links,
            exclusions,
            packages: BTreeMap::new(),
            providers: HashMap::new(),
            features: HashMap::new(),
            offers,
            arriving: BTreeMap::new(),
            leaving: BTreeSet::new(),
        };
        let packages: BTreeMap<PackageName, Facts> = packages;
        packages.into_values().for_each(|facts| world.insert(facts));
        Ok(world)
    }

    fn insert(&mut self, facts: Facts) {
        let name = &facts.package.name;
        for provided in &facts.provides {
            let providers = self.providers.entry(provided.name.clone()).or_default();
            providers.insert(name.clone());
        }
        for feature in &facts.features_provided {
            *self.features.entry(feature.clone()).or_default() += 1;
        }
        self.packages.insert(name.clone(), facts);
    }

    /// Adds a package, in the place of one of the same name.
    pub(super) fn add(&mut self, candidate: &Candidate) {
        let manifest = candidate.manifest();
        self.remove(&manifest.package.name);
        self.insert(Facts::of(manifest));
        let entries = manifest.entries.iter();
        for entry in entries.filter(|entry| !self.exclusions.leaves_out(entry)) {
            let target = match &entry.kind {
                EntryKind::Directory => continue,
                EntryKind::File { .. } => None,
                EntryKind::Symlink { target } => Some(target.clone()),
            };
            self.arriving
                .insert(place_of(manifest, entry, self.links), target);
        }
        for offer in Declared::all_of(manifest, self.exclusions, self.links) {
            let place = self.links.place(&offer.path);
            let target = relative_target(&place, &offer.target);
            self.arriving.entry(place).or_insert(Some(target));
        }
    }

    /// Takes a package away.
    pub(super) fn remove(&mut self, name: &PackageName) {
        let Some(facts) = self.packages.remove(name) else {
            return;
        };
        self.leaving.insert(name.clone());
        for provided in &facts.provides {
            if let Some(providers) = self.providers.get_mut(&provided.name) {
                providers.remove(name);
            }
        }
        for feature in &facts.features_provided {
            if let Some(count) = self.features.get_mut(feature) {
                *count -= 1;
            }
        }
    }

    fn look_up(&self, place: &RelPath) -> Result<Option<Option<Vec<u8>>>, DatabaseError> {
        if let Some(target) = self.arriving.get(place) {
            return Ok(Some(target.clone()));
        }
        let owner = self.database.owner(place)?;
        if let Some(row) = owner.filter(|row| !self.leaving.contains(&row.package)) {
            return Ok(Some(row.target));
        }
        // Which of several packages serves the path does not matter here: any of them does.
        let offers = self.offers.get(place).into_iter().flatten();
        Ok(offers
            .filter(|offer| !self.leaving.contains(&offer.package))
            .map(|offer| Some(relative_target(place, &offer.target)))
            .next())
    }

    /// Tells whether one of the packages has the file at an absolute path, through recorded symbolic links.
    fn has_path(&self, path: &str) -> Result<bool, DatabaseError> {
        let Ok(path) = RelPath::from_user(path.as_ref()) else {
            return Ok(false);
        };
        let place = resolve_recorded(&path, self.links, &mut |place| self.look_up(place))?;
        Ok(match place {
            Some(place) => self.look_up(&place)?.is_some(),
            None => false,
        })
    }

    /// Tells whether one of the packages has `feature`.
    pub(super) fn has_feature(&self, feature: &Feature) -> Result<bool, DatabaseError> {
        if self.features.get(feature).is_some_and(|count| *count > 0) {
            return Ok(true);
        }
        Ok(feature.kind == FeatureKind::Path && self.has_path(&feature.name)?)
    }

    /// Tells whether one of the packages satisfies `dependency`.
    pub(super) fn satisfies(&self, dependency: &Dependency) -> bool {
        let has = |name: &PackageName| {
            self.packages
                .get(name)
                .is_some_and(|facts| facts.satisfies(dependency))
        };
        has(&dependency.name)
            || self
                .providers
                .get(&dependency.name)
                .is_some_and(|providers| providers.iter().any(has))
    }

    /// Returns what `facts` needs and no package has.
    pub(super) fn lacks_of(&self, facts: &Facts) -> Result<Vec<Lack>, DatabaseError> {
        let package = &facts.package.name;
        let mut lacks: Vec<Lack> = facts
            .depends
            .iter()
            .filter(|dependency| !self.satisfies(dependency))
            .map(|dependency| Lack::Dependency {
                package: package.clone(),
                dependency: dependency.clone(),
            })
            .collect();
        for feature in &facts.features_required {
            if !facts.features_provided.contains(feature) && !self.has_feature(feature)? {
                lacks.push(Lack::Feature {
                    package: package.clone(),
                    feature: feature.clone(),
                });
            }
        }
        Ok(lacks)
    }
}

/// Tells what is recorded at a place: nothing, a file, or a symbolic link and where it points.
pub(crate) type LookUp<'a> =
    dyn FnMut(&RelPath) -> Result<Option<Option<Vec<u8>>>, DatabaseError> + 'a;

/// Returns the place of `path` when recorded symbolic links on the way and listed links are followed; `None` when
/// they lead in a circle or out of the root. A link as last component is not followed.
pub(crate) fn resolve_recorded(
    path: &RelPath,
    links: &FollowedLinks,
    look_up: &mut LookUp<'_>,
) -> Result<Option<RelPath>, DatabaseError> {
    let mut pending: Vec<Vec<u8>> = path.components().rev().map(<[u8]>::to_vec).collect();
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut followed = 0;
    while let Some(name) = pending.pop() {
        match name.as_slice() {
            b"" | b"." => continue,
            b".." => {
                done.pop();
                continue;
            }
            _ => done.push(name),
        }
        let Ok(here) = RelPath::from_bytes(&done.join(&b'/')) else {
            return Ok(None);
        };
        if pending.is_empty() {
            return Ok(Some(links.place(&here)));
        }
        if let Some(target) = links.target(&here) {
            done = target.components().map(<[u8]>::to_vec).collect();
            continue;
        }
        if let Some(Some(target)) = look_up(&here)? {
            followed += 1;
            if followed > LINKS_MAX {
                return Ok(None);
            }
            done.pop();
            if target.starts_with(b"/") {
                done.clear();
            }
            pending.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
        }
    }
    Ok(RelPath::from_bytes(&done.join(&b'/')).ok())
}
