//! What was before a transaction, staged with everything else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use igos_format::{EntryKind, PackageName, RelPath, Sha256};
use igos_root::Kind;

use super::ApplyError;
use super::apply::{Transaction, state};
use super::journal::{Location, Step};
use super::preflight::{OwnFile, PreFlight};
use super::records::read_record;
use super::stage::Stager;
use crate::alternatives::Choices;
use crate::configuration::Pending;
use crate::database::Database;
use crate::state_text::StateText;
use crate::undo::{Before, KeptContent};
use crate::{Exclusions, Record, layout};

/// A file that steps put into a slot.
struct Parked {
    place: RelPath,
    staging: usize,
    slot: u64,
    /// The content that takes its place.
    new: Option<Sha256>,
}

impl Transaction<'_> {
    /// Stages the text of what was before, and the directory in which old files will be kept.
    pub(super) fn stage_before(
        &self,
        names: &BTreeSet<&PackageName>,
        database: &Database,
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<(), ApplyError> {
        if self.undo.transactions == 0 {
            return Ok(());
        }
        let number = self.last + 1;
        let failed = |source| state("keep what was before", source);
        let mut records = BTreeMap::new();
        for name in names {
            records.insert((*name).clone(), read_record(self.root, database, name)?);
        }
        let elsewhere: Result<Vec<RelPath>, io::Error> =
            stager.staging.places().iter().skip(1).map(beside).collect();
        let before = Before {
            transaction: number,
            elsewhere: elsewhere.map_err(failed)?,
            contents: self.kept_contents(database, &records, preflight)?,
            texts: self.texts()?,
            records,
        };
        let directory = layout::undo(number);
        let stage = |path: &RelPath| {
            let path = path.clone();
            move |source| ApplyError::Stage { path, source }
        };
        let staged = stager
            .stage_directory(&directory, None, self.time)
            .map_err(stage(&directory))?;
        preflight.add_own(OwnFile::Put(directory.clone(), staged), &mut stager.staging)?;
        let place = directory
            .join(b"before")
            .map_err(|error| failed(io::Error::other(error)))?;
        let staged = stager
            .stage_bytes(&place, &before.to_bytes())
            .map_err(stage(&place))?;
        preflight.add_own(OwnFile::Put(place, staged), &mut stager.staging)
    }

    /// Returns the state's texts that a rollback brings back.
    fn texts(&self) -> Result<BTreeMap<String, Vec<u8>>, ApplyError> {
        let text = |source| ApplyError::StateText { source };
        let choices = Choices::load(self.root).map_err(text)?.to_bytes();
        let exclusions = Exclusions::load(self.root).map_err(text)?.to_bytes();
        let pending = Pending::load(self.root).map_err(text)?.to_bytes();
        let named = [
            (Pending::KEYWORD.to_owned(), pending),
            (Choices::KEYWORD.to_owned(), choices),
            (Exclusions::KEYWORD.to_owned(), exclusions),
        ];
        Ok(named
            .into_iter()
            .filter_map(|(name, bytes)| Some((name, bytes?)))
            .collect())
    }

    /// Returns the files that steps take out of the root, as far as a record knows their contents.
    fn kept_contents(
        &self,
        database: &Database,
        records: &BTreeMap<PackageName, Option<Record>>,
        preflight: &PreFlight<'_>,
    ) -> Result<Vec<KeptContent>, ApplyError> {
        let pristine = layout::pristine_directory();
        let mut contents = Vec::new();
        for parked in preflight.steps().filter_map(parked) {
            let known = if parked.place.parent().as_ref() == Some(&pristine) {
                self.pristine_content(&parked.place)?
            } else {
                recorded_content(database, records, &parked.place)?
            };
            let Some((sha256, size)) = known.filter(|(sha256, _)| parked.new != Some(*sha256))
            else {
                continue;
            };
            contents.push(KeptContent {
                sha256,
                size,
                staging: parked.staging,
                slot: parked.slot,
            });
        }
        Ok(contents)
    }

    /// Returns what a file of the store of pristine configuration files has: its name says so.
    fn pristine_content(&self, place: &RelPath) -> Result<Option<(Sha256, u64)>, ApplyError> {
        let digest = std::str::from_utf8(place.file_name())
            .ok()
            .and_then(|name| name.parse().ok());
        let found = self
            .root
            .metadata(place)
            .map_err(|source| ApplyError::Read { source })?;
        Ok(digest.zip(found.map(|found| found.size)))
    }
}

/// Returns the content that the owner of a place recorded for it.
fn recorded_content(
    database: &Database,
    records: &BTreeMap<PackageName, Option<Record>>,
    place: &RelPath,
) -> Result<Option<(Sha256, u64)>, ApplyError> {
    let owner = database
        .owner(place)
        .map_err(|source| ApplyError::Database { source })?;
    let Some(owner) = owner else {
        return Ok(None);
    };
    let Some(Some(record)) = records.get(&owner.package) else {
        return Ok(None);
    };
    let entries = &record.manifest.entries;
    let at = entries.binary_search_by(|entry| entry.path.cmp(&owner.path));
    Ok(at.ok().and_then(|at| match entries[at].kind {
        EntryKind::File { sha256, size, .. } => Some((sha256, size)),
        _ => None,
    }))
}

fn parked(step: &Step) -> Option<Parked> {
    let (place, slot, new) = match step {
        Step::Exchange {
            new,
            old,
            slot,
            place,
        } if old.kind == Kind::File => (place, slot, new.content),
        Step::Move { what, from, to } if what.kind == Kind::File => (from, to, None),
        _ => return None,
    };
    match (place, slot) {
        (Location::Place(place), Location::Slot { staging, number }) => Some(Parked {
            place: place.clone(),
            staging: *staging,
            slot: *number,
            new,
        }),
        _ => None,
    }
}

/// Returns where files are kept on the mount of a staging directory.
fn beside(staging: &RelPath) -> io::Result<RelPath> {
    match staging.parent() {
        None => RelPath::from_bytes(layout::UNDO_ELSEWHERE),
        Some(top) => top.join(layout::UNDO_ELSEWHERE),
    }
    .map_err(io::Error::other)
}
