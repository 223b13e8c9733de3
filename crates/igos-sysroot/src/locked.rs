//! A root opened to change.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use igos_format::Sha256;
use igos_report::{Diagnostic, Reporter};
use igos_root::{Directory, FileLock, RootDir, RootError};

use crate::database::Database;
use crate::lock;
use crate::open_error::{database_error, state_error};
use crate::record::{Agreed, Agreeing, Known};
use crate::sysroot::{has_record, state_directory};
use crate::transaction::{Closing, Transaction, recover};
use crate::{
    Applied, ApplyError, Confined, Disk, Durability, Forget, Mutations, OpenArchive, OpenError,
    Plan, Recovery, RunHooks, Sysroot, UndoLimits, UnknownRecords, Wait, layout,
};

/// How a root is opened for changes.
#[derive(Debug, Clone)]
pub struct ChangeOptions {
    /// What to do while somebody else changes it.
    pub wait: Wait,
    /// What transactions are safe against.
    pub durability: Durability,
    /// What changes the file system; tests put something else here.
    pub mutations: Arc<dyn Mutations>,
    /// How much is kept to undo transactions.
    pub undo: UndoLimits,
    /// What runs hooks; tests put something else here.
    pub hooks: Arc<dyn RunHooks>,
    /// Set when the user asks to stop: a transaction that is not in force yet then leaves everything as it was.
    pub interrupted: Arc<AtomicBool>,
    /// Packages that may be forgotten because their records cannot be used.
    pub forget: Option<Forget>,
}

impl Default for ChangeOptions {
    fn default() -> Self {
        ChangeOptions {
            wait: Wait::GiveUp,
            durability: Durability::Full,
            mutations: Arc::new(Disk),
            undo: UndoLimits::default(),
            hooks: Arc::new(Confined::default()),
            interrupted: Arc::default(),
            forget: None,
        }
    }
}

/// What making a database again did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// Texts that were restored, packages that were forgotten.
    pub done: Vec<Diagnostic>,
    /// Texts of the history that are damaged, records that contradict each other.
    pub damaged: Vec<Diagnostic>,
    /// Where the old one is, in the state directory.
    pub aside: Option<String>,
}

/// A root that this process alone may change, until the value is dropped.
#[derive(Debug)]
pub struct LockedSysroot {
    sysroot: Sysroot,
    pub(crate) state: Directory,
    pub(crate) options: ChangeOptions,
    recovery: Recovery,
    // Dropped last: the lock outlives everything that is done under it.
    _lock: FileLock,
}

impl std::ops::Deref for LockedSysroot {
    type Target = Sysroot;

    fn deref(&self) -> &Sysroot {
        &self.sysroot
    }
}

impl LockedSysroot {
    /// Opens a root that has a record.
    ///
    /// Whatever an interrupted transaction left is finished or undone first.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be changed.
    pub fn open(root: RootDir, options: ChangeOptions) -> Result<Self, OpenError> {
        refuse_read_only(&root)?;
        let state = match state_directory(&root)? {
            Some(state) if has_record(&state, &root)? => state,
            _ => {
                return Err(OpenError::Unmanaged {
                    root: root.to_string(),
                });
            }
        };
        Self::lock(root, state, options)
    }

    /// Opens a root, beginning its record where it has none.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be changed.
    pub fn create_or_open(root: RootDir, options: ChangeOptions) -> Result<Self, OpenError> {
        refuse_read_only(&root)?;
        let create = || -> Result<Directory, RootError> {
            root.create_directories(&layout::records(), 0o755)?;
            root.create_directories(&layout::history(), 0o755)?;
            root.directory(&layout::state())
        };
        let state = create().map_err(|source| state_error(&root, source))?;
        Self::lock(root, state, options)
    }

    fn lock(root: RootDir, state: Directory, options: ChangeOptions) -> Result<Self, OpenError> {
        let lock = lock::take(&state, options.wait).map_err(|source| OpenError::Lock {
            root: root.to_string(),
            source,
        })?;
        root.create_directories(&layout::pristine_directory(), 0o755)
            .map_err(|source| state_error(&root, source))?;
        let recovery = recover(&Closing {
            root: &root,
            state: &state,
            mutations: options.mutations.as_ref(),
            durability: options.durability,
            undo: options.undo,
        })
        .map_err(|source| OpenError::Recover {
            root: root.to_string(),
            source,
        })?;
        make_directories(&root, &state, options.mutations.as_ref())?;
        let agreed = Agreeing {
            root: &root,
            state: &state,
            mutations: options.mutations.as_ref(),
            durability: options.durability,
            forget: options.forget.as_ref(),
        }
        .open()?;
        let Agreed {
            database,
            last_transaction,
            notices,
        } = agreed;
        let notices = [recovery_notice(&recovery), notices].concat();
        // Readers without write permission see the file alone.
        database
            .check_point()
            .map_err(|source| database_error(&root, source))?;
        Ok(LockedSysroot {
            sysroot: Sysroot {
                root,
                database,
                last_transaction,
                unknown: UnknownRecords::default(),
                notices,
            },
            state,
            options,
            recovery,
            _lock: lock,
        })
    }

    fn agreeing(&self) -> Agreeing<'_> {
        Agreeing {
            root: &self.sysroot.root,
            state: &self.state,
            mutations: self.options.mutations.as_ref(),
            durability: self.options.durability,
            forget: self.options.forget.as_ref(),
        }
    }

    /// Restores records and texts of the history that are damaged or gone from the database; returns which.
    ///
    /// # Errors
    ///
    /// Returns what cannot be restored; nothing is written then.
    pub fn restore_texts(&mut self) -> Result<Vec<Diagnostic>, OpenError> {
        self.agreeing()
            .restore_some(&self.sysroot.database, Known::Required)
    }

    /// Makes the database again from records and history, beside the old one, which is moved aside; what the records
    /// lack is restored from that first. Returns what was done, and what could not be taken up.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be made; the old one is then still there.
    pub fn rebuild_database(mut self) -> Result<(Self, Rebuilt), OpenError> {
        let agreeing = self.agreeing();
        let mut done = agreeing.restore_some(&self.sysroot.database, Known::Wanted)?;
        let texts = agreeing.known_texts(&mut done)?;
        let root = &self.sysroot.root;
        let failed = |source| database_error(root, source);
        let mut damaged = Vec::new();
        Database::make_beside(root, |database| {
            damaged = texts.fill(root, database)?;
            Ok(())
        })?;
        // Closing the old one completes its file.
        self.sysroot.database = Database::in_memory().map_err(failed)?;
        let (database, aside) =
            Database::put_in_place(root, self.options.durability, "replaced").map_err(failed)?;
        self.sysroot.database = database;
        self.sysroot.last_transaction = texts.last();
        Ok((
            self,
            Rebuilt {
                done,
                damaged,
                aside,
            },
        ))
    }

    /// Returns what opening found of an interrupted transaction.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Carries out a plan whose digest was confirmed; `time` is now, in seconds since 1970.
    ///
    /// When it returns, the transaction is in force whatever happens; [`LockedSysroot::settle`] then makes the old
    /// files go, which needs another wait for the disk. An unsettled transaction is settled before the next one.
    ///
    /// # Errors
    ///
    /// Returns what failed; unless it is [`ApplyError::Interrupted`], nothing of the root has changed.
    pub fn apply(
        &mut self,
        plan: &Plan,
        confirmed: Sha256,
        archives: &OpenArchive<'_>,
        time: i64,
        reporter: &dyn Reporter,
    ) -> Result<Applied, ApplyError> {
        self.settle()?;
        let transaction = Transaction {
            root: &self.sysroot.root,
            state: &self.state,
            mutations: self.options.mutations.as_ref(),
            durability: self.options.durability,
            hooks: self.options.hooks.as_ref(),
            last: self.sysroot.last_transaction,
            time,
            undo: self.options.undo,
            interrupted: &self.options.interrupted,
        };
        let database = &mut self.sysroot.database;
        let applied = transaction.apply(plan, confirmed, archives, database, reporter)?;
        self.sysroot.last_transaction = applied.transaction;
        Ok(applied)
    }

    /// Waits for the disk and lets the journal and the old files of the last transaction go.
    ///
    /// # Errors
    ///
    /// Returns what failed; the transaction is in force all the same, and the next opening settles it.
    pub fn settle(&mut self) -> Result<(), ApplyError> {
        let is_log_on_disk = Closing {
            root: &self.sysroot.root,
            state: &self.state,
            mutations: self.options.mutations.as_ref(),
            durability: self.options.durability,
            undo: self.options.undo,
        }
        .settle()?;
        let database = &mut self.sysroot.database;
        let completed = if is_log_on_disk {
            database.check_point_of_log_on_disk(&self.state)
        } else {
            database.check_point()
        };
        completed.map_err(|source| ApplyError::Database { source })
    }
}

/// Makes the directories of the state that roots of earlier versions have not.
fn make_directories(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
) -> Result<(), OpenError> {
    root.create_directories(&layout::kernels(), 0o755)
        .map_err(|source| state_error(root, source))?;
    root.create_directories(&layout::hooks(), 0o755)
        .map_err(|source| state_error(root, source))?;
    let undo = state.metadata_if_present(layout::UNDO).and_then(|found| {
        if found.is_none() {
            mutations.create_directory(state, layout::UNDO, 0o700)?;
        }
        Ok(())
    });
    undo.map_err(|source| {
        let path = layout::undo_directory().to_string();
        state_error(root, RootError::new("make", path, source))
    })
}

fn refuse_read_only(root: &RootDir) -> Result<(), OpenError> {
    let space = root
        .top()
        .free_space()
        .map_err(|source| state_error(root, RootError::new("measure", root.to_string(), source)))?;
    if space.is_read_only {
        return Err(OpenError::ReadOnly {
            root: root.to_string(),
        });
    }
    Ok(())
}

fn recovery_notice(recovery: &Recovery) -> Vec<Diagnostic> {
    match recovery {
        Recovery::Nothing => Vec::new(),
        Recovery::Finished { transaction } => vec![Diagnostic::note(
            "transaction-finished",
            format!("transaction {transaction} was interrupted or unsettled, and is finished now"),
        )],
        Recovery::Undone {
            transaction,
            path,
            problem,
        } => vec![
            Diagnostic::warning(
                "transaction-undone",
                format!("transaction {transaction} was interrupted, and is undone now"),
            )
            .at(path.clone())
            .because(problem.clone()),
        ],
    }
}
