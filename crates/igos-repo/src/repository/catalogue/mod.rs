//! The catalogue: what all repositories of a root offer together.
//!
//! A repository offers a package if its pins allow the name, if no repository of a higher priority has a package of
//! that name, and if the same holds for every name that the package supersedes: a package of one repository never
//! takes the place of another's because its version is higher.

mod error;
mod hidden;
mod opened;
mod search;

use std::collections::BTreeMap;

use igos_format::declaration::Feature;
use igos_format::index::{IndexEntry, ReadIndexError};
use igos_format::{PackageId, PackageName};
use igos_report::{Diagnostic, Explain, diagnose};

use super::{Enabled, Priority, RepositoryName, RepositoryPlaces, RepositorySettings};
use crate::trust::{Clock, Standing};

pub use error::{CatalogueError, ExpiredRepositoryError};
use hidden::names_of;
pub use hidden::{Hidden, HiddenBy};
pub use opened::OpenRepository;
use opened::open;
pub use search::{Bringing, Found};

/// What a repository offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The repository.
    pub repository: RepositoryName,
    /// Its priority.
    pub priority: Priority,
    /// The package.
    pub entry: IndexEntry,
}

/// A package that is installed and for which there is a newer version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgradable {
    /// What is installed.
    pub installed: PackageId,
    /// The newest that is offered.
    pub offered: Offered,
}

/// What all repositories of a root offer together.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// Highest priority first.
    repositories: Vec<OpenRepository>,
    /// Those that cannot be asked.
    closed: Vec<ClosedRepository>,
}

/// A repository that cannot be asked, and why.
#[derive(Debug)]
pub struct ClosedRepository {
    /// The repository.
    pub name: RepositoryName,
    /// Why.
    pub error: CatalogueError,
}

impl Catalogue {
    /// Opens what is known of all repositories that are enabled. Those that cannot be asked are left out and listed
    /// as [`Catalogue::closed`].
    #[must_use]
    pub fn open(
        places: &RepositoryPlaces,
        repositories: &[RepositorySettings],
        clock: &Clock,
    ) -> Self {
        let mut catalogue = Catalogue::default();
        for settings in repositories {
            if settings.enabled == Enabled::No {
                continue;
            }
            match open(places, settings, clock) {
                Ok(opened) => catalogue.repositories.push(opened),
                Err(error) => catalogue.closed.push(ClosedRepository {
                    name: settings.name.clone(),
                    error,
                }),
            }
        }
        catalogue.sort();
        catalogue
    }

    /// Returns what the repositories of both offer together. A name that both have is that of `other`.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        let is_other = |name: &RepositoryName| {
            other
                .repositories
                .iter()
                .any(|opened| opened.name() == name)
                || other.closed.iter().any(|closed| closed.name == *name)
        };
        self.repositories.retain(|opened| !is_other(opened.name()));
        self.closed.retain(|closed| !is_other(&closed.name));
        self.repositories.extend(other.repositories);
        self.closed.extend(other.closed);
        self.sort();
        self
    }

    /// Puts the repositories with the highest priority first.
    fn sort(&mut self) {
        let by_rank = |opened: &OpenRepository| {
            let settings = &opened.settings;
            (std::cmp::Reverse(settings.priority), settings.name.clone())
        };
        self.repositories.sort_by_key(by_rank);
    }

    /// Returns the repositories that can be asked, the highest priority first.
    #[must_use]
    pub fn repositories(&self) -> &[OpenRepository] {
        &self.repositories
    }

    /// Returns the repository of this name, if it can be asked.
    #[must_use]
    pub fn repository(&self, name: &RepositoryName) -> Option<&OpenRepository> {
        self.repositories
            .iter()
            .find(|opened| opened.name() == name)
    }

    /// Returns the repositories that cannot be asked.
    #[must_use]
    pub fn closed(&self) -> &[ClosedRepository] {
        &self.closed
    }

    /// Returns what a person should know before believing any answer: which repositories were not asked, and which
    /// are out of date.
    #[must_use]
    pub fn notices(&self) -> Vec<Diagnostic> {
        let warn = |error: &dyn Explain| {
            let mut diagnostic = diagnose(error);
            diagnostic.severity = igos_report::Severity::Warning;
            diagnostic
        };
        let closed = self.closed.iter().map(|closed| warn(&closed.error));
        let expired = self.repositories.iter().filter_map(|opened| {
            let Standing::Expired(error) = &opened.standing else {
                return None;
            };
            Some(warn(error).at(format!("repository {}", opened.name())))
        });
        closed.chain(expired).collect()
    }

    /// Refuses to go on if what is known of one of these repositories has expired: installing asks this.
    ///
    /// # Errors
    ///
    /// Returns the first that has expired, and when.
    pub fn test_current<'a>(
        &self,
        repositories: impl IntoIterator<Item = &'a RepositoryName>,
    ) -> Result<(), ExpiredRepositoryError> {
        for name in repositories {
            let opened = self.repository(name);
            if let Some(Standing::Expired(error)) = opened.map(OpenRepository::standing) {
                return Err(ExpiredRepositoryError {
                    repository: name.clone(),
                    source: error.clone(),
                });
            }
        }
        Ok(())
    }

    /// Returns the packages of this name that are offered.
    ///
    /// # Errors
    ///
    /// Returns which index cannot be read; the same holds for the other questions.
    pub fn named(&self, name: &PackageName) -> Result<Vec<Offered>, CatalogueError> {
        let mut found = Vec::new();
        let mut rank = None;
        for opened in &self.repositories {
            let priority = opened.settings.priority;
            if rank.is_some_and(|rank| rank > priority) {
                break;
            }
            if !opened.settings.may_provide(name) {
                continue;
            }
            let entries = opened.index.named(name).map_err(|e| opened.failed(e))?;
            if !entries.is_empty() {
                rank = Some(priority);
            }
            for entry in entries {
                if self.first_kept_from(opened, &entry.supersedes)?.is_none() {
                    found.push(opened.offered(entry));
                }
            }
        }
        Ok(found)
    }

    /// Returns the packages that are offered and provide this name without having it.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn providing(&self, name: &PackageName) -> Result<Vec<Offered>, CatalogueError> {
        self.offered(|opened| match opened.settings.may_provide(name) {
            true => opened.index.providing(name),
            false => Ok(Vec::new()),
        })
    }

    /// Returns the packages that are offered and supersede one of this name.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn superseding(&self, name: &PackageName) -> Result<Vec<Offered>, CatalogueError> {
        self.offered(|opened| opened.index.superseding(name))
    }

    /// Returns the packages that are offered and have this feature.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn offering(&self, feature: &Feature) -> Result<Vec<Offered>, CatalogueError> {
        self.offered(|opened| opened.index.offering(feature))
    }

    /// Returns the packages that are installed and for which a newer version is offered. With each comes the
    /// repository that it was installed from, where that is known: one of a lower priority is no successor.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn upgradable<'a>(
        &self,
        installed: impl IntoIterator<Item = (&'a PackageId, Option<&'a str>)>,
    ) -> Result<Vec<Upgradable>, CatalogueError> {
        let priorities: BTreeMap<&str, Priority> = self
            .repositories
            .iter()
            .map(|opened| (opened.name().as_str(), opened.settings.priority))
            .collect();
        let mut found = Vec::new();
        for (installed, from) in installed {
            if !self.has_newer(installed)? {
                continue;
            }
            let floor = from.and_then(|from| priorities.get(from)).copied();
            let offered = self.named(&installed.name)?.into_iter().filter(|offered| {
                offered.entry.package.compare_versions(installed).is_gt()
                    && floor.is_none_or(|floor| offered.priority >= floor)
            });
            let newest = offered.max_by(|a, b| {
                a.entry
                    .package
                    .compare_versions(&b.entry.package)
                    .then_with(|| b.repository.cmp(&a.repository))
            });
            found.extend(newest.map(|offered| Upgradable {
                installed: installed.clone(),
                offered,
            }));
        }
        Ok(found)
    }

    /// Tells whether any repository has a newer version, whoever may offer it.
    fn has_newer(&self, installed: &PackageId) -> Result<bool, CatalogueError> {
        for opened in &self.repositories {
            let versions = opened.index.versions(&installed.name);
            let versions = versions.map_err(|e| opened.failed(e))?;
            if versions
                .iter()
                .any(|package| package.compare_versions(installed).is_gt())
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn offered(
        &self,
        ask: impl Fn(&OpenRepository) -> Result<Vec<IndexEntry>, ReadIndexError>,
    ) -> Result<Vec<Offered>, CatalogueError> {
        let mut found = Vec::new();
        for opened in &self.repositories {
            for entry in ask(opened).map_err(|e| opened.failed(e))? {
                if self.first_kept_from(opened, names_of(&entry))?.is_none() {
                    found.push(opened.offered(entry));
                }
            }
        }
        Ok(found)
    }
}
