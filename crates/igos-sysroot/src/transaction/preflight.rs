//! The last look before anything changes, and the steps that come of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use igos_format::manifest::is_reserved;
use igos_format::{Hasher, RelPath, Sha256};
use igos_root::{Directory, Kind, Metadata, RootDir, RootError};

use super::ApplyError;
use super::error::Refusal;
use super::journal::{Identity, Location, Step};
use super::stage::Staged;
use super::staging::Staging;
use crate::{PathAction, PathChange, Was};

/// A record or history file that the transaction makes, replaces or removes.
#[derive(Debug)]
pub(super) enum OwnFile {
    /// It becomes this.
    Put(RelPath, Staged),
    /// It goes.
    Remove(RelPath),
}

/// Looks at every target by descriptor and collects steps and refusals.
#[derive(Debug)]
pub(super) struct PreFlight<'a> {
    root: &'a RootDir,
    /// Directories of the root that were looked at, open; `None` is one that an earlier step makes.
    directories: HashMap<Option<RelPath>, Option<Arc<Directory>>>,
    fresh: BTreeSet<RelPath>,
    /// Places that an earlier step empties.
    vacated: BTreeSet<RelPath>,
    steps: BTreeMap<(Phase, usize), Step>,
    refusals: Vec<Refusal>,
}

/// The order of steps: what others need comes first, what is not needed any more goes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Directories,
    Libraries,
    Files,
    Configuration,
    Records,
    Removals,
    EmptyDirectories,
}

impl<'a> PreFlight<'a> {
    pub(super) fn new(root: &'a RootDir) -> Self {
        PreFlight {
            root,
            directories: HashMap::new(),
            fresh: BTreeSet::new(),
            vacated: BTreeSet::new(),
            steps: BTreeMap::new(),
            refusals: Vec::new(),
        }
    }

    /// Returns the steps in order, or everything that stands against them.
    pub(super) fn finish(self) -> Result<Vec<Step>, ApplyError> {
        if self.refusals.is_empty() {
            Ok(self.steps.into_values().collect())
        } else {
            Err(ApplyError::Refused(self.refusals))
        }
    }

    /// Returns the steps so far, in no order.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.values()
    }

    /// Adds to what stands against the steps.
    pub(super) fn refuse(&mut self, refusals: Vec<Refusal>) {
        self.refusals.extend(refusals);
    }

    /// Returns a directory of the root that was looked at.
    pub(super) fn opened(&self, directory: Option<&RelPath>) -> Option<&Directory> {
        self.directories.get(&directory.cloned())?.as_deref()
    }

    fn push(&mut self, phase: Phase, step: Step) {
        self.steps.insert((phase, self.steps.len()), step);
    }

    /// Plans the steps of one path of a package; `staged` is its new inode, where it gets one.
    pub(super) fn add_path(
        &mut self,
        action: &PathAction,
        staged: Option<&Staged>,
        staging: &mut Staging<'_>,
    ) -> Result<(), ApplyError> {
        let place = &action.place;
        // Whatever planned it, and whatever links the root got since then: nothing of a package goes there.
        if is_reserved(place) {
            self.refusals.push(Refusal::Reserved {
                path: action.path.clone(),
                place: place.clone(),
            });
            return Ok(());
        }
        let phase = match (&action.change, action.kind) {
            (_, Kind::Directory) => Phase::Directories,
            _ if is_library(place) => Phase::Libraries,
            _ if place.as_bytes().starts_with(b"etc/") => Phase::Configuration,
            _ => Phase::Files,
        };
        match (&action.change, staged) {
            (
                PathChange::KeepEdited {
                    beside: Some(beside),
                    ..
                },
                Some(staged),
            ) => self.put(Phase::Configuration, beside, staged, None),
            (
                PathChange::KeepEdited { .. }
                | PathChange::KeepDeleted
                | PathChange::KeepRunning
                | PathChange::Abandon,
                _,
            ) => Ok(()),
            (PathChange::Remove, _) if action.kind == Kind::Directory => {
                self.delete_directory(place)
            }
            (PathChange::Remove, _) => self.remove(Phase::Removals, action, staging),
            (PathChange::MoveAside { beside }, _) => self.make_room(phase, action, beside),
            (
                PathChange::Write {
                    beside: Some(beside),
                    ..
                },
                Some(staged),
            ) => {
                self.make_room(phase, action, beside)?;
                self.put(phase, place, staged, None)
            }
            (PathChange::Backup { beside }, Some(staged)) => {
                self.make_room(phase, action, beside)?;
                self.push(
                    phase,
                    Step::Move {
                        what: staged.identity.clone(),
                        from: staged.slot.clone(),
                        to: Location::Place(place.clone()),
                    },
                );
                Ok(())
            }
            (_, Some(staged)) => self.put(phase, place, staged, Some(action)),
            (_, None) => Err(ApplyError::Stage {
                path: place.clone(),
                source: io::Error::other("the archive does not have this path"),
            }),
        }
    }

    /// Plans the step of a file of ours.
    pub(super) fn add_own(
        &mut self,
        own: OwnFile,
        staging: &mut Staging<'_>,
    ) -> Result<(), ApplyError> {
        match own {
            OwnFile::Put(place, staged) => self.put(Phase::Records, &place, &staged, None),
            OwnFile::Remove(place) => match self.look(&place)? {
                Some(found) => self.park(Phase::Removals, &place, found, None, staging),
                None => Ok(()),
            },
        }
    }

    /// Puts a new inode in place; `action` tells what the plan expects there, without one anything but a directory
    /// may be.
    fn put(
        &mut self,
        phase: Phase,
        place: &RelPath,
        staged: &Staged,
        action: Option<&PathAction>,
    ) -> Result<(), ApplyError> {
        let found = self.look(place)?;
        if staged.identity.kind == Kind::Directory
            && found.is_some_and(|found| found.kind == Kind::Directory)
        {
            // Somebody made it since the plan was made, for example the record of a fresh root; it is as good.
            return Ok(());
        }
        let (identity, slot) = (staged.identity.clone(), staged.slot.clone());
        let place_at = Location::Place(place.clone());
        let is_expected = match (action.map(|action| action.was), found) {
            (None, found) => found.is_none_or(|found| found.kind != Kind::Directory),
            (Some(Was::Absent), found) => found.is_none(),
            (Some(Was::Directory), found) => {
                found.is_some_and(|found| found.kind == Kind::Directory)
            }
            // What an earlier version had there may be gone meanwhile; then the new one is simply made.
            (Some(Was::Other), found) => found.is_none_or(|found| found.kind != Kind::Directory),
            (Some(Was::Content(digest)), Some(found)) => {
                self.content(place, found)? == Some(digest)
            }
            (Some(Was::Content(_)), None) => false,
        };
        if !is_expected {
            self.refuse_changed(place, found);
            return Ok(());
        }
        let step = match found {
            None => Step::Move {
                what: identity.clone(),
                from: slot,
                to: place_at,
            },
            Some(found) => {
                if !self.may_replace(place, found) {
                    return Ok(());
                }
                Step::Exchange {
                    new: identity.clone(),
                    old: Identity {
                        kind: found.kind,
                        inode: found.inode,
                        content: None,
                    },
                    slot,
                    place: place_at,
                }
            }
        };
        if identity.kind == Kind::Directory {
            self.fresh.insert(place.clone());
        }
        self.push(phase, step);
        Ok(())
    }

    fn remove(
        &mut self,
        phase: Phase,
        action: &PathAction,
        staging: &mut Staging<'_>,
    ) -> Result<(), ApplyError> {
        let place = &action.place;
        let Some(found) = self.look(place)? else {
            return Ok(());
        };
        let content = match action.was {
            Was::Content(digest) => {
                if self.content(place, found)? != Some(digest) {
                    self.refuse_changed(place, Some(found));
                    return Ok(());
                }
                Some(digest)
            }
            _ if found.kind == Kind::Directory => {
                self.refuse_changed(place, Some(found));
                return Ok(());
            }
            _ => None,
        };
        self.park(phase, place, found, content, staging)
    }

    /// Plans to move what is at `place` into a slot.
    fn park(
        &mut self,
        phase: Phase,
        place: &RelPath,
        found: Metadata,
        content: Option<Sha256>,
        staging: &mut Staging<'_>,
    ) -> Result<(), ApplyError> {
        if !self.may_replace(place, found) {
            return Ok(());
        }
        let number = staging
            .for_place(place)
            .map_err(|source| ApplyError::Stage {
                path: place.clone(),
                source,
            })?;
        let to = staging.new_slot(number);
        self.push(
            phase,
            Step::Move {
                what: Identity {
                    kind: found.kind,
                    inode: found.inode,
                    content,
                },
                from: Location::Place(place.clone()),
                to,
            },
        );
        Ok(())
    }

    fn make_room(
        &mut self,
        phase: Phase,
        action: &PathAction,
        beside: &RelPath,
    ) -> Result<(), ApplyError> {
        let place = &action.place;
        let Some(found) = self.look(place)? else {
            self.refuse_changed(place, None);
            return Ok(());
        };
        if let Some(other) = self.look(beside)? {
            self.refuse_changed(beside, Some(other));
        }
        if let Was::Content(digest) = action.was
            && self.content(place, found)? != Some(digest)
        {
            self.refuse_changed(place, Some(found));
            return Ok(());
        }
        if self.may_replace(place, found) {
            self.push(
                phase,
                Step::Move {
                    what: Identity {
                        kind: found.kind,
                        inode: found.inode,
                        content: None,
                    },
                    from: Location::Place(place.clone()),
                    to: Location::Place(beside.clone()),
                },
            );
            self.vacated.insert(place.clone());
        }
        Ok(())
    }

    fn delete_directory(&mut self, place: &RelPath) -> Result<(), ApplyError> {
        let Some(found) = self.look(place)? else {
            return Ok(());
        };
        // A mount point, or a directory that became something else, is not ours to delete.
        if found.kind == Kind::Directory && !found.is_mount_point {
            // Directories are deleted from below: the deepest, which sorts last, first.
            let step = Step::DeleteDirectory {
                place: place.clone(),
                mode: found.mode,
                uid: found.uid,
                gid: found.gid,
            };
            let at = usize::MAX - self.steps.len();
            self.steps.insert((Phase::EmptyDirectories, at), step);
        }
        Ok(())
    }

    fn may_replace(&mut self, place: &RelPath, found: Metadata) -> bool {
        let path = || place.clone();
        let refusal = if found.is_mount_point {
            Some(Refusal::MountPoint { path: path() })
        } else if found.kind == Kind::Special {
            Some(Refusal::Kind {
                path: path(),
                found: found.kind,
            })
        } else if found.is_immutable {
            Some(Refusal::Flag {
                path: path(),
                flag: "immutable",
            })
        } else if found.is_append_only {
            Some(Refusal::Flag {
                path: path(),
                flag: "append-only",
            })
        } else {
            None
        };
        let may = refusal.is_none();
        self.refusals.extend(refusal);
        may
    }

    fn refuse_changed(&mut self, place: &RelPath, found: Option<Metadata>) {
        self.refusals.push(Refusal::Changed {
            path: place.clone(),
            found: found.map_or_else(
                || "absent".to_owned(),
                |found| format!("a {} with other content or of another kind", found.kind),
            ),
        });
    }

    /// Returns what is at `place`; refuses, once, a directory that nothing can be changed in.
    fn look(&mut self, place: &RelPath) -> Result<Option<Metadata>, ApplyError> {
        if self.vacated.contains(place) {
            return Ok(None);
        }
        let Some(parent) = self.parent(place) else {
            return Ok(None);
        };
        parent
            .metadata_if_present(place.file_name())
            .map_err(|source| ApplyError::Read {
                source: RootError::new("look at", place.to_string(), source),
            })
    }

    fn parent(&mut self, place: &RelPath) -> Option<Arc<Directory>> {
        let above = place.parent();
        if above
            .as_ref()
            .is_some_and(|above| self.fresh.contains(above))
        {
            return None;
        }
        if let Some(known) = self.directories.get(&above) {
            return known.clone();
        }
        let opened = self.open_parent(place);
        let usable = match opened {
            Ok(directory) => Some(Arc::new(directory)),
            Err(refusal) => {
                self.refusals.push(refusal);
                None
            }
        };
        self.directories.insert(above, usable.clone());
        usable
    }

    fn open_parent(&self, place: &RelPath) -> Result<Directory, Refusal> {
        let unusable = |source: io::Error| Refusal::Directory {
            path: place.clone(),
            source,
        };
        let directory = self
            .root
            .parent_of(place)
            .map_err(|error| unusable(error.into_io()))?;
        let path = || place.parent().unwrap_or_else(|| place.clone());
        if directory.free_space().map_err(unusable)?.is_read_only {
            return Err(Refusal::ReadOnly { path: path() });
        }
        let own = directory.own_metadata().map_err(unusable)?;
        for (is_set, flag) in [
            (own.is_immutable, "immutable"),
            (own.is_append_only, "append-only"),
        ] {
            if is_set {
                return Err(Refusal::Flag { path: path(), flag });
            }
        }
        directory.may_change_entries().map_err(unusable)?;
        Ok(directory)
    }

    fn content(&mut self, place: &RelPath, found: Metadata) -> Result<Option<Sha256>, ApplyError> {
        let Some(parent) = self.parent(place) else {
            return Ok(None);
        };
        content_at(&parent, place.file_name(), found).map_err(|source| ApplyError::Read {
            source: RootError::new("read", place.to_string(), source),
        })
    }
}

/// Returns the digest of a file's content or a link's target; `None` for anything else.
pub(super) fn content_at(
    parent: &Directory,
    name: &[u8],
    found: Metadata,
) -> io::Result<Option<Sha256>> {
    Ok(match found.kind {
        Kind::File => {
            let mut hasher = Hasher::new();
            io::copy(&mut parent.open_file(name)?, &mut hasher)?;
            Some(hasher.sha256())
        }
        Kind::Symlink => Some(Sha256::of(&parent.read_link(name)?)),
        Kind::Directory | Kind::Special => None,
    })
}

fn is_library(place: &RelPath) -> bool {
    let name = place.file_name();
    name.ends_with(b".so") || name.windows(4).any(|window| window == b".so.")
}
