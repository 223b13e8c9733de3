//! Modes and owners of what `tmpfiles.d` declares, set through descriptors.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;

use igos_root::{Directory, Kind, Metadata};

use super::report::Unmade;
use super::tmpfiles::{Declared, Mode, Who, WhoId};
use crate::hooks::accounts::Accounts;
use crate::{Mutations, Ownership};

/// Whether something was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    New,
    Present,
}

/// What a line asks of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    mode: Option<Mode>,
    uid: Option<(u32, bool)>,
    gid: Option<(u32, bool)>,
    ownership: Ownership,
}

impl Wanted {
    /// Looks the names of a line up in the tables of the root.
    pub(super) fn of(
        declared: &Declared,
        accounts: &Accounts,
        ownership: Ownership,
    ) -> Result<Self, Unmade> {
        let find = |who: &Option<Who>, what: &str, find: &dyn Fn(&str) -> Option<u32>| {
            let Some(who) = who else {
                return Ok(None);
            };
            let number = match &who.id {
                WhoId::Number(number) => *number,
                WhoId::Name(name) if name == "root" => 0,
                WhoId::Name(name) => find(name).ok_or_else(|| {
                    Unmade::Failed(format!("/{}: there is no {what} {name}", declared.path))
                })?,
            };
            Ok(Some((number, who.only_new)))
        };
        Ok(Wanted {
            mode: declared.mode,
            uid: find(&declared.user, "user", &|name| accounts.uid(name))?,
            gid: find(&declared.group, "group", &|name| accounts.gid(name))?,
            ownership,
        })
    }

    /// Returns the mode for something new, which otherwise has `default`.
    pub(super) fn mode_of_new(&self, kind: Kind, default: u16) -> u16 {
        self.possible(kind, self.mode.map_or(default, |mode| mode.bits))
    }

    /// Returns the mode and owner of something new, which otherwise has `default` and is the caller's.
    pub(super) fn of_new(&self, kind: Kind, default: u16) -> (u16, (u32, u32)) {
        let own = (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        );
        let number = |wanted: Option<(u32, bool)>, own: u32| match (wanted, self.ownership) {
            (Some((number, _)), Ownership::Applied) => number,
            _ => own,
        };
        let owner = (number(self.uid, own.0), number(self.gid, own.1));
        (self.mode_of_new(kind, default), owner)
    }

    /// An ordinary user gives no special bits away, and does not lock himself out.
    fn possible(&self, kind: Kind, mode: u16) -> u16 {
        match (self.ownership, kind) {
            (Ownership::Applied, _) => mode,
            (Ownership::Recorded, Kind::Directory) => mode & 0o777 | 0o700,
            (Ownership::Recorded, _) => mode & 0o777,
        }
    }

    /// Returns the mode and owner that something should have.
    pub(super) fn after(&self, found: &Metadata, age: Age) -> (u16, (u32, u32)) {
        let counts = |only_new: bool| !only_new || age == Age::New;
        let mode = match self.mode {
            Some(mode) if counts(mode.only_new) => {
                let bits = match mode.is_masked {
                    true => masked(mode.bits, found),
                    false => mode.bits,
                };
                self.possible(found.kind, bits)
            }
            _ => found.mode,
        };
        let number = |wanted: Option<(u32, bool)>, present: u32| match wanted {
            Some((number, only_new))
                if counts(only_new) && self.ownership == Ownership::Applied =>
            {
                number
            }
            _ => present,
        };
        let owner = (number(self.uid, found.uid), number(self.gid, found.gid));
        (mode, owner)
    }

    /// Adjusts what is at `name`; of a symbolic link the owner, never what it leads to.
    pub(super) fn adjust(
        &self,
        directory: &Directory,
        name: &[u8],
        age: Age,
        mutations: &dyn Mutations,
    ) -> io::Result<()> {
        let found = directory.metadata(name)?;
        let (mode, owner) = self.after(&found, age);
        if found.kind == Kind::Symlink {
            // Its owner is its own, its mode is none.
            if owner != (found.uid, found.gid) {
                let handle = directory.open_handle(name)?;
                mutations.set_owner(handle.as_fd(), owner.0, owner.1)?;
            }
            return Ok(());
        }
        if (mode, owner) == (found.mode, (found.uid, found.gid)) {
            return Ok(());
        }
        if found.kind != Kind::Directory && found.links > 1 {
            // Whoever may write into the directory may have made it another name of anything.
            return Err(io::Error::other("it has several names"));
        }
        // What was opened has to be what was looked at.
        let exchanged = || io::Error::other("it was exchanged meanwhile");
        match found.kind {
            Kind::Directory => {
                let open = directory.open_directory(name)?;
                let now = open.own_metadata()?;
                if (now.inode, now.device) != (found.inode, found.device) {
                    return Err(exchanged());
                }
                self.set(open.as_fd(), &found, age, mutations)
            }
            Kind::File => {
                let open = directory.open_file(name)?;
                let now = open.metadata()?;
                if (now.ino(), now.nlink()) != (found.inode, 1) {
                    return Err(exchanged());
                }
                self.set(open.as_fd(), &found, age, mutations)
            }
            Kind::Symlink | Kind::Special => Err(io::Error::other("it is a special file")),
        }
    }

    /// Adjusts an open inode.
    fn set(
        &self,
        file: BorrowedFd<'_>,
        found: &Metadata,
        age: Age,
        mutations: &dyn Mutations,
    ) -> io::Result<()> {
        let (mode, owner) = self.after(found, age);
        let is_given = owner != (found.uid, found.gid);
        if is_given {
            mutations.set_owner(file, owner.0, owner.1)?;
        }
        // Giving a file away clears bits of its mode.
        if is_given || mode != found.mode {
            mutations.set_mode(file, mode)?;
        }
        Ok(())
    }
}

/// Leaves of a mode what the present one has of each kind.
fn masked(mode: u16, found: &Metadata) -> u16 {
    let mut mode = mode;
    for kind in [0o111, 0o222, 0o444] {
        if found.mode & kind == 0 {
            mode &= !kind;
        }
    }
    match found.kind {
        Kind::Directory => mode,
        _ => mode & 0o777,
    }
}
