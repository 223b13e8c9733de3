//! From a confirmed plan to a changed root.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read};

use igos_format::manifest::{self, Manifest};
use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_report::{Outcome, Reporter, Subject, Task};
use igos_root::{Directory, FollowedLinks, Kind, RootDir};

use super::journal::Journal;
use super::preflight::{OwnFile, PreFlight};
use super::stage::{Staged, Stager, modified_of};
use super::staging::{self, Staging};
use super::steps::{Stepper, shown};
use super::{ApplyError, Durability, Mutations};
use crate::database::Database;
use crate::history::{HistoryChange, HistoryEntry};
use crate::owners::Owners;
use crate::{Change, ChangeAction, Installed, PathChange, Plan, Record, Trust, layout};

/// Opens the archive of a change; every byte of it is verified against the seal in the plan.
pub type OpenArchive<'a> = dyn Fn(&Change) -> io::Result<Box<dyn Read>> + 'a;

/// A finished transaction. It is in force; [`crate::LockedSysroot::settle`] makes the old files go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// Its number.
    pub transaction: u64,
    /// How many steps it took.
    pub steps: usize,
}

/// What a transaction works on.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) state: &'a Directory,
    pub(crate) mutations: &'a dyn Mutations,
    pub(crate) durability: Durability,
    /// Number of the transaction before this one.
    pub(crate) last: u64,
    /// Seconds since 1970.
    pub(crate) time: i64,
}

/// Everything there is to do, staged.
struct Prepared {
    journal: Journal,
    records: Vec<Record>,
    removed: BTreeSet<PackageName>,
    history: HistoryEntry,
}

impl Transaction<'_> {
    /// Carries out a plan.
    pub(crate) fn apply(
        &self,
        plan: &Plan,
        confirmed: Sha256,
        archives: &OpenArchive<'_>,
        database: &mut Database,
        reporter: &dyn Reporter,
    ) -> Result<Applied, ApplyError> {
        let actual = plan.digest();
        if actual != confirmed {
            return Err(ApplyError::NotConfirmed { confirmed, actual });
        }
        if plan.based_on != self.last {
            return Err(ApplyError::Outdated {
                planned: plan.based_on,
                found: self.last,
            });
        }
        let task = Task::start(
            reporter,
            None,
            Subject::Apply(format!("transaction {}", self.last + 1)),
        );
        let result = self.run(plan, archives, database, &task);
        task.finish(match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        result
    }

    fn run(
        &self,
        plan: &Plan,
        archives: &OpenArchive<'_>,
        database: &mut Database,
        task: &Task<'_>,
    ) -> Result<Applied, ApplyError> {
        let owners = Owners::read(self.root).map_err(|source| ApplyError::Read { source })?;
        let staging = Staging::open(self.root, self.state, self.mutations)
            .map_err(|source| state("make the staging directory", source))?;
        let mut stager = Stager {
            staging,
            mutations: self.mutations,
            ownership: plan.ownership,
            owners,
        };
        let prepared = self
            .check_space(plan, &stager)
            .and_then(|()| self.prepare(plan, archives, database, &mut stager, task))
            .and_then(|prepared| {
                self.commit(&prepared, &stager.staging)?;
                Ok(prepared)
            });
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                return Err(self.clean_up(error));
            }
        };
        self.carry_out(&prepared, &stager.staging, database)?;
        Ok(Applied {
            transaction: prepared.history.transaction,
            steps: prepared.journal.steps.len(),
        })
    }

    /// Empties the staging directories after `error`, which stays the one to tell: what cannot be deleted now goes at
    /// the next opening.
    fn clean_up(&self, error: ApplyError) -> ApplyError {
        // With a journal in place the staged files are needed.
        if matches!(self.state.metadata_if_present(layout::JOURNAL), Ok(None)) {
            return match staging::clear(self.root, self.state, self.mutations) {
                Ok(()) | Err(_) => error,
            };
        }
        error
    }

    fn check_space(&self, plan: &Plan, stager: &Stager<'_>) -> Result<(), ApplyError> {
        let staging = stager
            .staging
            .directory(0)
            .map_err(|source| state("open the staging directory", source))?;
        let free = staging
            .free_space()
            .map_err(|source| state("measure free space", source))?;
        // Where the root has several mounts, each is full when it is full.
        if plan.install_bytes > free.bytes && stager.staging.places().len() == 1 {
            return Err(ApplyError::NoSpace {
                needed: plan.install_bytes,
                free: free.bytes,
            });
        }
        Ok(())
    }

    /// Stages everything and looks at every target.
    fn prepare(
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
        let mut done = 0;
        for change in &plan.changes {
            let name = &change.package.name;
            let old = read_record(self.root, database, name)?;
            if change.action == ChangeAction::Remove {
                removed.insert(name.clone());
                continue;
            }
            let archive = archives(change).map_err(|source| ApplyError::OpenArchive {
                package: change.package.clone(),
                source,
            })?;
            let wanted = wanted_paths(plan, name);
            let (bytes, staged) = stager.stage_archive(change, &wanted, archive)?;
            for (path, staged) in staged {
                staged_files.insert((name.clone(), path), staged);
            }
            let manifest = manifest::read(&bytes).map_err(|source| ApplyError::Record {
                name: name.to_string(),
                source: crate::RecordError::Manifest { source },
            })?;
            manifests.insert(name.clone(), manifest.clone());
            records.push(self.record(plan, change, manifest, bytes, old.as_ref(), number));
            done += change.installed_bytes;
            task.advance(done, Some(plan.install_bytes));
        }
        records.extend(self.giving_records(plan, database)?);

        for action in &plan.paths {
            let entry = manifests
                .get(&action.package)
                .and_then(|manifest| entry_at(manifest, &action.path));
            let staged = if action.kind == Kind::Directory && needs_inode(&action.change) {
                let modified = manifests
                    .get(&action.package)
                    .map_or(self.time, |manifest| {
                        modified_of(manifest.source_date_epoch)
                    });
                let entry = entry.filter(|entry| entry.kind == EntryKind::Directory);
                Some(
                    stager
                        .stage_directory(&action.place, entry, modified)
                        .map_err(|source| ApplyError::Stage {
                            path: action.place.clone(),
                            source,
                        })?,
                )
            } else {
                staged_files.remove(&(action.package.clone(), action.path.clone()))
            };
            preflight.add_path(action, staged.as_ref(), &mut stager.staging)?;
        }

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
        Ok(Prepared {
            journal: Journal {
                transaction: number,
                steps: preflight.finish()?,
                staging: stager.staging.places(),
            },
            records,
            removed,
            history,
        })
    }

    fn record(
        &self,
        plan: &Plan,
        change: &Change,
        manifest: Manifest,
        manifest_bytes: Vec<u8>,
        old: Option<&Record>,
        transaction: u64,
    ) -> Record {
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
                seal: change.seal.unwrap_or_else(|| Sha256::of(b"")),
                trust: change.trust.clone(),
                ownership: plan.ownership,
                yielded_to,
            },
            manifest,
            manifest_bytes,
        }
    }

    /// Returns the changed records of packages that stay and give paths to arriving ones.
    fn giving_records(&self, plan: &Plan, database: &Database) -> Result<Vec<Record>, ApplyError> {
        let changed: BTreeSet<&PackageName> = plan
            .changes
            .iter()
            .map(|change| &change.package.name)
            .collect();
        let givers: BTreeSet<&PackageName> = plan
            .yields
            .iter()
            .map(|given| &given.from)
            .filter(|name| !changed.contains(name))
            .collect();
        let mut records = Vec::new();
        for name in givers {
            if let Some(mut record) = read_record(self.root, database, name)? {
                let before = record.installed.yielded_to.len();
                record.installed.yielded_to.extend(given_by(plan, name));
                if record.installed.yielded_to.len() != before {
                    records.push(record);
                }
            }
        }
        Ok(records)
    }

    fn history(&self, plan: &Plan, transaction: u64) -> HistoryEntry {
        let changes = plan.changes.iter().map(|change| {
            let version = change.package.full_version();
            let (from, to) = match &change.action {
                ChangeAction::Install => (None, Some(version)),
                ChangeAction::Upgrade { from } | ChangeAction::Downgrade { from } => {
                    (Some(from.clone()), Some(version))
                }
                ChangeAction::Reinstall => (Some(version.clone()), Some(version)),
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
            changes: changes.collect(),
        }
    }

    /// Writes the journal, waits for the disk, and gives the journal its name: from then on the root is new.
    fn commit(&self, prepared: &Prepared, staging: &Staging<'_>) -> Result<(), ApplyError> {
        let failed = |source| state("write the journal", source);
        if self
            .state
            .metadata_if_present(layout::JOURNAL_NEW)
            .map_err(failed)?
            .is_some()
        {
            self.mutations
                .delete(self.state, layout::JOURNAL_NEW)
                .map_err(failed)?;
        }
        let mut file = self
            .mutations
            .create_file(self.state, layout::JOURNAL_NEW)
            .map_err(failed)?;
        self.mutations
            .write(&mut file, &prepared.journal.to_bytes())
            .map_err(failed)?;
        drop(file);
        if self.durability == Durability::Full {
            staging
                .sync()
                .map_err(|source| ApplyError::Barrier { source })?;
        }
        self.mutations
            .rename_new(self.state, layout::JOURNAL_NEW, self.state, layout::JOURNAL)
            .map_err(failed)?;
        if self.durability == Durability::Full
            && let Err(source) = self.mutations.sync(self.state)
        {
            // Whether the name is on disk is unknown; nothing has changed yet, so it must not be.
            self.mutations
                .delete(self.state, layout::JOURNAL)
                .map_err(failed)?;
            return Err(ApplyError::Barrier { source });
        }
        Ok(())
    }

    /// Does the steps and fills the database; on failure takes everything back.
    fn carry_out(
        &self,
        prepared: &Prepared,
        staging: &Staging<'_>,
        database: &mut Database,
    ) -> Result<(), ApplyError> {
        let steps = &prepared.journal.steps;
        let mut stepper = Stepper::new(self.root, staging, self.mutations);
        for (at, step) in steps.iter().enumerate() {
            if let Err(source) = stepper.perform(step) {
                // The failed step is looked at too: an error does not tell whether it was done.
                self.take_back(&steps[..=at], staging, &shown(step))?;
                return Err(ApplyError::TakenBack {
                    path: shown(step),
                    source,
                });
            }
        }
        let links = FollowedLinks::read(self.root);
        let links = match links {
            Ok(links) => links,
            Err(source) => {
                self.take_back(steps, staging, "the database")?;
                return Err(ApplyError::Read { source });
            }
        };
        let taken_up = database.apply(
            &prepared.records,
            &prepared.removed,
            &prepared.history,
            &links,
            || self.mutations.commit_database(),
        );
        if let Err(source) = taken_up {
            self.take_back(steps, staging, "the database")?;
            return Err(ApplyError::Database { source });
        }
        Ok(())
    }

    fn take_back(
        &self,
        steps: &[super::journal::Step],
        staging: &Staging<'_>,
        path: &str,
    ) -> Result<(), ApplyError> {
        let interrupted = |source| ApplyError::Interrupted {
            path: path.to_owned(),
            source,
        };
        let mut stepper = Stepper::new(self.root, staging, self.mutations);
        for step in steps.iter().rev() {
            stepper.take_back(step).map_err(interrupted)?;
        }
        close(
            self.root,
            self.state,
            self.mutations,
            self.durability,
            staging,
        )
        .map_err(interrupted)
    }
}

/// Brings the root's present state to disk, then lets the journal and the staging directories go.
pub(super) fn close(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
    durability: Durability,
    staging: &Staging<'_>,
) -> io::Result<()> {
    if durability == Durability::Full {
        staging.sync()?;
    }
    mutations.delete(state, layout::JOURNAL)?;
    staging::clear(root, state, mutations)
}

/// Settles a finished transaction: its journal and the old files go.
pub(crate) fn settle(
    root: &RootDir,
    state_directory: &Directory,
    mutations: &dyn Mutations,
    durability: Durability,
) -> Result<(), ApplyError> {
    let failed = |source| ApplyError::Settle { source };
    let Some(journal) = super::recover::read_journal(root)? else {
        return Ok(());
    };
    let staging =
        Staging::reopen(root, state_directory, mutations, &journal.staging).map_err(failed)?;
    close(root, state_directory, mutations, durability, &staging).map_err(failed)
}

fn state(operation: &'static str, source: io::Error) -> ApplyError {
    ApplyError::State { operation, source }
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

fn needs_inode(change: &PathChange) -> bool {
    !matches!(
        change,
        PathChange::Remove
            | PathChange::KeepDeleted
            | PathChange::KeepEdited { beside: None }
            | PathChange::Abandon
    )
}

/// Returns the paths of a package that get a new inode, each with the place that inode is for.
fn wanted_paths(plan: &Plan, name: &PackageName) -> HashMap<RelPath, RelPath> {
    plan.paths
        .iter()
        .filter(|action| action.package == *name && action.kind != Kind::Directory)
        .filter(|action| needs_inode(&action.change))
        .map(|action| {
            let place = match &action.change {
                PathChange::KeepEdited {
                    beside: Some(beside),
                } => beside,
                _ => &action.place,
            };
            (action.path.clone(), place.clone())
        })
        .collect()
}

/// Returns a package's record from its text, or where that is damaged or gone from the database.
fn read_record(
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
