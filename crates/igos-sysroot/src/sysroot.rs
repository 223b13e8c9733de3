//! A root directory and its record, opened to read.

use igos_report::Diagnostic;
use igos_root::{Directory, FollowedLinks, Kind, RootDir, RootError};

use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::database::Database;
use crate::open_error::{database_error, state_error};
use crate::plan::{Ground, plan_exact};
use crate::record::{last_in_history, rebuild};
use crate::state_text::StateText;
use crate::{Candidate, DatabaseError, Exclusions, OpenError, Plan, PlanError, Request, layout};

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
    pub(crate) notices: Vec<Diagnostic>,
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
        let usable = match Database::open_read_only(&root) {
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

    /// Returns the number of the last transaction, 0 for none.
    #[must_use]
    pub fn last_transaction(&self) -> u64 {
        self.last_transaction
    }

    /// Returns what opening it found worth knowing: a database that was made again, a record that is damaged.
    #[must_use]
    pub fn notices(&self) -> &[Diagnostic] {
        &self.notices
    }

    /// Plans one exact transaction: what comes out of `candidates`, what goes, what is marked.
    ///
    /// # Errors
    ///
    /// Returns everything that stands against it.
    pub fn plan(&self, candidates: &[Candidate], request: &Request) -> Result<Plan, PlanError> {
        plan_exact(self.ground()?, candidates, request)
    }

    pub(crate) fn ground(&self) -> Result<Ground<'_>, PlanError> {
        let text = |source| PlanError::StateText { source };
        Ok(Ground {
            root: &self.root,
            database: &self.database,
            links: FollowedLinks::read(&self.root).map_err(|source| PlanError::Read { source })?,
            last_transaction: self.last_transaction,
            choices: Choices::load(&self.root).map_err(text)?,
            pending: Pending::load(&self.root).map_err(text)?,
            exclusions: Exclusions::load(&self.root).map_err(text)?,
        })
    }
}

pub(crate) fn state_directory(root: &RootDir) -> Result<Option<Directory>, OpenError> {
    match root.directory(&layout::state()) {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(source) => Err(state_error(root, source)),
    }
}

/// A root is managed once it has the directory of records.
pub(crate) fn has_record(state: &Directory, root: &RootDir) -> Result<bool, OpenError> {
    let found = state.metadata_if_present(b"packages").map_err(|source| {
        let path = layout::records().to_string();
        state_error(root, RootError::new("look at", path, source))
    })?;
    Ok(found.is_some_and(|found| found.kind == Kind::Directory))
}
