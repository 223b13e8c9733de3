//! Asking the database and the records.

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::{PackageName, RelPath};
use igos_root::FollowedLinks;

use super::providers::Providers;
use super::{Dependant, InstalledFile, Listed, Owned, PackageFacts, PackageInfo, QueryError};
use crate::database::FileRow;
use crate::plan::resolve_recorded;
use crate::{DatabaseError, HistoryEntry, Record, Sysroot};

fn database(source: DatabaseError) -> QueryError {
    QueryError::Database { source }
}

impl Sysroot {
    /// Returns all installed packages, by name.
    ///
    /// # Errors
    ///
    /// Returns that there are others, whose records cannot be used, or why the database cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, QueryError> {
        self.require_known()?;
        self.list_known()
    }

    /// Returns the installed packages, by name, but those that [`Sysroot::unknown`] names.
    ///
    /// # Errors
    ///
    /// Returns why the database cannot be read.
    pub fn list_known(&self) -> Result<Vec<Listed>, QueryError> {
        let rows = self.database.packages(None).map_err(database)?;
        Ok(rows.into_iter().map(Listed::from).collect())
    }

    /// Returns the record of an installed package, as the database has it.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why its record cannot be read.
    pub fn record(&self, name: &PackageName) -> Result<Record, QueryError> {
        let bytes = self.database.record(name).map_err(database)?;
        let bytes = bytes.ok_or_else(|| match self.unknown.of(name) {
            Some(unknown) => QueryError::Unknown { unknown },
            None => QueryError::NotInstalled { name: name.clone() },
        })?;
        Record::read_of(name, &bytes).map_err(|source| QueryError::Record {
            name: name.clone(),
            source,
        })
    }

    /// Returns everything about an installed package but its paths.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why its record cannot be read.
    pub fn info(&self, name: &PackageName) -> Result<PackageInfo, QueryError> {
        let Record {
            installed,
            manifest,
            ..
        } = self.record(name)?;
        let facts = PackageFacts::of(&manifest, &installed.excluded);
        Ok(PackageInfo { installed, facts })
    }

    /// Returns the paths of an installed package, in order.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why its record cannot be read.
    pub fn files(&self, name: &PackageName) -> Result<Vec<InstalledFile>, QueryError> {
        let record = self.record(name)?;
        Ok(record
            .manifest
            .entries
            .iter()
            .map(InstalledFile::from)
            .collect())
    }

    /// Returns who has a path, following recorded symbolic links to directories and merged-directory links.
    ///
    /// # Errors
    ///
    /// Returns that no package has it, or why that cannot be found out.
    pub fn owner(&self, path: &RelPath) -> Result<Owned, QueryError> {
        let links =
            FollowedLinks::read(&self.root).map_err(|source| QueryError::Read { source })?;
        let mut look_up =
            |place: &RelPath| Ok(self.database.owner(place)?.map(|row: FileRow| row.target));
        let place = resolve_recorded(path, &links, &mut look_up)
            .map_err(database)?
            .unwrap_or_else(|| path.clone());
        let served = self.own_links(&links)?.remove(&place);
        let packages: Vec<PackageName> = match self.database.owner(&place).map_err(database)? {
            Some(row) => vec![row.package],
            None if served.is_some() => served.into_iter().map(|link| link.package).collect(),
            None => {
                let directory = links.directory_place(&place);
                let owners = self
                    .database
                    .directory_owners(&directory)
                    .map_err(database)?;
                owners.into_iter().collect()
            }
        };
        if packages.is_empty() {
            self.require_known()?;
            return Err(QueryError::NotOwned { path: path.clone() });
        }
        Ok(Owned {
            asked: path.clone(),
            place,
            packages,
        })
    }

    /// Returns what an installed package needs, and who has it.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why that cannot be found out.
    pub fn depends(&self, name: &PackageName) -> Result<Vec<Dependant>, QueryError> {
        let manifest = self.record(name)?.manifest;
        let providers = self.providers()?;
        let mut all = Vec::new();
        for dependency in &manifest.depends {
            all.push(Dependant {
                package: name.clone(),
                needs: dependency.to_string(),
                satisfied_by: providers.of_dependency(dependency),
            });
        }
        for feature in &manifest.features_required {
            all.push(Dependant {
                package: name.clone(),
                needs: feature.to_string(),
                satisfied_by: self.providers_of_feature(&providers, feature)?,
            });
        }
        all.retain(|found| found.satisfied_by != [name.clone()]);
        Ok(all)
    }

    /// Returns which installed packages need this one, and for what.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why that cannot be found out.
    pub fn dependants(&self, name: &PackageName) -> Result<Vec<Dependant>, QueryError> {
        self.record(name)?;
        let mut all = Vec::new();
        for listed in self.list()? {
            if listed.package.name == *name {
                continue;
            }
            let needs = self.depends(&listed.package.name)?;
            all.extend(
                needs
                    .into_iter()
                    .filter(|found| found.satisfied_by.contains(name)),
            );
        }
        Ok(all)
    }

    /// Returns all transactions, the newest first, or those that concern one package.
    ///
    /// # Errors
    ///
    /// Returns why the database cannot be read.
    pub fn history(&self, name: Option<&PackageName>) -> Result<Vec<HistoryEntry>, QueryError> {
        self.database.history(name).map_err(database)
    }

    /// Refuses an answer that packages of which nothing is known might change.
    pub(crate) fn require_known(&self) -> Result<(), QueryError> {
        if self.unknown.is_empty() {
            return Ok(());
        }
        Err(QueryError::Unknown {
            unknown: self.unknown.clone(),
        })
    }

    fn providers(&self) -> Result<Providers, QueryError> {
        self.require_known()?;
        let provides = self
            .database
            .relations("SELECT package, provided FROM provides", "a provided name")
            .map_err(database)?;
        let features = self
            .database
            .relations(
                "SELECT package, feature FROM features WHERE direction = 'provided'",
                "a feature",
            )
            .map_err(database)?;
        Ok(Providers {
            packages: self
                .list()?
                .into_iter()
                .map(|listed| listed.package)
                .collect(),
            provides,
            features,
        })
    }

    fn providers_of_feature(
        &self,
        providers: &Providers,
        feature: &Feature,
    ) -> Result<Vec<PackageName>, QueryError> {
        let mut found = providers.of_feature(feature);
        if found.is_empty()
            && feature.kind == FeatureKind::Path
            && let Ok(path) = RelPath::from_user(feature.name.as_ref())
        {
            match self.owner(&path) {
                Ok(owned) => found = owned.packages,
                Err(QueryError::NotOwned { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}
