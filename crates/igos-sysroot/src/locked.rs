//! A root opened to change.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use igos_format::Sha256;
use igos_report::{Diagnostic, Reporter};
use igos_root::{Directory, RootDir, RootError};

use crate::database::{Database, Opened};
use crate::lock::Lock;
use crate::open_error::{database_error, state_error};
use crate::record::{last_in_history, rebuild};
use crate::sysroot::{has_record, state_directory};
use crate::transaction::{Closing, Transaction, recover};
use crate::{
    Applied, ApplyError, Confined, Disk, Durability, Mutations, OpenArchive, OpenError, Plan,
    Recovery, RunHooks, Sysroot, UndoLimits, Wait, layout,
};

/// Name, in the state directory, of a record that is being restored.
const RESTORED: &[u8] = b"record.new";

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
        }
    }
}

/// A root that this process alone may change, until the value is dropped.
#[derive(Debug)]
pub struct LockedSysroot {
    sysroot: Sysroot,
    pub(crate) state: Directory,
    pub(crate) options: ChangeOptions,
    recovery: Recovery,
    // Dropped last: the lock outlives everything that is done under it.
    _lock: Lock,
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
        let lock = Lock::take(&state, options.wait).map_err(|source| OpenError::Lock {
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
        let last_transaction = last_in_history(&root)?;
        let mut notices = recovery_notice(&recovery);
        let (mut database, reason) = open_database(&root, options.durability, last_transaction)?;
        if let Some(reason) = reason {
            notices.push(Diagnostic::warning(
                "database-rebuilt",
                format!("the database was made again from the records: {reason}"),
            ));
            notices.extend(rebuild(&root, &mut database)?);
        }
        let restored = restore_records(&root, &state, &database, options.mutations.as_ref())?;
        notices.extend(restored);
        // Readers without write permission see the file alone.
        database
            .check_point()
            .map_err(|source| database_error(&root, source))?;
        Ok(LockedSysroot {
            sysroot: Sysroot {
                root,
                database,
                last_transaction,
                notices,
            },
            state,
            options,
            recovery,
            _lock: lock,
        })
    }

    /// Makes the database again from records and history; returns what of them could not be taken up.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be made.
    pub fn rebuild_database(&mut self) -> Result<Vec<Diagnostic>, OpenError> {
        let Sysroot { root, database, .. } = &mut self.sysroot;
        let notices = rebuild(root, database)?;
        database
            .check_point()
            .map_err(|source| database_error(root, source))?;
        Ok(notices)
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
        Closing {
            root: &self.sysroot.root,
            state: &self.state,
            mutations: self.options.mutations.as_ref(),
            durability: self.options.durability,
            undo: self.options.undo,
        }
        .settle()?;
        self.sysroot
            .database
            .check_point()
            .map_err(|source| ApplyError::Database { source })
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

/// Opens the database, and tells why it has to be made again, if it has.
fn open_database(
    root: &RootDir,
    durability: Durability,
    last_transaction: u64,
) -> Result<(Database, Option<String>), OpenError> {
    let opened = Database::open(root, durability).map_err(|source| database_error(root, source))?;
    Ok(match opened {
        Opened::Usable(database) => {
            let last = database
                .last_transaction()
                .map_err(|source| database_error(root, source))?;
            let reason = (last != last_transaction).then(|| {
                format!("it was at transaction {last}, the history at {last_transaction}")
            });
            (database, reason)
        }
        Opened::New(database) => {
            let reason = (last_transaction > 0).then(|| "it was missing".to_owned());
            (database, reason)
        }
        Opened::Outdated { database, found } => {
            let reason = format!("it had schema {found} of an older program");
            (database, Some(reason))
        }
        Opened::MovedAside {
            database,
            problem,
            aside,
        } => {
            let reason = format!("it was damaged ({problem}) and is now {aside}");
            (database, Some(reason))
        }
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

/// Writes the records that are gone from the copies in the database, which is known to be up to date here.
fn restore_records(
    root: &RootDir,
    state: &Directory,
    database: &Database,
    mutations: &dyn Mutations,
) -> Result<Vec<Diagnostic>, OpenError> {
    let failed = |source| database_error(root, source);
    let records = root
        .directory(&layout::records())
        .map_err(|source| state_error(root, source))?;
    let mut notices = Vec::new();
    for row in database.packages(None).map_err(failed)? {
        let name = row.package.name;
        let restore = |bytes: Vec<u8>| -> io::Result<()> {
            if state.metadata_if_present(RESTORED)?.is_some() {
                mutations.delete(state, RESTORED)?;
            }
            let mut file = mutations.create_file(state, RESTORED)?;
            mutations.write(&mut file, &bytes)?;
            mutations.set_mode(file.as_fd(), 0o644)?;
            file.sync_all()?;
            mutations.rename_new(state, RESTORED, &records, name.as_str().as_bytes())
        };
        let found = records.metadata_if_present(name.as_str().as_bytes());
        let restored = match found {
            Ok(Some(_)) => continue,
            Ok(None) => match database.record(&name).map_err(failed)? {
                Some(bytes) => restore(bytes),
                None => continue,
            },
            Err(error) => Err(error),
        };
        restored.map_err(|source| {
            let path = layout::record(&name).to_string();
            state_error(root, RootError::new("restore", path, source))
        })?;
        notices.push(
            Diagnostic::warning(
                "record-restored",
                format!("the record of {name} was gone and is restored from the database"),
            )
            .at(name.as_str()),
        );
    }
    Ok(notices)
}
