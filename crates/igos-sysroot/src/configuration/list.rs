//! Which configuration files are not as their packages brought them.

use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_root::{FollowedLinks, Kind, RootError};
use serde::Serialize;

use super::{Pending, new_name};
use crate::places::place_of;
use crate::state_text::StateText;
use crate::{QueryError, Sysroot};

/// What became of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfigurationState {
    /// It is as the package brought it.
    Unchanged,
    /// The administrator changed it.
    Edited,
    /// The administrator changed it, and a new version waits for an answer.
    Pending,
    /// The administrator deleted it.
    Deleted,
}

impl ConfigurationState {
    /// Returns the word of messages and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ConfigurationState::Unchanged => "unchanged",
            ConfigurationState::Edited => "edited",
            ConfigurationState::Pending => "pending",
            ConfigurationState::Deleted => "deleted",
        }
    }
}

/// One configuration file of an installed package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigurationFile {
    /// Where it is.
    pub path: RelPath,
    /// The package that brought it.
    pub package: PackageName,
    /// What became of it.
    pub state: ConfigurationState,
    /// Where the new version is that waits.
    pub beside: Option<RelPath>,
}

/// A configuration file, looked up.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) file: ConfigurationFile,
    /// What its package brought: a file's content.
    pub(crate) recorded: Option<Sha256>,
    /// The version that the one on disk was made from.
    pub(crate) base: Option<Sha256>,
}

impl Sysroot {
    /// Returns all configuration files of installed packages, by path.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    pub fn configuration(&self) -> Result<Vec<ConfigurationFile>, QueryError> {
        let mut all = Vec::new();
        for found in self.configuration_found()? {
            all.push(found.file);
        }
        Ok(all)
    }

    /// Returns the configuration file at a path.
    pub(crate) fn configuration_at(&self, path: &RelPath) -> Result<Found, QueryError> {
        let links = FollowedLinks::read(&self.root).map_err(read)?;
        let place = links.place(path);
        self.configuration_found()?
            .into_iter()
            .find(|found| found.file.path == place)
            .ok_or_else(|| QueryError::NotConfiguration { path: path.clone() })
    }

    fn configuration_found(&self) -> Result<Vec<Found>, QueryError> {
        self.require_known()?;
        let links = FollowedLinks::read(&self.root).map_err(read)?;
        let pending =
            Pending::load(&self.root).map_err(|source| QueryError::StateText { source })?;
        let database = |source| QueryError::Database { source };
        let mut all = Vec::new();
        let rows = self.database.configuration().map_err(database)?;
        let names: std::collections::BTreeSet<PackageName> =
            rows.into_iter().map(|row| row.package).collect();
        for name in names {
            let record = self.record(&name)?;
            for entry in record.entries().filter(|entry| entry.is_configuration) {
                let place = place_of(&record.manifest, entry, &links);
                let owner = self.database.owner(&place).map_err(database)?;
                // What another package took over is that package's.
                if owner.is_some_and(|row| row.package == name) {
                    all.push(self.look_at(&name, entry, place, &pending)?);
                }
            }
        }
        all.sort_by(|a, b| a.file.path.cmp(&b.file.path));
        Ok(all)
    }

    fn look_at(
        &self,
        package: &PackageName,
        entry: &FileEntry,
        place: RelPath,
        pending: &Pending,
    ) -> Result<Found, QueryError> {
        let recorded = match entry.kind {
            EntryKind::File { sha256, .. } => Some(sha256),
            _ => None,
        };
        let beside = new_name(&place);
        let waits = match (&beside, pending.bases.get(&place)) {
            (Some(beside), Some(base)) => {
                let is_there = self.root.metadata(beside).map_err(read)?.is_some();
                is_there.then_some(*base)
            }
            _ => None,
        };
        let state = match (self.is_as_recorded(entry, &place)?, waits) {
            (None, _) => ConfigurationState::Deleted,
            (Some(true), _) => ConfigurationState::Unchanged,
            (Some(false), Some(_)) => ConfigurationState::Pending,
            (Some(false), None) => ConfigurationState::Edited,
        };
        let is_pending = state == ConfigurationState::Pending;
        Ok(Found {
            file: ConfigurationFile {
                path: place,
                package: package.clone(),
                state,
                beside: beside.filter(|_| is_pending),
            },
            recorded,
            base: match waits {
                Some(base) if is_pending => base,
                _ => recorded,
            },
        })
    }

    /// Tells whether the disk has what the record says; `None` if nothing is there.
    fn is_as_recorded(
        &self,
        entry: &FileEntry,
        place: &RelPath,
    ) -> Result<Option<bool>, QueryError> {
        let found = match self.root.metadata(place) {
            Ok(found) => found,
            Err(error) if error.is_way_blocked() => None,
            Err(error) => return Err(read(error)),
        };
        let Some(found) = found else {
            return Ok(None);
        };
        Ok(Some(match (&entry.kind, found.kind) {
            (EntryKind::Symlink { target }, Kind::Symlink) => {
                self.root.read_link(place).map_err(read)?.as_ref() == Some(target)
            }
            (EntryKind::File { sha256, size, .. }, Kind::File) if found.size == *size => {
                let Some(file) = self.root.open_file(place).map_err(read)? else {
                    return Ok(None);
                };
                let digest = Sha256::read(file)
                    .map_err(|source| read(RootError::new("read", place.to_string(), source)))?;
                digest == *sha256
            }
            _ => false,
        }))
    }
}

fn read(source: RootError) -> QueryError {
    QueryError::Read { source }
}
