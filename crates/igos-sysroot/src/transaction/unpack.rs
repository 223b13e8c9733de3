//! From an archive, or parts of one, to new inodes.
//!
//! A whole archive is read front to back and verified to its end. Of an archive that came in parts, each frame is
//! verified as it is read; the contents of a frame that was not fetched are in the root already, and are verified
//! while they are copied. In a rollback nothing is fetched at all: everything is in the root or was kept.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Read};
use std::sync::Arc;

use igos_format::archive::{ArchiveReader, Content, Head, Place, ReadArchiveError, Seal};
use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, RelPath};

use super::ApplyError;
use super::contents::Contents;
use super::journal::Location;
use super::stage::{Staged, Stager, file_identity, modified_of};
use crate::{Change, Record};

/// An archive as it is at hand.
pub enum ArchiveSource {
    /// All of it.
    Whole(Box<dyn Read>),
    /// Its head, and those of its frames that hold something new.
    Frames(Box<dyn FrameSource>),
}

impl std::fmt::Debug for ArchiveSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ArchiveSource::Whole(_) => "Whole",
            ArchiveSource::Frames(_) => "Frames",
        })
    }
}

/// An archive of which only parts are at hand.
pub trait FrameSource {
    /// Returns its verified head.
    fn head(&self) -> &Head;

    /// Returns the stored bytes of a payload frame; `None` if it was not fetched, because the root has all of its
    /// contents.
    ///
    /// # Errors
    ///
    /// Returns why the frame cannot be had.
    fn frame(&self, frame: usize) -> io::Result<Option<Box<dyn Read + '_>>>;
}

/// What an archive gave.
#[derive(Debug)]
pub(super) struct StagedPackage {
    pub(super) manifest: Arc<Manifest>,
    pub(super) manifest_bytes: Arc<[u8]>,
    pub(super) sealed: Option<Seal>,
    /// The new inodes by path.
    pub(super) files: HashMap<RelPath, Staged>,
    /// Paths that are in place as they will be.
    pub(super) unchanged: BTreeSet<RelPath>,
}

/// Which paths of a package get a new inode, each with the place it is for, and which may already be in place.
#[derive(Debug, Clone)]
pub(super) struct WantedPaths {
    pub(super) places: HashMap<RelPath, RelPath>,
    pub(super) replaced: BTreeSet<RelPath>,
}

/// Where the content of an entry comes from.
enum Given<'a, 'b> {
    Reader(Content<'a>),
    /// A file of the root has it.
    Known(Place, &'b Contents<'b>),
}

/// Unpacking one package.
struct Unpacking<'s, 'a, 'w> {
    stager: &'s mut Stager<'a>,
    change: &'w Change,
    wanted: &'w HashMap<RelPath, RelPath>,
    modified: i64,
    /// Rows whose content wanted paths share.
    sources: HashSet<usize>,
    /// Contents that later paths share, by row: where they are until all of them are copied.
    shared: HashMap<usize, (Location, RelPath)>,
    unfinished: Vec<(Location, FileEntry)>,
    staged: HashMap<RelPath, Staged>,
}

impl<'a> Stager<'a> {
    /// Makes the inodes for the wanted paths of a package that comes. Directories are not made here.
    pub(super) fn stage_package(
        &mut self,
        change: &Change,
        wanted: &mut WantedPaths,
        archive: ArchiveSource,
        contents: &Contents<'_>,
    ) -> Result<StagedPackage, ApplyError> {
        match archive {
            ArchiveSource::Whole(archive) => self.stage_archive(change, wanted, archive, contents),
            ArchiveSource::Frames(source) => self.stage_frames(change, wanted, &*source, contents),
        }
    }

    fn stage_archive(
        &mut self,
        change: &Change,
        wanted: &mut WantedPaths,
        archive: impl Read,
        contents: &Contents<'_>,
    ) -> Result<StagedPackage, ApplyError> {
        let damaged = damaged(change);
        let mut reader = ArchiveReader::open(archive).map_err(&damaged)?;
        expect_seal(change, reader.head())?;
        let head = reader.head().clone();
        let unchanged = self.take_unchanged(head.manifest(), wanted, contents);
        let mut unpacking = self.unpacking(change, head.manifest(), wanted, |row| head.place(row));
        while let Some(entry) = reader.next_entry().map_err(&damaged)? {
            // The row is cloned because what follows borrows the reader.
            let (index, row) = (entry.index, entry.entry.clone());
            unpacking.entry(index, &row, Given::Reader(entry.content))?;
        }
        let files = unpacking.finish()?;
        reader.finish().map_err(damaged)?;
        Ok(StagedPackage {
            files,
            unchanged,
            ..package_of(&head)
        })
    }

    fn stage_frames(
        &mut self,
        change: &Change,
        wanted: &mut WantedPaths,
        source: &dyn FrameSource,
        contents: &Contents<'_>,
    ) -> Result<StagedPackage, ApplyError> {
        let damaged = damaged(change);
        let head = source.head();
        expect_seal(change, head)?;
        let unchanged = self.take_unchanged(head.manifest(), wanted, contents);
        let mut unpacking = self.unpacking(change, head.manifest(), wanted, |row| head.place(row));
        for frame in 0..head.frames().frames.len() {
            let opened = source
                .frame(frame)
                .map_err(|source| ApplyError::OpenArchive {
                    package: change.package.clone(),
                    source,
                })?;
            let Some(bytes) = opened else {
                for index in head.entries_of(frame) {
                    let given = Given::Known(head.place(index), contents);
                    unpacking.entry(index, &head.manifest().entries[index], given)?;
                }
                continue;
            };
            let mut reader = head.read_frame(frame, bytes).map_err(&damaged)?;
            while let Some(entry) = reader.next_entry().map_err(&damaged)? {
                let (index, row) = (entry.index, entry.entry.clone());
                unpacking.entry(index, &row, Given::Reader(entry.content))?;
            }
        }
        Ok(StagedPackage {
            files: unpacking.finish()?,
            unchanged,
            ..package_of(head)
        })
    }

    /// Makes the inodes of a package that a rollback brings back, out of what the root has.
    pub(super) fn stage_restored(
        &mut self,
        change: &Change,
        record: &Record,
        wanted: &mut WantedPaths,
        contents: &Contents<'_>,
    ) -> Result<StagedPackage, ApplyError> {
        let manifest = &record.manifest;
        let places = places_of(manifest);
        let unchanged = self.take_unchanged(manifest, wanted, contents);
        let mut unpacking = self.unpacking(change, manifest, wanted, |row| places[row]);
        for (index, row) in manifest.entries.iter().enumerate() {
            unpacking.entry(index, row, Given::Known(places[index], contents))?;
        }
        Ok(StagedPackage {
            files: unpacking.finish()?,
            unchanged,
            manifest: Arc::new(manifest.clone()),
            manifest_bytes: record.manifest_bytes.as_slice().into(),
            sealed: record.installed.sealed,
        })
    }

    fn unpacking<'s, 'w>(
        &'s mut self,
        change: &'w Change,
        manifest: &Manifest,
        wanted: &'w WantedPaths,
        place: impl Fn(usize) -> Place,
    ) -> Unpacking<'s, 'a, 'w> {
        let wanted = &wanted.places;
        let sources = (0..manifest.entries.len())
            .filter(|index| wanted.contains_key(&manifest.entries[*index].path))
            .filter_map(|index| match place(index) {
                Place::HardLink(first) | Place::SameAs(first) => Some(first),
                Place::Nothing | Place::Here => None,
            })
            .collect();
        Unpacking {
            stager: self,
            change,
            wanted,
            modified: modified_of(manifest.source_date_epoch),
            sources,
            shared: HashMap::new(),
            unfinished: Vec::new(),
            staged: HashMap::new(),
        }
    }
}

impl Unpacking<'_, '_, '_> {
    /// Makes the inode of one row, if it is wanted or others share its content.
    fn entry(
        &mut self,
        index: usize,
        row: &FileEntry,
        given: Given<'_, '_>,
    ) -> Result<(), ApplyError> {
        self.stager.check_interrupt()?;
        let wanted = self.wanted.get(&row.path);
        let is_source = self.sources.contains(&index);
        if row.kind == EntryKind::Directory || (wanted.is_none() && !is_source) {
            return Ok(());
        }
        let place = wanted.unwrap_or(&row.path);
        let stage = |source| ApplyError::Stage {
            path: row.path.clone(),
            source,
        };
        let shared = |first: usize| self.shared.get(&first).cloned();
        let made = match given {
            Given::Reader(Content::Nothing) | Given::Known(Place::Nothing, _) => self
                .stager
                .stage_symlink(place, row, self.modified)
                .map_err(stage)?,
            Given::Reader(Content::HardLink(first)) | Given::Known(Place::HardLink(first), _) => {
                let source = shared(first);
                self.stager
                    .stage_link(place, row, source, self.modified)
                    .map_err(stage)?
            }
            Given::Reader(Content::SameAs(first)) | Given::Known(Place::SameAs(first), _) => {
                let source = shared(first);
                self.stager
                    .stage_copy(place, row, source, self.modified)
                    .map_err(stage)?
            }
            Given::Known(Place::Here, contents) if is_source => {
                let copied = contents.copy(self.stager, place, row)?;
                self.share(index, place, row, &copied.slot);
                file_identity(copied.slot, copied.found, row)
            }
            Given::Known(Place::Here, contents) => {
                self.stager
                    .stage_known(place, row, contents, self.modified)?
            }
            Given::Reader(Content::Bytes(mut content)) => {
                let (slot, mut file, found) = self.stager.new_file(place).map_err(stage)?;
                while let Some(chunk) = content.next_chunk().map_err(damaged(self.change))? {
                    self.stager.check_interrupt()?;
                    let written = self.stager.mutations.write(&mut file, chunk);
                    written.map_err(stage)?;
                }
                if is_source {
                    self.share(index, place, row, &slot);
                } else {
                    self.stager
                        .finish_file(&file, found, row, self.modified)
                        .map_err(stage)?;
                }
                file_identity(slot, found, row)
            }
        };
        if wanted.is_some() {
            self.staged.insert(row.path.clone(), made);
        }
        Ok(())
    }

    /// Remembers a content that later paths share; it gets its owner and mode when all have copied it.
    fn share(&mut self, index: usize, place: &RelPath, row: &FileEntry, slot: &Location) {
        self.shared.insert(index, (slot.clone(), place.clone()));
        self.unfinished.push((slot.clone(), row.clone()));
    }

    fn finish(self) -> Result<HashMap<RelPath, Staged>, ApplyError> {
        for (slot, row) in &self.unfinished {
            self.stager
                .finish_slot(slot, row, self.modified)
                .map_err(|source| ApplyError::Stage {
                    path: row.path.clone(),
                    source,
                })?;
        }
        Ok(self.staged)
    }
}

fn damaged(change: &Change) -> impl Fn(ReadArchiveError) -> ApplyError {
    let package = change.package.clone();
    move |source| ApplyError::Archive {
        package: package.clone(),
        source,
    }
}

fn expect_seal(change: &Change, head: &Head) -> Result<(), ApplyError> {
    let actual = head.seal_digest();
    match change.seal {
        Some(expected) if expected == actual => Ok(()),
        expected => Err(ApplyError::OtherArchive {
            package: change.package.clone(),
            expected: expected.unwrap_or(actual),
            actual,
        }),
    }
}

fn package_of(head: &Head) -> StagedPackage {
    StagedPackage {
        manifest: head.manifest().clone(),
        manifest_bytes: head.manifest_bytes().clone(),
        sealed: Some(*head.seal()),
        files: HashMap::new(),
        unchanged: BTreeSet::new(),
    }
}

/// Returns where contents are when every file has its own: hard links alone share.
fn places_of(manifest: &Manifest) -> Vec<Place> {
    let mut firsts = BTreeMap::new();
    let place = |(index, entry): (usize, &FileEntry)| match entry.kind {
        EntryKind::Directory | EntryKind::Symlink { .. } => Place::Nothing,
        EntryKind::File {
            link_group: None, ..
        } => Place::Here,
        EntryKind::File {
            link_group: Some(group),
            ..
        } => match *firsts.entry(group).or_insert(index) {
            first if first == index => Place::Here,
            first => Place::HardLink(first),
        },
    };
    manifest.entries.iter().enumerate().map(place).collect()
}
