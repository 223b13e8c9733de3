//! An open directory and operations on one component below it.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Access, AtFlags, IFlags, Mode, OFlags, RenameFlags, ResolveFlags};
use rustix::io::Errno;

use crate::metadata::{Kind, Metadata, metadata_at};
use crate::set_mode;

/// Nothing leaves the directory, no symbolic link is followed, nothing of `/proc` leads elsewhere.
const STRICT: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// `FS_CASEFOLD_FL` of `linux/fs.h`.
const CASEFOLD: IFlags = IFlags::from_bits_retain(0x4000_0000);

/// How often a resolution is repeated that the kernel gave up because something was renamed meanwhile.
const RACES_MAX: usize = 128;

/// An open directory.
///
/// Every operation takes exactly one component: a name with a slash or NUL, an empty one, `.` and `..` are refused.
/// Errors are those of the kernel; the caller knows the path and tells it.
#[derive(Debug)]
pub struct Directory {
    descriptor: OwnedFd,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DirectoryEntry {
    /// The name.
    pub name: Vec<u8>,
    /// What the directory says it is, `None` where the file system does not tell.
    pub kind: Option<Kind>,
}

fn component(name: &[u8]) -> io::Result<&[u8]> {
    let refused = matches!(name, b"" | b"." | b"..") || name.iter().any(|b| matches!(b, b'/' | 0));
    if refused {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a name is not one component",
        ));
    }
    Ok(name)
}

/// Opens `path` strictly below `directory`.
pub(crate) fn open_strictly(
    directory: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
    mode: Mode,
) -> io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    for _ in 0..RACES_MAX {
        match rustix::fs::openat2(directory, OsStr::from_bytes(path), flags, mode, STRICT) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
    Err(Errno::AGAIN.into())
}

impl Directory {
    pub(crate) fn from_descriptor(descriptor: OwnedFd) -> Self {
        Directory { descriptor }
    }

    /// Returns a second handle of the same directory.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn try_clone(&self) -> io::Result<Directory> {
        Ok(Directory::from_descriptor(self.descriptor.try_clone()?))
    }

    /// Returns what the kernel knows about the directory itself.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn own_metadata(&self) -> io::Result<Metadata> {
        Metadata::of(&self.descriptor)
    }

    /// Returns what is at `name`, never following a symbolic link.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn metadata(&self, name: &[u8]) -> io::Result<Metadata> {
        metadata_at(self.descriptor.as_fd(), component(name)?)
    }

    /// Returns what is at `name`, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn metadata_if_present(&self, name: &[u8]) -> io::Result<Option<Metadata>> {
        match self.metadata(name) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the directory `name` for everything below it.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: `ENOTDIR` or `ELOOP` when it is something else.
    pub fn open_directory(&self, name: &[u8]) -> io::Result<Directory> {
        open_strictly(
            self.as_fd(),
            component(name)?,
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .map(Directory::from_descriptor)
    }

    /// Opens whatever is at `name`, symbolic links too, for its metadata and owner alone (`O_PATH`).
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn open_handle(&self, name: &[u8]) -> io::Result<OwnedFd> {
        // NO_SYMLINKS would refuse a link as last component even with O_PATH; one component with O_NOFOLLOW
        // cannot lead anywhere.
        Ok(rustix::fs::openat(
            self.as_fd(),
            component(name)?,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?)
    }

    /// Opens the regular file `name` for reading; anything else is refused without being waited for.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, or `InvalidInput` when it is not a regular file.
    pub fn open_file(&self, name: &[u8]) -> io::Result<File> {
        // Opening a device can act on it, so look first; the look at the open file is what counts.
        let refuse = |found: Metadata| match found.kind {
            Kind::File => Ok(()),
            other => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("it is a {other}, not a regular file"),
            )),
        };
        refuse(self.metadata(name)?)?;
        let file = open_strictly(
            self.as_fd(),
            name,
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
            Mode::empty(),
        )?;
        refuse(metadata_at(file.as_fd(), b"")?)?;
        Ok(File::from(file))
    }

    /// Makes the file `name`, which must not exist, with mode 0600, for reading and writing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn create_file(&self, name: &[u8]) -> io::Result<File> {
        open_strictly(
            self.as_fd(),
            component(name)?,
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            Mode::RUSR | Mode::WUSR,
        )
        .map(File::from)
    }

    /// Opens the regular file `name` for reading and writing, making it with mode 0600 where it is absent.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn open_or_create_file(&self, name: &[u8]) -> io::Result<File> {
        open_strictly(
            self.as_fd(),
            component(name)?,
            OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY,
            Mode::RUSR | Mode::WUSR,
        )
        .map(File::from)
    }

    /// Makes the directory `name`, which must not exist, with exactly `mode`, whatever the process's mask.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn create_directory(&self, name: &[u8], mode: u16) -> io::Result<Directory> {
        // Never wider than asked for, and with a usual mask right at once: whoever is killed here leaves no other mode.
        let wanted = Mode::from_raw_mode(rustix::fs::RawMode::from(mode & 0o777));
        rustix::fs::mkdirat(self.as_fd(), component(name)?, wanted | Mode::RWXU)?;
        let made = self.open_directory(name)?;
        set_mode(&made, mode)?;
        Ok(made)
    }

    /// Makes the symbolic link `name`, which must not exist.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn create_symlink(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(
            OsStr::from_bytes(target),
            self.as_fd(),
            component(name)?,
        )?)
    }

    /// Returns where the symbolic link `name` points.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn read_link(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        Ok(rustix::fs::readlinkat(self.as_fd(), component(name)?, Vec::new())?.into_bytes())
    }

    /// Gives the file `name` a second name `new_name` in `target`, where nothing may be.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn link(&self, name: &[u8], target: &Directory, new_name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::linkat(
            self.as_fd(),
            component(name)?,
            target.as_fd(),
            component(new_name)?,
            AtFlags::empty(),
        )?)
    }

    /// Renames `name` to `new_name` in `target`, replacing what is there.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn rename(&self, name: &[u8], target: &Directory, new_name: &[u8]) -> io::Result<()> {
        self.rename_with(name, target, new_name, RenameFlags::empty())
    }

    /// Renames `name` to `new_name` in `target`, where nothing may be.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: `EEXIST` when something is there.
    pub fn rename_new(&self, name: &[u8], target: &Directory, new_name: &[u8]) -> io::Result<()> {
        self.rename_with(name, target, new_name, RenameFlags::NOREPLACE)
    }

    /// Exchanges `name` with `other` in `target`; both must exist.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn exchange(&self, name: &[u8], target: &Directory, other: &[u8]) -> io::Result<()> {
        self.rename_with(name, target, other, RenameFlags::EXCHANGE)
    }

    fn rename_with(
        &self,
        name: &[u8],
        target: &Directory,
        new_name: &[u8],
        flags: RenameFlags,
    ) -> io::Result<()> {
        Ok(rustix::fs::renameat_with(
            self.as_fd(),
            component(name)?,
            target.as_fd(),
            component(new_name)?,
            flags,
        )?)
    }

    /// Deletes `name`, which must not be a directory.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn delete(&self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            self.as_fd(),
            component(name)?,
            AtFlags::empty(),
        )?)
    }

    /// Deletes the empty directory `name`.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: `ENOTEMPTY` when something is in it.
    pub fn delete_directory(&self, name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            self.as_fd(),
            component(name)?,
            AtFlags::REMOVEDIR,
        )?)
    }

    /// Returns the names in the directory, sorted by their bytes.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn entries(&self) -> io::Result<Vec<DirectoryEntry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(self.as_fd())? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            entries.push(DirectoryEntry {
                name: name.to_vec(),
                kind: match entry.file_type() {
                    rustix::fs::FileType::Unknown => None,
                    rustix::fs::FileType::Directory => Some(Kind::Directory),
                    rustix::fs::FileType::RegularFile => Some(Kind::File),
                    rustix::fs::FileType::Symlink => Some(Kind::Symlink),
                    _ => Some(Kind::Special),
                },
            });
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// Opens the directory that this one is in, refusing any but the one with `inode` on `device`.
    pub(crate) fn open_parent(&self, device: u64, inode: u64) -> io::Result<Directory> {
        // Not BENEATH: the name leads out. What is opened is only used when it is the directory we came from.
        let parent = Directory::from_descriptor(rustix::fs::openat(
            self.as_fd(),
            c"..",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?);
        let found = parent.own_metadata()?;
        if (found.device, found.inode) != (device, inode) {
            return Err(io::Error::other("a directory was moved while it was read"));
        }
        Ok(parent)
    }

    /// Returns how many bytes and inodes unprivileged writers can still use on this file system.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn free_space(&self) -> io::Result<FreeSpace> {
        let found = rustix::fs::fstatvfs(self.as_fd())?;
        Ok(FreeSpace {
            // One without a size, such as ramfs, has no end but memory's.
            bytes: match found.f_blocks {
                0 => u64::MAX,
                _ => found.f_bavail.saturating_mul(found.f_frsize),
            },
            // Some file systems make inodes as they go and say 0 of 0.
            inodes: (found.f_files > 0).then_some(found.f_favail),
            is_read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    /// Tells whether the caller may make, rename and delete names in the directory.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: why it may not.
    pub fn may_change_entries(&self) -> io::Result<()> {
        Ok(rustix::fs::accessat(
            self.as_fd(),
            c".",
            Access::WRITE_OK | Access::EXEC_OK,
            AtFlags::EACCESS,
        )?)
    }

    /// Tells whether the directory takes several names for one by its flag `casefold`. Some file systems do so in all
    /// directories and have no flag for it.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn folds_names(&self) -> io::Result<bool> {
        Ok(self.inode_flags()?.contains(CASEFOLD))
    }

    /// Sets the flag `casefold` on the directory, which has to be empty.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn fold_names(&self) -> io::Result<()> {
        let flags = self.inode_flags()?;
        if flags.contains(CASEFOLD) {
            return Ok(());
        }
        Ok(rustix::fs::ioctl_setflags(self.as_fd(), flags | CASEFOLD)?)
    }

    fn inode_flags(&self) -> io::Result<IFlags> {
        match rustix::fs::ioctl_getflags(self.as_fd()) {
            // Not every file system has such flags.
            Err(Errno::NOTTY | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => {
                Ok(IFlags::empty())
            }
            other => Ok(other?),
        }
    }

    /// Waits until the directory's own entries are on disk.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer; after a failure nothing is known about what is on disk.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.as_fd())?)
    }

    /// Waits until everything written to this file system is on disk.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer; after a failure nothing is known about what is on disk.
    pub fn sync_filesystem(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(self.as_fd())?)
    }
}

/// What a file system has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Bytes; all there could be where the file system does not count them.
    pub bytes: u64,
    /// Inodes, `None` where the file system does not count them.
    pub inodes: Option<u64>,
    /// Whether the mount is read-only.
    pub is_read_only: bool,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
