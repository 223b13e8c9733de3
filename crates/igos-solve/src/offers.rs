//! Asking for offers: only what a solution may need is looked up.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use igos_format::PackageName;
use igos_format::declaration::{Feature, FeatureKind};
use igos_report::Explain;

use crate::Offer;

/// A list of offers cannot be read.
#[derive(Debug)]
pub struct OffersError {
    source: Box<dyn Explain + Send + Sync>,
}

impl fmt::Display for OffersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot look up packages")
    }
}

impl Error for OffersError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl OffersError {
    /// Returns the error with this cause.
    pub fn new(source: impl Explain + Send + Sync + 'static) -> Self {
        OffersError {
            source: Box::new(source),
        }
    }
}

impl Explain for OffersError {
    fn code(&self) -> &'static str {
        self.source.code()
    }

    fn hints(&self) -> Vec<String> {
        self.source.hints()
    }

    fn exit_code(&self) -> u8 {
        self.source.exit_code()
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub enum Sought<'a> {
    /// Packages that have or provide this name.
    Name(&'a PackageName),
    /// Packages that have this feature.
    Feature(&'a Feature),
}

/// A package that a repository has and that is not offered.
#[derive(Debug, Clone)]
pub struct HiddenOffer {
    /// The package.
    pub offer: Offer,
    /// Why it is not offered, as the end of a sentence about it.
    pub why: String,
    /// What would make it offered.
    pub hint: String,
}

/// Everything that can be installed. Answers may come in any order.
pub trait Offers {
    /// Returns the offers of this name.
    ///
    /// # Errors
    ///
    /// Returns why they cannot be looked up; the same holds for the other questions.
    fn named(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError>;

    /// Returns the offers that provide this name besides their own.
    ///
    /// # Errors
    ///
    /// Returns why they cannot be looked up.
    fn providing(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError>;

    /// Returns the offers that have this feature.
    ///
    /// # Errors
    ///
    /// Returns why they cannot be looked up.
    fn with_feature(&self, feature: &Feature) -> Result<Vec<Arc<Offer>>, OffersError>;

    /// Returns the offers that supersede a package of this name.
    ///
    /// # Errors
    ///
    /// Returns why they cannot be looked up.
    fn superseding(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError>;

    /// Returns what there is and is not offered, because of a rule of the repositories: what stands against a request
    /// is told with it.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be looked up.
    fn hidden(&self, sought: Sought<'_>) -> Result<Vec<HiddenOffer>, OffersError>;

    /// Returns the installed package that has an absolute path, through links of the root.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    fn installed_with_path(&self, path: &str) -> Result<Option<PackageName>, OffersError>;
}

/// Offers in memory: archives of a directory, and tests.
#[derive(Debug, Default)]
pub struct MemoryOffers {
    all: Vec<Arc<Offer>>,
    named: HashMap<PackageName, Vec<usize>>,
    providing: HashMap<PackageName, Vec<usize>>,
    features: HashMap<Feature, Vec<usize>>,
    superseding: HashMap<PackageName, Vec<usize>>,
}

impl MemoryOffers {
    /// Adds an offer.
    pub fn add(&mut self, offer: Offer) {
        let at = self.all.len();
        let relations = &offer.relations;
        self.named
            .entry(offer.package.name.clone())
            .or_default()
            .push(at);
        for provided in &relations.provides {
            let list = self.providing.entry(provided.name.clone()).or_default();
            if list.last() != Some(&at) {
                list.push(at);
            }
        }
        for feature in &relations.features_provided {
            self.features.entry(feature.clone()).or_default().push(at);
        }
        for path in &relations.paths {
            if let Ok(feature) = Feature::new(FeatureKind::Path, path) {
                self.features.entry(feature).or_default().push(at);
            }
        }
        for name in &relations.supersedes {
            self.superseding.entry(name.clone()).or_default().push(at);
        }
        self.all.push(Arc::new(offer));
    }

    fn of(&self, list: Option<&Vec<usize>>) -> Vec<Arc<Offer>> {
        list.into_iter()
            .flatten()
            .map(|at| Arc::clone(&self.all[*at]))
            .collect()
    }
}

impl Extend<Offer> for MemoryOffers {
    fn extend<T: IntoIterator<Item = Offer>>(&mut self, offers: T) {
        offers.into_iter().for_each(|offer| self.add(offer));
    }
}

impl Offers for MemoryOffers {
    fn named(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        Ok(self.of(self.named.get(name)))
    }

    fn providing(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        Ok(self.of(self.providing.get(name)))
    }

    fn with_feature(&self, feature: &Feature) -> Result<Vec<Arc<Offer>>, OffersError> {
        Ok(self.of(self.features.get(feature)))
    }

    fn superseding(&self, name: &PackageName) -> Result<Vec<Arc<Offer>>, OffersError> {
        Ok(self.of(self.superseding.get(name)))
    }

    fn hidden(&self, _sought: Sought<'_>) -> Result<Vec<HiddenOffer>, OffersError> {
        Ok(Vec::new())
    }

    fn installed_with_path(&self, _path: &str) -> Result<Option<PackageName>, OffersError> {
        Ok(None)
    }
}
