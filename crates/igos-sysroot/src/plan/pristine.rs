//! Which pristine configuration files a root needs.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, PackageName, RelPath, Sha256};

use super::paths::{PathPlanner, database, read};
use super::{PathAction, PlanError};
use crate::layout;

/// A pristine configuration file that comes into the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PristineFile {
    /// The package that brings it.
    pub package: PackageName,
    /// Its path there.
    pub path: RelPath,
    /// Its content.
    pub sha256: Sha256,
}

/// What happens in the store of pristine configuration files.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct PristineChanges {
    /// What comes.
    pub add: Vec<PristineFile>,
    /// What nobody needs any more.
    pub forget: Vec<Sha256>,
}

impl PathPlanner<'_> {
    /// Returns the contents that a plan brings into the store, and those that nobody needs after it.
    pub(super) fn pristine(
        &self,
        actions: &[PathAction],
    ) -> Result<PristineChanges, PlanError> {
        let stored = self.stored()?;
        let mut needed: BTreeSet<Sha256> = self
            .pending
            .after(actions)
            .bases
            .into_values()
            .flatten()
            .collect();
        let mut add: BTreeMap<Sha256, PristineFile> = BTreeMap::new();
        for (package, candidate) in &self.arriving {
            for entry in &candidate.manifest().entries {
                let EntryKind::File { sha256, .. } = entry.kind else {
                    continue;
                };
                if !entry.is_configuration || self.exclusions.leaves_out(entry) {
                    continue;
                }
                needed.insert(sha256);
                if !stored.contains(&sha256) {
                    add.entry(sha256).or_insert_with(|| PristineFile {
                        package: package.clone(),
                        path: entry.path.clone(),
                        sha256,
                    });
                }
            }
        }
        let mut forget = Vec::new();
        for digest in stored.difference(&needed) {
            let users = self.database.configured_with(digest).map_err(database)?;
            if users.iter().all(|package| self.leaving.contains_key(package)) {
                forget.push(*digest);
            }
        }
        Ok(PristineChanges {
            add: add.into_values().collect(),
            forget,
        })
    }

    fn stored(&self) -> Result<BTreeSet<Sha256>, PlanError> {
        let place = layout::pristine_directory();
        let directory = match self.root.directory(&place) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => return Ok(BTreeSet::new()),
            Err(error) => return Err(read(error)),
        };
        let entries = directory.entries().map_err(|source| {
            read(igos_root::RootError::new(
                "read directory",
                place.to_string(),
                source,
            ))
        })?;
        Ok(entries
            .iter()
            .filter_map(|entry| std::str::from_utf8(&entry.name).ok()?.parse().ok())
            .collect())
    }
}
