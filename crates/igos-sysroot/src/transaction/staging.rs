//! Private directories in which new inodes are made and old ones parked, one for each mount.

use std::collections::HashMap;
use std::io;

use igos_format::{RelPath, escape};
use igos_root::{Directory, Kind, RootDir, RootError};

use super::journal::Location;
use super::{Mutations, take_rights_of};
use crate::layout;

/// Longest list of staging directories, in bytes.
const PLACES_MAX_BYTES: u64 = 1 << 20;

/// Name of the list of staging directories outside the state directory.
const PLACES: &[u8] = b"staging-places";
/// See [`PLACES`].
const PLACES_NEW: &[u8] = b"staging-places.new";

#[derive(Debug)]
struct Top {
    place: RelPath,
    mount: u64,
    directory: Directory,
}

/// The staging directories of one transaction.
#[derive(Debug)]
pub(super) struct Staging<'a> {
    root: &'a RootDir,
    state: &'a Directory,
    mutations: &'a dyn Mutations,
    tops: Vec<Top>,
    by_directory: HashMap<Option<RelPath>, usize>,
    next: u64,
}

impl<'a> Staging<'a> {
    /// Opens the staging directory beside the record.
    pub(super) fn open(
        root: &'a RootDir,
        state: &'a Directory,
        mutations: &'a dyn Mutations,
    ) -> io::Result<Self> {
        let directory = open_private(state, layout::STAGING, mutations)?;
        let mount = directory.own_metadata()?.mount;
        let place = layout::state()
            .join(layout::STAGING)
            .map_err(io::Error::other)?;
        Ok(Staging {
            root,
            state,
            mutations,
            tops: vec![Top {
                place,
                mount,
                directory,
            }],
            by_directory: HashMap::new(),
            next: 0,
        })
    }

    /// Opens the staging directories that a journal names.
    pub(super) fn reopen(
        root: &'a RootDir,
        state: &'a Directory,
        mutations: &'a dyn Mutations,
        places: &[RelPath],
    ) -> io::Result<Self> {
        let mut tops = Vec::new();
        for place in places {
            let parent = root.parent_of(place).map_err(RootError::into_io)?;
            // Emptied and gone already when the journal was about to go too.
            let directory = open_private(&parent, place.file_name(), mutations)?;
            tops.push(Top {
                place: place.clone(),
                mount: directory.own_metadata()?.mount,
                directory,
            });
        }
        Ok(Staging {
            root,
            state,
            mutations,
            tops,
            by_directory: HashMap::new(),
            next: 0,
        })
    }

    /// Returns the number of the staging directory on the mount that `place` is, or will be, on.
    pub(super) fn for_place(&mut self, place: &RelPath) -> io::Result<usize> {
        let mut seen = Vec::new();
        let mut above = place.parent();
        let found = loop {
            if let Some(known) = self.by_directory.get(&above) {
                break *known;
            }
            match self.open_if_there(above.as_ref())? {
                Some(directory) => {
                    let mount = directory.own_metadata()?.mount;
                    let found = self.on_mount(mount, above.as_ref())?;
                    seen.push(above);
                    break found;
                }
                // It will be made by this transaction, on the mount of what is above it.
                None => {
                    let next = above.as_ref().and_then(RelPath::parent);
                    seen.push(above);
                    above = next;
                }
            }
        };
        for directory in seen {
            self.by_directory.insert(directory, found);
        }
        Ok(found)
    }

    /// Tells whether all these places are, or will be, on the mount of the staging directory beside the record.
    pub(super) fn are_beside_record<'p>(
        &self,
        places: impl IntoIterator<Item = &'p RelPath>,
    ) -> io::Result<bool> {
        let mount = self.directory(0)?.own_metadata()?.mount;
        for place in places {
            let mut above = place.parent();
            let directory = loop {
                match self.open_if_there(above.as_ref())? {
                    Some(directory) => break directory,
                    None => above = above.as_ref().and_then(RelPath::parent),
                }
            };
            if directory.own_metadata()?.mount != mount {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Opens a directory of the root, `None` for its top, unless it is not there or something else is in its place.
    fn open_if_there(&self, directory: Option<&RelPath>) -> io::Result<Option<Directory>> {
        let Some(path) = directory else {
            return self.root.top().try_clone().map(Some);
        };
        match self.root.directory(path) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.is_not_found() || error.is_way_blocked() => Ok(None),
            Err(error) => Err(error.into_io()),
        }
    }

    fn on_mount(&mut self, mount: u64, inside: Option<&RelPath>) -> io::Result<usize> {
        if let Some(found) = self.tops.iter().position(|top| top.mount == mount) {
            return Ok(found);
        }
        let top = self.top_of_mount(mount, inside)?;
        let (holder, place) = match &top {
            None => (
                self.root.top().try_clone()?,
                RelPath::from_bytes(layout::STAGING_ELSEWHERE).map_err(io::Error::other)?,
            ),
            Some(top) => (
                self.root.directory(top).map_err(RootError::into_io)?,
                top.join(layout::STAGING_ELSEWHERE)
                    .map_err(io::Error::other)?,
            ),
        };
        // Known before it exists, so that it is cleaned up whenever this process ends.
        remember_place(self.state, self.mutations, &place)?;
        let directory = open_private(&holder, layout::STAGING_ELSEWHERE, self.mutations)?;
        self.tops.push(Top {
            place,
            mount,
            directory,
        });
        Ok(self.tops.len() - 1)
    }

    /// Returns the highest directory above `inside` that is on `mount`, `None` for the root itself.
    fn top_of_mount(&self, mount: u64, inside: Option<&RelPath>) -> io::Result<Option<RelPath>> {
        if self.root.top().own_metadata()?.mount == mount {
            return Ok(None);
        }
        let Some(inside) = inside else {
            return Ok(None);
        };
        let mut above: Vec<RelPath> =
            std::iter::successors(Some(inside.clone()), RelPath::parent).collect();
        above.reverse();
        for path in above {
            let directory = self.root.directory(&path).map_err(RootError::into_io)?;
            if directory.own_metadata()?.mount == mount {
                return Ok(Some(path));
            }
        }
        Err(io::Error::other("mounts changed while they were looked at"))
    }

    /// Returns a name that nothing has yet.
    pub(super) fn new_slot(&mut self, staging: usize) -> Location {
        let number = self.next;
        self.next += 1;
        Location::Slot { staging, number }
    }

    /// Returns the staging directory of this number.
    pub(super) fn directory(&self, staging: usize) -> io::Result<&Directory> {
        self.tops
            .get(staging)
            .map(|top| &top.directory)
            .ok_or_else(|| io::Error::other("a journal names a staging directory it does not list"))
    }

    /// Returns where below the root a staged inode is.
    pub(super) fn place_of(&self, slot: &Location) -> io::Result<RelPath> {
        match slot {
            Location::Place(place) => Ok(place.clone()),
            Location::Slot { staging, number } => match self.tops.get(*staging) {
                Some(top) => top
                    .place
                    .join(&slot_name(*number))
                    .map_err(io::Error::other),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    /// Returns all staging directories, in the order of their numbers.
    pub(super) fn directories(&self) -> Vec<&Directory> {
        self.tops.iter().map(|top| &top.directory).collect()
    }

    /// Returns the places of all staging directories, in the order of their numbers.
    pub(super) fn places(&self) -> Vec<RelPath> {
        self.tops.iter().map(|top| top.place.clone()).collect()
    }

    /// Waits until all touched file systems, and that of the state directory, are on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let mut synced = Vec::new();
        let mut sync = |directory: &Directory| {
            let device = directory.own_metadata()?.device;
            if !synced.contains(&device) {
                synced.push(device);
                self.mutations.sync_filesystem(directory)?;
            }
            io::Result::Ok(())
        };
        sync(self.state)?;
        self.tops.iter().try_for_each(|top| sync(&top.directory))
    }
}

/// Returns the name of a slot.
pub(super) fn slot_name(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Opens a directory that nobody else can enter, making it where it is absent.
fn open_private(
    parent: &Directory,
    name: &[u8],
    mutations: &dyn Mutations,
) -> io::Result<Directory> {
    let directory = match parent.open_directory(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            mutations.create_directory(parent, name, 0o700)?
        }
        other => other?,
    };
    let found = directory.own_metadata()?;
    let own = rustix::process::geteuid().as_raw();
    if found.uid != own || found.mode & 0o077 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the staging directory belongs to somebody else or is open to others",
        ));
    }
    Ok(directory)
}

fn remembered_places(state: &Directory) -> io::Result<Vec<RelPath>> {
    let file = match state.open_file(PLACES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(file, PLACES_MAX_BYTES), &mut text)?;
    Ok(text
        .lines()
        .filter_map(|line| RelPath::from_bytes(&escape::unescape(line).ok()?).ok())
        .collect())
}

fn remember_place(state: &Directory, mutations: &dyn Mutations, place: &RelPath) -> io::Result<()> {
    let mut places = remembered_places(state)?;
    if places.contains(place) {
        return Ok(());
    }
    places.push(place.clone());
    if state.metadata_if_present(PLACES_NEW)?.is_some() {
        mutations.delete(state, PLACES_NEW)?;
    }
    let mut file = mutations.create_file(state, PLACES_NEW)?;
    for place in places {
        mutations.write(&mut file, format!("{place}\n").as_bytes())?;
    }
    mutations.rename(state, PLACES_NEW, state, PLACES)
}

/// Empties every staging directory of a root; there is no journal, so nothing in them is needed.
///
/// Old files lose their setuid and setgid bits and capabilities first: a hard link or a descriptor that somebody has of one
/// is then worth nothing.
pub(super) fn clear(
    root: &RootDir,
    state: &Directory,
    mutations: &dyn Mutations,
) -> io::Result<()> {
    if let Some(staging) = open_if_present(state, layout::STAGING)? {
        empty(&staging, mutations)?;
    }
    for place in remembered_places(state)? {
        let parent = match root.parent_of(&place) {
            Ok(parent) => parent,
            // Not mounted now, or something else is on the way: what is left there is private and found again when
            // the way is.
            Err(error) if error.is_not_found() || error.is_way_blocked() => continue,
            Err(error) => return Err(error.into_io()),
        };
        if let Some(staging) = open_if_present(&parent, place.file_name())? {
            empty(&staging, mutations)?;
            mutations.delete_directory(&parent, place.file_name())?;
        }
    }
    Ok(())
}

fn open_if_present(parent: &Directory, name: &[u8]) -> io::Result<Option<Directory>> {
    match parent.open_directory(name) {
        Ok(directory) => Ok(Some(directory)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn empty(staging: &Directory, mutations: &dyn Mutations) -> io::Result<()> {
    for entry in staging.entries()? {
        let found = staging.metadata(&entry.name)?;
        take_rights_of(mutations, staging, &entry.name, &found)?;
        if found.kind == Kind::Directory {
            mutations.delete_tree(staging, &entry.name)?;
        } else {
            mutations.delete(staging, &entry.name)?;
        }
    }
    Ok(())
}
