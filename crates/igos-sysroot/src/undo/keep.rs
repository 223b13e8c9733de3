//! Renaming old files from the staging directories to where they are kept.

use std::io;

use igos_root::{Directory, Kind, RootDir};

use super::read;
use super::text::Before;
use crate::transaction::take_rights_of;
use crate::{Mutations, layout};

/// Tells whether something is kept of a transaction when it is settled.
pub(crate) fn is_worth_keeping(root: &RootDir, transaction: u64) -> bool {
    read::kept(root, transaction).is_some_and(|before| !before.contents.is_empty())
}

/// Renames the files that a settled transaction took out of the root to where they are kept.
///
/// It can be interrupted and begun again: what is renamed already is not in its slot any more. Where a file cannot be
/// kept for want of space, or because it is on another mount than the directory, it goes with the rest of the staging
/// directory: the transaction can then be undone with an archive only.
pub(crate) fn keep(
    root: &RootDir,
    mutations: &dyn Mutations,
    transaction: u64,
    staging: &[&Directory],
) -> io::Result<()> {
    let Some(before) = read::kept(root, transaction) else {
        return Ok(());
    };
    let mut targets = Vec::new();
    for number in 0..staging.len() {
        targets.push(target(root, mutations, &before, number)?);
    }
    for content in &before.contents {
        let (Some(from), Some(Some(to))) =
            (staging.get(content.staging), targets.get(content.staging))
        else {
            continue;
        };
        let slot = content.slot.to_string().into_bytes();
        let name = content.sha256.to_string().into_bytes();
        let Some(found) = from.metadata_if_present(&slot)? else {
            continue;
        };
        if found.kind != Kind::File || to.metadata_if_present(&name)?.is_some() {
            continue;
        }
        take_rights_of(mutations, from, &slot, &found)?;
        match mutations.rename_new(from, &slot, to, &name) {
            // A smaller directory may have room for it, or a moment later this one.
            Err(error) if is_no_room(&error) => {}
            other => other?,
        }
    }
    Ok(())
}

fn is_no_room(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::CrossesDevices
    )
}

/// Opens the directory in which the files of a staging directory are kept.
fn target(
    root: &RootDir,
    mutations: &dyn Mutations,
    before: &Before,
    number: usize,
) -> io::Result<Option<Directory>> {
    let name = layout::undo_name(before.transaction);
    let Some(at) = number.checked_sub(1) else {
        let undo = root
            .directory(&layout::undo_directory())
            .map_err(igos_root::RootError::into_io)?;
        return read::open_if_present(&undo, &name);
    };
    let Some(place) = before.elsewhere.get(at) else {
        return Ok(None);
    };
    let parent = root
        .parent_of(place)
        .map_err(igos_root::RootError::into_io)?;
    let open = |at: &Directory, name: &[u8]| match at.open_directory(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            mutations.create_directory(at, name, 0o700)
        }
        other => other,
    };
    let directory = open(&parent, place.file_name()).and_then(|undo| open(&undo, &name));
    match directory {
        Err(error) if is_no_room(&error) => Ok(None),
        other => other.map(Some),
    }
}
