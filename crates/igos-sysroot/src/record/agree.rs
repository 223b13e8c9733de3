//! Texts and database made to agree, when a root is opened to change.
//!
//! The texts are the truth, and a database is made again from them; never so that a package goes of which is known
//! that it is installed. A database that knows more than the texts shows that texts were lost: they are restored
//! from it. Where the two contradict each other, nothing is believed and nothing written.

use std::collections::BTreeSet;
use std::io;

use igos_format::PackageName;
use igos_report::Diagnostic;
use igos_root::{Directory, RootDir, RootError};

use super::load::history_path;
use super::restore::{Compared, compare, gone, restore};
use super::{RootTexts, last_in_history};
use crate::database::{Database, Opened};
use crate::history::{HistoryChange, HistoryEntry};
use crate::open_error::{database_error, state_error};
use crate::{Durability, Mutations, OpenError, layout};

/// What texts and database are made to agree with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agreeing<'a> {
    pub(crate) root: &'a RootDir,
    pub(crate) state: &'a Directory,
    pub(crate) mutations: &'a dyn Mutations,
    pub(crate) durability: Durability,
    pub(crate) forget: Option<&'a Forget>,
}

/// Packages that are to be forgotten if their records cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forget {
    /// The packages.
    pub packages: BTreeSet<PackageName>,
    /// Now, in seconds since 1970, for the history.
    pub time: i64,
}

/// A database that agrees with the texts.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) database: Database,
    pub(crate) last_transaction: u64,
    pub(crate) notices: Vec<Diagnostic>,
}

impl Agreeing<'_> {
    /// Opens the database, and makes the one that is wrong again from the other.
    pub(crate) fn open(&self) -> Result<Agreed, OpenError> {
        let failed = |source| database_error(self.root, source);
        let opened = Database::open(self.root, self.durability).map_err(failed)?;
        let (word, reason) = match opened {
            Opened::Usable(database) => return self.with(database),
            Opened::Missing => ("lost", "it was missing".to_owned()),
            Opened::Outdated { found } => (
                "outdated",
                format!("it had schema {found} of an older program"),
            ),
            Opened::Damaged { problem } => ("damaged", format!("it was damaged ({problem})")),
        };
        let mut notices = Vec::new();
        let texts = self.known_texts(&mut notices)?;
        let mut found = Vec::new();
        Database::make_beside(self.root, |database| {
            found = texts.fill(self.root, database)?;
            Ok(())
        })?;
        let (database, aside) =
            Database::put_in_place(self.root, self.durability, word).map_err(failed)?;
        let last_transaction = texts.last();
        let reason = match aside {
            Some(aside) => format!("{reason} and is now {aside}"),
            None => reason,
        };
        if last_transaction > 0 || !texts.records.is_empty() {
            notices.push(rebuilt(&reason));
        }
        notices.extend(found);
        Ok(Agreed {
            database,
            last_transaction,
            notices,
        })
    }

    fn with(&self, mut database: Database) -> Result<Agreed, OpenError> {
        let failed = |source| database_error(self.root, source);
        let last = last_in_history(self.root)?;
        let has = database.last_transaction().map_err(failed)?;
        let mut notices = Vec::new();
        let last_transaction = if has < last {
            let texts = self.known_texts(&mut notices)?;
            notices.push(rebuilt(&format!(
                "it was at transaction {has}, the history at {last}"
            )));
            notices.extend(texts.fill(self.root, &mut database)?);
            texts.last()
        } else if has > last {
            notices = self.restore_all(&database)?;
            has
        } else {
            let gone = gone(self.root, &database)?;
            notices = restore(self.root, self.state, self.mutations, &gone)?;
            last
        };
        Ok(Agreed {
            database,
            last_transaction,
            notices,
        })
    }

    /// Restores every text that is damaged or gone from a database that is not behind; refuses where that leaves
    /// something unknown, or where whole texts say something else.
    fn restore_all(&self, database: &Database) -> Result<Vec<Diagnostic>, OpenError> {
        let (texts, compared) = self.compared(database)?;
        if !compared.differing.is_empty() {
            return Err(OpenError::Contradiction {
                root: self.root.to_string(),
                texts: compared.differing,
            });
        }
        self.restore_of(texts, &compared, Known::Required)
    }

    /// Restores what is damaged or gone; whole texts that say something else are believed.
    pub(crate) fn restore_some(
        &self,
        database: &Database,
        known: Known,
    ) -> Result<Vec<Diagnostic>, OpenError> {
        let (texts, compared) = self.compared(database)?;
        self.restore_of(texts, &compared, known)
    }

    fn compared(&self, database: &Database) -> Result<(RootTexts, Compared), OpenError> {
        let texts = RootTexts::load(self.root)?;
        let compared =
            compare(&texts, database).map_err(|source| database_error(self.root, source))?;
        Ok((texts, compared))
    }

    fn restore_of(
        &self,
        texts: RootTexts,
        compared: &Compared,
        known: Known,
    ) -> Result<Vec<Diagnostic>, OpenError> {
        let mut unknown = texts.unknown;
        let restored = compared.restorable.iter();
        for name in restored.filter_map(|text| text.package.as_ref()) {
            unknown.remove(name);
        }
        if known == Known::Required && !unknown.is_empty() {
            return Err(OpenError::Records {
                root: self.root.to_string(),
                unknown,
            });
        }
        restore(self.root, self.state, self.mutations, &compared.restorable)
    }

    /// Returns the texts, of which a database may be made: none of a package that is known to be installed is
    /// unknown but those that are to be forgotten, which are forgotten here.
    pub(crate) fn known_texts(
        &self,
        notices: &mut Vec<Diagnostic>,
    ) -> Result<RootTexts, OpenError> {
        let mut texts = RootTexts::load(self.root)?;
        if let Some(forget) = self.forget {
            let is_forgotten = |name: &&PackageName| forget.packages.contains(*name);
            let names: Vec<_> = texts
                .unknown
                .packages()
                .filter(is_forgotten)
                .cloned()
                .collect();
            if !names.is_empty() {
                notices.extend(self.forget(&texts, &names, forget.time)?);
                texts = RootTexts::load(self.root)?;
            }
        }
        if texts.unknown.is_empty() {
            return Ok(texts);
        }
        Err(OpenError::Records {
            root: self.root.to_string(),
            unknown: texts.unknown,
        })
    }

    /// Writes to the history that packages are not known any more, then moves what is left of their records aside.
    fn forget(
        &self,
        texts: &RootTexts,
        names: &[PackageName],
        time: i64,
    ) -> Result<Vec<Diagnostic>, OpenError> {
        let changes = names.iter().map(|name| HistoryChange {
            action: "remove".to_owned(),
            name: name.clone(),
            from: texts.version_of(name),
            to: None,
            seal: None,
            trust: None,
        });
        let entry = HistoryEntry {
            transaction: texts.last() + 1,
            time,
            rollback_to: None,
            changes: changes.collect(),
        };
        super::restore::write(
            self.root,
            self.state,
            self.mutations,
            &history_path(entry.transaction),
            &entry.to_bytes(),
        )?;
        let mut notices = Vec::new();
        for name in names {
            let aside = format!("forgotten-{name}-{}", entry.transaction);
            let moved = self.move_record(name, aside.as_bytes());
            let is_moved = moved.map_err(|source| {
                let path = layout::record(name).to_string();
                state_error(self.root, RootError::new("move aside", path, source))
            })?;
            let mut notice = Diagnostic::warning(
                "record-forgotten",
                format!("{name} is forgotten: its files stay, and belong to no package"),
            )
            .at(name.as_str())
            .hint("take it up again from its archive: `pkm adopt ARCHIVE`");
            if is_moved {
                notice = notice.because(format!("its record is now var/lib/igos/{aside}"));
            }
            notices.push(notice);
        }
        Ok(notices)
    }

    fn move_record(&self, name: &PackageName, aside: &[u8]) -> io::Result<bool> {
        let records = self
            .root
            .directory(&layout::records())
            .map_err(RootError::into_io)?;
        let own = name.as_str().as_bytes();
        if records.metadata_if_present(own)?.is_none() {
            return Ok(false);
        }
        self.mutations
            .rename_new(&records, own, self.state, aside)?;
        Ok(true)
    }
}

/// Whether every package must be known once everything is restored that can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Otherwise nothing is written.
    Required,
    /// Something else sees to the others.
    Wanted,
}

fn rebuilt(reason: &str) -> Diagnostic {
    Diagnostic::warning(
        "database-rebuilt",
        format!("the database was made again from the records: {reason}"),
    )
}
