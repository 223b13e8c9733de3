//! Which installed packages have what others need.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::{Feature, Provided};
use igos_format::{Dependency, PackageId, PackageName, Version};

pub(super) struct Providers {
    pub(super) packages: Vec<PackageId>,
    pub(super) provides: BTreeMap<PackageName, BTreeSet<Provided>>,
    pub(super) features: BTreeMap<PackageName, BTreeSet<Feature>>,
}

impl Providers {
    pub(super) fn of_dependency(&self, dependency: &Dependency) -> Vec<PackageName> {
        let fits = |version: Option<&Version>| {
            dependency.constraint.as_ref().is_none_or(|constraint| {
                version.is_some_and(|version| constraint.is_satisfied_by(version))
            })
        };
        self.packages
            .iter()
            .filter(|package| {
                let by_name = package.name == dependency.name && fits(Some(&package.version));
                let provides = self.provides.get(&package.name);
                by_name
                    || provides.into_iter().flatten().any(|provided| {
                        provided.name == dependency.name && fits(provided.version.as_ref())
                    })
            })
            .map(|package| package.name.clone())
            .collect()
    }

    pub(super) fn of_feature(&self, feature: &Feature) -> Vec<PackageName> {
        self.features
            .iter()
            .filter(|(_, features)| features.contains(feature))
            .map(|(name, _)| name.clone())
            .collect()
    }
}
