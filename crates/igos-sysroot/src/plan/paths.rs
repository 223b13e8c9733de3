//! What happens at every path: the packages that come, those that go, and what the disk has.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_root::{FollowedLinks, Kind, Metadata, RootDir, RootError};

use super::configuration::{Content, Versions, content_of};
use super::ground::database;
use super::links::{ChoiceRequest, Links};
use super::spelling::Spellings;
use super::taking::Taking;
use super::{
    Candidate, Conflict, EditedConfiguration, PathAction, PathChange, PlanError, PristineFile,
    Unowned, Was, Yield,
};
use crate::configuration::{Pending, backup_name};
use crate::database::{Database, FileRow};
use crate::{Exclusions, Record};

/// What there is to plan with.
#[derive(Debug)]
pub(crate) struct PathPlanner<'a> {
    pub(super) root: &'a RootDir,
    pub(super) database: &'a Database,
    pub(super) links: &'a FollowedLinks,
    pub(super) unowned: Unowned,
    /// What happens to edited configuration files.
    pub(super) edited: EditedConfiguration,
    /// In a rollback, the configuration files that waited for an answer then.
    pub(super) earlier: Option<&'a Pending>,
    /// Which of them wait for an answer.
    pub(super) pending: &'a Pending,
    /// Which alternatives are chosen.
    pub(super) choices: ChoiceRequest,
    /// What is left out.
    pub(super) exclusions: &'a Exclusions,
    /// What comes, by name.
    pub(super) arriving: BTreeMap<PackageName, &'a Candidate>,
    /// What goes or is replaced, by name.
    pub(super) leaving: BTreeMap<PackageName, Record>,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct PathPlan {
    pub(super) actions: Vec<PathAction>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) yields: BTreeSet<Yield>,
    /// What comes into the store of pristine configuration files.
    pub(super) pristine: Vec<PristineFile>,
    /// Alternatives chosen, or no longer.
    pub(super) choices: BTreeMap<RelPath, Option<PackageName>>,
    /// Paths that a package which stays loses, because a departing one had taken them over.
    pub(super) lost: Vec<(PackageName, RelPath)>,
}

pub(super) struct Claim<'a> {
    pub(super) package: &'a PackageName,
    pub(super) entry: &'a FileEntry,
}

/// A directory that a package needs: its path, for implied ones its place.
pub(super) struct NeededDirectory<'a> {
    pub(super) package: &'a PackageName,
    pub(super) path: RelPath,
}

/// What is known of the paths around one.
pub(super) struct Around<'a> {
    /// Directories that will be made.
    pub(super) fresh: &'a BTreeSet<RelPath>,
    /// Links of ours.
    links: &'a Links,
    /// Names that directories take for one.
    pub(super) spellings: &'a Spellings<'a>,
}

/// Who gets which place.
#[derive(Default)]
pub(super) struct Claims<'a> {
    pub(super) files: BTreeMap<RelPath, Claim<'a>>,
    pub(super) directories: BTreeMap<RelPath, NeededDirectory<'a>>,
}

pub(super) fn read(source: RootError) -> PlanError {
    PlanError::Read { source }
}

impl PathPlanner<'_> {
    /// Returns every action and every conflict.
    pub(super) fn plan(&self) -> Result<PathPlan, PlanError> {
        let mut plan = PathPlan::default();
        let links = self.links()?;
        let claims = self.claims(&mut plan);
        let mut fresh = BTreeSet::new();
        let mut dissolved = BTreeSet::new();
        let spellings = Spellings::new(self.root, self.database);
        let is_new = |package: &&PackageName| !self.leaving.contains_key(*package);
        for package in self.arriving.keys().filter(is_new) {
            plan.conflicts.extend(spellings.record_conflict(package)?);
        }
        for (place, needed) in &claims.directories {
            self.plan_directory(place, needed, &spellings, &mut fresh, &mut plan)?;
        }
        let mut records = BTreeMap::new();
        let around = Around {
            fresh: &fresh,
            links: &links,
            spellings: &spellings,
        };
        for (place, claim) in &claims.files {
            // A link of ours there is a conflict, which is found where links are planned.
            if !links.after.contains_key(place) {
                self.plan_file(
                    place,
                    claim,
                    &around,
                    &mut dissolved,
                    &mut records,
                    &mut plan,
                )?;
            }
        }
        self.plan_links(&links, &claims, &around, &mut plan)?;
        self.plan_departures(&claims, &links, &dissolved, &mut plan)?;
        plan.choices = links.choices;
        plan.pristine = self.pristine()?;
        plan.actions.sort_by(|a, b| a.place.cmp(&b.place));
        Ok(plan)
    }

    fn plan_directory(
        &self,
        place: &RelPath,
        needed: &NeededDirectory<'_>,
        spellings: &Spellings<'_>,
        fresh: &mut BTreeSet<RelPath>,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        let found = self.look(place, fresh)?;
        let act = |change, was| PathAction {
            path: needed.path.clone(),
            place: place.clone(),
            package: needed.package.clone(),
            kind: Kind::Directory,
            change,
            was,
        };
        match found.map(|found| found.kind) {
            None => {
                fresh.insert(place.clone());
                plan.actions.push(act(PathChange::Create, Was::Absent));
            }
            Some(Kind::Directory) => {
                let owners = self.database.directory_owners(place).map_err(database)?;
                if let Some(found) = found.filter(|_| owners.is_empty())
                    && let Some(conflict) = spellings.conflict(place, &found, needed.package)?
                {
                    plan.conflicts.push(conflict);
                    // What lies below would be the same conflict again.
                    fresh.insert(place.clone());
                }
            }
            Some(found) => {
                let owner = self.database.owner(place).map_err(database)?;
                if owner.is_some_and(|owner| self.leaving.contains_key(&owner.package)) {
                    fresh.insert(place.clone());
                    plan.actions.push(act(PathChange::Replace, Was::Other));
                } else {
                    plan.conflicts.push(Conflict::Parent {
                        package: needed.package.clone(),
                        path: needed.path.clone(),
                        directory: place.clone(),
                        found,
                    });
                    // What lies below cannot be looked at, and would be the same conflict again.
                    fresh.insert(place.clone());
                }
            }
        }
        Ok(())
    }

    /// Returns what the disk has at `place`; nothing below directories that will be made.
    pub(super) fn look(
        &self,
        place: &RelPath,
        fresh: &BTreeSet<RelPath>,
    ) -> Result<Option<Metadata>, PlanError> {
        if place.parent().is_some_and(|parent| fresh.contains(&parent)) {
            return Ok(None);
        }
        self.root.metadata(place).map_err(read)
    }

    fn plan_file(
        &self,
        place: &RelPath,
        claim: &Claim<'_>,
        around: &Around<'_>,
        dissolved: &mut BTreeSet<RelPath>,
        records: &mut BTreeMap<PackageName, Option<Record>>,
        plan: &mut PathPlan,
    ) -> Result<(), PlanError> {
        let (package, entry) = (claim.package, claim.entry);
        let kind = match entry.kind {
            EntryKind::Symlink { .. } => Kind::Symlink,
            _ => Kind::File,
        };
        let act = |change, was| PathAction {
            path: entry.path.clone(),
            place: place.clone(),
            package: package.clone(),
            kind,
            change,
            was,
        };
        let owner = self.database.owner(place).map_err(database)?;
        let superseded = match self.take_from(owner.as_ref(), claim, records, plan)? {
            Taking::Free => None,
            Taking::Superseded(from) => Some(from),
            Taking::Refused => return Ok(()),
        };
        let found = self.look(place, around.fresh)?;
        if let Some(found) = found.filter(|_| owner.is_none())
            && let Some(conflict) = around.spellings.conflict(place, &found, package)?
        {
            plan.conflicts.push(conflict);
            return Ok(());
        }
        let owned = superseded.map_or(PathChange::Replace, |from| PathChange::Supersede { from });
        match found.map(|found| found.kind) {
            Some(Kind::Special) => plan.conflicts.push(Conflict::Kind {
                package: package.clone(),
                path: entry.path.clone(),
                found: Kind::Special,
                expected: kind,
            }),
            Some(Kind::Directory) => match self.inside_that_stays(place)? {
                None => {
                    dissolved.insert(place.clone());
                    plan.actions.push(act(PathChange::Replace, Was::Directory));
                }
                Some(inside) => plan.conflicts.push(Conflict::DirectoryInUse {
                    package: package.clone(),
                    path: entry.path.clone(),
                    expected: kind,
                    inside,
                }),
            },
            None if !entry.is_configuration => {
                plan.actions.push(act(PathChange::Create, Was::Absent));
            }
            found if entry.is_configuration || owner.is_none() => {
                let disk = match found {
                    None => None,
                    Some(kind) => Some(self.content_on_disk(place, kind)?),
                };
                let adopt = act(PathChange::Adopt, disk.map_or(Was::Absent, was_content));
                if !entry.is_configuration {
                    self.plan_unowned(adopt, claim, disk, around, plan);
                    return Ok(());
                }
                let recorded = match &owner {
                    Some(row) => self.recorded_content(row, records)?,
                    None => None,
                };
                let versions = Versions {
                    owner: owner.as_ref(),
                    recorded,
                    disk,
                    new: content_of(entry).expect("a claim is no directory"),
                    owned,
                };
                let planned = self.plan_configuration(&adopt, versions)?;
                plan.actions.extend(planned);
            }
            Some(kind) => {
                let row = owner.as_ref().expect("what nobody owns was dealt with");
                let edited = self.edited_before(row, place, kind, records)?;
                plan.actions.push(match edited {
                    // It was a configuration file, and somebody's edits are in it.
                    Some((disk, Some(beside))) => {
                        act(PathChange::Backup { beside }, was_content(disk))
                    }
                    Some((_, None)) | None => act(owned, Was::Other),
                });
            }
            None => plan.actions.push(act(PathChange::Create, Was::Absent)),
        }
        Ok(())
    }

    /// Plans what happens where something is that no package owns; `adopt` is what happens if it is the same.
    fn plan_unowned(
        &self,
        adopt: PathAction,
        claim: &Claim<'_>,
        disk: Option<Content>,
        around: &Around<'_>,
        plan: &mut PathPlan,
    ) {
        let place = &adopt.place;
        let change = if disk == content_of(claim.entry) {
            PathChange::Adopt
        } else if disk.is_some_and(|disk| around.links.is_own(place, disk)) {
            PathChange::Replace
        } else if let (Unowned::Backup, Some(beside)) = (self.unowned, backup_name(place)) {
            PathChange::Backup { beside }
        } else {
            plan.conflicts.push(Conflict::Unowned {
                package: claim.package.clone(),
                path: claim.entry.path.clone(),
            });
            return;
        };
        plan.actions.push(PathAction { change, ..adopt });
    }

    pub(super) fn record<'b>(
        &self,
        name: &PackageName,
        records: &'b mut BTreeMap<PackageName, Option<Record>>,
    ) -> Result<&'b Option<Record>, PlanError> {
        if !records.contains_key(name) {
            let record =
                match self.leaving.get(name) {
                    Some(record) => Some(record.clone()),
                    None => match self.database.record(name).map_err(database)? {
                        None => None,
                        Some(bytes) => Some(Record::read_of(name, &bytes).map_err(|source| {
                            PlanError::Record {
                                name: name.clone(),
                                source,
                            }
                        })?),
                    },
                };
            records.insert(name.clone(), record);
        }
        Ok(&records[name])
    }

    fn recorded_content(
        &self,
        row: &FileRow,
        records: &mut BTreeMap<PackageName, Option<Record>>,
    ) -> Result<Option<Content>, PlanError> {
        Ok(self
            .record(&row.package, records)?
            .as_ref()
            .and_then(|record| entry_at(record, &row.path))
            .and_then(content_of))
    }

    /// Returns what the disk has where a path was an edited configuration file and is none any more, and a name to
    /// keep it under.
    fn edited_before(
        &self,
        row: &FileRow,
        place: &RelPath,
        kind: Kind,
        records: &mut BTreeMap<PackageName, Option<Record>>,
    ) -> Result<Option<(Content, Option<RelPath>)>, PlanError> {
        let entry = self
            .record(&row.package, records)?
            .as_ref()
            .and_then(|record| entry_at(record, &row.path))
            .filter(|entry| entry.is_configuration);
        let Some(recorded) = entry.and_then(content_of) else {
            return Ok(None);
        };
        let disk = self.content_on_disk(place, kind)?;
        if disk == recorded || disk == Content::Other {
            return Ok(None);
        }
        Ok(Some((disk, self.free_name(backup_name(place))?)))
    }

    pub(super) fn content_on_disk(
        &self,
        place: &RelPath,
        kind: Kind,
    ) -> Result<Content, PlanError> {
        let missing = || {
            read(RootError::new(
                "read",
                place.to_string(),
                io::Error::other("it vanished while it was read"),
            ))
        };
        match kind {
            Kind::File => {
                let file = self.root.open_file(place).map_err(read)?;
                let digest = Sha256::read(file.ok_or_else(missing)?)
                    .map_err(|source| read(RootError::new("read", place.to_string(), source)))?;
                Ok(Content::File(digest))
            }
            Kind::Symlink => {
                let target = self.root.read_link(place).map_err(read)?;
                Ok(Content::Symlink(Sha256::of(&target.ok_or_else(missing)?)))
            }
            Kind::Directory | Kind::Special => Ok(Content::Other),
        }
    }

    /// Returns something in the directory at `place` that this transaction leaves alone.
    fn inside_that_stays(&self, place: &RelPath) -> Result<Option<String>, PlanError> {
        let leaves = |name: &PackageName| self.leaving.contains_key(name);
        let owners = self.database.directory_owners(place).map_err(database)?;
        if let Some(name) = owners.iter().find(|name| !leaves(name)) {
            return Ok(Some(format!("paths of {name}")));
        }
        let going: BTreeSet<RelPath> = self
            .database
            .files_below(place)
            .map_err(database)?
            .into_iter()
            .filter(|row| leaves(&row.package))
            .map(|row| row.place)
            .collect();
        let directory = self.root.directory(place).map_err(read)?;
        let mut staying = None;
        let mut visit = |visit: igos_root::Visit<'_>| {
            let is_directory = visit.found.is_ok_and(|found| found.kind == Kind::Directory);
            let inside = place.join(visit.path).ok();
            if !is_directory && inside.as_ref().is_none_or(|inside| !going.contains(inside)) {
                staying.get_or_insert_with(|| igos_format::escape::escape(visit.path));
            }
            Ok(igos_root::Descend::Into)
        };
        igos_root::walk(&directory, &mut visit)
            .map_err(|source| read(RootError::new("read directory", place.to_string(), source)))?;
        // An empty directory that nobody owns is somebody's all the same.
        if staying.is_none() && owners.is_empty() {
            staying = Some("nothing of a package".to_owned());
        }
        Ok(staying)
    }
}

pub(super) fn entry_at<'a>(record: &'a Record, path: &RelPath) -> Option<&'a FileEntry> {
    let entries = &record.manifest.entries;
    entries
        .binary_search_by(|entry| entry.path.cmp(path))
        .ok()
        .map(|at| &entries[at])
}

pub(super) fn was_content(content: Content) -> Was {
    match content {
        Content::File(digest) | Content::Symlink(digest) => Was::Content(digest),
        Content::Other => Was::Other,
    }
}
