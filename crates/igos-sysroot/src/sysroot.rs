//! A root directory and its record, opened to read or to change.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use igos_format::{PackageName, Sha256};
use igos_report::{Diagnostic, Explain, Reporter, diagnose};
use igos_root::{Directory, FollowedLinks, Kind, RootDir, RootError};
use rayon::prelude::*;

use crate::database::{Database, Opened};
use crate::history::{HISTORY_MAX_BYTES, HistoryEntry};
use crate::lock::Lock;
use crate::plan::{Ground, plan_install, plan_remove};
use crate::record::RECORD_MAX_BYTES;
use crate::transaction::{Transaction, recover, settle};
use crate::{
    Applied, ApplyError, Candidate, DatabaseError, Disk, Durability, InstallRequest, LockError,
    Mutations, OpenArchive, Plan, PlanError, Record, RecordError, Recovery, RemoveRequest, Wait,
    layout,
};

/// What to do about a root that has no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmanaged {
    /// It is an error.
    Refuse,
    /// It is a root without packages, for plans.
    Empty,
}

/// A root and its record, to read: needs no lock and no privilege beyond reading.
#[derive(Debug)]
pub struct Sysroot {
    pub(crate) root: RootDir,
    pub(crate) database: Database,
    pub(crate) last_transaction: u64,
    notices: Vec<Diagnostic>,
}

/// A root cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It has no record.
    #[error("{root} has no record of packages")]
    Unmanaged {
        /// The root.
        root: String,
    },
    /// Its lock cannot be taken.
    #[error("cannot change {root}")]
    Lock {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: LockError,
    },
    /// Its state directory cannot be used.
    #[error("cannot use the record of {root}")]
    State {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: RootError,
    },
    /// It cannot be written to.
    #[error("{root} is on a file system that is mounted read-only")]
    ReadOnly {
        /// The root.
        root: String,
    },
    /// Its database cannot be used.
    #[error("cannot use the database of {root}")]
    Database {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// An interrupted transaction can neither be finished nor undone.
    #[error("cannot recover the interrupted transaction of {root}")]
    Recover {
        /// The root.
        root: String,
        /// Why.
        #[source]
        source: ApplyError,
    },
}

impl Explain for OpenError {
    fn code(&self) -> &'static str {
        match self {
            OpenError::Unmanaged { .. } => "root-unmanaged",
            OpenError::Lock { source, .. } => source.code(),
            OpenError::State { source, .. } => source.code(),
            OpenError::ReadOnly { .. } => "root-read-only",
            OpenError::Database { source, .. } => source.code(),
            OpenError::Recover { source, .. } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            OpenError::Unmanaged { .. } => {
                vec![
                    "begin one by installing a package: `pkm --root DIR install ARCHIVE`"
                        .to_owned(),
                ]
            }
            OpenError::Lock { source, .. } => source.hints(),
            OpenError::Database { source, .. } => source.hints(),
            OpenError::Recover { source, .. } => source.hints(),
            OpenError::State { .. } | OpenError::ReadOnly { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            OpenError::Lock { source, .. } => source.exit_code(),
            _ => 4,
        }
    }
}

/// How a root is opened for changes.
#[derive(Debug, Clone)]
pub struct ChangeOptions {
    /// What to do while somebody else changes it.
    pub wait: Wait,
    /// What transactions are safe against.
    pub durability: Durability,
    /// What changes the file system; tests put something else here.
    pub mutations: Arc<dyn Mutations>,
}

impl Default for ChangeOptions {
    fn default() -> Self {
        ChangeOptions {
            wait: Wait::GiveUp,
            durability: Durability::Full,
            mutations: Arc::new(Disk),
        }
    }
}

impl Sysroot {
    /// Opens a root to read.
    ///
    /// A missing, damaged or outdated database is replaced, in memory alone, by one made from the records; a notice
    /// says so.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be read.
    pub fn open(root: RootDir, unmanaged: Unmanaged) -> Result<Self, OpenError> {
        let Some(state) = state_directory(&root)? else {
            return Self::without_record(root, unmanaged);
        };
        if !has_record(&state, &root)? {
            return Self::without_record(root, unmanaged);
        }
        let last_transaction = last_in_history(&root)?;
        let mut notices = Vec::new();
        if state
            .metadata_if_present(layout::JOURNAL)
            .is_ok_and(|found| found.is_some())
        {
            notices.push(Diagnostic::note(
                "transaction-unsettled",
                "a transaction is running, or was interrupted, or is not settled yet",
            ));
        }
        let usable = match Database::open_read_only(&state) {
            Ok(Some(database)) => match database.last_transaction() {
                Ok(last) if last == last_transaction => Ok(database),
                Ok(last) => Err(format!(
                    "it is at transaction {last}, the history at {last_transaction}"
                )),
                Err(error) => Err(error.to_string()),
            },
            Ok(None) => Err("it is missing".to_owned()),
            Err(source @ DatabaseError::NewerSchema { .. }) => {
                return Err(database_error(&root, source));
            }
            Err(error) => Err(error.to_string()),
        };
        let database = match usable {
            Ok(database) => database,
            Err(problem) => {
                notices.push(Diagnostic::warning(
                    "database-not-used",
                    format!("the database is not used, {problem}; the records are read instead"),
                ));
                let mut database =
                    Database::in_memory().map_err(|source| database_error(&root, source))?;
                notices.extend(rebuild(&root, &mut database)?);
                database
            }
        };
        Ok(Sysroot {
            root,
            database,
            last_transaction,
            notices,
        })
    }

    fn without_record(root: RootDir, unmanaged: Unmanaged) -> Result<Self, OpenError> {
        if unmanaged == Unmanaged::Refuse {
            return Err(OpenError::Unmanaged {
                root: root.to_string(),
            });
        }
        let database = Database::in_memory().map_err(|source| database_error(&root, source))?;
        Ok(Sysroot {
            root,
            database,
            last_transaction: 0,
            notices: Vec::new(),
        })
    }

    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> &RootDir {
        &self.root
    }

    /// Returns what opening it found worth knowing: a database that was made again, a record that is damaged.
    #[must_use]
    pub fn notices(&self) -> &[Diagnostic] {
        &self.notices
    }

    /// Plans the installation of some of `candidates`.
    ///
    /// # Errors
    ///
    /// Returns everything that stands against it.
    pub fn plan_install(
        &self,
        candidates: &[Candidate],
        request: &InstallRequest,
    ) -> Result<Plan, PlanError> {
        plan_install(self.ground()?, candidates, request)
    }

    /// Plans a removal.
    ///
    /// # Errors
    ///
    /// Returns everything that stands against it.
    pub fn plan_remove(&self, request: &RemoveRequest) -> Result<Plan, PlanError> {
        plan_remove(self.ground()?, request)
    }

    fn ground(&self) -> Result<Ground<'_>, PlanError> {
        Ok(Ground {
            root: &self.root,
            database: &self.database,
            links: FollowedLinks::read(&self.root).map_err(|source| PlanError::Read { source })?,
            last_transaction: self.last_transaction,
        })
    }
}

/// A root that this process alone may change, until the value is dropped.
#[derive(Debug)]
pub struct LockedSysroot {
    sysroot: Sysroot,
    state: Directory,
    options: ChangeOptions,
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
        let recovery = recover(
            &root,
            &state,
            options.mutations.as_ref(),
            options.durability,
        )
        .map_err(|source| OpenError::Recover {
            root: root.to_string(),
            source,
        })?;
        let last_transaction = last_in_history(&root)?;
        let mut notices = recovery_notice(&recovery);
        let opened = Database::open(&state, options.durability)
            .map_err(|source| database_error(&root, source))?;
        let (mut database, reason) = match opened {
            Opened::Usable(database) => {
                let last = database
                    .last_transaction()
                    .map_err(|source| database_error(&root, source))?;
                let reason = (last != last_transaction).then(|| {
                    format!("it was at transaction {last}, the history at {last_transaction}")
                });
                (database, reason)
            }
            Opened::New(database) => {
                let reason = (last_transaction > 0).then(|| "it was missing".to_owned());
                (database, reason)
            }
            Opened::MovedAside {
                database,
                problem,
                aside,
            } => {
                let reason = format!("it was damaged ({problem}) and is now {aside}");
                (database, Some(reason))
            }
        };
        if let Some(reason) = reason {
            notices.push(Diagnostic::warning(
                "database-rebuilt",
                format!("the database was made again from the records: {reason}"),
            ));
            notices.extend(rebuild(&root, &mut database)?);
        }
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
            last: self.sysroot.last_transaction,
            time,
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
        settle(
            &self.sysroot.root,
            &self.state,
            self.options.mutations.as_ref(),
            self.options.durability,
        )?;
        self.sysroot
            .database
            .check_point()
            .map_err(|source| ApplyError::Database { source })
    }
}

fn database_error(root: &RootDir, source: DatabaseError) -> OpenError {
    OpenError::Database {
        root: root.to_string(),
        source,
    }
}

fn state_error(root: &RootDir, source: RootError) -> OpenError {
    OpenError::State {
        root: root.to_string(),
        source,
    }
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

fn state_directory(root: &RootDir) -> Result<Option<Directory>, OpenError> {
    match root.directory(&layout::state()) {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(source) => Err(state_error(root, source)),
    }
}

/// A root is managed once it has the directory of records.
fn has_record(state: &Directory, root: &RootDir) -> Result<bool, OpenError> {
    let found = state.metadata_if_present(b"packages").map_err(|source| {
        let path = layout::records().to_string();
        state_error(root, RootError::new("look at", path, source))
    })?;
    Ok(found.is_some_and(|found| found.kind == Kind::Directory))
}

fn names_in(root: &RootDir, path: &igos_format::RelPath) -> Result<Vec<Vec<u8>>, OpenError> {
    let directory = match root.directory(path) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(source) => return Err(state_error(root, source)),
    };
    let entries = directory.entries().map_err(|source| {
        state_error(
            root,
            RootError::new("read directory", path.to_string(), source),
        )
    })?;
    Ok(entries.into_iter().map(|entry| entry.name).collect())
}

/// Returns the number of the last transaction, 0 for none.
fn last_in_history(root: &RootDir) -> Result<u64, OpenError> {
    let names = names_in(root, &layout::history())?;
    Ok(names
        .iter()
        .filter_map(|name| HistoryEntry::parse_file_name(name))
        .max()
        .unwrap_or(0))
}

/// Fills a database from records and history; returns what of them is damaged, which stops nothing else.
fn rebuild(root: &RootDir, database: &mut Database) -> Result<Vec<Diagnostic>, OpenError> {
    let mut notices = Vec::new();
    let mut records = Vec::new();
    for (name, result) in read_records(root)? {
        match result {
            Ok(record) => records.push(record),
            Err(diagnostic) => notices.push(diagnostic.at(format!("record of {name}"))),
        }
    }
    let mut history = Vec::new();
    for name in names_in(root, &layout::history())? {
        if HistoryEntry::parse_file_name(&name).is_none() {
            continue;
        }
        let path = layout::history().join(&name).map_err(|error| {
            state_error(
                root,
                RootError::new("read", "history", io::Error::other(error)),
            )
        })?;
        let bytes = root
            .read_file(&path, HISTORY_MAX_BYTES)
            .map_err(|source| state_error(root, source))?;
        match HistoryEntry::read(&bytes.unwrap_or_default()) {
            Ok(entry) => history.push(entry),
            Err(error) => notices.push(diagnose(&error).at(path.to_string())),
        }
    }
    let links = FollowedLinks::read(root).map_err(|source| state_error(root, source))?;
    let claims = database
        .rebuild(&records, &history, &links)
        .map_err(|source| database_error(root, source))?;
    notices.extend(claims);
    Ok(notices)
}

type ReadRecord = (PackageName, Result<Record, Diagnostic>);

/// Reads the records of all packages, each by itself.
pub(crate) fn read_records(root: &RootDir) -> Result<Vec<ReadRecord>, OpenError> {
    let names: BTreeSet<PackageName> = names_in(root, &layout::records())?
        .iter()
        .filter_map(|name| std::str::from_utf8(name).ok()?.parse().ok())
        .collect();
    Ok(names
        .into_par_iter()
        .map(|name| {
            let result = match root.read_file(&layout::record(&name), RECORD_MAX_BYTES) {
                Ok(bytes) => Record::read_of(&name, &bytes.unwrap_or_default())
                    .map_err(|error: RecordError| diagnose(&error)),
                Err(error) => Err(diagnose(&error)),
            };
            (name, result)
        })
        .collect())
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
