//! Questions to the database.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use igos_format::{PackageId, PackageName, RelPath, Sha256};
use rusqlite::{Params, Row};

use super::{Database, DatabaseError, failed};
use crate::history::{HistoryChange, HistoryEntry};

/// What the database knows about a package without its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageRow {
    pub(crate) package: PackageId,
    pub(crate) description: String,
    pub(crate) reason: String,
    pub(crate) installed: i64,
    pub(crate) transaction: u64,
    pub(crate) seal: String,
    pub(crate) trust: String,
    pub(crate) repository: Option<String>,
    pub(crate) is_held: bool,
    pub(crate) ownership: String,
    pub(crate) is_essential: bool,
    pub(crate) size_bytes: u64,
}

/// Who has a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileRow {
    pub(crate) place: RelPath,
    pub(crate) path: RelPath,
    pub(crate) package: PackageName,
    /// Where it points, for a symbolic link.
    pub(crate) target: Option<Vec<u8>>,
}

pub(super) fn parse<T: FromStr>(text: &str, expected: &'static str) -> Result<T, DatabaseError> {
    text.parse().map_err(|_| DatabaseError::Value {
        value: text.to_owned(),
        expected,
    })
}

pub(super) fn path(bytes: &[u8]) -> Result<RelPath, DatabaseError> {
    RelPath::from_bytes(bytes).map_err(|error| DatabaseError::Value {
        value: error.to_string(),
        expected: "a path",
    })
}

impl Database {
    pub(super) fn rows<T>(
        &self,
        sql: &str,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<Result<T, DatabaseError>>,
    ) -> Result<Vec<T>, DatabaseError> {
        let query = || -> rusqlite::Result<Result<Vec<T>, DatabaseError>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(values)?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                match read(row)? {
                    Ok(value) => all.push(value),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(all))
        };
        query().map_err(failed("read the database"))?
    }

    /// Returns the number of the last transaction it took up, 0 for none.
    pub(crate) fn last_transaction(&self) -> Result<u64, DatabaseError> {
        let last: i64 = self
            .connection
            .query_row(
                "SELECT coalesce(max(number), 0) FROM transactions",
                [],
                |row| row.get(0),
            )
            .map_err(failed("read the database"))?;
        Ok(last.unsigned_abs())
    }

    /// Returns all packages by name, or the one of this name.
    pub(crate) fn packages(
        &self,
        name: Option<&PackageName>,
    ) -> Result<Vec<PackageRow>, DatabaseError> {
        self.rows(
            "SELECT name, epoch, version, release, arch, description, reason, installed, transaction_number, seal,
                    trust, ownership, is_essential, size_bytes, repository, is_held
             FROM packages WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
            [name.map(PackageName::as_str)],
            |row| {
                let text = |at: usize| row.get::<_, String>(at);
                let id = (text(0)?, text(2)?, text(3)?, text(4)?);
                let epoch = row.get(1)?;
                let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
                let rest = (text(5)?, text(6)?, text(9)?, text(10)?, text(11)?);
                let (installed, transaction) = (row.get(7)?, number(8)?);
                let (is_essential, size_bytes) = (row.get(12)?, number(13)?);
                let (repository, is_held) = (row.get(14)?, row.get(15)?);
                Ok((|| {
                    Ok(PackageRow {
                        package: PackageId {
                            name: parse(&id.0, "a package name")?,
                            epoch,
                            version: parse(&id.1, "a version")?,
                            release: parse(&id.2, "a release")?,
                            arch: parse(&id.3, "an architecture")?,
                        },
                        description: rest.0,
                        reason: rest.1,
                        installed,
                        transaction,
                        seal: rest.2,
                        trust: rest.3,
                        repository,
                        is_held,
                        ownership: rest.4,
                        is_essential,
                        size_bytes,
                    })
                })())
            },
        )
    }

    /// Returns the bytes of a package's record.
    pub(crate) fn record(&self, name: &PackageName) -> Result<Option<Vec<u8>>, DatabaseError> {
        let found = self.rows(
            "SELECT record FROM packages WHERE name = ?1",
            [name.as_str()],
            |row| row.get(0).map(Ok),
        )?;
        Ok(found.into_iter().next())
    }

    /// Returns texts of one of the relation tables, by package.
    pub(crate) fn relations<T: FromStr + Ord>(
        &self,
        sql: &str,
        expected: &'static str,
    ) -> Result<BTreeMap<PackageName, BTreeSet<T>>, DatabaseError> {
        let rows = self.rows(sql, [], |row| {
            let (name, text): (String, String) = (row.get(0)?, row.get(1)?);
            Ok((|| {
                Ok((
                    parse::<PackageName>(&name, "a package name")?,
                    parse::<T>(&text, expected)?,
                ))
            })())
        })?;
        let mut all: BTreeMap<PackageName, BTreeSet<T>> = BTreeMap::new();
        for (name, value) in rows {
            all.entry(name).or_default().insert(value);
        }
        Ok(all)
    }

    fn files_where(
        &self,
        condition: &str,
        value: impl Params,
    ) -> Result<Vec<FileRow>, DatabaseError> {
        let sql = format!(
            "SELECT place, path, package, target FROM files WHERE {condition} ORDER BY place"
        );
        self.rows(&sql, value, |row| {
            let (place, own): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
            let (package, target): (String, Option<Vec<u8>>) = (row.get(2)?, row.get(3)?);
            Ok((|| {
                Ok(FileRow {
                    place: path(&place)?,
                    path: path(&own)?,
                    package: parse(&package, "a package name")?,
                    target,
                })
            })())
        })
    }

    /// Returns who has the file or symbolic link at `place`.
    pub(crate) fn owner(&self, place: &RelPath) -> Result<Option<FileRow>, DatabaseError> {
        let found = self.files_where("place = ?1", [place.as_bytes()])?;
        Ok(found.into_iter().next())
    }

    /// Returns the places of regular files that have this content, as far as the record knows.
    pub(crate) fn places_with(&self, content: &Sha256) -> Result<Vec<RelPath>, DatabaseError> {
        self.rows(
            "SELECT place FROM files WHERE content = ?1 ORDER BY place",
            [content.as_bytes()],
            |row| {
                let place: Vec<u8> = row.get(0)?;
                Ok(path(&place))
            },
        )
    }

    /// Returns the files and symbolic links that a package has.
    pub(crate) fn files(&self, name: &PackageName) -> Result<Vec<FileRow>, DatabaseError> {
        self.files_where("package = ?1", [name.as_str()])
    }

    /// Returns the directories that a package needs: place and path.
    pub(crate) fn directories(
        &self,
        name: &PackageName,
    ) -> Result<Vec<(RelPath, RelPath)>, DatabaseError> {
        self.rows(
            "SELECT place, path FROM directories WHERE package = ?1 ORDER BY place",
            [name.as_str()],
            |row| {
                let (place, own): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
                Ok((|| Ok((path(&place)?, path(&own)?)))())
            },
        )
    }

    /// Returns the directories directly in `place`, each with the packages that have it.
    pub(crate) fn directories_in(
        &self,
        place: &RelPath,
    ) -> Result<Vec<(RelPath, PackageName)>, DatabaseError> {
        let (from, to) = (
            [place.as_bytes(), b"/"].concat(),
            [place.as_bytes(), b"0"].concat(),
        );
        let mut all: Vec<(RelPath, PackageName)> = self.rows(
            "SELECT place, package FROM directories WHERE place > ?1 AND place < ?2 ORDER BY place, package",
            [from, to],
            |row| {
                let (place, package): (Vec<u8>, String) = (row.get(0)?, row.get(1)?);
                Ok((|| Ok((path(&place)?, parse(&package, "a package name")?)))())
            },
        )?;
        all.retain(|(found, _)| found.parent().as_ref() == Some(place));
        Ok(all)
    }

    /// Returns all files and symbolic links below `place`.
    pub(crate) fn files_below(&self, place: &RelPath) -> Result<Vec<FileRow>, DatabaseError> {
        let (from, to) = (
            [place.as_bytes(), b"/"].concat(),
            [place.as_bytes(), b"0"].concat(),
        );
        self.files_where("place > ?1 AND place < ?2", [from, to])
    }

    /// Returns the recorded places directly in a directory, `None` for the top of the root.
    pub(crate) fn names_in(
        &self,
        directory: Option<&RelPath>,
    ) -> Result<Vec<RelPath>, DatabaseError> {
        let (condition, range) = match directory {
            Some(directory) => (
                "place > ?1 AND place < ?2",
                [b"/", b"0"]
                    .map(|end| [directory.as_bytes(), end].concat())
                    .to_vec(),
            ),
            None => ("instr(place, x'2f') = 0", Vec::new()),
        };
        let sql = format!(
            "SELECT place FROM files WHERE {condition} UNION SELECT place FROM directories WHERE {condition}"
        );
        let mut all = self.rows(&sql, rusqlite::params_from_iter(range), |row| {
            let place: Vec<u8> = row.get(0)?;
            Ok(path(&place))
        })?;
        all.retain(|found| found.parent().as_ref() == directory);
        Ok(all)
    }

    /// Returns the packages that have the directory at `place`.
    pub(crate) fn directory_owners(
        &self,
        place: &RelPath,
    ) -> Result<BTreeSet<PackageName>, DatabaseError> {
        let found = self.rows(
            "SELECT package FROM directories WHERE place = ?1",
            [place.as_bytes()],
            |row| {
                let name: String = row.get(0)?;
                Ok(parse(&name, "a package name"))
            },
        )?;
        Ok(found.into_iter().collect())
    }

    /// Returns all transactions, the newest first, or those that concern one package.
    pub(crate) fn history(
        &self,
        name: Option<&PackageName>,
    ) -> Result<Vec<HistoryEntry>, DatabaseError> {
        let rows = self.rows(
            "SELECT number, time, action, name, from_version, to_version, seal, trust, rollback_to
             FROM transactions LEFT JOIN changes ON transaction_number = number
             WHERE ?1 IS NULL OR name = ?1 ORDER BY number DESC, position",
            [name.map(PackageName::as_str)],
            |row| {
                let (transaction, time): (i64, i64) = (row.get(0)?, row.get(1)?);
                let (action, package): (Option<String>, Option<String>) =
                    (row.get(2)?, row.get(3)?);
                let (from, to): (Option<String>, Option<String>) = (row.get(4)?, row.get(5)?);
                let (seal, trust): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
                let rollback_to: Option<i64> = row.get(8)?;
                let rollback_to = rollback_to.map(i64::unsigned_abs);
                Ok((|| {
                    let change = match (action, package) {
                        (Some(action), Some(package)) => Some(HistoryChange {
                            action,
                            name: parse(&package, "a package name")?,
                            from,
                            to,
                            seal: seal.map(|seal| parse(&seal, "a digest")).transpose()?,
                            trust,
                        }),
                        _ => None,
                    };
                    Ok((transaction.unsigned_abs(), time, rollback_to, change))
                })())
            },
        )?;
        let mut entries: Vec<HistoryEntry> = Vec::new();
        for (transaction, time, rollback_to, change) in rows {
            if entries
                .last()
                .is_none_or(|last| last.transaction != transaction)
            {
                entries.push(HistoryEntry {
                    transaction,
                    time,
                    rollback_to,
                    changes: Vec::new(),
                });
            }
            if let Some(last) = entries.last_mut() {
                last.changes.extend(change);
            }
        }
        Ok(entries)
    }
}
