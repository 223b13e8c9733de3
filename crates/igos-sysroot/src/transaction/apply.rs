//! From a confirmed plan to a changed root.

use std::io;
use std::sync::atomic::AtomicBool;

use igos_format::{RelPath, Sha256};
use igos_report::{Outcome, Reporter, Subject, Task};
use igos_root::{Directory, FollowedLinks, Kind, RootDir};

use super::journal::{Journal, Step};
use super::prepare::Prepared;
use super::recover::read_journal;
use super::stage::Stager;
use super::staging::{self, Staging};
use super::steps::{Stepper, shown};
use super::{ApplyError, ArchiveSource, Durability, Mutations};
use crate::database::Database;
use crate::hooks::run_before;
use crate::owners::Owners;
use crate::undo::{self, UndoLimits};
use crate::{Change, PathAction, PathChange, Plan, RunHooks, layout};

/// Opens the archive of a change; every byte of it is verified against the seal in the plan.
pub type OpenArchive<'a> = dyn Fn(&Change) -> io::Result<ArchiveSource> + 'a;

/// A finished transaction. It is in force; [`crate::LockedSysroot::settle`] makes the old files go.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// Its number.
    pub transaction: u64,
    /// How many steps it took.
    pub steps: usize,
    /// Edited configuration files that what is new was merged into.
    pub merged: Vec<RelPath>,
    /// What it is safe against.
    pub durability: Durability,
}

/// What a transaction works on.
#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) state: &'a Directory,
    pub(crate) mutations: &'a dyn Mutations,
    pub(crate) durability: Durability,
    pub(crate) hooks: &'a dyn RunHooks,
    /// Number of the transaction before this one.
    pub(crate) last: u64,
    /// Seconds since 1970.
    pub(crate) time: i64,
    /// How much is kept to undo transactions.
    pub(crate) undo: UndoLimits,
    /// Set when the user asks to stop; from the commit point on nobody looks at it.
    pub(crate) interrupted: &'a AtomicBool,
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
        let mut owners = Owners::read(self.root).map_err(|source| ApplyError::Read { source })?;
        owners.add_new(&plan.hooks);
        let staging = Staging::open(self.root, self.state, self.mutations)
            .map_err(|source| state("make the staging directory", source))?;
        let mut stager = Stager {
            staging,
            mutations: self.mutations,
            ownership: plan.ownership,
            owners,
            interrupted: self.interrupted,
        };
        let prepared = self
            .check_space(plan, &stager)
            .and_then(|()| self.prepare(plan, archives, database, &mut stager, task))
            .and_then(|prepared| {
                let number = prepared.history.transaction;
                run_before(
                    self.root,
                    &plan.hooks,
                    number,
                    &prepared.programs,
                    self.hooks,
                )
                .map_err(|source| ApplyError::Hook { source })?;
                stager.check_interrupt()?;
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
            merged: prepared.merged,
            durability: self.durability,
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
        let inodes = new_inodes(&plan.paths);
        let lacking = match free.inodes {
            _ if plan.install_bytes > free.bytes => ApplyError::NoSpace {
                needed: plan.install_bytes,
                free: free.bytes,
            },
            Some(free) if inodes > free => ApplyError::NoInodes {
                needed: inodes,
                free,
            },
            _ => return Ok(()),
        };
        // Where files go to several mounts, each is full when it is full.
        let places = plan.paths.iter().map(|action| &action.place);
        let is_one_mount = stager
            .staging
            .are_beside_record(places)
            .map_err(|source| state("look for mounts", source))?;
        if is_one_mount { Err(lacking) } else { Ok(()) }
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
                let is_taken = source.kind() == io::ErrorKind::AlreadyExists;
                let other = is_taken
                    .then(|| stepper.namesake(step, &steps[..at]))
                    .flatten();
                // The failed step is looked at too: an error does not tell whether it was done.
                self.take_back(&steps[..=at], staging, &shown(step))?;
                let path = shown(step);
                return Err(match other {
                    Some(other) => ApplyError::Folded { path, other },
                    None => ApplyError::TakenBack { path, source },
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

    fn take_back_end(&self, staging: &Staging<'_>) -> io::Result<()> {
        let closing = Closing {
            root: self.root,
            state: self.state,
            mutations: self.mutations,
            durability: self.durability,
            undo: self.undo,
        };
        closing.close(staging)
    }

    fn take_back(
        &self,
        steps: &[Step],
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
        self.take_back_end(staging).map_err(interrupted)
    }
}

/// Returns how many inodes are made for packages, before old ones go.
fn new_inodes(paths: &[PathAction]) -> u64 {
    let is_made = |action: &&PathAction| match action.change {
        PathChange::Create | PathChange::Link { .. } | PathChange::Write { .. } => true,
        PathChange::Adopt => false,
        // A directory that is there stays.
        _ => action.kind != Kind::Directory && action.change.takes_content(),
    };
    paths.iter().filter(is_made).count() as u64
}

/// What a transaction that ends works on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Closing<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) state: &'a Directory,
    pub(crate) mutations: &'a dyn Mutations,
    pub(crate) durability: Durability,
    pub(crate) undo: UndoLimits,
}

impl Closing<'_> {
    /// Brings the root's present state to disk, then lets the journal and the staging directories go.
    pub(super) fn close(&self, staging: &Staging<'_>) -> io::Result<()> {
        if self.durability == Durability::Full {
            staging.sync()?;
        }
        self.mutations.delete(self.state, layout::JOURNAL)?;
        if self.durability == Durability::Full {
            // A journal that comes back after a power cut would find files that somebody has replaced since, and undo
            // the whole transaction for one of them.
            self.mutations.sync(self.state)?;
        }
        staging::clear(self.root, self.state, self.mutations)
    }

    /// Does the same for a transaction that is in force; its old files are put where they are kept.
    pub(super) fn close_kept(&self, transaction: u64, staging: &Staging<'_>) -> io::Result<()> {
        if !undo::is_worth_keeping(self.root, transaction) {
            self.close(staging)?;
            return undo::prune(self.root, self.state, self.mutations, self.undo);
        }
        if self.durability == Durability::Full {
            staging.sync()?;
        }
        // From here on the steps must not be looked at again: old files leave the slots that they name.
        self.mutations.rename_new(
            self.state,
            layout::JOURNAL,
            self.state,
            layout::JOURNAL_DONE,
        )?;
        if self.durability == Durability::Full {
            self.mutations.sync(self.state)?;
        }
        self.finish_keeping(transaction, staging)
    }

    /// Puts the old files of a transaction that is in force where they are kept, and lets the rest go.
    pub(super) fn finish_keeping(&self, transaction: u64, staging: &Staging<'_>) -> io::Result<()> {
        undo::keep(
            self.root,
            self.mutations,
            transaction,
            &staging.directories(),
        )?;
        self.mutations.delete(self.state, layout::JOURNAL_DONE)?;
        staging::clear(self.root, self.state, self.mutations)?;
        undo::prune(self.root, self.state, self.mutations, self.undo)
    }

    fn reopen(&self, journal: &Journal) -> io::Result<Staging<'_>> {
        Staging::reopen(self.root, self.state, self.mutations, &journal.staging)
    }

    /// Settles a finished transaction: its journal and the old files go. Returns whether everything that was written
    /// beside the journal before is on disk now.
    pub(crate) fn settle(&self) -> Result<bool, ApplyError> {
        let failed = |source| ApplyError::Settle { source };
        self.finish_kept()?;
        let Some(journal) = read_journal(self.root, layout::JOURNAL)? else {
            return Ok(false);
        };
        let staging = self.reopen(&journal).map_err(failed)?;
        self.close_kept(journal.transaction, &staging)
            .map_err(failed)?;
        Ok(self.durability == Durability::Full)
    }

    /// Goes on where putting old files away was interrupted.
    pub(super) fn finish_kept(&self) -> Result<(), ApplyError> {
        let failed = |source| ApplyError::Settle { source };
        let Some(journal) = read_journal(self.root, layout::JOURNAL_DONE)? else {
            return Ok(());
        };
        let staging = self.reopen(&journal).map_err(failed)?;
        self.finish_keeping(journal.transaction, &staging)
            .map_err(failed)
    }
}

pub(super) fn state(operation: &'static str, source: io::Error) -> ApplyError {
    ApplyError::State { operation, source }
}

#[cfg(test)]
mod tests {
    use igos_root::Kind;

    use super::new_inodes;
    use crate::{PathAction, PathChange, Was};

    #[test]
    fn inodes_are_counted_where_something_is_made_and_nowhere_else() {
        let action = |kind, change| PathAction {
            path: "usr/a".parse().expect("a path"),
            place: "usr/a".parse().expect("a path"),
            package: "a".parse().expect("a name"),
            kind,
            change,
            was: Was::Other,
        };
        let beside = || "usr/b".parse().expect("a path");
        let link = || PathChange::Link {
            target: b"b".to_vec(),
        };
        for (kind, change, expected) in [
            (Kind::File, PathChange::Create, 1),
            (Kind::Directory, PathChange::Create, 1),
            (Kind::Symlink, link(), 1),
            (Kind::File, PathChange::Replace, 1),
            (Kind::Directory, PathChange::Replace, 0),
            (Kind::File, PathChange::Adopt, 0),
            (Kind::Directory, PathChange::Adopt, 0),
            (Kind::File, PathChange::Remove, 0),
            (Kind::Directory, PathChange::Remove, 0),
            (Kind::File, PathChange::KeepDeleted, 0),
            (Kind::File, PathChange::Backup { beside: beside() }, 1),
            (Kind::File, PathChange::MoveAside { beside: beside() }, 0),
        ] {
            let found = new_inodes(&[action(kind, change.clone())]);
            assert_eq!(found, expected, "{kind} {change:?}");
        }
        let both = [
            action(Kind::File, PathChange::Create),
            action(Kind::File, PathChange::Remove),
            action(Kind::File, PathChange::Replace),
        ];
        assert_eq!(new_inodes(&both), 2);
    }
}
