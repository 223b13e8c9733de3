//! What happens to one package: new, changed, gone, or marked.

use igos_format::installed_bytes;
use std::cmp::Ordering;

use super::arriving::{self, Chosen};
use super::describe::recorded_only;
use super::ground::Ground;
use super::privileges::privileged;
use super::{Change, ChangeAction, Downgrade, PlanError, Policy, Unsigned};
use crate::{Reason, Record, Trust};

/// Returns what becomes of a package that comes, perhaps in the place of `old`.
pub(super) fn arrival(
    ground: &Ground<'_>,
    chosen: &Chosen<'_>,
    old: Option<&Record>,
    policy: &Policy,
) -> Result<Change, PlanError> {
    let candidate = chosen.candidate;
    let manifest = candidate.manifest();
    let package = &manifest.package;
    if !arriving::fits(package.arch, policy.arch) {
        return Err(PlanError::Arch {
            package: package.clone(),
            found: package.arch,
            expected: policy.arch,
        });
    }
    if *candidate.trust() == Trust::Unsigned && policy.unsigned == Unsigned::Refuse {
        return Err(PlanError::Unsigned {
            package: package.clone(),
        });
    }
    let action = match old.map(|old| &old.manifest.package) {
        None => ChangeAction::Install,
        Some(old) => {
            let from = old.full_version();
            match package.compare_versions(old) {
                Ordering::Equal => ChangeAction::Reinstall,
                Ordering::Greater => ChangeAction::Upgrade { from },
                Ordering::Less if policy.downgrade == Downgrade::Refuse => {
                    return Err(PlanError::Downgrade {
                        package: package.clone(),
                        installed: old.clone(),
                    });
                }
                Ordering::Less => ChangeAction::Downgrade { from },
            }
        }
    };
    // What was asked for once stays asked for.
    let reason = match old.map(|old| old.installed.reason) {
        Some(Reason::Explicit) => Reason::Explicit,
        Some(Reason::Automatic) | None => chosen.reason,
    };
    Ok(Change {
        package: package.clone(),
        action,
        reason,
        held: old.is_some_and(|old| old.installed.held),
        seal: Some(candidate.seal()),
        trust: candidate.trust().clone(),
        repository: candidate.vouch().repository.clone(),
        signature: candidate.vouch().signature.clone(),
        installed_bytes: ground.bytes_of(manifest),
        required_by: chosen.required_by.iter().cloned().collect(),
        privileged: privileged(&manifest.entries),
        recorded_only: recorded_only(manifest),
        restored: None,
    })
}

/// Returns the removal of an installed package.
pub(super) fn removal(record: &Record) -> Change {
    Change {
        seal: None,
        repository: None,
        signature: None,
        installed_bytes: installed_bytes(record.entries()),
        ..marked(record, ChangeAction::Remove)
    }
}

/// Returns a change of the record alone.
pub(crate) fn marked(record: &Record, action: ChangeAction) -> Change {
    let installed = &record.installed;
    Change {
        package: record.manifest.package.clone(),
        reason: match action {
            ChangeAction::MarkExplicit => Reason::Explicit,
            ChangeAction::MarkAutomatic => Reason::Automatic,
            _ => installed.reason,
        },
        held: match action {
            ChangeAction::Hold => true,
            ChangeAction::Release => false,
            _ => installed.held,
        },
        action,
        seal: Some(installed.seal),
        trust: installed.trust.clone(),
        repository: installed.repository.clone(),
        signature: installed.signature.clone(),
        installed_bytes: 0,
        required_by: Vec::new(),
        privileged: Vec::new(),
        recorded_only: Vec::new(),
        restored: None,
    }
}
