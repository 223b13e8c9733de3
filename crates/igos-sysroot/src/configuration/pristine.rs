//! Reading the versions of a configuration file.

use std::collections::BTreeSet;
use std::io::{self, Read};

use igos_format::{RelPath, Sha256};
use igos_root::{Kind, RootDir, RootError};

use super::MERGE_MAX_BYTES;
use crate::layout;

/// Returns a file's content; `None` if there is no regular file or it is longer than what is merged.
pub(crate) fn read_text(root: &RootDir, place: &RelPath) -> Result<Option<Vec<u8>>, RootError> {
    match root.metadata(place)? {
        Some(found) if found.kind == Kind::File => {}
        _ => return Ok(None),
    }
    let Some(file) = root.open_file(place)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(MERGE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source: io::Error| RootError::new("read", place.to_string(), source))?;
    Ok((bytes.len() as u64 <= MERGE_MAX_BYTES).then_some(bytes))
}

/// Returns a pristine content; `None` if the store does not have it, it is damaged there, or it is too long.
pub(crate) fn read_pristine(root: &RootDir, digest: &Sha256) -> Result<Option<Vec<u8>>, RootError> {
    let bytes = read_text(root, &layout::pristine(digest))?;
    Ok(bytes.filter(|bytes| Sha256::of(bytes) == *digest))
}

/// Returns the digests of all pristine contents that are stored.
pub(crate) fn stored(root: &RootDir) -> Result<BTreeSet<Sha256>, RootError> {
    let place = layout::pristine_directory();
    let directory = match root.directory(&place) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    let entries = directory
        .entries()
        .map_err(|source| RootError::new("read directory", place.to_string(), source))?;
    Ok(entries
        .iter()
        .filter_map(|entry| std::str::from_utf8(&entry.name).ok()?.parse().ok())
        .collect())
}
