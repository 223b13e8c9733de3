//! What differs between two points of the history.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, FileEntry, PackageName, RelPath};
use serde::Serialize;

use crate::undo::{self, UndoError, Undoable};
use crate::{HistoryChange, PlanError, QueryError, Record, Sysroot};

/// What differs between two points of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryDifference {
    /// The transaction after which the one point is; 0 for before the first.
    pub from: u64,
    /// The transaction after which the other is.
    pub to: u64,
    /// The packages that differ, by name.
    pub packages: Vec<PackageDifference>,
}

/// How one package differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageDifference {
    /// The package.
    pub name: PackageName,
    /// The version at the one point; `None` if it was not installed.
    pub from: Option<String>,
    /// The version at the other.
    pub to: Option<String>,
    /// The paths that differ; `None` where the record of one of the points is not kept any more.
    pub paths: Option<Vec<PathDifference>>,
}

/// How one path of a package differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathDifference {
    /// The path.
    pub path: RelPath,
    /// How.
    pub what: PathDiffers,
}

/// How a path differs between two records of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PathDiffers {
    /// The other alone has it.
    Added,
    /// The one alone has it.
    Removed,
    /// Content, kind, mode, owner or attributes are different.
    Changed,
}

/// What is known of a package at a point.
#[derive(Debug, Clone)]
enum Known {
    Record(Box<Record>),
    /// The record is not kept; the history has the version.
    Version(String),
}

impl Known {
    fn version(&self) -> String {
        match self {
            Known::Record(record) => record.manifest.package.full_version(),
            Known::Version(version) => version.clone(),
        }
    }
}

type Point = BTreeMap<PackageName, Known>;

impl Sysroot {
    /// Tells what differs between two points of the history, each named by the transaction after which it is; 0 is
    /// before the first.
    ///
    /// # Errors
    ///
    /// Returns that there is no such transaction, or why the record cannot be read.
    pub fn difference(&self, from: u64, to: u64) -> Result<HistoryDifference, UndoError> {
        let last = self.last_transaction;
        if let Some(transaction) = [from, to].into_iter().find(|point| *point > last) {
            return Err(UndoError::NoSuchTransaction { transaction, last });
        }
        let (one, other) = (self.point(from)?, self.point(to)?);
        let names: BTreeSet<&PackageName> = one.keys().chain(other.keys()).collect();
        let there = [directories(&one), directories(&other)];
        let packages = names
            .into_iter()
            .filter_map(|name| package(name, one.get(name), other.get(name), &there))
            .collect();
        Ok(HistoryDifference { from, to, packages })
    }

    /// Returns the transactions that can be undone, the newest first.
    #[must_use]
    pub fn undoable(&self) -> Vec<Undoable> {
        (1..=self.last_transaction)
            .rev()
            // What cannot be read cannot be undone either.
            .map_while(|number| undo::before(&self.root, number).ok().flatten())
            .map(|before| undo::undoable(&self.root, &before))
            .collect()
    }

    /// Returns the packages at a point of the history, going back from now.
    fn point(&self, point: u64) -> Result<Point, UndoError> {
        let mut packages = Point::new();
        for listed in self.list().map_err(query)? {
            let name = listed.package.name;
            let record = self.record(&name).map_err(query)?;
            packages.insert(name, Known::Record(Box::new(record)));
        }
        let history = self.history(None).map_err(query)?;
        for entry in history.iter().filter(|entry| entry.transaction > point) {
            // Ordinary users may not read it; the history, which they may, tells the versions.
            match undo::before(&self.root, entry.transaction).ok().flatten() {
                Some(before) => {
                    for (name, record) in before.records {
                        match record {
                            Some(record) => {
                                packages.insert(name, Known::Record(Box::new(record)));
                            }
                            None => {
                                packages.remove(&name);
                            }
                        }
                    }
                }
                None => entry
                    .changes
                    .iter()
                    .for_each(|change| go_back(&mut packages, change)),
            }
        }
        Ok(packages)
    }
}

/// Goes back by what the history alone says.
fn go_back(packages: &mut Point, change: &HistoryChange) {
    match &change.from {
        None => {
            packages.remove(&change.name);
        }
        // The record alone changed: the files are the same.
        Some(version) if change.from == change.to && packages.contains_key(&change.name) => {
            if change.action == "reinstall" {
                packages.insert(change.name.clone(), Known::Version(version.clone()));
            }
        }
        Some(version) => {
            packages.insert(change.name.clone(), Known::Version(version.clone()));
        }
    }
}

fn query(source: QueryError) -> UndoError {
    UndoError::Plan(match source {
        QueryError::Database { source } => PlanError::Database { source },
        QueryError::Record { name, source } => PlanError::Record { name, source },
        QueryError::Read { source } => PlanError::Read { source },
        QueryError::NotInstalled { name } => PlanError::NotInstalled { name },
        other => {
            return UndoError::Read {
                source: std::io::Error::other(other),
            };
        }
    })
}

/// Returns the directories that are there at a point, whoever has them.
fn directories(point: &Point) -> BTreeSet<&RelPath> {
    let records = point.values().filter_map(|known| record(Some(known)));
    records
        .flat_map(Record::entries)
        .filter(|entry| entry.kind == EntryKind::Directory)
        .map(|entry| &entry.path)
        .collect()
}

fn package(
    name: &PackageName,
    one: Option<&Known>,
    other: Option<&Known>,
    there: &[BTreeSet<&RelPath>; 2],
) -> Option<PackageDifference> {
    let paths = match (one, other) {
        (Some(Known::Version(_)), _) | (_, Some(Known::Version(_))) => None,
        (one, other) => {
            let mut paths = paths(record(one), record(other));
            // A directory that others have as well neither comes nor goes with this package.
            paths.retain(|differs| {
                differs.what == PathDiffers::Changed
                    || !there.iter().all(|point| point.contains(&differs.path))
            });
            Some(paths)
        }
    };
    let (from, to) = (one.map(Known::version), other.map(Known::version));
    let is_same = from == to && paths.as_ref().is_none_or(Vec::is_empty);
    (!is_same).then(|| PackageDifference {
        name: name.clone(),
        from,
        to,
        paths,
    })
}

fn record(known: Option<&Known>) -> Option<&Record> {
    match known {
        Some(Known::Record(record)) => Some(record),
        _ => None,
    }
}

fn paths(one: Option<&Record>, other: Option<&Record>) -> Vec<PathDifference> {
    let entries = |record: Option<&Record>| -> BTreeMap<RelPath, FileEntry> {
        record
            .into_iter()
            .flat_map(Record::entries)
            .map(|entry| (entry.path.clone(), entry.clone()))
            .collect()
    };
    let (one, mut other) = (entries(one), entries(other));
    let mut differences = Vec::new();
    for (path, entry) in one {
        let what = match other.remove(&path) {
            None => PathDiffers::Removed,
            Some(now) if now != entry => PathDiffers::Changed,
            Some(_) => continue,
        };
        differences.push(PathDifference { path, what });
    }
    differences.extend(other.into_keys().map(|path| PathDifference {
        path,
        what: PathDiffers::Added,
    }));
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    differences
}
