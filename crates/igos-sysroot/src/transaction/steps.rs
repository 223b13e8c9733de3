//! One step: carrying it out, repeating it after an interruption, taking it back.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use igos_format::RelPath;
use igos_root::{Directory, Kind, RootDir, RootError, set_owner};
use rustix::io::Errno;

use super::Mutations;
use super::journal::{Identity, Location, Step};
use super::preflight::content_at;
use super::staging::{Staging, slot_name};

/// Carries out steps; holds the directory of the last place open.
#[derive(Debug)]
pub(super) struct Stepper<'a> {
    root: &'a RootDir,
    staging: &'a Staging<'a>,
    mutations: &'a dyn Mutations,
    last: Option<(Option<RelPath>, Arc<Directory>)>,
}

/// Where the inode of a step is.
enum Position {
    /// Where it comes from: the step is to be done.
    Before,
    /// Where it goes: the step was done.
    After,
}

impl<'a> Stepper<'a> {
    pub(super) fn new(
        root: &'a RootDir,
        staging: &'a Staging<'a>,
        mutations: &'a dyn Mutations,
    ) -> Self {
        Stepper {
            root,
            staging,
            mutations,
            last: None,
        }
    }

    fn open(&mut self, location: &Location) -> io::Result<(Arc<Directory>, Vec<u8>)> {
        match location {
            Location::Slot { staging, number } => {
                let directory = self.staging.directory(*staging)?.try_clone()?;
                Ok((Arc::new(directory), slot_name(*number)))
            }
            Location::Place(place) => {
                let above = place.parent();
                if let Some((known, directory)) = &self.last
                    && *known == above
                {
                    return Ok((Arc::clone(directory), place.file_name().to_vec()));
                }
                let opened = self.root.parent_of(place).map_err(RootError::into_io)?;
                let directory = Arc::new(opened);
                self.last = Some((above, Arc::clone(&directory)));
                Ok((directory, place.file_name().to_vec()))
            }
        }
    }

    /// Opens a location unless the way to it ends: at nothing, or at something that is no directory (yet).
    fn open_if_there(
        &mut self,
        location: &Location,
    ) -> io::Result<Option<(Arc<Directory>, Vec<u8>)>> {
        match self.open(location) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Does a step that was never begun.
    pub(super) fn perform(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Move { from, to, .. } => self.rename(from, to),
            Step::Exchange { slot, place, .. } => self.exchange(slot, place),
            Step::DeleteDirectory { place, .. } => self.delete_directory(place),
        }
    }

    /// Does a step that may have been done already.
    pub(super) fn repeat(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Move { what, from, to } => match self.position(what, from, to)? {
                Position::After => Ok(()),
                Position::Before => self.rename(from, to),
            },
            Step::Exchange {
                new, slot, place, ..
            } => match self.position(new, slot, place)? {
                Position::After => Ok(()),
                // Whoever deleted the old one while we were interrupted did not mean to keep the new one out.
                Position::Before if self.is_absent(place)? => self.rename(slot, place),
                Position::Before => self.exchange(slot, place),
            },
            Step::DeleteDirectory { place, .. } => self.delete_directory(place),
        }
    }

    /// Takes back a step that may or may not have been done.
    ///
    /// An inode that is on neither side was taken away by somebody else while we were interrupted; the rest is taken
    /// back all the same.
    pub(super) fn take_back(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::Move { what, from, to } => match self.find(what, from, to)? {
                Some(Position::Before) | None => Ok(()),
                Some(Position::After) => self.rename(to, from),
            },
            Step::Exchange {
                new,
                old,
                slot,
                place,
            } => match self.find(new, slot, place)? {
                // Also when old and new have one content, which the new inode's absence would make look done.
                _ if self.holds(place, old, Test::Inode)? => Ok(()),
                Some(Position::Before) => Ok(()),
                Some(Position::After) if self.is_absent(slot)? => self.rename(place, slot),
                Some(Position::After) => self.exchange(slot, place),
                None if self.is_absent(place)? && self.holds(slot, old, Test::Inode)? => {
                    self.rename(slot, place)
                }
                None => Ok(()),
            },
            Step::DeleteDirectory {
                place,
                mode,
                uid,
                gid,
            } => {
                let (parent, name) = self.open(&Location::Place(place.clone()))?;
                if parent.metadata_if_present(&name)?.is_some() {
                    return Ok(());
                }
                let made = self.mutations.create_directory(&parent, &name, *mode)?;
                let found = made.own_metadata()?;
                if (found.uid, found.gid) != (*uid, *gid) {
                    set_owner(made.as_fd(), *uid, *gid)?;
                    self.mutations.set_mode(made.as_fd(), *mode)?;
                }
                Ok(())
            }
        }
    }

    /// Returns where an earlier step put what is where this one fails: the disk takes both names for one.
    pub(super) fn namesake(&mut self, step: &Step, earlier: &[Step]) -> Option<String> {
        let Step::Move { to, .. } = step else {
            return None;
        };
        let (parent, name) = self.open(to).ok()?;
        let found = parent.metadata(&name).ok()?;
        earlier.iter().find_map(|earlier| match earlier {
            Step::Move {
                what, to: place, ..
            }
            | Step::Exchange {
                new: what, place, ..
            } if (what.kind, what.inode) == (found.kind, found.inode) => Some(place.shown()),
            _ => None,
        })
    }

    fn rename(&mut self, from: &Location, to: &Location) -> io::Result<()> {
        let (from, name) = self.open(from)?;
        let (to, other) = self.open(to)?;
        self.mutations.rename_new(&from, &name, &to, &other)
    }

    fn exchange(&mut self, slot: &Location, place: &Location) -> io::Result<()> {
        let (from, name) = self.open(slot)?;
        let (to, other) = self.open(place)?;
        self.mutations.exchange(&from, &name, &to, &other)
    }

    fn delete_directory(&mut self, place: &RelPath) -> io::Result<()> {
        let Some((parent, name)) = self.open_if_there(&Location::Place(place.clone()))? else {
            return Ok(());
        };
        match parent.metadata_if_present(&name)?.map(|found| found.kind) {
            Some(Kind::Directory) => {}
            _ => return Ok(()),
        }
        match self.mutations.delete_directory(&parent, &name) {
            // What is in it is somebody's, and a directory in use stays.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::DirectoryNotEmpty
                        | io::ErrorKind::ResourceBusy
                ) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    fn is_absent(&mut self, location: &Location) -> io::Result<bool> {
        let (parent, name) = self.open(location)?;
        Ok(parent.metadata_if_present(&name)?.is_none())
    }

    fn position(
        &mut self,
        what: &Identity,
        from: &Location,
        to: &Location,
    ) -> io::Result<Position> {
        self.find(what, from, to)?.ok_or_else(|| {
            io::Error::other(format!(
                "the journal's inode {} is neither {} nor {}",
                what.inode,
                from.shown(),
                to.shown()
            ))
        })
    }

    /// Finds out by inode number, and where that fails by content, on which side of a step an inode is.
    fn find(
        &mut self,
        what: &Identity,
        from: &Location,
        to: &Location,
    ) -> io::Result<Option<Position>> {
        // On some file systems (overlayfs with layers on several devices) inode numbers change when it is mounted
        // again. An equal content is as good as the same inode there.
        for test in [Test::Inode, Test::Content] {
            if self.holds(to, what, test)? {
                return Ok(Some(Position::After));
            }
            if self.holds(from, what, test)? {
                return Ok(Some(Position::Before));
            }
        }
        Ok(None)
    }

    fn holds(&mut self, location: &Location, what: &Identity, test: Test) -> io::Result<bool> {
        let Some((parent, name)) = self.open_if_there(location)? else {
            return Ok(false);
        };
        let Some(found) = parent.metadata_if_present(&name)? else {
            return Ok(false);
        };
        if found.kind != what.kind {
            return Ok(false);
        }
        Ok(match test {
            Test::Inode => found.inode == what.inode,
            Test::Content => {
                what.content.is_some() && content_at(&parent, &name, found)? == what.content
            }
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Test {
    Inode,
    Content,
}

/// Returns where a step works, for messages.
pub(super) fn shown(step: &Step) -> String {
    match step {
        Step::Move { from, to, .. } => match to {
            Location::Place(_) => to.shown(),
            Location::Slot { .. } => from.shown(),
        },
        Step::Exchange { place, .. } => place.shown(),
        Step::DeleteDirectory { place, .. } => place.to_string(),
    }
}
