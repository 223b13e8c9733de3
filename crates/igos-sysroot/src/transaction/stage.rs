//! Making new inodes, complete, where nobody can reach them.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use igos_format::archive::{ArchiveReader, Content, Place, Seal};
use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, RelPath, Sha256};
use igos_root::{Directory, Kind, Metadata};

use super::journal::{Identity, Location};
use super::staging::{Staging, slot_name};
use super::{ApplyError, Attributes, Mutations};
use crate::owners::Owners;
use crate::{Change, Ownership};

/// Bytes copied at a time where one staged file has the content of another.
const COPY_BYTES: usize = 128 * 1024;

/// A new inode and where it waits.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) slot: Location,
    pub(super) identity: Identity,
}

/// What an archive gave.
#[derive(Debug)]
pub(super) struct StagedPackage {
    pub(super) manifest: Manifest,
    pub(super) manifest_bytes: Vec<u8>,
    pub(super) sealed: Seal,
    /// The new inodes by path.
    pub(super) files: HashMap<RelPath, Staged>,
}

/// What makes new inodes.
#[derive(Debug)]
pub(super) struct Stager<'a> {
    pub(super) staging: Staging<'a>,
    pub(super) mutations: &'a dyn Mutations,
    pub(super) ownership: Ownership,
    pub(super) owners: Owners,
}

impl Stager<'_> {
    /// Makes a directory for `place`; without an entry it is one that a package needs and does not declare.
    pub(super) fn stage_directory(
        &mut self,
        place: &RelPath,
        entry: Option<&FileEntry>,
        modified: i64,
    ) -> io::Result<Staged> {
        let (slot, staging, name) = self.slot_for(place)?;
        let at = self.staging.directory(staging)?;
        let made = self.mutations.create_directory(at, &name, 0o700)?;
        let found = made.own_metadata()?;
        match entry {
            Some(entry) => self.set_attributes(made.as_fd(), found, entry, modified)?,
            None => self.mutations.set_mode(made.as_fd(), 0o755)?,
        }
        Ok(Staged {
            slot,
            identity: Identity {
                kind: Kind::Directory,
                inode: found.inode,
                content: None,
            },
        })
    }

    /// Makes a file of our own for `place`: a record.
    pub(super) fn stage_bytes(&mut self, place: &RelPath, bytes: &[u8]) -> io::Result<Staged> {
        let (slot, staging, name) = self.slot_for(place)?;
        let at = self.staging.directory(staging)?;
        let mut file = self.mutations.create_file(at, &name)?;
        self.mutations.write(&mut file, bytes)?;
        self.mutations.set_mode(file.as_fd(), 0o644)?;
        Ok(Staged {
            slot,
            identity: Identity {
                kind: Kind::File,
                inode: at.metadata(&name)?.inode,
                content: Some(Sha256::of(bytes)),
            },
        })
    }

    fn slot_for(&mut self, place: &RelPath) -> io::Result<(Location, usize, Vec<u8>)> {
        let staging = self.staging.for_place(place)?;
        let slot = self.staging.new_slot(staging);
        let Location::Slot { number, .. } = slot else {
            return Err(io::Error::other("a new slot is not a slot"));
        };
        Ok((slot, staging, slot_name(number)))
    }

    fn set_attributes(
        &self,
        file: std::os::fd::BorrowedFd<'_>,
        found: Metadata,
        entry: &FileEntry,
        modified: i64,
    ) -> io::Result<()> {
        let owner = match self.ownership {
            Ownership::Applied => Some(self.owners.numbers(&entry.owner)),
            Ownership::Recorded => None,
        };
        set_file_attributes(
            self.mutations,
            file,
            found,
            entry,
            owner,
            self.ownership,
            modified,
        )
    }

    /// Reads one archive to its end and makes the inodes for the paths in `wanted`.
    ///
    /// Everything of the archive is verified, whether it is wanted or not. Directories are not made here.
    pub(super) fn stage_archive(
        &mut self,
        change: &Change,
        wanted: &HashMap<RelPath, RelPath>,
        archive: impl Read,
    ) -> Result<StagedPackage, ApplyError> {
        let damaged = |source| ApplyError::Archive {
            package: change.package.clone(),
            source,
        };
        let mut reader = ArchiveReader::open(archive).map_err(damaged)?;
        let actual = reader.seal_digest();
        if Some(actual) != change.seal {
            return Err(ApplyError::OtherArchive {
                package: change.package.clone(),
                expected: change.seal.unwrap_or(actual),
                actual,
            });
        }
        let modified = modified_of(reader.manifest().source_date_epoch);
        let sources = sources_of(&reader, wanted);
        let mut staged = HashMap::new();
        // Contents that later paths share, by row: where they are until all of them are copied.
        let mut shared: HashMap<usize, (Location, RelPath)> = HashMap::new();
        let mut unfinished: Vec<(Location, usize)> = Vec::new();
        loop {
            // The row is cloned because what follows borrows the reader.
            let Some(entry) = reader.next_entry().map_err(damaged)? else {
                break;
            };
            let (index, row) = (entry.index, entry.entry.clone());
            let place = wanted.get(&row.path);
            if row.kind == EntryKind::Directory || (place.is_none() && !sources.contains(&index)) {
                continue;
            }
            let place = place.unwrap_or(&row.path).clone();
            let stage = |source| ApplyError::Stage {
                path: row.path.clone(),
                source,
            };
            let made = match entry.content {
                Content::Nothing => self.stage_symlink(&place, &row, modified).map_err(stage)?,
                Content::Bytes(mut content) => {
                    let (slot, mut file, at) = self.new_file(&place).map_err(stage)?;
                    loop {
                        match content.next_chunk() {
                            Ok(Some(chunk)) => {
                                self.mutations.write(&mut file, chunk).map_err(stage)?;
                            }
                            Ok(None) => break,
                            Err(source) => return Err(damaged(source)),
                        }
                    }
                    if sources.contains(&index) {
                        shared.insert(index, (slot.clone(), place.clone()));
                        unfinished.push((slot.clone(), index));
                    } else {
                        self.finish_file(&file, at, &row, modified).map_err(stage)?;
                    }
                    file_identity(slot, at, &row)
                }
                Content::HardLink(first) => {
                    let source = shared.get(&first).cloned();
                    self.stage_link(&place, &row, source, modified)
                        .map_err(stage)?
                }
                Content::SameAs(first) => {
                    let source = shared.get(&first).cloned();
                    self.stage_copy(&place, &row, source, modified)
                        .map_err(stage)?
                }
            };
            if wanted.contains_key(&row.path) {
                staged.insert(row.path, made);
            }
        }
        for (slot, index) in unfinished {
            let row = &reader.manifest().entries[index];
            self.finish_slot(&slot, row, modified)
                .map_err(|source| ApplyError::Stage {
                    path: row.path.clone(),
                    source,
                })?;
        }
        let package = StagedPackage {
            manifest: reader.manifest().clone(),
            manifest_bytes: reader.manifest_bytes().to_vec(),
            sealed: *reader.seal(),
            files: staged,
        };
        reader.finish().map_err(damaged)?;
        Ok(package)
    }

    pub(super) fn new_file(&mut self, place: &RelPath) -> io::Result<(Location, File, Metadata)> {
        let (slot, staging, name) = self.slot_for(place)?;
        let at = self.staging.directory(staging)?;
        let file = self.mutations.create_file(at, &name)?;
        let found = at.metadata(&name)?;
        Ok((slot, file, found))
    }

    pub(super) fn finish_file(
        &self,
        file: &File,
        found: Metadata,
        row: &FileEntry,
        modified: i64,
    ) -> io::Result<()> {
        self.set_attributes(file.as_fd(), found, row, modified)
    }

    fn finish_slot(&self, slot: &Location, row: &FileEntry, modified: i64) -> io::Result<()> {
        let (at, name) = self.slot_of(slot)?;
        let file = at.open_file(&name)?;
        let found = at.metadata(&name)?;
        self.set_attributes(file.as_fd(), found, row, modified)
    }

    pub(super) fn slot_of(&self, slot: &Location) -> io::Result<(&Directory, Vec<u8>)> {
        let Location::Slot { staging, number } = slot else {
            return Err(io::Error::other("a staged file is not in a slot"));
        };
        Ok((self.staging.directory(*staging)?, slot_name(*number)))
    }

    pub(super) fn stage_symlink(
        &mut self,
        place: &RelPath,
        row: &FileEntry,
        modified: i64,
    ) -> io::Result<Staged> {
        let EntryKind::Symlink { target } = &row.kind else {
            return Err(io::Error::other(
                "an entry without content is no symbolic link",
            ));
        };
        let (slot, staging, name) = self.slot_for(place)?;
        let at = self.staging.directory(staging)?;
        self.mutations.create_symlink(at, target, &name)?;
        let found = at.metadata(&name)?;
        let handle = at.open_handle(&name)?;
        self.set_attributes(handle.as_fd(), found, row, modified)?;
        Ok(Staged {
            slot,
            identity: Identity {
                kind: Kind::Symlink,
                inode: found.inode,
                content: Some(Sha256::of(target)),
            },
        })
    }

    /// Makes a hard link; on another mount than its first name it becomes a file of its own.
    fn stage_link(
        &mut self,
        place: &RelPath,
        row: &FileEntry,
        source: Option<(Location, RelPath)>,
        modified: i64,
    ) -> io::Result<Staged> {
        let (source, source_place) = source.ok_or_else(missing_source)?;
        if self.staging.for_place(place)? != self.staging.for_place(&source_place)? {
            return self.stage_copy(place, row, Some((source, source_place)), modified);
        }
        let (slot, staging, name) = self.slot_for(place)?;
        let (from, from_name) = self.slot_of(&source)?;
        let at = self.staging.directory(staging)?;
        self.mutations.link(from, &from_name, at, &name)?;
        Ok(file_identity(slot, at.metadata(&name)?, row))
    }

    fn stage_copy(
        &mut self,
        place: &RelPath,
        row: &FileEntry,
        source: Option<(Location, RelPath)>,
        modified: i64,
    ) -> io::Result<Staged> {
        let (source, _) = source.ok_or_else(missing_source)?;
        let (slot, mut file, found) = self.new_file(place)?;
        let (from, from_name) = self.slot_of(&source)?;
        let mut from = from.open_file(&from_name)?;
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = from.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            self.mutations.write(&mut file, &buffer[..count])?;
        }
        self.finish_file(&file, found, row, modified)?;
        Ok(file_identity(slot, found, row))
    }
}

fn missing_source() -> io::Error {
    io::Error::other("the content that this path shares was not staged")
}

fn file_identity(slot: Location, found: Metadata, row: &FileEntry) -> Staged {
    Staged {
        slot,
        identity: Identity {
            kind: Kind::File,
            inode: found.inode,
            content: match &row.kind {
                EntryKind::File { sha256, .. } => Some(*sha256),
                _ => None,
            },
        },
    }
}

/// Returns the modification time of a package's files.
pub(crate) fn modified_of(source_date_epoch: u64) -> i64 {
    i64::try_from(source_date_epoch).unwrap_or(i64::MAX)
}

/// Returns the rows whose content wanted paths share.
fn sources_of<R: Read>(
    reader: &ArchiveReader<R>,
    wanted: &HashMap<RelPath, RelPath>,
) -> HashSet<usize> {
    let entries = &reader.manifest().entries;
    (0..entries.len())
        .filter(|index| wanted.contains_key(&entries[*index].path))
        .filter_map(|index| match reader.head().place(index) {
            Place::HardLink(first) | Place::SameAs(first) => Some(first),
            Place::Nothing | Place::Here => None,
        })
        .collect()
}

/// Gives a new inode everything but its content.
fn set_file_attributes(
    mutations: &dyn Mutations,
    file: std::os::fd::BorrowedFd<'_>,
    found: Metadata,
    entry: &FileEntry,
    owner: Option<(u32, u32)>,
    ownership: Ownership,
    modified: i64,
) -> io::Result<()> {
    let is_symlink = matches!(entry.kind, EntryKind::Symlink { .. });
    let xattrs = ownership.xattrs_on_disk(entry);
    mutations.set_attributes(
        file,
        &Attributes {
            owner: owner.filter(|owner| *owner != (found.uid, found.gid)),
            xattrs: &xattrs,
            capabilities: match ownership {
                Ownership::Applied => entry.capabilities,
                Ownership::Recorded => None,
            },
            mode: (!is_symlink).then(|| ownership.mode_on_disk(entry)),
            modified,
        },
    )
}
