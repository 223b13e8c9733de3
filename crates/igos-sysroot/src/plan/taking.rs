//! Whether a package that comes may have a path that another package has.

use std::collections::BTreeMap;

use igos_format::PackageName;

use super::paths::{Claim, PathPlan, PathPlanner};
use super::{Conflict, PlanError, Yield};
use crate::Record;
use crate::database::FileRow;

/// Whether a claim may have a path.
pub(super) enum Taking {
    /// No other package stays that has it.
    Free,
    /// It takes it from this package, by declaration.
    Superseded(PackageName),
    /// Another package keeps it.
    Refused,
}

impl PathPlanner<'_> {
    /// Finds out whether a claim may take a path from the package that has it. Paths of a package that stays are only
    /// taken by declaration; what is refused is noted.
    pub(super) fn take_from(
        &self,
        owner: Option<&FileRow>,
        claim: &Claim<'_>,
        records: &mut BTreeMap<PackageName, Option<Record>>,
        plan: &mut PathPlan,
    ) -> Result<Taking, PlanError> {
        let package = claim.package;
        let stays =
            |row: &&FileRow| row.package != *package && !self.leaving.contains_key(&row.package);
        let Some(row) = owner.filter(stays) else {
            return Ok(Taking::Free);
        };
        let supersedes = &self.arriving[package].manifest().supersedes;
        if supersedes.contains(&row.package) {
            plan.yields.insert(Yield {
                from: row.package.clone(),
                to: package.clone(),
            });
            return Ok(Taking::Superseded(row.package.clone()));
        }
        if self.has_superseded(row, package, records)? {
            plan.yields.insert(Yield {
                from: package.clone(),
                to: row.package.clone(),
            });
        } else {
            plan.conflicts.push(Conflict::Owned {
                package: package.clone(),
                path: claim.entry.path.clone(),
                owner: row.package.clone(),
            });
        }
        Ok(Taking::Refused)
    }

    /// Tells whether the package that has `row` took it from `package` before, or would have the right to.
    fn has_superseded(
        &self,
        row: &FileRow,
        package: &PackageName,
        records: &mut BTreeMap<PackageName, Option<Record>>,
    ) -> Result<bool, PlanError> {
        if let Some(old) = self.leaving.get(package)
            && old.installed.yielded_to.contains(&row.package)
        {
            return Ok(true);
        }
        Ok(self
            .record(&row.package, records)?
            .as_ref()
            .is_some_and(|record| record.manifest.supersedes.contains(package)))
    }
}
