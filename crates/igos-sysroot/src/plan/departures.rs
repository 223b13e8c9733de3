//! What goes: paths of departing packages that nothing arriving takes.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};
use igos_root::Kind;

use super::configuration::{Content, Waiting, content_of};
use super::ground::database;
use super::links::Links;
use super::paths::{Claims, PathPlan, PathPlanner, entry_at, read, was_content};
use super::{PathAction, PathChange, PlanError, Was};
use crate::Record;
use crate::configuration::new_name;
use crate::database::FileRow;

impl PathPlanner<'_> {
    /// Plans what goes: paths of leaving packages that nothing arriving claims.
    pub(super) fn plan_departures(
        &self,
        claims: &Claims<'_>,
        links: &Links,
        dissolved: &BTreeSet<RelPath>,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        let is_dissolved = |place: &RelPath| {
            std::iter::successors(place.parent(), RelPath::parent)
                .any(|above| dissolved.contains(&above))
        };
        let mut directories: BTreeMap<RelPath, (RelPath, PackageName)> = BTreeMap::new();
        for (package, record) in &self.leaving {
            for row in self.database.files(package).map_err(database)? {
                if claims.files.contains_key(&row.place)
                    || links.after.contains_key(&row.place)
                    || claims.directories.contains_key(&row.place)
                    || is_dissolved(&row.place)
                {
                    continue;
                }
                self.note_lost(&row, record, plan)?;
                self.plan_departure(&row, record, plan)?;
            }
            for (place, path) in self.database.directories(package).map_err(database)? {
                directories.insert(place, (path, package.clone()));
            }
        }
        for (place, (path, package)) in directories {
            let is_claimed = claims.directories.contains_key(&place)
                || claims.files.contains_key(&place)
                || is_dissolved(&place);
            let owners = self.database.directory_owners(&place).map_err(database)?;
            if is_claimed || owners.iter().any(|owner| !self.leaving.contains_key(owner)) {
                continue;
            }
            if self.kind_on_disk(&place)? == Some(Kind::Directory) {
                plan.actions.push(PathAction {
                    path,
                    place,
                    package,
                    kind: Kind::Directory,
                    change: PathChange::Remove,
                    was: Was::Directory,
                });
            }
        }
        Ok(())
    }

    fn plan_departure(
        &self,
        row: &FileRow,
        record: &Record,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        let found = match self.kind_on_disk(&row.place)? {
            None | Some(Kind::Directory) => return Ok(()),
            Some(found) => found,
        };
        let entry = entry_at(record, &row.path);
        let (mut change, mut was) = (PathChange::Remove, Was::Other);
        if let Some(entry) = entry.filter(|entry| entry.is_configuration) {
            let disk = self.content_on_disk(&row.place, found)?;
            was = was_content(disk);
            let recorded = content_of(entry);
            let waiting = self.waiting(&row.place, recorded)?;
            let base = match &waiting {
                Some(waiting) => waiting.base.map(Content::File),
                None => recorded,
            };
            if Some(disk) != base {
                change = PathChange::Abandon;
            }
            plan.actions
                .extend(self.clear_beside_departed(row, waiting, recorded));
        }
        plan.actions.push(PathAction {
            path: row.path.clone(),
            place: row.place.clone(),
            package: row.package.clone(),
            kind: if row.target.is_some() {
                Kind::Symlink
            } else {
                Kind::File
            },
            change,
            was,
        });
        Ok(())
    }

    /// Returns the removal of a new version that nobody needs to answer any more.
    fn clear_beside_departed(
        &self,
        row: &FileRow,
        waiting: Option<Waiting>,
        recorded: Option<Content>,
    ) -> Option<PathAction> {
        let waiting = waiting.filter(|waiting| Some(waiting.beside) == recorded)?;
        let beside = new_name(&row.place)?;
        Some(PathAction {
            path: beside.clone(),
            place: beside,
            package: row.package.clone(),
            kind: Kind::File,
            change: PathChange::Remove,
            was: was_content(waiting.beside),
        })
    }

    /// Returns what the disk has at a recorded place; nothing where the way to it is no longer one of directories.
    fn kind_on_disk(&self, place: &RelPath) -> Result<Option<Kind>, PlanError> {
        match self.root.metadata(place) {
            Ok(found) => Ok(found.map(|found| found.kind)),
            Err(error) if error.is_way_blocked() => Ok(None),
            Err(error) => Err(read(error)),
        }
    }

    fn note_lost(
        &self,
        row: &FileRow,
        record: &Record,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        for name in &record.manifest.supersedes {
            if self.leaving.contains_key(name) || self.arriving.contains_key(name) {
                continue;
            }
            let Some(bytes) = self.database.record(name).map_err(database)? else {
                continue;
            };
            let loses = Record::read_of(name, &bytes)
                .is_ok_and(|other| entry_at(&other, &row.path).is_some());
            if loses {
                plan.lost.push((name.clone(), row.path.clone()));
            }
        }
        Ok(())
    }
}
