//! Everything of a transaction that changes nothing yet: staging, records, the last look, the steps.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_report::Task;
use igos_root::{Kind, RootDir};

use super::ApplyError;
use super::apply::{OpenArchive, Transaction, state};
use super::contents::Contents;
use super::journal::Journal;
use super::preflight::{OwnFile, PreFlight};
use super::stage::{Staged, Stager, modified_of};
use super::unpack::{StagedPackage, WantedPaths};
use crate::database::Database;
use crate::history::{HistoryChange, HistoryEntry};
use crate::hooks;
use crate::undo;
use crate::{Change, ChangeAction, Installed, PathAction, PathChange, Plan, Record, Trust, layout};

/// Everything there is to do, staged.
pub(super) struct Prepared {
    pub(super) journal: Journal,
    pub(super) records: Vec<Record>,
    pub(super) removed: BTreeSet<PackageName>,
    pub(super) history: HistoryEntry,
    /// Programs of hooks that come before anything changes: where they are staged, and where they will be.
    pub(super) programs: Vec<(RelPath, RelPath)>,
}

impl Transaction<'_> {
    /// Stages everything and looks at every target.
    pub(super) fn prepare(
        &self,
        plan: &Plan,
        archives: &OpenArchive<'_>,
        database: &Database,
        stager: &mut Stager<'_>,
        task: &Task<'_>,
    ) -> Result<Prepared, ApplyError> {
        let number = self.last + 1;
        let mut preflight = PreFlight::new(self.root);
        let mut records = Vec::new();
        let mut removed = BTreeSet::new();
        let mut staged_files: HashMap<(PackageName, RelPath), Staged> = HashMap::new();
        let mut manifests: BTreeMap<PackageName, Manifest> = BTreeMap::new();
        let mut programs = Vec::new();
        let contents = Contents {
            root: self.root,
            database,
            kept: match plan.rollback_to {
                None => Vec::new(),
                Some(_) => undo::kept_directories(self.root)
                    .map_err(|source| state("open what is kept", source))?,
            },
        };
        let mut unchanged: BTreeSet<(PackageName, RelPath)> = BTreeSet::new();
        let mut done = 0;
        for change in &plan.changes {
            let name = &change.package.name;
            let old = read_record(self.root, database, name)?;
            if change.action == ChangeAction::Remove {
                removed.insert(name.clone());
            }
            if change.action == ChangeAction::Repair {
                let repaired =
                    self.stage_repair(plan, change, archives, database, &contents, stager)?;
                staged_files.extend(repaired.files);
                manifests.insert(name.clone(), repaired.manifest);
            }
            if let (ChangeAction::Adopt, Some(record)) = (&change.action, &change.restored) {
                let mut record = Record::clone(record);
                record.installed.installed = self.time;
                record.installed.transaction = number;
                records.push(record);
            }
            if !change.action.brings_files() {
                continue;
            }
            let mut wanted = wanted_paths(plan, name);
            let mut package = stage_change(change, &mut wanted, archives, &contents, stager)?;
            for path in std::mem::take(&mut package.unchanged) {
                unchanged.insert((name.clone(), path));
            }
            for (path, staged) in std::mem::take(&mut package.files) {
                if plan.hooks.is_program_before(name, &path.to_string()) {
                    let place = wanted.places.get(&path).unwrap_or(&path).clone();
                    let staged = stager.staging.place_of(&staged.slot);
                    let staged = staged.map_err(|source| state("name a staged file", source))?;
                    programs.push((staged, place));
                }
                staged_files.insert((name.clone(), path), staged);
            }
            manifests.insert(name.clone(), package.manifest.clone());
            records.push(self.record(plan, change, package, old.as_ref(), number));
            done += change.installed_bytes;
            task.advance(done, Some(plan.install_bytes));
        }
        records.extend(self.amended_records(plan, database)?);

        self.stage_pristine(plan, &staged_files, stager, &mut preflight)?;
        let mut carried_out = Vec::new();
        // Room is made first.
        let is_room = |action: &&PathAction| matches!(action.change, PathChange::MoveAside { .. });
        let rest = plan.paths.iter().filter(|action| !is_room(action));
        for action in plan.paths.iter().filter(is_room).chain(rest) {
            if unchanged.contains(&(action.package.clone(), action.path.clone())) {
                continue;
            }
            let entry = manifests
                .get(&action.package)
                .and_then(|manifest| entry_at(manifest, &action.path));
            let (action, staged) =
                if action.kind == Kind::Directory && action.change.takes_content() {
                    let modified = manifests
                        .get(&action.package)
                        .map_or(self.time, |manifest| {
                            modified_of(manifest.source_date_epoch)
                        });
                    let entry = entry.filter(|entry| entry.kind == EntryKind::Directory);
                    let staged = stager
                        .stage_directory(&action.place, entry, modified)
                        .map_err(|source| ApplyError::Stage {
                            path: action.place.clone(),
                            source,
                        })?;
                    (action.clone(), Some(staged))
                } else {
                    self.stage_kept(plan, action, database, &mut staged_files, stager)?
                };
            preflight.add_path(&action, staged.as_ref(), &mut stager.staging)?;
            carried_out.push(action);
        }
        let waiting = self.stage_texts(plan, &carried_out, stager, &mut preflight)?;
        self.forget_pristine(
            &waiting,
            &records,
            &removed,
            database,
            &mut stager.staging,
            &mut preflight,
        )?;

        let history = self.history(plan, number);
        let mut own = Vec::new();
        for record in &records {
            let place = layout::record(&record.manifest.package.name);
            own.push((place, record.to_bytes()));
        }
        let history_place = layout::history()
            .join(HistoryEntry::file_name(number).as_bytes())
            .map_err(|error| state("name the history", io::Error::other(error)))?;
        own.push((history_place, history.to_bytes()));
        if let Some(journal) = hooks::journal_of(&plan.hooks, number) {
            own.push((hooks::open_place(number), journal.to_bytes()));
        }
        for (place, bytes) in own {
            let staged =
                stager
                    .stage_bytes(&place, &bytes)
                    .map_err(|source| ApplyError::Stage {
                        path: place.clone(),
                        source,
                    })?;
            preflight.add_own(OwnFile::Put(place, staged), &mut stager.staging)?;
        }
        for name in &removed {
            preflight.add_own(OwnFile::Remove(layout::record(name)), &mut stager.staging)?;
        }
        self.stage_kernels(plan, database, stager, &mut preflight)?;
        let changed = records.iter().map(|record| &record.manifest.package.name);
        let names = changed.chain(&removed).collect();
        self.stage_before(&names, database, stager, &mut preflight)?;
        Ok(Prepared {
            journal: Journal {
                transaction: number,
                steps: preflight.finish()?,
                staging: stager.staging.places(),
            },
            records,
            removed,
            history,
            programs,
        })
    }

    fn record(
        &self,
        plan: &Plan,
        change: &Change,
        package: StagedPackage,
        old: Option<&Record>,
        transaction: u64,
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
                transaction,
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
            manifest: package.manifest,
            manifest_bytes: package.manifest_bytes,
        }
    }

    /// Returns the changed records of packages whose files stay: those that give paths to arriving ones, and those
    /// that are marked.
    fn amended_records(&self, plan: &Plan, database: &Database) -> Result<Vec<Record>, ApplyError> {
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

    fn history(&self, plan: &Plan, transaction: u64) -> HistoryEntry {
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

/// Stages one package that comes: out of its archive, or in a rollback out of what the root has and what was kept.
fn stage_change(
    change: &Change,
    wanted: &mut WantedPaths,
    archives: &OpenArchive<'_>,
    contents: &Contents<'_>,
    stager: &mut Stager<'_>,
) -> Result<StagedPackage, ApplyError> {
    if let Some(record) = &change.restored {
        let mut first = wanted.clone();
        let restored = stager.stage_restored(change, record, &mut first, contents);
        let Err(ApplyError::ContentGone { .. }) = &restored else {
            *wanted = first;
            return restored;
        };
        // Where no archive is at hand either, the content is what is missed.
        return match archives(change) {
            Ok(archive) => stager.stage_package(change, wanted, archive, contents),
            Err(_) => restored,
        };
    }
    let archive = archives(change).map_err(|source| ApplyError::OpenArchive {
        package: change.package.clone(),
        source,
    })?;
    stager.stage_package(change, wanted, archive, contents)
}

fn given_by(plan: &Plan, name: &PackageName) -> BTreeSet<PackageName> {
    plan.yields
        .iter()
        .filter(|given| given.from == *name)
        .map(|given| given.to.clone())
        .collect()
}

fn entry_at<'a>(manifest: &'a Manifest, path: &RelPath) -> Option<&'a FileEntry> {
    let found = manifest
        .entries
        .binary_search_by(|entry| entry.path.cmp(path));
    found.ok().map(|at| &manifest.entries[at])
}

/// Returns the paths of a package that get a new inode, each with the place that inode is for.
pub(super) fn wanted_paths(plan: &Plan, name: &PackageName) -> WantedPaths {
    let replaced = plan
        .paths
        .iter()
        .filter(|action| action.package == *name && action.change == PathChange::Replace)
        .map(|action| action.path.clone())
        .collect();
    let pristine = plan.pristine.iter();
    let pristine = pristine
        .filter(|file| file.package == *name)
        .map(|file| (file.path.clone(), layout::pristine(&file.sha256)));
    let paths = plan
        .paths
        .iter()
        .filter(|action| action.package == *name && action.kind != Kind::Directory)
        .filter(|action| action.change.takes_content())
        .map(|action| {
            let place = match &action.change {
                PathChange::KeepEdited {
                    beside: Some(beside),
                    ..
                }
                | PathChange::Merge { beside, .. } => beside,
                _ => &action.place,
            };
            (action.path.clone(), place.clone())
        });
    // Where a path is wanted twice, its own place counts.
    WantedPaths {
        places: pristine.chain(paths).collect(),
        replaced,
    }
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
