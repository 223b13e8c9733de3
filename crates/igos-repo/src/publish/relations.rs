//! Whether all that packages of a repository need is in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::index::IndexEntry;
use igos_format::{Arch, Dependency, PackageId, PackageName};

use super::findings::Finding;

/// Returns everything that packages of `set` need and neither `set` nor `beside` has.
///
/// `beside` are packages of other repositories that users of this one have too.
pub(super) fn check(set: &[&IndexEntry], beside: &[IndexEntry]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for arch in machines(set) {
        let is_for = |entry: &&IndexEntry| fits(entry.package.arch, arch);
        let own: Vec<&IndexEntry> = set.iter().copied().filter(is_for).collect();
        let all: Vec<&IndexEntry> = own
            .iter()
            .copied()
            .chain(beside.iter().filter(is_for))
            .collect();
        let offers = Offers::of(&all);
        for entry in &own {
            for dependency in &entry.depends {
                // A package for any machine is looked at once for each, and told of once.
                if !offers.has(dependency) && seen.insert((&entry.package, dependency)) {
                    findings.push(Finding::NoProvider {
                        package: entry.package.clone(),
                        dependency: dependency.clone(),
                        found: offers.named(&dependency.name),
                    });
                }
            }
        }
        findings.extend(offers.missing_features(&own, arch));
    }
    findings
}

/// Returns the machines that packages of `set` are for; `any` alone where none is for a certain one.
fn machines(set: &[&IndexEntry]) -> BTreeSet<Arch> {
    let found: BTreeSet<Arch> = set.iter().map(|entry| entry.package.arch).collect();
    if found.len() > 1 {
        found
            .into_iter()
            .filter(|arch| *arch != Arch::Any)
            .collect()
    } else {
        found
    }
}

fn fits(found: Arch, arch: Arch) -> bool {
    found == Arch::Any || found == arch
}

/// What packages of one machine offer.
struct Offers<'a> {
    by_name: HashMap<&'a PackageName, Vec<&'a IndexEntry>>,
    features: HashSet<&'a Feature>,
    paths: HashSet<&'a [u8]>,
}

impl<'a> Offers<'a> {
    fn of(all: &[&'a IndexEntry]) -> Self {
        let mut offers = Offers {
            by_name: HashMap::new(),
            features: HashSet::new(),
            paths: HashSet::new(),
        };
        for entry in all {
            let provided = entry.provides.iter().map(|provided| &provided.name);
            for name in std::iter::once(&entry.package.name).chain(provided) {
                offers.by_name.entry(name).or_default().push(entry);
            }
            offers.features.extend(&entry.features_provided);
            offers
                .paths
                .extend(entry.paths.iter().map(|path| path.as_bytes()));
        }
        offers
    }

    fn has(&self, dependency: &Dependency) -> bool {
        let named = self.by_name.get(&dependency.name);
        named.is_some_and(|named| named.iter().any(|entry| is_satisfied(dependency, entry)))
    }

    fn named(&self, name: &PackageName) -> Vec<PackageId> {
        let named = self.by_name.get(name).into_iter().flatten();
        let found: BTreeSet<_> = named.map(|entry| entry.package.clone()).collect();
        found.into_iter().collect()
    }

    fn has_feature(&self, feature: &Feature) -> bool {
        if self.features.contains(feature) {
            return true;
        }
        let path = feature.name.strip_prefix('/').map(str::as_bytes);
        feature.kind == FeatureKind::Path && path.is_some_and(|path| self.paths.contains(path))
    }

    fn missing_features(&self, own: &[&IndexEntry], arch: Arch) -> Vec<Finding> {
        let mut missing: BTreeMap<&Feature, BTreeSet<&PackageId>> = BTreeMap::new();
        for entry in own {
            for feature in &entry.features_required {
                if !self.has_feature(feature) {
                    missing.entry(feature).or_default().insert(&entry.package);
                }
            }
        }
        let finding = |(feature, packages): (&Feature, BTreeSet<&PackageId>)| Finding::NoFeature {
            feature: feature.clone(),
            packages: packages.into_iter().cloned().collect(),
            arch,
        };
        missing.into_iter().map(finding).collect()
    }
}

/// Tells whether a package is what `dependency` asks for, by its name or one it provides.
pub(super) fn is_satisfied(dependency: &Dependency, entry: &IndexEntry) -> bool {
    let constraint = dependency.constraint.as_ref();
    let is_itself = entry.package.name == dependency.name
        && constraint.is_none_or(|constraint| constraint.is_satisfied_by(&entry.package.version));
    is_itself
        || entry.provides.iter().any(|provided| {
            provided.name == dependency.name
                && constraint.is_none_or(|constraint| {
                    let version = provided.version.as_ref();
                    version.is_some_and(|version| constraint.is_satisfied_by(version))
                })
        })
}
