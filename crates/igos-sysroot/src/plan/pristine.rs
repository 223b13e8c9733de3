//! Which pristine configuration files come into the store.

use std::collections::BTreeMap;

use igos_format::{EntryKind, PackageName, RelPath, Sha256};

use super::PlanError;
use super::paths::{PathPlanner, read};
use crate::configuration::stored;

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

impl PathPlanner<'_> {
    /// Returns the contents of configuration files that arrive and that the store does not have.
    pub(super) fn pristine(&self) -> Result<Vec<PristineFile>, PlanError> {
        let stored = stored(self.root).map_err(read)?;
        let mut add: BTreeMap<Sha256, PristineFile> = BTreeMap::new();
        for (package, candidate) in &self.arriving {
            for entry in &candidate.manifest().entries {
                let EntryKind::File { sha256, .. } = entry.kind else {
                    continue;
                };
                if entry.is_configuration
                    && !self.exclusions.leaves_out(entry)
                    && !stored.contains(&sha256)
                {
                    add.entry(sha256).or_insert_with(|| PristineFile {
                        package: package.clone(),
                        path: entry.path.clone(),
                        sha256,
                    });
                }
            }
        }
        Ok(add.into_values().collect())
    }
}
