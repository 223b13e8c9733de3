//! What is installed, as the solver wants it.

use std::collections::BTreeSet;

use igos_format::declaration::FeatureKind;
use igos_format::{Arch, PackageName, RelPath};
use igos_solve::{InstalledPackage, Reason, Relations, Source, Universe};

use super::QueryError;
use crate::state_text::StateText;
use crate::{DatabaseError, Exclusions, Sysroot};

fn database(source: DatabaseError) -> QueryError {
    QueryError::Database { source }
}

impl Sysroot {
    /// Returns what is installed; `source_of` tells what is known of a repository that a package came from.
    ///
    /// # Errors
    ///
    /// Returns why the database cannot be read.
    pub fn universe(
        &self,
        arch: Arch,
        source_of: &dyn Fn(&str) -> Option<Source>,
    ) -> Result<Universe, QueryError> {
        self.require_known()?;
        let of = |query, what| self.database.relations(query, what).map_err(database);
        let mut depends = of("SELECT package, dependency FROM depends", "a dependency")?;
        let mut conflicts = of("SELECT package, dependency FROM conflicts", "a dependency")?;
        let mut provides = self
            .database
            .relations("SELECT package, provided FROM provides", "a provided name")
            .map_err(database)?;
        let features = |query| {
            self.database
                .relations(query, "a feature")
                .map_err(database)
        };
        let mut provided =
            features("SELECT package, feature FROM features WHERE direction = 'provided'")?;
        let mut required =
            features("SELECT package, feature FROM features WHERE direction = 'required'")?;
        let mut universe = Universe::empty(arch);
        for row in self.database.packages(None).map_err(database)? {
            let name = row.package.name.clone();
            let relations = Relations {
                depends: depends.remove(&name).unwrap_or_default(),
                provides: provides.remove(&name).unwrap_or_default(),
                conflicts: conflicts.remove(&name).unwrap_or_default(),
                // What it took over when it came is done; it takes no further place.
                supersedes: BTreeSet::new(),
                features_provided: provided.remove(&name).unwrap_or_default(),
                features_required: required.remove(&name).unwrap_or_default(),
                paths: BTreeSet::new(),
            };
            let seal = row.seal.parse().map_err(|_| {
                database(DatabaseError::Value {
                    value: row.seal.clone(),
                    expected: "a digest",
                })
            })?;
            let installed = InstalledPackage {
                seal,
                relations,
                reason: if row.reason == Reason::Explicit.as_str() {
                    Reason::Explicit
                } else {
                    Reason::Automatic
                },
                is_held: row.is_held,
                is_essential: row.is_essential,
                source: row.repository.as_deref().and_then(source_of),
                installed_bytes: row.size_bytes,
                package: row.package,
            };
            universe.packages.insert(name, installed);
        }
        self.add_paths(&mut universe)?;
        Ok(universe)
    }

    /// Returns the patterns of paths that this root is without.
    ///
    /// # Errors
    ///
    /// Returns why they cannot be read.
    pub fn exclusions(&self) -> Result<Exclusions, QueryError> {
        Exclusions::load(&self.root).map_err(|source| QueryError::StateText { source })
    }

    /// Notes with each owner which of its paths another installed package asks for.
    fn add_paths(&self, universe: &mut Universe) -> Result<(), QueryError> {
        let asked: BTreeSet<String> = universe
            .packages
            .values()
            .flat_map(|installed| &installed.relations.features_required)
            .filter(|feature| feature.kind == FeatureKind::Path)
            .map(|feature| feature.name.clone())
            .collect();
        for path in asked {
            if let Some(owner) = self.owner_of(&path)?
                && let Some(installed) = universe.packages.get_mut(&owner)
            {
                installed.relations.paths.insert(path);
            }
        }
        Ok(())
    }

    /// Returns the installed package that has the file at an absolute path, if there is one.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    pub fn owner_of(&self, path: &str) -> Result<Option<PackageName>, QueryError> {
        let Ok(path) = RelPath::from_user(path.as_ref()) else {
            return Ok(None);
        };
        match self.owner(&path) {
            Ok(owned) => Ok(owned.packages.into_iter().next()),
            Err(QueryError::NotOwned { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
