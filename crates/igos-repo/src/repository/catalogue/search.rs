//! Looking for packages by words, programs and paths.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use igos_format::index::SearchTerms;
use igos_format::{PackageId, PackageName, RelPath};
use serde::Serialize;

use super::{Catalogue, CatalogueError, Offered};
use crate::repository::RepositoryName;

/// A package that a repository offers, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The repository.
    pub repository: RepositoryName,
    /// The package.
    pub package: PackageId,
    /// One line, possibly empty.
    pub description: String,
}

/// A package that brings a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bringing {
    /// The repository.
    pub repository: RepositoryName,
    /// The package.
    pub package: PackageId,
}

impl Catalogue {
    /// Returns what matches, by name: of each name the newest version that is offered.
    ///
    /// A repository with a higher priority hides packages of the same name; what a package supersedes is not looked
    /// at, because that takes all that is known of it.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn search(&self, terms: &SearchTerms) -> Result<Vec<Found>, CatalogueError> {
        let mut newest: BTreeMap<PackageName, Found> = BTreeMap::new();
        for opened in &self.repositories {
            let mut matching: BTreeMap<PackageName, Found> = BTreeMap::new();
            let searched = opened.index.search(terms, |summary| {
                if let Some(package) = summary.package() {
                    let found = Found {
                        repository: opened.name().clone(),
                        package,
                        description: summary.description().to_owned(),
                    };
                    keep_newer(&mut matching, found);
                }
                ControlFlow::Continue(())
            });
            searched.map_err(|error| opened.failed(error))?;
            for (name, found) in matching {
                if self.kept_from(opened, &name)?.is_none() {
                    keep_newer(&mut newest, found);
                }
            }
        }
        Ok(newest.into_values().collect())
    }

    /// Returns the packages that are offered and bring a program of this name: of each name the newest version.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn with_program(&self, program: &str) -> Result<Vec<Offered>, CatalogueError> {
        let mut newest: BTreeMap<PackageName, Offered> = BTreeMap::new();
        for opened in &self.repositories {
            let names = opened.index.with_program(program);
            for name in names.map_err(|error| opened.failed(error))? {
                let offered = self.named(&name)?.into_iter();
                let offered = offered.filter(|offered| offered.entry.programs.contains(program));
                let offered =
                    offered.max_by(|a, b| a.entry.package.compare_versions(&b.entry.package));
                newest.extend(offered.map(|offered| (name, offered)));
            }
        }
        Ok(newest.into_values().collect())
    }

    /// Gives the name of each program and of a package that brings it to `visit`, repository by repository; pins and
    /// priorities are not looked at.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn programs(&self, mut visit: impl FnMut(&str, &str)) -> Result<(), CatalogueError> {
        for opened in &self.repositories {
            let visited = opened.index.programs(|program, package| {
                visit(program, package);
                ControlFlow::Continue(())
            });
            visited.map_err(|error| opened.failed(error))?;
        }
        Ok(())
    }

    /// Returns the packages that bring this path, if their repositories say so.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn bringing(&self, path: &RelPath) -> Result<Vec<Bringing>, CatalogueError> {
        let mut found = Vec::new();
        for opened in &self.repositories {
            let Some(files) = opened.files()? else {
                continue;
            };
            for package in files.owners(path).map_err(|error| opened.failed(error))? {
                if self.kept_from(opened, &package.name)?.is_none() {
                    found.push(Bringing {
                        repository: opened.name().clone(),
                        package,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Returns at most `limit` names of packages that begin with `prefix`, sorted: for completion in shells.
    ///
    /// # Errors
    ///
    /// Those of reading an index.
    pub fn names_with_prefix(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<PackageName>, CatalogueError> {
        let mut names = Vec::new();
        for opened in &self.repositories {
            let found = opened.index.names_with_prefix(prefix, limit);
            names.extend(found.map_err(|error| opened.failed(error))?);
        }
        names.sort();
        names.dedup();
        names.truncate(limit);
        Ok(names)
    }
}

/// Keeps the newer of two packages of a name; the first of two that are alike.
fn keep_newer(newest: &mut BTreeMap<PackageName, Found>, found: Found) {
    match newest.get_mut(&found.package.name) {
        Some(known) if known.package.compare_versions(&found.package).is_ge() => {}
        Some(known) => *known = found,
        None => {
            newest.insert(found.package.name.clone(), found);
        }
    }
}
