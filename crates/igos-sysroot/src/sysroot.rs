//! A root directory and its record, opened to read.

use igos_report::Diagnostic;
use igos_root::{Directory, FollowedLinks, Kind, RootDir, RootError};

use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::database::Database;
use crate::open_error::{database_error, state_error};
use crate::plan::{Ground, plan_exact};
use crate::record::{RootTexts, compare, last_in_history};
use crate::state_text::StateText;
use crate::{
    Candidate, DatabaseError, Exclusions, OpenError, Plan, PlanError, Request, UnknownRecords,
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
    /// Packages that are installed and missing in the database, because it was made without their records.
    pub(crate) unknown: UnknownRecords,
    pub(crate) notices: Vec<Diagnostic>,
}

impl Sysroot {
    /// Opens a root to read.
    ///
    /// A missing, damaged or outdated database is replaced, in memory alone, by one made from the records; a notice
    /// says so. Packages whose records cannot be used are named, and answers that depend on them are refused.
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
        let is_unsettled = || {
            let found = state.metadata_if_present(layout::JOURNAL);
            found.is_ok_and(|found| found.is_some())
        };
        let mut notices = Vec::new();
        if is_unsettled() {
            notices.push(Diagnostic::note(
                "transaction-unsettled",
                "a transaction is running, or was interrupted, or is not settled yet",
            ));
        }
        let found = Database::open_read_only(&root).and_then(|found| {
            found
                .map(|found| Ok((found.last_transaction()?, found)))
                .transpose()
        });
        // After the database, which a running transaction takes up last: it is never ahead of whole texts.
        let last_transaction = last_in_history(&root)?;
        let problem = match found {
            Ok(Some((last, database))) if last == last_transaction => {
                return Ok(Sysroot {
                    root,
                    database,
                    last_transaction,
                    unknown: UnknownRecords::default(),
                    notices,
                });
            }
            Ok(Some((last, database))) if last > last_transaction && !is_unsettled() => {
                notices.push(without_texts(&root, &database)?);
                return Ok(Sysroot {
                    root,
                    database,
                    last_transaction: last,
                    unknown: UnknownRecords::default(),
                    notices,
                });
            }
            Ok(Some((last, _))) => {
                format!("it is at transaction {last}, the history at {last_transaction}")
            }
            Ok(None) => "it is missing".to_owned(),
            Err(source @ DatabaseError::NewerSchema { .. }) => {
                return Err(database_error(&root, source));
            }
            Err(error) => error.to_string(),
        };
        notices.push(Diagnostic::warning(
            "database-not-used",
            format!("the database is not used, {problem}; the records are read instead"),
        ));
        let texts = RootTexts::load(&root)?;
        let mut sysroot = Self::of_texts(root, texts)?;
        if is_unsettled() || last_in_history(&sysroot.root)? != sysroot.last_transaction {
            sysroot.unknown = sysroot.unknown.without_missing();
        }
        notices.extend(sysroot.unknown.each());
        notices.append(&mut sysroot.notices);
        sysroot.notices = notices;
        Ok(sysroot)
    }

    /// Returns what texts alone tell.
    pub(crate) fn of_texts(root: RootDir, texts: RootTexts) -> Result<Self, OpenError> {
        let mut database = Database::in_memory().map_err(|source| database_error(&root, source))?;
        let notices = texts.fill(&root, &mut database)?;
        Ok(Sysroot {
            root,
            database,
            last_transaction: texts.last(),
            unknown: texts.unknown,
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
            unknown: UnknownRecords::default(),
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

    /// Returns the packages that are installed and of which nothing is known, because their records cannot be used.
    #[must_use]
    pub fn unknown(&self) -> &UnknownRecords {
        &self.unknown
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
        if !self.unknown.is_empty() {
            return Err(PlanError::Unknown {
                unknown: self.unknown.clone(),
            });
        }
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

/// Tells that a database knows more than the texts, of which some were lost; refuses it where whole ones contradict it.
fn without_texts(root: &RootDir, database: &Database) -> Result<Diagnostic, OpenError> {
    let texts = RootTexts::load(root)?;
    let found = compare(&texts, database).map_err(|source| database_error(root, source))?;
    if !found.differing.is_empty() {
        return Err(OpenError::Contradiction {
            root: root.to_string(),
            texts: found.differing,
        });
    }
    let count = found.restorable.len();
    let message =
        format!("{count} records and texts of the history are lost; the database has them");
    Ok(Diagnostic::warning("texts-lost", message).hint("restore them: `pkm recover`"))
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
