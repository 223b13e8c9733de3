//! Opening the database, and what to do when it cannot be used.
//!
//! SQLite takes paths alone, and makes real paths of those below `/proc/self/fd`: it is the one thing that touches a
//! root other than by descriptor. So that nobody can turn it aside, the way to the state directory must be in the
//! hands of root or the caller alone ([`RootDir::private_directory`]); the file is made by us, through the directory
//! we hold, never by SQLite; as soon as SQLite has opened a file, and before it reads or writes a byte of it, that
//! must be the very inode that is in the directory we hold ([`is_held_open`]); and so must be what it keeps beside
//! the file, before anything is believed. (`SQLITE_OPEN_NOFOLLOW` refuses `/proc/self/fd` itself, which is a link.)
//!
//! A new database is made beside the old one and takes its place when it is complete; the old one is moved aside.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use igos_root::{Directory, Kind, RootDir, is_held_open, set_mode};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{APPLICATION_ID, Database, DatabaseError, SCHEMA, SCHEMA_VERSION, failed};
use crate::open_error::database_error;
use crate::{Durability, OpenError, layout};

/// How long a statement waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// What SQLite keeps beside a database: the write-ahead log and its index.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Name of a database that is being made.
const BESIDE: &[u8] = b"pkm.db.new";

/// What opening for changes found.
#[derive(Debug)]
pub(crate) enum Opened {
    /// A database that can be used.
    Usable(Database),
    /// None.
    Missing,
    /// One with the schema of an older program.
    Outdated {
        /// The schema.
        found: i32,
    },
    /// One that is damaged, or not ours.
    Damaged {
        /// What is wrong with it.
        problem: String,
    },
}

impl Database {
    /// Opens the database of a root for changes, under the lock.
    pub(crate) fn open(root: &RootDir, durability: Durability) -> Result<Opened, DatabaseError> {
        let file = |source| DatabaseError::File { source };
        let state = &private_state(root)?;
        if !is_regular(state, layout::DATABASE).map_err(file)? {
            return Ok(Opened::Missing);
        }
        match Self::open_existing(state, durability) {
            Ok(database) => Ok(Opened::Usable(database)),
            Err(DatabaseError::OlderSchema { found }) => Ok(Opened::Outdated { found }),
            Err(DatabaseError::Damaged { problem }) => Ok(Opened::Damaged { problem }),
            Err(error) => Err(error),
        }
    }

    /// Makes a database beside the one of the root and fills it.
    pub(crate) fn make_beside(
        root: &RootDir,
        fill: impl FnOnce(&mut Database) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let failed = |source| database_error(root, source);
        let state = &private_state(root).map_err(failed)?;
        let mut database = Self::create(state).map_err(failed)?;
        fill(&mut database)?;
        database.check_point().map_err(failed)
    }

    /// Gives a database that was made beside its name, under the lock; the one that had it is moved aside, to a name
    /// with this word, which is returned.
    pub(crate) fn put_in_place(
        root: &RootDir,
        durability: Durability,
        word: &str,
    ) -> Result<(Self, Option<String>), DatabaseError> {
        let file = |source| DatabaseError::File { source };
        let state = &private_state(root)?;
        let aside = move_aside(state, word).map_err(file)?;
        state
            .rename_new(BESIDE, state, layout::DATABASE)
            .map_err(file)?;
        Ok((Self::open_existing(state, durability)?, aside))
    }

    /// Moves the database aside if it took up `transaction`, which is undone: the texts know nothing of it.
    pub(crate) fn forget(root: &RootDir, transaction: u64) -> Result<(), DatabaseError> {
        let has = match Self::open_read_only(root) {
            Ok(Some(database)) => database.last_transaction()?,
            // One that cannot be used restores nothing.
            Ok(None) | Err(DatabaseError::Damaged { .. } | DatabaseError::OlderSchema { .. }) => 0,
            Err(error) => return Err(error),
        };
        if has >= transaction {
            move_aside(&private_state(root)?, "undone")
                .map_err(|source| DatabaseError::File { source })?;
        }
        Ok(())
    }

    /// Opens the database of a root for reading alone, `None` where there is none.
    ///
    /// Where the caller cannot write to the directory, SQLite cannot keep its shared memory there; the file is then
    /// taken as unchanging unless a write-ahead log lies beside it.
    pub(crate) fn open_read_only(root: &RootDir) -> Result<Option<Self>, DatabaseError> {
        let file = |source| DatabaseError::File { source };
        let state = &private_state(root)?;
        if !is_regular(state, layout::DATABASE).map_err(file)? {
            return Ok(None);
        }
        let may_write = state.may_change_entries().is_ok();
        let has_log = is_regular(state, &companion(layout::DATABASE, "-wal")).map_err(file)?;
        let query = if may_write || has_log {
            "?mode=ro"
        } else {
            "?mode=ro&immutable=1"
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let uri = format!("file:{}{query}", path(state, layout::DATABASE));
        let database = Self::connect(&uri, flags, state, layout::DATABASE)?;
        database.harden()?;
        database.examine()?;
        let companions = if may_write || has_log {
            &COMPANIONS[..]
        } else {
            &[]
        };
        require_held(state, layout::DATABASE, companions).map_err(file)?;
        Ok(Some(database))
    }

    /// Makes a database in memory, to be filled from records.
    pub(crate) fn in_memory() -> Result<Self, DatabaseError> {
        let connection =
            Connection::open_in_memory().map_err(failed("make a database in memory"))?;
        let database = Database {
            connection,
            durability: Durability::None,
            file: None,
        };
        database.harden()?;
        database.lay_out()?;
        Ok(database)
    }

    /// Lets SQLite open `path`, which must be the file `name` of a directory that we hold; nothing of it has been
    /// read or written yet.
    fn connect(
        path: &str,
        flags: OpenFlags,
        state: &Directory,
        name: &[u8],
    ) -> Result<Self, DatabaseError> {
        let connection = Connection::open_with_flags(path, flags).map_err(damaged)?;
        require_held(state, name, &[]).map_err(|source| DatabaseError::File { source })?;
        Ok(Database {
            connection,
            durability: Durability::None,
            file: None,
        })
    }

    /// Makes an empty database beside the one of the root; what an interrupted attempt left goes first.
    fn create(state: &Directory) -> Result<Self, DatabaseError> {
        let file = |source| DatabaseError::File { source };
        if state.metadata_if_present(BESIDE).map_err(file)?.is_some() {
            state.delete(BESIDE).map_err(file)?;
        }
        delete_companions(state, BESIDE).map_err(file)?;
        let made = state.create_file(BESIDE).map_err(file)?;
        set_mode(&made, 0o644).map_err(file)?;
        // Not open while SQLite opens it: that would count as SQLite's, and closing it lets go of SQLite's locks.
        drop(made);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let database = Self::connect(&path(state, BESIDE), flags, state, BESIDE)?;
        // Nothing is in it yet: what cannot be read after a power cut is made again.
        database.set_waits(Durability::None)?;
        // Otherwise SQLite makes a file to roll back to nothing.
        database
            .connection
            .pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))
            .map_err(failed("set up the database"))?;
        database.set_journal()?;
        database.harden()?;
        // Reading opens the write-ahead log.
        database.number("user_version")?;
        require_held(state, BESIDE, &COMPANIONS).map_err(file)?;
        database.lay_out()?;
        Ok(database)
    }

    fn open_existing(state: &Directory, durability: Durability) -> Result<Self, DatabaseError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
        let name = layout::DATABASE;
        let mut database = Self::connect(&path(state, name), flags, state, name)?;
        database.durability = durability;
        database.harden()?;
        database.examine()?;
        require_held(state, name, &COMPANIONS).map_err(|source| DatabaseError::File { source })?;
        database.set_journal()?;
        database.set_waits(durability)?;
        Ok(database)
    }

    /// Write-ahead log; only [`Database::check_point`] and closing write it into the file.
    fn set_journal(&self) -> Result<(), DatabaseError> {
        self.connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0))
            .map_err(damaged)?;
        self.connection
            .pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))
            .map_err(damaged)
    }

    /// From here on commits and check points wait for the disk, or do not.
    pub(super) fn set_waits(&self, durability: Durability) -> Result<(), DatabaseError> {
        let word = match durability {
            Durability::Full => "NORMAL",
            Durability::None => "OFF",
        };
        self.connection
            .pragma_update(None, "synchronous", word)
            .map_err(damaged)
    }

    /// Nothing in the file may make SQLite run anything.
    fn harden(&self) -> Result<(), DatabaseError> {
        let harden = || -> rusqlite::Result<()> {
            self.connection.busy_timeout(BUSY)?;
            for (setting, value) in [
                (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
                (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
                (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
                (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
                (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
            ] {
                self.connection.set_db_config(setting, value)?;
            }
            Ok(())
        };
        harden().map_err(failed("set up the database"))
    }

    fn lay_out(&self) -> Result<(), DatabaseError> {
        self.connection
            .execute_batch(&format!(
                "BEGIN;\n{SCHEMA}\nPRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;"
            ))
            .map_err(failed("lay out the database"))
    }

    fn number(&self, name: &str) -> Result<i32, DatabaseError> {
        self.connection
            .pragma_query_value(None, name, |row| row.get(0))
            .map_err(damaged)
    }

    /// Refuses what is not ours, not whole or not of this schema.
    fn examine(&self) -> Result<(), DatabaseError> {
        if self.number("application_id")? != APPLICATION_ID {
            return Err(DatabaseError::Damaged {
                problem: "it is not a database of ours".to_owned(),
            });
        }
        let found = self.number("user_version")?;
        if found > SCHEMA_VERSION {
            return Err(DatabaseError::NewerSchema {
                found,
                known: SCHEMA_VERSION,
            });
        }
        if found < SCHEMA_VERSION {
            return Err(DatabaseError::OlderSchema { found });
        }
        let answer: String = self
            .connection
            .pragma_query_value(None, "quick_check", |row| row.get(0))
            .map_err(damaged)?;
        if answer != "ok" {
            return Err(DatabaseError::Damaged { problem: answer });
        }
        Ok(())
    }
}

/// Every error while opening means that the file cannot be used, except that somebody else keeps it.
fn damaged(error: rusqlite::Error) -> DatabaseError {
    match error.sqlite_error_code() {
        Some(
            rusqlite::ErrorCode::DatabaseBusy
            | rusqlite::ErrorCode::DatabaseLocked
            | rusqlite::ErrorCode::PermissionDenied
            | rusqlite::ErrorCode::DiskFull
            | rusqlite::ErrorCode::SystemIoFailure
            | rusqlite::ErrorCode::CannotOpen
            | rusqlite::ErrorCode::ReadOnly
            | rusqlite::ErrorCode::OutOfMemory,
        ) => DatabaseError::Sqlite {
            operation: "open the database",
            source: error,
        },
        _ => DatabaseError::Damaged {
            problem: error.to_string(),
        },
    }
}

/// Opens the state directory again, which nobody else may be able to replace.
fn private_state(root: &RootDir) -> Result<Directory, DatabaseError> {
    root.private_directory(&layout::state())
        .map_err(|error| DatabaseError::File {
            source: error.into_io(),
        })
}

/// Returns the path that SQLite makes the real path of the directory we hold out of.
fn path(state: &Directory, name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    format!("/proc/self/fd/{}/{name}", state.as_fd().as_raw_fd())
}

fn companion(name: &[u8], suffix: &str) -> Vec<u8> {
    [name, suffix.as_bytes()].concat()
}

/// Tells whether `name` is there; refuses anything that SQLite would follow elsewhere.
fn is_regular(state: &Directory, name: &[u8]) -> io::Result<bool> {
    match state.metadata_if_present(name)?.map(|found| found.kind) {
        None => Ok(false),
        Some(Kind::File) => Ok(true),
        Some(other) => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("it is a {other}, not a regular file"),
        )),
    }
}

/// Refuses a database that is not the file `name` in the directory we hold: SQLite went by a path.
fn require_held(state: &Directory, name: &[u8], companions: &[&str]) -> io::Result<()> {
    let elsewhere = || io::Error::other("a directory on its way was moved while it was opened");
    let own = state.metadata_if_present(name)?.ok_or_else(elsewhere)?;
    let mut found = vec![own];
    for suffix in companions {
        found.extend(state.metadata_if_present(&companion(name, suffix))?);
    }
    for found in &found {
        if !is_held_open(found)? {
            return Err(elsewhere());
        }
    }
    Ok(())
}

fn delete_companions(state: &Directory, name: &[u8]) -> io::Result<()> {
    for suffix in COMPANIONS {
        let name = companion(name, suffix);
        if state.metadata_if_present(&name)?.is_some() {
            state.delete(&name)?;
        }
    }
    Ok(())
}

/// Moves the database aside, with the log that belongs to it; returns where, or `None` where there is none.
fn move_aside(state: &Directory, word: &str) -> io::Result<Option<String>> {
    for number in 1_u32.. {
        let aside = companion(layout::DATABASE, &format!(".{word}-{number}"));
        match state.rename_new(layout::DATABASE, state, &aside) {
            Ok(()) => {
                let log = companion(layout::DATABASE, "-wal");
                if state.metadata_if_present(&log)?.is_some() {
                    state.rename(&log, state, &companion(&aside, "-wal"))?;
                }
                delete_companions(state, layout::DATABASE)?;
                return Ok(Some(String::from_utf8_lossy(&aside).into_owned()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                delete_companions(state, layout::DATABASE)?;
                return Ok(None);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("there are too many databases aside"))
}

#[cfg(test)]
mod tests {
    use fs_err as fs;
    use igos_root::{Directory, RootDir};
    use rusqlite::OpenFlags;

    use super::{BESIDE, DatabaseError};
    use crate::database::Database;
    use crate::layout;

    fn state(at: &std::path::Path) -> Directory {
        fs::create_dir_all(at.join("var/lib/igos")).expect("directories");
        let root = RootDir::open(at).expect("it is there");
        root.directory(&layout::state()).expect("it is there")
    }

    /// Somebody exchanges a directory on the way between the moment at which we made the file and that at which
    /// SQLite opens it.
    #[test]
    fn file_that_sqlite_opened_elsewhere_is_neither_read_nor_written() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (ours, others) = (
            directory.path().join("ours"),
            directory.path().join("others"),
        );
        let (state, _) = (state(&ours), self::state(&others));
        for content in [&b""[..], b"what somebody else keeps under this name"] {
            let file = others.join("var/lib/igos/pkm.db.new");
            fs::write(&file, content).expect("it can be written");
            let path = file.to_str().expect("it is text");
            for is_there in [false, true] {
                if is_there {
                    fs::write(ours.join("var/lib/igos/pkm.db.new"), "").expect("it can be written");
                }
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
                let error = Database::connect(path, flags, &state, BESIDE).expect_err("not ours");
                assert!(matches!(error, DatabaseError::File { .. }), "{error:?}");
            }
            assert_eq!(fs::read(&file).expect("it is there"), content);
            let beside = fs::read_dir(others.join("var/lib/igos")).expect("it is there");
            assert_eq!(beside.count(), 1, "nothing is made beside it");
            fs::remove_file(ours.join("var/lib/igos/pkm.db.new")).expect("it is there");
        }
    }
}
