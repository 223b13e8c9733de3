//! Back to an earlier point of the history: an exact plan whose candidates are the records of then.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, PackageId, PackageName, Sha256};
use igos_root::{Directory, Kind};

use super::arriving::{self, Chosen};
use super::exact::{Selection, plan_selection};
use super::ground::Ground;
use super::links::ChoiceRequest;
use super::{
    Candidate, Downgrade, EditedConfiguration, Essential, PathChange, Plan, PlanError, Policy,
    RunningKernel, Unowned, Unsigned,
};
use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::state_text::StateText;
use crate::undo::{self, Before, UndoError};
use crate::{Exclusions, Ownership, Record, Sysroot, layout};

/// Where a rollback goes, and under which rules.
pub struct RollbackRequest<'a> {
    /// The first transaction that is undone; all later ones are too.
    pub transaction: u64,
    /// The kernel that has to stay.
    pub kernel: RunningKernel,
    /// Whether owners and special bits are applied.
    pub ownership: Ownership,
    /// Tells whether the archive with this seal is at hand.
    pub at_hand: &'a dyn Fn(&Sha256) -> bool,
}

impl std::fmt::Debug for RollbackRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RollbackRequest")
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

/// What was at an earlier point.
struct Earlier {
    records: BTreeMap<PackageName, Option<Record>>,
    choices: Choices,
    exclusions: Exclusions,
    pending: Pending,
}

impl Sysroot {
    /// Plans to bring the root back to where it was before a transaction.
    ///
    /// Packages, their records, their files and the texts of the root's state come back; configuration files that were
    /// edited stay. What is carried out is an ordinary transaction, which can itself be undone.
    ///
    /// # Errors
    ///
    /// Returns that there is no such transaction, that what was before it is not kept any more, or why there is no
    /// plan.
    pub fn plan_rollback(&self, request: &RollbackRequest<'_>) -> Result<Plan, UndoError> {
        let (transaction, last) = (request.transaction, self.last_transaction);
        if transaction == 0 || transaction > last {
            return Err(UndoError::NoSuchTransaction { transaction, last });
        }
        let earlier = self.earlier(transaction)?;
        let ground = self.ground().map_err(UndoError::Plan)?;
        let plan = restore(ground, earlier, request).map_err(UndoError::Plan)?;
        self.refuse_dropped(&plan, request)?;
        Ok(plan)
    }

    /// Returns what was before a transaction.
    fn earlier(&self, transaction: u64) -> Result<Earlier, UndoError> {
        let mut records = BTreeMap::new();
        let mut texts = BTreeMap::new();
        for number in (transaction..=self.last_transaction).rev() {
            let before = undo::before(&self.root, number);
            let Some(before) = before.map_err(|source| UndoError::Read { source })? else {
                return Err(UndoError::Forgotten {
                    transaction: number,
                    first: (number < self.last_transaction).then_some(number + 1),
                });
            };
            // The earlier one overrules.
            let Before {
                records: changed,
                texts: of_then,
                ..
            } = before;
            records.extend(changed);
            texts = of_then;
        }
        let text = |source| UndoError::Plan(PlanError::StateText { source });
        let choices = texts
            .get(Choices::KEYWORD)
            .map(|bytes| Choices::read(bytes));
        let exclusions = texts
            .get(Exclusions::KEYWORD)
            .map(|bytes| Exclusions::read(bytes));
        let pending = texts
            .get(Pending::KEYWORD)
            .map(|bytes| Pending::read(bytes));
        Ok(Earlier {
            pending: pending.transpose().map_err(text)?.unwrap_or_default(),
            records,
            choices: choices.transpose().map_err(text)?.unwrap_or_default(),
            exclusions: exclusions.transpose().map_err(text)?.unwrap_or_default(),
        })
    }

    /// Refuses a plan that needs contents which are neither in the root nor kept, unless the archives are at hand.
    fn refuse_dropped(&self, plan: &Plan, request: &RollbackRequest<'_>) -> Result<(), UndoError> {
        let read = |source| UndoError::Read { source };
        let kept = undo::kept_directories(&self.root).map_err(read)?;
        let mut dropped: Vec<PackageId> = Vec::new();
        for change in plan
            .changes
            .iter()
            .filter(|change| change.restored.is_some())
        {
            let is_at_hand = change.seal.as_ref().is_some_and(request.at_hand);
            if !is_at_hand
                && self
                    .lacks_restored(plan, change, &kept)
                    .map_err(UndoError::Plan)?
            {
                dropped.push(change.package.clone());
            }
        }
        if dropped.is_empty() {
            Ok(())
        } else {
            Err(UndoError::Dropped(dropped))
        }
    }

    fn lacks_restored(
        &self,
        plan: &Plan,
        change: &super::Change,
        kept: &[Directory],
    ) -> Result<bool, PlanError> {
        let Some(record) = &change.restored else {
            return Ok(false);
        };
        let name = &change.package.name;
        let pristine = plan.pristine.iter();
        let pristine = pristine
            .filter(|file| file.package == *name)
            .map(|file| &file.path);
        let paths: BTreeSet<_> = plan
            .paths
            .iter()
            .filter(|action| action.package == *name && action.kind == Kind::File)
            .filter(|action| action.change.takes_content())
            .filter(|action| action.change != PathChange::Adopt)
            .map(|action| &action.path)
            .chain(pristine)
            .collect();
        for entry in record.entries().filter(|entry| paths.contains(&entry.path)) {
            let EntryKind::File { sha256, size, .. } = entry.kind else {
                continue;
            };
            let file = sha256.to_string();
            let is_kept = || kept.iter().any(|at| at.metadata(file.as_bytes()).is_ok());
            if size > 0 && !self.has_content_at_hand(&sha256)? && !is_kept() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether a file of the root has this content, by the record.
    pub(super) fn has_content_at_hand(&self, sha256: &Sha256) -> Result<bool, PlanError> {
        let places = self.database.places_with(sha256);
        let pristine = layout::pristine(sha256);
        Ok(!places.map_err(super::ground::database)?.is_empty()
            || self
                .root
                .metadata(&pristine)
                .map_err(|source| PlanError::Read { source })?
                .is_some())
    }
}

fn restore(
    ground: Ground<'_>,
    earlier: Earlier,
    request: &RollbackRequest<'_>,
) -> Result<Plan, PlanError> {
    let (mut restored, remove) = differing(&ground, earlier.records, request.ownership)?;
    let candidates: BTreeMap<&PackageName, Candidate> = restored
        .iter()
        .map(|(name, record)| (name, Candidate::restored(record)))
        .collect();
    let mut chosen: BTreeMap<PackageName, Chosen<'_>> = candidates
        .iter()
        .map(|(name, candidate)| {
            let chosen = Chosen {
                candidate,
                reason: restored[*name].installed.reason,
                required_by: BTreeSet::new(),
            };
            ((*name).clone(), chosen)
        })
        .collect();
    arriving::note_requirers(&mut chosen);
    let arch = ground_arch(&restored);
    let policy = Policy {
        // All of this was accepted before.
        unsigned: Unsigned::Allow,
        unowned: Unowned::Refuse,
        edited: EditedConfiguration::Keep,
        exclusions: Some(earlier.exclusions),
        downgrade: Downgrade::Allow,
        essential: Essential::Remove,
        kernel: request.kernel.clone(),
        arch,
        ownership: request.ownership,
    };
    let choices = ChoiceRequest {
        present: ground.choices.clone(),
        wanted: earlier.choices,
    };
    let selection = Selection {
        chosen,
        remove,
        marks: Vec::new(),
        unchanged: Vec::new(),
        choices,
        earlier: Some(earlier.pending),
    };
    let mut plan = plan_selection(ground, selection, &policy)?;
    for change in &mut plan.changes {
        if let Some(record) = restored.remove(&change.package.name) {
            change.reason = record.installed.reason;
            change.held = record.installed.held;
            change.restored = Some(Box::new(record));
        }
    }
    plan.rollback_to = Some(request.transaction - 1);
    Ok(plan)
}

/// Returns the records that come back, and the packages that go.
fn differing(
    ground: &Ground<'_>,
    records: BTreeMap<PackageName, Option<Record>>,
    ownership: Ownership,
) -> Result<(BTreeMap<PackageName, Record>, BTreeSet<PackageName>), PlanError> {
    let mut restored = BTreeMap::new();
    let mut remove = BTreeSet::new();
    for (name, record) in records {
        let current = ground.record(&name)?;
        match record {
            None if current.is_some() => {
                remove.insert(name);
            }
            Some(mut record) if current.as_ref() != Some(&record) => {
                record.installed.ownership = ownership;
                restored.insert(name, record);
            }
            _ => {}
        }
    }
    Ok((restored, remove))
}

/// Returns the machine that restored packages are for: they were accepted for it before.
fn ground_arch(restored: &BTreeMap<PackageName, Record>) -> igos_format::Arch {
    restored
        .values()
        .map(|record| record.manifest.package.arch)
        .find(|arch| *arch != igos_format::Arch::Any)
        .unwrap_or_else(igos_format::Arch::native)
}
