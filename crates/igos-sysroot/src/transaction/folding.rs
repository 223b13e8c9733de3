//! New names that the disk would take for one, found before anything changes.
//!
//! Whether two names are one is for the disk to tell: where a directory folds names, those that come into it are
//! tried in a private one that folds alike. Disks that fold and have no flag for it (XFS with `ascii-ci`) are not
//! asked: there the step that meets the other name fails, and everything is taken back.

use std::collections::BTreeMap;
use std::io;

use igos_format::RelPath;
use igos_root::Directory;

use super::error::Refusal;
use super::journal::{Location, Step};
use super::preflight::PreFlight;
use super::staging::Staging;
use super::{ApplyError, Mutations};

/// Name of the private directory, beside those of staged files, which are numbers.
const TRIED: &[u8] = b"names";

impl PreFlight<'_> {
    /// Refuses places of which the disk takes two for one.
    pub(super) fn refuse_folded(
        &mut self,
        staging: &mut Staging<'_>,
        mutations: &dyn Mutations,
    ) -> Result<(), ApplyError> {
        let mut coming: BTreeMap<Option<RelPath>, Vec<RelPath>> = BTreeMap::new();
        let mut made: BTreeMap<RelPath, Location> = BTreeMap::new();
        for step in self.steps() {
            if let Step::Move {
                from,
                to: Location::Place(place),
                ..
            } = step
            {
                let names = coming.entry(place.parent()).or_default();
                names.push(place.clone());
                made.insert(place.clone(), from.clone());
            }
        }
        for (above, mut places) in coming.into_iter().filter(|(_, places)| places.len() > 1) {
            places.sort();
            places.dedup();
            let path = places[0].clone();
            let failed = |source| cannot_stage(&path, source);
            let slot = above.as_ref().and_then(|above| made.get(above));
            let number = match slot {
                Some(Location::Slot { staging, .. }) => *staging,
                _ => staging.for_place(&path).map_err(failed)?,
            };
            let private = staging.directory(number).map_err(failed)?;
            let folds = match (slot, self.opened(above.as_ref())) {
                // What is made in a directory folds names if it does.
                (Some(_), _) => private.folds_names(),
                (None, Some(directory)) => directory.folds_names(),
                (None, None) => Ok(false),
            };
            if folds.map_err(failed)? {
                let tried = mutations.create_directory(private, TRIED, 0o700);
                let tried = tried.map_err(failed)?;
                mutations.fold_names(&tried).map_err(failed)?;
                self.refuse(folded(&tried, &places, mutations)?);
                mutations.delete_tree(private, TRIED).map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn cannot_stage(path: &RelPath, source: io::Error) -> ApplyError {
    ApplyError::Stage {
        path: path.clone(),
        source,
    }
}

/// Tries the names of these places in an empty directory that folds them.
fn folded(
    tried: &Directory,
    places: &[RelPath],
    mutations: &dyn Mutations,
) -> Result<Vec<Refusal>, ApplyError> {
    let mut had: BTreeMap<u64, &RelPath> = BTreeMap::new();
    let mut refusals = Vec::new();
    for place in places {
        let failed = |source| cannot_stage(place, source);
        let name = place.file_name();
        match mutations.create_file(tried, name) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed(error));
            }
            _ => {}
        }
        let found = tried.metadata(name).map_err(failed)?;
        if let Some(other) = had.insert(found.inode, place) {
            refusals.push(Refusal::Folded {
                path: place.clone(),
                other: other.clone(),
            });
        }
    }
    Ok(refusals)
}
