//! What a plan is made from besides the request.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, PackageName, installed_bytes};
use igos_root::{FollowedLinks, RootDir};

use super::{Candidate, KernelChanges, Plan, PlanError};
use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::database::Database;
use crate::{DatabaseError, Exclusions, HookPlan, Ownership, Record};

/// What a plan is made from besides the request.
#[derive(Debug)]
pub(crate) struct Ground<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) database: &'a Database,
    pub(crate) links: FollowedLinks,
    pub(crate) last_transaction: u64,
    /// Configuration files that wait for an answer.
    pub(crate) pending: Pending,
    /// Alternatives that the administrator chose.
    pub(crate) choices: Choices,
    /// Paths that are left out.
    pub(crate) exclusions: Exclusions,
}

pub(super) fn database(source: DatabaseError) -> PlanError {
    PlanError::Database { source }
}

impl Ground<'_> {
    /// Returns the plan that does nothing.
    pub(crate) fn nothing(&self, ownership: Ownership) -> Plan {
        Plan {
            based_on: self.last_transaction,
            ownership,
            changes: Vec::new(),
            paths: Vec::new(),
            yields: Vec::new(),
            unchanged: Vec::new(),
            notices: Vec::new(),
            install_bytes: 0,
            pristine: Vec::new(),
            choices: BTreeMap::new(),
            contents: BTreeMap::new(),
            exclusions: self.exclusions.clone(),
            exclusions_change: false,
            kernels: KernelChanges::default(),
            hooks: HookPlan::default(),
            rollback_to: None,
        }
    }

    /// Returns the record of a package, if it is installed.
    pub(crate) fn record(&self, name: &PackageName) -> Result<Option<Record>, PlanError> {
        self.database
            .record(name)
            .map_err(database)?
            .map(|bytes| {
                Record::read_of(name, &bytes).map_err(|source| PlanError::Record {
                    name: name.clone(),
                    source,
                })
            })
            .transpose()
    }

    /// Returns the record of a package that has to be installed.
    pub(super) fn installed(&self, name: &PackageName) -> Result<Record, PlanError> {
        self.record(name)?
            .ok_or_else(|| PlanError::NotInstalled { name: name.clone() })
    }

    /// A merged-directory link that an arriving package brings counts from now on, unless the root has something else
    /// there.
    pub(super) fn adopt_links(&mut self, candidate: &Candidate) {
        for path in FollowedLinks::listed() {
            let entries = &candidate.manifest().entries;
            let found = entries.binary_search_by(|entry| entry.path.cmp(&path));
            if let Ok(at) = found
                && let EntryKind::Symlink { target } = &entries[at].kind
                && matches!(self.root.metadata(&path), Ok(None))
            {
                self.links.insert(path, target);
            }
        }
    }

    /// Returns the bytes that the files of an arriving package will take.
    pub(super) fn bytes_of(&self, manifest: &Manifest) -> u64 {
        let entries = manifest.entries.iter();
        installed_bytes(entries.filter(|entry| !self.exclusions.leaves_out(entry)))
    }
}
