//! Making new inodes, complete, where nobody can reach them.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};

use igos_format::{EntryKind, FileEntry, RelPath, Sha256};
use igos_root::{Directory, Kind, Metadata};

use super::journal::{Identity, Location};
use super::staging::{Staging, slot_name};
use super::{ApplyError, Attributes, Mutations};
use crate::Ownership;
use crate::owners::Owners;

/// Bytes copied at a time where one staged file has the content of another.
const COPY_BYTES: usize = 128 * 1024;

/// A new inode and where it waits.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) slot: Location,
    pub(super) identity: Identity,
}

/// What makes new inodes.
#[derive(Debug)]
pub(super) struct Stager<'a> {
    pub(super) staging: Staging<'a>,
    pub(super) mutations: &'a dyn Mutations,
    pub(super) ownership: Ownership,
    pub(super) owners: Owners,
    /// Set when the user asks to stop.
    pub(super) interrupted: &'a AtomicBool,
}

impl Stager<'_> {
    /// Stops where the user asked for it.
    pub(super) fn check_interrupt(&self) -> Result<(), ApplyError> {
        if self.interrupted.load(Ordering::SeqCst) {
            return Err(ApplyError::Stopped);
        }
        Ok(())
    }

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

    pub(super) fn finish_slot(
        &self,
        slot: &Location,
        row: &FileEntry,
        modified: i64,
    ) -> io::Result<()> {
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
    pub(super) fn stage_link(
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

    pub(super) fn stage_copy(
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

pub(super) fn file_identity(slot: Location, found: Metadata, row: &FileEntry) -> Staged {
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
