//! What the solver is asked with: archives at hand and repositories as offers, the root as what is installed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::index::AdvisoryState;
use igos_format::{EntryKind, PackageName, RelPath, Sha256};
use igos_repo::repository::{Catalogue, CatalogueError, Hidden, Offered};
use igos_solve::{
    HiddenOffer, MemoryOffers, Offer, Offers, OffersError, Relations, Sought, Source, Universe,
};
use igos_sysroot::{Candidate, Sysroot};

use crate::archives::Archives;

/// Directories that a merged root has below `usr`.
const MERGED: [&str; 4] = ["bin", "sbin", "lib", "lib64"];

/// Everything that can be installed in a root.
#[derive(Debug)]
pub(crate) struct Shelf<'a> {
    sysroot: &'a Sysroot,
    catalogue: &'a Catalogue,
    archives: MemoryOffers,
    /// What repositories answered, by seal: what is chosen is fetched by this.
    answered: RefCell<BTreeMap<Sha256, Offered>>,
}

impl<'a> Shelf<'a> {
    /// Returns what can be installed out of archives and repositories beside what is there.
    pub(crate) fn new(
        sysroot: &'a Sysroot,
        universe: &Universe,
        archives: &Archives,
        catalogue: &'a Catalogue,
    ) -> Self {
        let candidates = archives.candidates();
        let required = candidates
            .iter()
            .flat_map(|candidate| &candidate.manifest().features_required);
        let installed = universe.packages.values();
        let asked: BTreeSet<&str> = installed
            .flat_map(|installed| &installed.relations.features_required)
            .chain(required)
            .filter(|feature| feature.kind == FeatureKind::Path)
            .map(|feature| feature.name.as_str())
            .collect();
        let mut offers = MemoryOffers::default();
        offers.extend(candidates.iter().map(|candidate| offer(candidate, &asked)));
        Shelf {
            sysroot,
            catalogue,
            archives: offers,
            answered: RefCell::default(),
        }
    }

    /// Returns what a repository said about the archive with this seal.
    pub(crate) fn answered(&self, seal: &Sha256) -> Option<Offered> {
        self.answered.borrow().get(seal).cloned()
    }

    fn with(
        &self,
        mut offers: Vec<Arc<Offer>>,
        offered: Result<Vec<Offered>, CatalogueError>,
    ) -> Result<Vec<Arc<Offer>>, OffersError> {
        for offered in offered.map_err(OffersError::new)? {
            offers.push(Arc::new(published(&offered)));
            let seal = offered.entry.seal;
            self.answered.borrow_mut().entry(seal).or_insert(offered);
        }
        Ok(offers)
    }
}

impl Offers for Shelf<'_> {
    fn named(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        self.with(self.archives.named(name)?, self.catalogue.named(name))
    }

    fn providing(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        self.with(
            self.archives.providing(name)?,
            self.catalogue.providing(name),
        )
    }

    fn with_feature(&self, feature: &Feature) -> Result<Vec<Arc<Offer>>, OffersError> {
        self.with(
            self.archives.with_feature(feature)?,
            self.catalogue.offering(feature),
        )
    }

    fn superseding(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        self.with(
            self.archives.superseding(name)?,
            self.catalogue.superseding(name),
        )
    }

    fn hidden(&self, sought: Sought<'_>) -> Result<Vec<HiddenOffer>, OffersError> {
        let hidden = match sought {
            Sought::Name(name) => self.catalogue.hidden_named(name),
            Sought::Feature(feature) => self.catalogue.hidden_offering(feature),
        };
        let told = |hidden: &Hidden| HiddenOffer {
            offer: published(&hidden.offered),
            why: hidden.to_string(),
            hint: hidden.hint(),
        };
        Ok(hidden.map_err(OffersError::new)?.iter().map(told).collect())
    }

    fn installed_with_path(&self, path: &str) -> Result<Option<PackageName>, OffersError> {
        self.sysroot.owner_of(path).map_err(OffersError::new)
    }
}

/// Returns what is offered by an archive at hand.
fn offer(candidate: &Candidate, asked: &BTreeSet<&str>) -> Offer {
    let manifest = candidate.manifest();
    let has = |path: &str| {
        let Ok(path) = path.trim_start_matches('/').parse::<RelPath>() else {
            return false;
        };
        let found = manifest
            .entries
            .binary_search_by(|entry| entry.path.cmp(&path));
        found.is_ok_and(|at| manifest.entries[at].kind != EntryKind::Directory)
    };
    let has_merged = |path: &str| {
        let inner = path.trim_start_matches('/');
        let first = inner.split('/').next().unwrap_or_default();
        has(path) || (MERGED.contains(&first) && has(&format!("usr/{inner}")))
    };
    let size = |kind: &EntryKind| match kind {
        EntryKind::File { size, .. } => *size,
        _ => 0,
    };
    Offer {
        package: manifest.package.clone(),
        seal: candidate.seal(),
        source: Source::Archive,
        relations: Relations {
            depends: manifest.depends.clone(),
            provides: manifest.provides.clone(),
            conflicts: manifest.conflicts.clone(),
            supersedes: manifest.supersedes.clone(),
            features_provided: manifest.features_provided.clone(),
            features_required: manifest.features_required.clone(),
            paths: asked
                .iter()
                .filter(|path| has_merged(path))
                .map(|path| (*path).to_owned())
                .collect(),
        },
        is_security: false,
        installed_bytes: manifest.entries.iter().map(|entry| size(&entry.kind)).sum(),
        archive_bytes: None,
    }
}

/// Returns what is offered by a repository.
fn published(offered: &Offered) -> Offer {
    let entry = &offered.entry;
    Offer {
        package: entry.package.clone(),
        seal: entry.seal,
        source: Source::Repository {
            name: offered.repository.as_str().to_owned(),
            priority: i32::from(offered.priority.0),
        },
        relations: Relations {
            depends: entry.depends.clone(),
            provides: entry.provides.clone(),
            conflicts: entry.conflicts.clone(),
            supersedes: entry.supersedes.clone(),
            features_provided: entry.features_provided.clone(),
            features_required: entry.features_required.clone(),
            paths: entry.paths.iter().map(|path| format!("/{path}")).collect(),
        },
        is_security: entry
            .advisories
            .iter()
            .any(|advisory| advisory.state == AdvisoryState::Fixed),
        installed_bytes: entry.installed_bytes,
        archive_bytes: Some(entry.archive.size_bytes),
    }
}

/// Returns where a package of a repository came from, if that one is still used.
pub(crate) fn source_of(catalogue: &Catalogue, name: &str) -> Option<Source> {
    let opened = catalogue
        .repositories()
        .iter()
        .find(|opened| opened.name().as_str() == name)?;
    Some(Source::Repository {
        name: name.to_owned(),
        priority: i32::from(opened.settings().priority.0),
    })
}
