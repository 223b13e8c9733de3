//! Questions about what is installed.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::{Feature, Provided};
use igos_format::manifest::Manifest;
use igos_format::{Dependency, EntryKind, FileEntry, PackageId, PackageName, RelPath};
use igos_report::Explain;
use igos_root::{FollowedLinks, RootError};
use serde::Serialize;

use crate::database::{FileRow, PackageRow};
use crate::plan::{installed_bytes, resolve_recorded};
use crate::{DatabaseError, HistoryEntry, Installed, Record, RecordError, Sysroot};

/// A question cannot be answered, or its answer is no.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The package is not installed.
    #[error("{name} is not installed")]
    NotInstalled {
        /// The package.
        name: PackageName,
    },
    /// No package has the path.
    #[error("no package has {path}")]
    NotOwned {
        /// The path.
        path: RelPath,
    },
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// A record is damaged.
    #[error("the record of {name} is damaged")]
    Record {
        /// The package.
        name: PackageName,
        /// How.
        #[source]
        source: RecordError,
    },
    /// The root cannot be read.
    #[error("the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
}

impl Explain for QueryError {
    fn code(&self) -> &'static str {
        match self {
            QueryError::NotInstalled { .. } => "not-installed",
            QueryError::NotOwned { .. } => "not-owned",
            QueryError::Database { source } => source.code(),
            QueryError::Record { source, .. } => source.code(),
            QueryError::Read { source } => source.code(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            QueryError::NotInstalled { .. } | QueryError::NotOwned { .. } => 1,
            _ => 4,
        }
    }
}

fn database(source: DatabaseError) -> QueryError {
    QueryError::Database { source }
}

/// One installed package, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// The package.
    pub package: PackageId,
    /// One line, possibly empty.
    pub description: String,
    /// `explicit` or `automatic`.
    pub reason: String,
    /// When it was installed, in seconds since 1970.
    pub installed: i64,
    /// The transaction that installed it.
    pub transaction: u64,
    /// The seal digest of its archive.
    pub seal: String,
    /// `unsigned` or `key` and its id.
    pub trust: String,
    /// `applied` or `recorded`.
    pub ownership: String,
    /// Whether it is only removed with an explicit flag.
    pub is_essential: bool,
    /// Bytes of its files.
    pub size_bytes: u64,
}

impl From<PackageRow> for Listed {
    fn from(row: PackageRow) -> Self {
        Listed {
            package: row.package,
            description: row.description,
            reason: row.reason,
            installed: row.installed,
            transaction: row.transaction,
            seal: row.seal,
            trust: row.trust,
            ownership: row.ownership,
            is_essential: row.is_essential,
            size_bytes: row.size_bytes,
        }
    }
}

/// Everything about one installed package but its paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageInfo {
    /// How it came here.
    #[serde(flatten)]
    pub installed: Installed,
    /// The recipe it is an output of.
    pub recipe: PackageName,
    /// One line, possibly empty.
    pub description: String,
    /// Licence expression, possibly empty.
    pub license: String,
    /// Upstream's page, possibly empty.
    pub homepage: String,
    /// How the archive came to be.
    pub origin: igos_format::manifest::Origin,
    /// Whether it is only removed with an explicit flag.
    pub is_essential: bool,
    /// What it needs to run.
    pub depends: BTreeSet<Dependency>,
    /// What else it answers to.
    pub provides: BTreeSet<Provided>,
    /// What cannot be installed beside it.
    pub conflicts: BTreeSet<Dependency>,
    /// Whose paths it takes over.
    pub supersedes: BTreeSet<PackageName>,
    /// What its files offer.
    pub features_provided: BTreeSet<Feature>,
    /// What its files need.
    pub features_required: BTreeSet<Feature>,
    /// How many paths it has.
    pub paths: usize,
    /// Bytes of its files.
    pub size_bytes: u64,
}

/// One path of an installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InstalledFile {
    /// The path.
    pub path: RelPath,
    /// `directory`, `file` or `symlink`.
    pub kind: &'static str,
    /// Permission and special bits, in octal.
    pub mode: String,
    /// `USER:GROUP`.
    pub owner: String,
    /// Length in bytes, for a file.
    pub size: Option<u64>,
    /// Digest of its content, for a file.
    pub sha256: Option<String>,
    /// Where it points, escaped, for a symbolic link.
    pub target: Option<String>,
    /// File capabilities.
    pub capabilities: Option<String>,
    /// Whether local edits are kept.
    pub is_configuration: bool,
}

/// Who has a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Owned {
    /// The path that was asked for.
    pub asked: RelPath,
    /// Where it is when recorded and merged-directory links are followed.
    pub place: RelPath,
    /// The packages: one for a file or symbolic link, perhaps several for a directory.
    pub packages: Vec<PackageName>,
}

/// One step from a package to what it needs, or to what needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Dependant {
    /// The package that needs.
    pub package: PackageName,
    /// What it needs: a dependency or a feature.
    pub needs: String,
    /// The installed packages that have it.
    pub satisfied_by: Vec<PackageName>,
}

impl Sysroot {
    /// Returns all installed packages, by name.
    ///
    /// # Errors
    ///
    /// Returns why the database cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, QueryError> {
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
        let bytes = bytes.ok_or_else(|| QueryError::NotInstalled { name: name.clone() })?;
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
        let size_bytes = installed_bytes(&manifest);
        let paths = manifest.entries.len();
        let Manifest {
            recipe,
            description,
            license,
            homepage,
            origin,
            is_essential,
            depends,
            provides,
            conflicts,
            supersedes,
            features_provided,
            features_required,
            ..
        } = manifest;
        Ok(PackageInfo {
            installed,
            recipe,
            description,
            license,
            homepage,
            origin,
            is_essential,
            depends,
            provides,
            conflicts,
            supersedes,
            features_provided,
            features_required,
            paths,
            size_bytes,
        })
    }

    /// Returns the paths of an installed package, in order.
    ///
    /// # Errors
    ///
    /// Returns that it is not installed, or why its record cannot be read.
    pub fn files(&self, name: &PackageName) -> Result<Vec<InstalledFile>, QueryError> {
        let record = self.record(name)?;
        Ok(record.manifest.entries.iter().map(installed_file).collect())
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
        let packages: Vec<PackageName> = match self.database.owner(&place).map_err(database)? {
            Some(row) => vec![row.package],
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

    fn providers(&self) -> Result<Providers, QueryError> {
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
            && feature.kind == igos_format::declaration::FeatureKind::Path
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

struct Providers {
    packages: Vec<PackageId>,
    provides: BTreeMap<PackageName, BTreeSet<Provided>>,
    features: BTreeMap<PackageName, BTreeSet<Feature>>,
}

impl Providers {
    fn of_dependency(&self, dependency: &Dependency) -> Vec<PackageName> {
        let fits = |version: Option<&igos_format::Version>| {
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

    fn of_feature(&self, feature: &Feature) -> Vec<PackageName> {
        self.features
            .iter()
            .filter(|(_, features)| features.contains(feature))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

fn installed_file(entry: &FileEntry) -> InstalledFile {
    let (kind, size, sha256, target) = match &entry.kind {
        EntryKind::Directory => ("directory", None, None, None),
        EntryKind::File { sha256, size, .. } => {
            ("file", Some(*size), Some(sha256.to_string()), None)
        }
        EntryKind::Symlink { target } => (
            "symlink",
            None,
            None,
            Some(igos_format::escape::escape(target)),
        ),
    };
    InstalledFile {
        path: entry.path.clone(),
        kind,
        mode: format!("{:04o}", entry.mode),
        owner: format!("{}:{}", entry.owner.user, entry.owner.group),
        size,
        sha256,
        target,
        capabilities: entry.capabilities.map(|found| found.to_string()),
        is_configuration: entry.is_configuration,
    }
}
