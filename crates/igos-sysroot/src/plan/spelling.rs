//! By which names a disk has things, where a directory takes several names for one.
//!
//! Such a directory folds upper and lower case, or both ways to write `é`. Which names are one to it is for it to
//! tell: what a name leads to is compared with the names that the directory lists. All other directories are asked
//! for one name more, once, and only where something is there that no package has.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io;

use igos_format::{PackageName, RelPath};
use igos_root::{Directory, Metadata, RootDir, RootError};

use super::ground::database;
use super::paths::read;
use super::{Conflict, PlanError};
use crate::database::Database;
use crate::layout;

/// What was found out about the names in directories.
#[derive(Debug)]
pub(crate) struct Spellings<'a> {
    root: &'a RootDir,
    database: &'a Database,
    /// By directory, `None` for the top of the root.
    known: RefCell<HashMap<Option<RelPath>, Names>>,
}

/// What is known of the names in a directory.
#[derive(Debug)]
enum Names {
    /// Upper and lower case are two.
    TwoCases,
    /// These are there.
    Listed(BTreeSet<Vec<u8>>),
}

impl<'a> Spellings<'a> {
    pub(crate) fn new(root: &'a RootDir, database: &'a Database) -> Self {
        Spellings {
            root,
            database,
            known: RefCell::default(),
        }
    }

    /// Returns the conflict where the disk takes `place`, at which it `found` what no package has there, for another
    /// name: one that it lists, or one by which a package has it.
    pub(crate) fn conflict(
        &self,
        place: &RelPath,
        found: &Metadata,
        package: &PackageName,
    ) -> Result<Option<Conflict>, PlanError> {
        let Some(other) = self.other(place, found)? else {
            return Ok(None);
        };
        let owner = match self.database.owner(&other).map_err(database)? {
            Some(row) => Some(row.package),
            None => {
                let owners = self.database.directory_owners(&other);
                owners.map_err(database)?.pop_first()
            }
        };
        Ok(Some(Conflict::Folded {
            package: package.clone(),
            path: place.clone(),
            other,
            owner,
        }))
    }

    /// Returns the conflict where the disk takes the record of a package that is not installed for that of another.
    pub(crate) fn record_conflict(
        &self,
        package: &PackageName,
    ) -> Result<Option<Conflict>, PlanError> {
        let path = layout::record(package);
        let Some(found) = self.root.metadata(&path).map_err(read)? else {
            return Ok(None);
        };
        Ok(self.other(&path, &found)?.map(|other| Conflict::Folded {
            package: package.clone(),
            owner: std::str::from_utf8(other.file_name())
                .ok()
                .and_then(|name| name.parse().ok()),
            path,
            other,
        }))
    }

    fn other(&self, place: &RelPath, found: &Metadata) -> Result<Option<RelPath>, PlanError> {
        let failed = |source| read(RootError::new("look for", place.to_string(), source));
        let (above, name) = (place.parent(), place.file_name());
        let swapped = other_case(name);
        let mut known = self.known.borrow_mut();
        let has_two_cases = matches!(known.get(&above), Some(Names::TwoCases));
        if name.is_ascii() && (has_two_cases || swapped == name) {
            return Ok(None);
        }
        let directory = self.root.parent_of(place).map_err(read)?;
        if !matches!(known.get(&above), Some(Names::Listed(_))) {
            if name.is_ascii() && !leads_to(&directory, &swapped, found).map_err(failed)? {
                known.insert(above, Names::TwoCases);
                return Ok(None);
            }
            let entries = directory.entries().map_err(failed)?;
            let names = entries.into_iter().map(|entry| entry.name).collect();
            known.insert(above.clone(), Names::Listed(names));
        }
        let Some(Names::Listed(names)) = known.get(&above) else {
            return Ok(None);
        };
        let candidates: Vec<Vec<u8>> = if names.contains(name) {
            // Where somebody renamed it, a package has it by a name that is not listed.
            let recorded = self.database.names_in(above.as_ref()).map_err(database)?;
            let names_of = recorded.iter().map(|place| place.file_name().to_vec());
            names_of.filter(|other| !names.contains(other)).collect()
        } else {
            // Of hard links, the one that looks alike is meant.
            let (alike, others): (Vec<_>, Vec<_>) = names
                .iter()
                .cloned()
                .partition(|other| looks_alike(other, name));
            [alike, others].concat()
        };
        for other in candidates {
            if leads_to(&directory, &other, found).map_err(failed)? {
                let other = match &above {
                    Some(above) => above.join(&other),
                    None => RelPath::from_bytes(&other),
                };
                return other
                    .map(Some)
                    .map_err(|error| failed(io::Error::other(error)));
            }
        }
        Ok(None)
    }
}

/// Returns a name with its ASCII letters in the other case.
fn other_case(name: &[u8]) -> Vec<u8> {
    name.iter()
        .map(|byte| match byte.is_ascii_alphabetic() {
            true => byte ^ 0x20,
            false => *byte,
        })
        .collect()
}

fn looks_alike(one: &[u8], other: &[u8]) -> bool {
    let lower = |name| String::from_utf8_lossy(name).to_lowercase();
    lower(one) == lower(other)
}

fn leads_to(directory: &Directory, name: &[u8], found: &Metadata) -> io::Result<bool> {
    Ok(directory
        .metadata_if_present(name)?
        .is_some_and(|other| (other.device, other.inode) == (found.device, found.inode)))
}
