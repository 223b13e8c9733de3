//! Contents that need not come out of an archive, because a file of the root has them already.
//!
//! Which file may have a content is what the record says; whether it has it is seen while it is copied. So a file
//! that somebody changed is never taken for what it was.

use std::fs::File;
use std::io::{self, Read};

use igos_format::{EntryKind, FileEntry, Hasher, RelPath, Sha256};
use igos_root::{Directory, Metadata, RootDir};

use super::ApplyError;
use super::journal::Location;
use super::stage::{Staged, Stager, file_identity};
use crate::database::Database;
use crate::layout;

/// Bytes copied at a time.
const COPY_BYTES: usize = 128 * 1024;

/// Where contents are looked for.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) root: &'a RootDir,
    pub(super) database: &'a Database,
    /// Directories of kept files, named by their digests.
    pub(super) kept: Vec<Directory>,
}

/// A copy that still lacks owner, mode and attributes.
pub(super) struct Copied {
    pub(super) slot: Location,
    pub(super) file: File,
    pub(super) found: Metadata,
}

impl Contents<'_> {
    /// Makes a file with the content that `row` has, out of the first file of the root that has it.
    pub(super) fn copy(
        &self,
        stager: &mut Stager<'_>,
        place: &RelPath,
        row: &FileEntry,
    ) -> Result<Copied, ApplyError> {
        let EntryKind::File { sha256, size, .. } = row.kind else {
            return Err(stage(place, io::ErrorKind::InvalidInput.into()));
        };
        if size == 0 {
            let (slot, file, found) = stager
                .new_file(place)
                .map_err(|error| stage(place, error))?;
            return Ok(Copied { slot, file, found });
        }
        let places = self
            .database
            .places_with(&sha256)
            .map_err(|source| ApplyError::Database { source })?;
        let mut tried = Vec::new();
        // What is in place already may be what comes: files of a kernel that was kept are.
        let others = [place.clone(), layout::pristine(&sha256)];
        let others = others.into_iter().filter(|at| !places.contains(at));
        for at in places.iter().cloned().chain(others.collect::<Vec<_>>()) {
            // A file that cannot be opened any more is one that does not have the content.
            let Ok(Some(file)) = self.root.open_file(&at) else {
                continue;
            };
            match copy_from(stager, place, file, sha256, size)? {
                Some(copied) => return Ok(copied),
                None => tried.push(at),
            }
        }
        for directory in &self.kept {
            let Ok(file) = directory.open_file(sha256.to_string().as_bytes()) else {
                continue;
            };
            if let Some(copied) = copy_from(stager, place, file, sha256, size)? {
                return Ok(copied);
            }
        }
        Err(ApplyError::ContentGone {
            path: row.path.clone(),
            sha256,
            changed: tried,
        })
    }
}

impl Stager<'_> {
    /// Makes a file as `row` says with a content that the root has.
    pub(super) fn stage_known(
        &mut self,
        place: &RelPath,
        row: &FileEntry,
        contents: &Contents<'_>,
        modified: i64,
    ) -> Result<Staged, ApplyError> {
        let copied = contents.copy(self, place, row)?;
        self.finish_file(&copied.file, copied.found, row, modified)
            .map_err(|error| stage(place, error))?;
        Ok(file_identity(copied.slot, copied.found, row))
    }
}

/// Copies `from` into a new file; `None` if it is not what it should be.
fn copy_from(
    stager: &mut Stager<'_>,
    place: &RelPath,
    from: File,
    sha256: Sha256,
    size: u64,
) -> Result<Option<Copied>, ApplyError> {
    let failed = |error| stage(place, error);
    // Most files that changed have another length.
    if from.metadata().map_err(failed)?.len() != size {
        return Ok(None);
    }
    let (slot, mut file, found) = stager.new_file(place).map_err(failed)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; COPY_BYTES];
    let mut from = from.take(size + 1);
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                stager
                    .mutations
                    .write(&mut file, &buffer[..count])
                    .map_err(failed)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok((hasher.sha256() == sha256).then_some(Copied { slot, file, found }))
}

fn stage(place: &RelPath, source: io::Error) -> ApplyError {
    ApplyError::Stage {
        path: place.clone(),
        source,
    }
}
