//! Filling the database from records.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, PackageName, RelPath, Sha256, escape, installed_bytes};
use igos_report::Diagnostic;
use igos_root::{Directory, FollowedLinks};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Database, DatabaseError, failed};
use crate::history::HistoryEntry;
use crate::places::{implied_directories, place_of};
use crate::{Durability, Record, RepositoryName, layout};

/// Whether two records that claim one path end the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claims {
    Exclusive,
    FirstWins,
}

impl Database {
    /// Takes up one transaction: `changed` are records that are new or different, `removed` are gone, `history` says
    /// what was done. All or nothing; `before_commit` may still refuse.
    ///
    /// Nothing waits for the disk: the caller has just waited for everything before it, and will before the journal
    /// goes.
    pub(crate) fn apply(
        &mut self,
        changed: &[Record],
        removed: &BTreeSet<PackageName>,
        history: &HistoryEntry,
        links: &FollowedLinks,
        before_commit: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), DatabaseError> {
        self.set_waits(Durability::None)?;
        let taken_up = self.take_up(changed, removed, history, links, before_commit);
        self.set_waits(self.durability)?;
        taken_up
    }

    fn take_up(
        &mut self,
        changed: &[Record],
        removed: &BTreeSet<PackageName>,
        history: &HistoryEntry,
        links: &FollowedLinks,
        before_commit: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), DatabaseError> {
        let transaction = self
            .connection
            .transaction()
            .map_err(failed("begin a database transaction"))?;
        let mut writer = Writer::new(&transaction, links, Claims::Exclusive);
        // What these had taken over falls back to whoever gave it.
        let mut again = BTreeMap::new();
        let gone = removed
            .iter()
            .chain(changed.iter().map(|record| &record.manifest.package.name));
        for name in gone.clone() {
            for record in writer.givers(name)? {
                again.insert(record.manifest.package.name.clone(), record);
            }
        }
        for name in gone {
            again.remove(name);
            writer.delete(name)?;
        }
        for record in again.values() {
            writer.delete_paths(&record.manifest.package.name)?;
        }
        for record in changed {
            writer.insert_package(record)?;
        }
        for record in changed.iter().chain(again.values()) {
            writer.insert_paths(record)?;
        }
        writer.insert_history(history)?;
        before_commit().map_err(|source| DatabaseError::File { source })?;
        transaction
            .commit()
            .map_err(failed("commit a database transaction"))
    }

    /// Replaces everything by what records and history say; returns what could not be taken up.
    pub(crate) fn rebuild<'a>(
        &mut self,
        records: &[Record],
        history: impl Iterator<Item = &'a HistoryEntry>,
        links: &FollowedLinks,
    ) -> Result<Vec<Diagnostic>, DatabaseError> {
        let transaction = self
            .connection
            .transaction()
            .map_err(failed("begin a database transaction"))?;
        transaction
            .execute_batch("DELETE FROM packages; DELETE FROM transactions;")
            .map_err(failed("empty the database"))?;
        let mut writer = Writer::new(&transaction, links, Claims::FirstWins);
        for record in records {
            writer.insert_package(record)?;
        }
        for record in records {
            writer.insert_paths(record)?;
        }
        for entry in history {
            writer.insert_history(entry)?;
        }
        let notices = writer.notices;
        transaction
            .commit()
            .map_err(failed("commit a database transaction"))?;
        Ok(notices)
    }

    /// Moves what the write-ahead log holds into the database file, so that the file alone is complete.
    pub(crate) fn check_point(&self) -> Result<(), DatabaseError> {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(failed("complete the database file"))
    }

    /// Does the same where the log is on disk already: SQLite, which cannot know, would wait for it and for its name
    /// before it waits for the file.
    pub(crate) fn check_point_of_log_on_disk(
        &mut self,
        state: &Directory,
    ) -> Result<(), DatabaseError> {
        self.set_waits(Durability::None)?;
        let written = self.write_log_into_file(state);
        if !matches!(written, Ok(true)) {
            self.set_waits(self.durability)?;
        }
        let emptied = written.and_then(|_| self.check_point());
        self.set_waits(self.durability)?;
        emptied
    }

    /// Writes what the log holds into the file, which is on disk then, and keeps the log; returns whether that was all
    /// of it.
    fn write_log_into_file(&mut self, state: &Directory) -> Result<bool, DatabaseError> {
        let (is_busy, logged, written): (bool, i64, i64) = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.try_into())
            .map_err(failed("complete the database file"))?;
        // Opened once: closing it would let go of SQLite's locks.
        let waited = match &self.file {
            Some(file) => file.sync_all(),
            None => state
                .open_file(layout::DATABASE)
                .and_then(|file| self.file.insert(file).sync_all()),
        };
        if let Err(source) = waited {
            // Nobody knows what of the file is on disk. The log stays, and whoever opens it next writes it again.
            self.connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                .map_err(failed("keep the write-ahead log"))?;
            return Err(DatabaseError::File { source });
        }
        // Where somebody else writes it, both numbers are -1.
        Ok(!is_busy && logged == written)
    }
}

/// What is at a path that is not a directory.
#[derive(Debug, Clone, Copy)]
enum Held<'a> {
    /// A regular file with this content.
    Content(&'a Sha256),
    /// A configuration file.
    Edited,
    /// A symbolic link with this target.
    Target(&'a [u8]),
}

struct Writer<'a> {
    connection: &'a Connection,
    links: &'a FollowedLinks,
    claims: Claims,
    notices: Vec<Diagnostic>,
}

impl<'a> Writer<'a> {
    fn new(connection: &'a Connection, links: &'a FollowedLinks, claims: Claims) -> Self {
        Writer {
            connection,
            links,
            claims,
            notices: Vec::new(),
        }
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), DatabaseError> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map(|_| ())
            .map_err(failed("write to the database"))
    }

    fn delete(&self, name: &PackageName) -> Result<(), DatabaseError> {
        self.execute("DELETE FROM packages WHERE name = ?1", [name.as_str()])
    }

    fn delete_paths(&self, name: &PackageName) -> Result<(), DatabaseError> {
        self.execute("DELETE FROM files WHERE package = ?1", [name.as_str()])?;
        self.execute(
            "DELETE FROM directories WHERE package = ?1",
            [name.as_str()],
        )
    }

    /// Returns the records of packages that yielded paths to `name`.
    fn givers(&self, name: &PackageName) -> Result<Vec<Record>, DatabaseError> {
        let read = || -> rusqlite::Result<Vec<Vec<u8>>> {
            self.connection
                .prepare_cached(
                    "SELECT record FROM packages JOIN yields ON yields.package = packages.name
                     WHERE yields.taker = ?1 ORDER BY name",
                )?
                .query_map([name.as_str()], |row| row.get(0))?
                .collect()
        };
        read()
            .map_err(failed("read the database"))?
            .iter()
            .map(|bytes| {
                Record::read(bytes).map_err(|error| DatabaseError::Value {
                    value: error.to_string(),
                    expected: "a record",
                })
            })
            .collect()
    }

    fn insert_package(&self, record: &Record) -> Result<(), DatabaseError> {
        let (installed, manifest) = (&record.installed, &record.manifest);
        let package = &manifest.package;
        let name = package.name.as_str();
        self.execute(
            "INSERT INTO packages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                name,
                package.epoch,
                package.version.as_str(),
                package.release.as_str(),
                package.arch.as_str(),
                manifest.description,
                installed.reason.as_str(),
                installed.installed,
                number(installed.transaction)?,
                installed.seal.to_string(),
                installed.trust.to_string(),
                installed.repository.as_ref().map(RepositoryName::as_str),
                installed.held,
                installed.ownership.as_str(),
                manifest.is_essential,
                number(installed_bytes(record.entries()))?,
                record.to_bytes(),
            ],
        )?;
        let texts = |sql: &str, texts: &mut dyn Iterator<Item = String>| {
            for text in texts {
                self.execute(sql, [name, &text])?;
            }
            Ok(())
        };
        texts(
            "INSERT INTO depends VALUES (?1, ?2)",
            &mut manifest.depends.iter().map(ToString::to_string),
        )?;
        texts(
            "INSERT INTO conflicts VALUES (?1, ?2)",
            &mut manifest.conflicts.iter().map(ToString::to_string),
        )?;
        texts(
            "INSERT INTO provides VALUES (?1, ?2)",
            &mut manifest.provides.iter().map(ToString::to_string),
        )?;
        texts(
            "INSERT INTO features VALUES (?1, 'provided', ?2)",
            &mut manifest.features_provided.iter().map(ToString::to_string),
        )?;
        texts(
            "INSERT INTO features VALUES (?1, 'required', ?2)",
            &mut manifest.features_required.iter().map(ToString::to_string),
        )?;
        texts(
            "INSERT INTO yields VALUES (?1, ?2)",
            &mut installed.yielded_to.iter().map(ToString::to_string),
        )?;
        super::declared::insert(self.connection, record, self.links)
    }

    fn insert_paths(&mut self, record: &Record) -> Result<(), DatabaseError> {
        let name = record.manifest.package.name.clone();
        for entry in record.entries() {
            let place = place_of(&record.manifest, entry, self.links);
            match &entry.kind {
                EntryKind::Directory => self.insert_directory(&name, &place, &entry.path, true)?,
                EntryKind::File { sha256, .. } => {
                    let held = match entry.is_configuration {
                        // What somebody may have edited is no source of contents.
                        true => Held::Edited,
                        false => Held::Content(sha256),
                    };
                    self.claim(&name, &place, &entry.path, held)?;
                }
                EntryKind::Symlink { target } => {
                    self.claim(&name, &place, &entry.path, Held::Target(target))?;
                }
            }
        }
        for place in implied_directories(&record.manifest, &record.installed.excluded, self.links) {
            self.insert_directory(&name, &place, &place, false)?;
        }
        Ok(())
    }

    fn insert_directory(
        &self,
        name: &PackageName,
        place: &RelPath,
        path: &RelPath,
        is_declared: bool,
    ) -> Result<(), DatabaseError> {
        // Two declared directories can be one place when a merged-directory link leads from one to the other.
        self.execute(
            "INSERT OR IGNORE INTO directories VALUES (?1, ?2, ?3, ?4)",
            params![
                place.as_bytes(),
                name.as_str(),
                path.as_bytes(),
                is_declared
            ],
        )
    }

    fn claim(
        &mut self,
        name: &PackageName,
        place: &RelPath,
        path: &RelPath,
        held: Held<'_>,
    ) -> Result<(), DatabaseError> {
        let (target, content) = match held {
            Held::Content(digest) => (None, Some(digest.as_bytes())),
            Held::Edited => (None, None),
            Held::Target(target) => (Some(target), None),
        };
        let owner: Option<String> = self
            .connection
            .prepare_cached("SELECT package FROM files WHERE place = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([place.as_bytes()], |row| row.get(0))
                    .optional()
            })
            .map_err(failed("read the database"))?;
        let Some(owner) = owner else {
            return self.execute(
                "INSERT INTO files VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    place.as_bytes(),
                    name.as_str(),
                    path.as_bytes(),
                    target,
                    content
                ],
            );
        };
        if self.yields(name.as_str(), &owner)? {
            return Ok(());
        }
        if self.yields(&owner, name.as_str())? {
            return self.execute(
                "UPDATE files SET package = ?2, path = ?3, target = ?4, content = ?5 WHERE place = ?1",
                params![place.as_bytes(), name.as_str(), path.as_bytes(), target, content],
            );
        }
        let error = DatabaseError::Claimed {
            place: escape::escape(place.as_bytes()),
            package: name.to_string(),
            owner,
        };
        match self.claims {
            Claims::Exclusive => Err(error),
            Claims::FirstWins => {
                self.notices.push(igos_report::diagnose(&error));
                Ok(())
            }
        }
    }

    /// Tells whether `from` gave its paths to `to`, directly or through installed packages between them.
    fn yields(&self, from: &str, to: &str) -> Result<bool, DatabaseError> {
        self.connection
            .prepare_cached(
                "WITH RECURSIVE takers (name) AS (
                     SELECT taker FROM yields WHERE package = ?1
                     UNION
                     SELECT taker FROM yields JOIN takers ON yields.package = takers.name
                 )
                 SELECT EXISTS (SELECT 1 FROM takers WHERE name = ?2)",
            )
            .and_then(|mut statement| statement.query_row([from, to], |row| row.get(0)))
            .map_err(failed("read the database"))
    }

    fn insert_history(&self, entry: &HistoryEntry) -> Result<(), DatabaseError> {
        let transaction = number(entry.transaction)?;
        self.execute(
            "INSERT INTO transactions VALUES (?1, ?2, ?3)",
            params![
                transaction,
                entry.time,
                entry.rollback_to.map(number).transpose()?
            ],
        )?;
        for (position, change) in entry.changes.iter().enumerate() {
            self.execute(
                "INSERT INTO changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    transaction,
                    number(position as u64)?,
                    change.action,
                    change.name.as_str(),
                    change.from,
                    change.to,
                    change.seal.map(|seal| seal.to_string()),
                    change.trust,
                ],
            )?;
        }
        Ok(())
    }
}

/// Returns a number in the signed form SQLite has.
fn number(value: u64) -> Result<i64, DatabaseError> {
    i64::try_from(value).map_err(|_| DatabaseError::Value {
        value: value.to_string(),
        expected: "a number below 2^63",
    })
}
