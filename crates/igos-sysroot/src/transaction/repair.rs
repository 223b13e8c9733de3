//! Making single files of an installed package anew.

use std::collections::HashMap;
use std::io;

use igos_format::manifest::Manifest;
use igos_format::{PackageName, RelPath};

use super::ApplyError;
use super::apply::{OpenArchive, Transaction};
use super::contents::Contents;
use super::prepare::wanted_paths;
use super::stage::{Staged, Stager};
use crate::database::Database;
use crate::{Change, Plan};

/// What a repair made.
pub(super) struct Repaired {
    /// The new inodes, by package and path.
    pub(super) files: HashMap<(PackageName, RelPath), Staged>,
    /// What the package is.
    pub(super) manifest: Manifest,
}

impl Transaction<'_> {
    /// Makes the inodes for the paths of a package that are repaired: out of files of the root that have the
    /// contents, and only where that fails out of the archive. Nothing that does not have the recorded digest is
    /// taken from anywhere.
    pub(super) fn stage_repair(
        &self,
        plan: &Plan,
        change: &Change,
        archives: &OpenArchive<'_>,
        database: &Database,
        contents: &Contents<'_>,
        stager: &mut Stager<'_>,
    ) -> Result<Repaired, ApplyError> {
        let name = &change.package.name;
        let record = self.record_of(name, database)?;
        let mut wanted = wanted_paths(plan, name);
        wanted.replaced.clear();
        let package = match stager.stage_restored(change, &record, &mut wanted, contents) {
            Err(gone @ ApplyError::ContentGone { .. }) => {
                let archive = match archives(change) {
                    Ok(archive) => archive,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(gone),
                    Err(source) => {
                        return Err(ApplyError::OpenArchive {
                            package: change.package.clone(),
                            source,
                        });
                    }
                };
                stager.stage_package(change, &mut wanted, archive, contents)?
            }
            other => other?,
        };
        let files = package.files.into_iter();
        Ok(Repaired {
            files: files
                .map(|(path, staged)| ((name.clone(), path), staged))
                .collect(),
            manifest: record.manifest,
        })
    }
}
