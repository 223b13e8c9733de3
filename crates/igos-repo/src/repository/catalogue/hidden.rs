//! What repositories have and may not offer, with the reason: what stands against a package should be told.

use std::fmt;

use igos_format::PackageName;
use igos_format::declaration::Feature;
use igos_format::index::IndexEntry;

use super::{Catalogue, CatalogueError, Offered, OpenRepository};
use crate::repository::RepositoryName;

/// A package that a repository has and may not offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// The package.
    pub offered: Offered,
    /// The name that the repository may not provide: that of the package, or of one whose place it takes.
    pub name: PackageName,
    /// Why it may not.
    pub by: HiddenBy,
}

/// Why a repository may not provide a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HiddenBy {
    /// Its pins do not allow it.
    Pins,
    /// This repository has it, and has a higher priority.
    Priority(RepositoryName),
}

impl Hidden {
    /// Returns what would let the repository offer it.
    #[must_use]
    pub fn hint(&self) -> String {
        let (name, repository) = (&self.name, &self.offered.repository);
        let file = format!("/etc/igos/repositories.d/{repository}.toml");
        match &self.by {
            HiddenBy::Pins => {
                format!("to have {name} from repository {repository}, add it to `pins` in {file}")
            }
            HiddenBy::Priority(other) => format!(
                "to have {name} from repository {repository}, raise `priority` in {file} to that of {other}"
            ),
        }
    }
}

/// Says why it is not offered, as the end of a sentence about it.
impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, repository) = (&self.name, &self.offered.repository);
        let is_own = *name == self.offered.entry.package.name;
        match (&self.by, is_own) {
            (HiddenBy::Pins, true) => {
                write!(
                    f,
                    "is not used: the pins of repository {repository} do not allow {name}"
                )
            }
            (HiddenBy::Pins, false) => write!(
                f,
                "is not used: it takes the place of {name}, which the pins of repository {repository} do not allow"
            ),
            (HiddenBy::Priority(other), true) => {
                write!(
                    f,
                    "is not used: repository {other} has {name} and comes first"
                )
            }
            (HiddenBy::Priority(other), false) => write!(
                f,
                "is not used: it takes the place of {name}, which repository {other} has, which comes first"
            ),
        }
    }
}

impl Catalogue {
    /// Returns the packages that have or provide this name and are not offered.
    ///
    /// # Errors
    ///
    /// Returns which index cannot be read; the same holds for the other question.
    pub fn hidden_named(&self, name: &PackageName) -> Result<Vec<Hidden>, CatalogueError> {
        let mut found = Vec::new();
        for opened in &self.repositories {
            let failed = |error| opened.failed(error);
            let mut entries = opened.index.named(name).map_err(failed)?;
            entries.extend(opened.index.providing(name).map_err(failed)?);
            self.add_hidden(opened, entries, &mut found)?;
        }
        Ok(found)
    }

    /// Returns the packages that have this feature and are not offered.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn hidden_offering(&self, feature: &Feature) -> Result<Vec<Hidden>, CatalogueError> {
        let mut found = Vec::new();
        for opened in &self.repositories {
            let entries = opened.index.offering(feature);
            let entries = entries.map_err(|error| opened.failed(error))?;
            self.add_hidden(opened, entries, &mut found)?;
        }
        Ok(found)
    }

    fn add_hidden(
        &self,
        opened: &OpenRepository,
        entries: Vec<IndexEntry>,
        found: &mut Vec<Hidden>,
    ) -> Result<(), CatalogueError> {
        for entry in entries {
            if let Some((name, by)) = self.first_kept_from(opened, names_of(&entry))? {
                found.push(Hidden {
                    offered: opened.offered(entry),
                    name,
                    by,
                });
            }
        }
        Ok(())
    }

    /// Returns the first of these names that a repository may not provide, and why; `None` if it may provide them all.
    pub(super) fn first_kept_from<'a>(
        &self,
        opened: &OpenRepository,
        names: impl IntoIterator<Item = &'a PackageName>,
    ) -> Result<Option<(PackageName, HiddenBy)>, CatalogueError> {
        for name in names {
            if let Some(by) = self.kept_from(opened, name)? {
                return Ok(Some((name.clone(), by)));
            }
        }
        Ok(None)
    }

    /// Returns why a repository may not provide a name, or take the place of a package of it.
    pub(super) fn kept_from(
        &self,
        opened: &OpenRepository,
        name: &PackageName,
    ) -> Result<Option<HiddenBy>, CatalogueError> {
        if !opened.settings.may_provide(name) {
            return Ok(Some(HiddenBy::Pins));
        }
        for higher in &self.repositories {
            if higher.settings.priority <= opened.settings.priority {
                break;
            }
            let versions = higher.index.versions(name);
            let has = !versions.map_err(|e| higher.failed(e))?.is_empty();
            if has && higher.settings.may_provide(name) {
                return Ok(Some(HiddenBy::Priority(higher.name().clone())));
            }
        }
        Ok(None)
    }
}

/// Returns the names that a repository has to be allowed to provide to offer this package: its own, and those whose
/// place it takes.
pub(super) fn names_of(entry: &IndexEntry) -> impl Iterator<Item = &PackageName> {
    std::iter::once(&entry.package.name).chain(&entry.supersedes)
}
