//! The records and the history that a transaction writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use igos_format::{PackageName, Sha256};
use igos_root::RootDir;

use super::ApplyError;
use super::apply::Transaction;
use super::unpack::StagedPackage;
use crate::database::Database;
use crate::history::{HistoryChange, HistoryEntry};
use crate::{Change, ChangeAction, Installed, Plan, Record, Trust, layout};

impl Transaction<'_> {
    /// Returns the record of a package that comes.
    pub(super) fn record(
        &self,
        plan: &Plan,
        change: &Change,
        package: StagedPackage,
        old: Option<&Record>,
    ) -> Record {
        if let Some(restored) = &change.restored {
            return Record::clone(restored);
        }
        let name = &change.package.name;
        let mut yielded_to = given_by(plan, name);
        // What was given stays given while the taker stays.
        let kept = old.into_iter().flat_map(|old| &old.installed.yielded_to);
        yielded_to.extend(kept.cloned());
        Record {
            installed: Installed {
                package: change.package.clone(),
                reason: change.reason,
                installed: self.time,
                transaction: self.last + 1,
                repository: change.repository.clone(),
                held: change.held,
                seal: change.seal.unwrap_or_else(|| Sha256::of(b"")),
                sealed: package.sealed,
                signature: change.signature.clone(),
                trust: change.trust.clone(),
                ownership: plan.ownership,
                yielded_to,
                excluded: plan.exclusions.clone(),
            },
            manifest: Arc::unwrap_or_clone(package.manifest),
            manifest_bytes: package.manifest_bytes.to_vec(),
        }
    }

    /// Returns the changed records of packages whose files stay: those that give paths to arriving ones, and those
    /// that are marked.
    pub(super) fn amended_records(
        &self,
        plan: &Plan,
        database: &Database,
    ) -> Result<Vec<Record>, ApplyError> {
        let is_mark = |change: &&Change| {
            !change.action.brings_files() && change.action != ChangeAction::Remove
        };
        let is_replaced = |name: &PackageName| {
            let mut changes = plan.changes.iter().filter(|change| !is_mark(change));
            changes.any(|change| change.package.name == *name)
        };
        let givers = plan.yields.iter().map(|given| &given.from);
        let marks = plan.changes.iter().filter(is_mark);
        let names: BTreeSet<&PackageName> = givers
            .chain(marks.clone().map(|change| &change.package.name))
            .filter(|name| !is_replaced(name))
            .collect();
        let mut records = Vec::new();
        for name in names {
            let Some(old) = read_record(self.root, database, name)? else {
                continue;
            };
            let mut record = old.clone();
            record.installed.yielded_to.extend(given_by(plan, name));
            for change in marks.clone().filter(|change| change.package.name == *name) {
                match change.action {
                    ChangeAction::MarkExplicit | ChangeAction::MarkAutomatic => {
                        record.installed.reason = change.reason;
                    }
                    _ => record.installed.held = change.held,
                }
            }
            if record != old {
                records.push(record);
            }
        }
        Ok(records)
    }

    /// Returns what the history says of a plan.
    pub(super) fn history(&self, plan: &Plan, transaction: u64) -> HistoryEntry {
        let changes = plan.changes.iter().map(|change| {
            let version = change.package.full_version();
            let (from, to) = match &change.action {
                ChangeAction::Install | ChangeAction::Adopt => (None, Some(version)),
                ChangeAction::Upgrade { from } | ChangeAction::Downgrade { from } => {
                    (Some(from.clone()), Some(version))
                }
                ChangeAction::Reinstall
                | ChangeAction::MarkExplicit
                | ChangeAction::MarkAutomatic
                | ChangeAction::Hold
                | ChangeAction::Release
                | ChangeAction::Configure
                | ChangeAction::Choose
                | ChangeAction::Repair => (Some(version.clone()), Some(version)),
                ChangeAction::Remove => (Some(version), None),
            };
            HistoryChange {
                action: change.action.as_str().to_owned(),
                name: change.package.name.clone(),
                from,
                to,
                seal: change.seal,
                trust: change.seal.map(|_| match &change.trust {
                    Trust::Unsigned => "unsigned".to_owned(),
                    Trust::Key(id) => format!("key {id}"),
                }),
            }
        });
        HistoryEntry {
            transaction,
            time: self.time,
            rollback_to: plan.rollback_to,
            changes: changes.collect(),
        }
    }
}

fn given_by(plan: &Plan, name: &PackageName) -> BTreeSet<PackageName> {
    plan.yields
        .iter()
        .filter(|given| given.from == *name)
        .map(|given| given.to.clone())
        .collect()
}

/// Returns a package's record from its text, or where that is damaged or gone from the database.
pub(super) fn read_record(
    root: &RootDir,
    database: &Database,
    name: &PackageName,
) -> Result<Option<Record>, ApplyError> {
    let text = root
        .read_file(&layout::record(name), crate::record::RECORD_MAX_BYTES)
        .map_err(|source| ApplyError::Read { source })?;
    if let Some(record) = text.and_then(|bytes| Record::read_of(name, &bytes).ok()) {
        // A damaged text is what verification reports; here the database's copy is as good.
        return Ok(Some(record));
    }
    let copy = database
        .record(name)
        .map_err(|source| ApplyError::Database { source })?;
    copy.map(|bytes| {
        Record::read_of(name, &bytes).map_err(|source| ApplyError::Record {
            name: name.to_string(),
            source,
        })
    })
    .transpose()
}
