//! Everything of a transaction that changes nothing yet: staging, records, the last look, the steps.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, PackageName, RelPath};
use igos_report::Task;
use igos_root::Kind;

use super::ApplyError;
use super::apply::{OpenArchive, Transaction, state};
use super::contents::Contents;
use super::journal::Journal;
use super::kept::StagedFiles;
use super::kept::merged_of;
use super::preflight::{OwnFile, PreFlight};
use super::records::read_record;
use super::stage::{Staged, Stager, modified_of};
use super::unpack::{StagedPackage, WantedPaths};
use crate::database::Database;
use crate::history::HistoryEntry;
use crate::hooks;
use crate::undo;
use crate::{Change, ChangeAction, PathAction, PathChange, Plan, Record, layout};

/// Everything there is to do, staged.
pub(super) struct Prepared {
    pub(super) journal: Journal,
    pub(super) records: Vec<Record>,
    pub(super) removed: BTreeSet<PackageName>,
    pub(super) history: HistoryEntry,
    /// Programs of hooks that come before anything changes: where they are staged, and where they will be.
    pub(super) programs: Vec<(RelPath, RelPath)>,
    /// Edited configuration files that what is new is merged into.
    pub(super) merged: Vec<RelPath>,
}

/// What the packages of a plan gave.
#[derive(Default)]
struct Packages {
    records: Vec<Record>,
    removed: BTreeSet<PackageName>,
    manifests: BTreeMap<PackageName, Arc<Manifest>>,
    files: StagedFiles,
    /// Paths that are in place as they will be.
    unchanged: BTreeSet<(PackageName, RelPath)>,
    programs: Vec<(RelPath, RelPath)>,
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
        let mut preflight = PreFlight::new(self.root);
        let mut packages = self.stage_packages(plan, archives, database, stager, task)?;
        packages
            .records
            .extend(self.amended_records(plan, database)?);
        self.stage_pristine(plan, &packages.files, stager, &mut preflight)?;
        let carried_out =
            self.stage_paths(plan, &mut packages, database, stager, &mut preflight)?;
        let waiting = self.stage_texts(plan, &carried_out, stager, &mut preflight)?;
        self.forget_pristine(
            &waiting,
            &packages.records,
            &packages.removed,
            database,
            &mut stager.staging,
            &mut preflight,
        )?;
        let history = self.history(plan, self.last + 1);
        self.stage_own(plan, &packages, &history, stager, &mut preflight)?;
        self.stage_kernels(plan, database, stager, &mut preflight)?;
        let changed = packages.records.iter();
        let names = changed
            .map(|record| &record.manifest.package.name)
            .chain(&packages.removed)
            .collect();
        self.stage_before(&names, database, stager, &mut preflight)?;
        preflight.refuse_folded(&mut stager.staging, self.mutations)?;
        Ok(Prepared {
            journal: Journal {
                transaction: self.last + 1,
                steps: preflight.finish()?,
                staging: stager.staging.places(),
            },
            records: packages.records,
            removed: packages.removed,
            history,
            programs: packages.programs,
            merged: merged_of(plan, &carried_out),
        })
    }

    /// Stages the files of all packages that come.
    fn stage_packages(
        &self,
        plan: &Plan,
        archives: &OpenArchive<'_>,
        database: &Database,
        stager: &mut Stager<'_>,
        task: &Task<'_>,
    ) -> Result<Packages, ApplyError> {
        let contents = Contents {
            root: self.root,
            database,
            kept: match plan.rollback_to {
                None => Vec::new(),
                Some(_) => undo::kept_directories(self.root)
                    .map_err(|source| state("open what is kept", source))?,
            },
        };
        let mut packages = Packages::default();
        let mut done = 0;
        for change in &plan.changes {
            let name = &change.package.name;
            match (&change.action, &change.restored) {
                (ChangeAction::Remove, _) => {
                    packages.removed.insert(name.clone());
                }
                (ChangeAction::Repair, _) => {
                    let repaired =
                        self.stage_repair(plan, change, archives, database, &contents, stager)?;
                    packages.files.extend(repaired.files);
                    let manifest = Arc::new(repaired.manifest);
                    packages.manifests.insert(name.clone(), manifest);
                }
                (ChangeAction::Adopt, Some(record)) => {
                    let mut record = Record::clone(record);
                    record.installed.installed = self.time;
                    record.installed.transaction = self.last + 1;
                    packages.records.push(record);
                }
                (action, _) if action.brings_files() => {
                    let old = read_record(self.root, database, name)?;
                    let mut wanted = wanted_paths(plan, name);
                    let mut package =
                        stage_change(change, &mut wanted, archives, &contents, stager)?;
                    packages.take_files(plan, name, &wanted, &mut package, stager)?;
                    let record = self.record(plan, change, package, old.as_ref());
                    packages.records.push(record);
                    done += change.installed_bytes;
                    task.advance(done, Some(plan.install_bytes));
                }
                _ => {}
            }
        }
        Ok(packages)
    }

    /// Stages what the paths of a plan need besides the files of packages, and looks at each; returns the actions as
    /// they will be carried out.
    fn stage_paths(
        &self,
        plan: &Plan,
        packages: &mut Packages,
        database: &Database,
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<Vec<PathAction>, ApplyError> {
        let mut carried_out = Vec::new();
        // Room is made first.
        let is_room = |action: &&PathAction| matches!(action.change, PathChange::MoveAside { .. });
        let rest = plan.paths.iter().filter(|action| !is_room(action));
        for action in plan.paths.iter().filter(is_room).chain(rest) {
            let key = (action.package.clone(), action.path.clone());
            // The link of a file that serves its own path has the same path in the manifest.
            if action.change == PathChange::Replace && packages.unchanged.contains(&key) {
                continue;
            }
            let (action, staged) =
                if action.kind == Kind::Directory && action.change.takes_content() {
                    let staged = self.stage_directory_of(action, packages, stager)?;
                    (action.clone(), Some(staged))
                } else {
                    self.stage_kept(plan, action, database, &mut packages.files, stager)?
                };
            preflight.add_path(&action, staged.as_ref(), &mut stager.staging)?;
            carried_out.push(action);
        }
        Ok(carried_out)
    }

    fn stage_directory_of(
        &self,
        action: &PathAction,
        packages: &Packages,
        stager: &mut Stager<'_>,
    ) -> Result<Staged, ApplyError> {
        let manifest = packages.manifests.get(&action.package);
        let modified = manifest.map_or(self.time, |manifest| {
            modified_of(manifest.source_date_epoch)
        });
        let entry = manifest
            .and_then(|manifest| entry_at(manifest, &action.path))
            .filter(|entry| entry.kind == EntryKind::Directory);
        stager
            .stage_directory(&action.place, entry, modified)
            .map_err(|source| ApplyError::Stage {
                path: action.place.clone(),
                source,
            })
    }

    /// Stages records, history and the journal of hooks.
    fn stage_own(
        &self,
        plan: &Plan,
        packages: &Packages,
        history: &HistoryEntry,
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<(), ApplyError> {
        let number = self.last + 1;
        let mut own = Vec::new();
        for record in &packages.records {
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
        for name in &packages.removed {
            preflight.add_own(OwnFile::Remove(layout::record(name)), &mut stager.staging)?;
        }
        Ok(())
    }
}

impl Packages {
    /// Takes over what one package gave.
    fn take_files(
        &mut self,
        plan: &Plan,
        name: &PackageName,
        wanted: &WantedPaths,
        package: &mut StagedPackage,
        stager: &Stager<'_>,
    ) -> Result<(), ApplyError> {
        for path in std::mem::take(&mut package.unchanged) {
            self.unchanged.insert((name.clone(), path));
        }
        for (path, staged) in std::mem::take(&mut package.files) {
            if plan.hooks.is_program_before(name, &path.to_string()) {
                let place = wanted.places.get(&path).unwrap_or(&path).clone();
                let staged = stager.staging.place_of(&staged.slot);
                let staged = staged.map_err(|source| state("name a staged file", source))?;
                self.programs.push((staged, place));
            }
            self.files.insert((name.clone(), path), staged);
        }
        self.manifests
            .insert(name.clone(), package.manifest.clone());
        Ok(())
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
