//! Every change a transaction makes to a file system, behind one narrow border.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};

use igos_format::{Capabilities, Xattrs};
use igos_root::{
    Directory, Kind, Metadata, delete_tree, gives_rights, set_extended_attribute, set_mode,
    set_modified, set_owner, take_rights,
};

/// What an inode gets besides its content, before it has a name that anybody else can reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes<'a> {
    /// User and group; `None` leaves those of the caller.
    pub owner: Option<(u32, u32)>,
    /// Extended attributes.
    pub xattrs: &'a Xattrs,
    /// File capabilities.
    pub capabilities: Option<Capabilities>,
    /// The mode; `None` for a symbolic link, which has none.
    pub mode: Option<u16>,
    /// The time of the last change, in seconds since 1970.
    pub modified: i64,
}

/// Takes the rights that a file out of use gives to whoever runs it, if it gives any: somebody may have another name for it,
/// or a descriptor, and run it long after it is gone.
pub(crate) fn take_rights_of(
    mutations: &dyn Mutations,
    at: &Directory,
    name: &[u8],
    found: &Metadata,
) -> io::Result<()> {
    // Bits and capabilities count for programs alone.
    if found.kind == Kind::File && found.mode & 0o6111 != 0 {
        let file = at.open_file(name)?;
        if gives_rights(&file, found.mode)? {
            mutations.take_rights(file.as_fd(), found.mode)?;
        }
    }
    Ok(())
}

/// The mutations of a transaction.
///
/// The provided methods do what they say on the real file system; [`Disk`] is that. Tests put something between
/// that stops, fails or remembers: a transaction has no other way to change anything.
pub trait Mutations: Send + Sync + std::fmt::Debug {
    /// Makes a directory with exactly this mode.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, as all methods do.
    fn create_directory(&self, at: &Directory, name: &[u8], mode: u16) -> io::Result<Directory> {
        at.create_directory(name, mode)
    }

    /// Makes a file for writing, with mode 0600.
    fn create_file(&self, at: &Directory, name: &[u8]) -> io::Result<File> {
        at.create_file(name)
    }

    /// Appends to a file made by [`Mutations::create_file`].
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes a symbolic link.
    fn create_symlink(&self, at: &Directory, target: &[u8], name: &[u8]) -> io::Result<()> {
        at.create_symlink(target, name)
    }

    /// Gives a file another name.
    fn link(&self, from: &Directory, name: &[u8], to: &Directory, other: &[u8]) -> io::Result<()> {
        from.link(name, to, other)
    }

    /// Sets owner, extended attributes, capabilities, mode and time, in this order: each may clear what an earlier
    /// order had set.
    fn set_attributes(&self, file: BorrowedFd<'_>, attributes: &Attributes<'_>) -> io::Result<()> {
        if let Some((uid, gid)) = attributes.owner {
            set_owner(file, uid, gid)?;
        }
        for (name, value) in attributes.xattrs {
            set_extended_attribute(file, name, value)?;
        }
        if let Some(capabilities) = attributes.capabilities {
            set_extended_attribute(file, Capabilities::XATTR, &capabilities.to_xattr())?;
        }
        if let Some(mode) = attributes.mode {
            set_mode(file, mode)?;
        }
        set_modified(file, attributes.modified)
    }

    /// Sets a mode alone.
    fn set_mode(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<()> {
        set_mode(file, mode)
    }

    /// Sets owner and group alone; the mode has to be set again afterwards.
    fn set_owner(&self, file: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
        set_owner(file, uid, gid)
    }

    /// Takes setuid and setgid bits and capabilities away from a file of this mode.
    fn take_rights(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<()> {
        take_rights(file, mode)
    }

    /// Renames, replacing what is there.
    fn rename(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        from.rename(name, to, other)
    }

    /// Renames to a name that nothing may have.
    fn rename_new(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        from.rename_new(name, to, other)
    }

    /// Exchanges two names.
    fn exchange(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        from.exchange(name, to, other)
    }

    /// Lets an empty directory fold names.
    fn fold_names(&self, at: &Directory) -> io::Result<()> {
        at.fold_names()
    }

    /// Deletes a name that is not a directory.
    fn delete(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        at.delete(name)
    }

    /// Deletes an empty directory.
    fn delete_directory(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        at.delete_directory(name)
    }

    /// Deletes a name and everything below it.
    fn delete_tree(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        delete_tree(at, name)
    }

    /// Waits until everything on the file system of `at` is on disk.
    fn sync_filesystem(&self, at: &Directory) -> io::Result<()> {
        at.sync_filesystem()
    }

    /// Waits until the entries of a directory are on disk.
    fn sync(&self, at: &Directory) -> io::Result<()> {
        at.sync()
    }

    /// Is asked before the database commits; an error takes the database's changes back.
    fn commit_database(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Mutations for Disk {}
