//! What is at a name: one `statx(2)`, never through a symbolic link.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, FileType, StatxAttributes, StatxFlags};

/// What kind of thing is at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Symlink,
    /// A named pipe, a socket or a device node: nothing a package may hold.
    Special,
}

impl Kind {
    /// Returns the word of messages: `directory`, `file`, `symlink` or `special file`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Directory => "directory",
            Kind::File => "file",
            Kind::Symlink => "symlink",
            Kind::Special => "special file",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the kernel knows about one inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// Permission, setuid, setgid and sticky bits.
    pub mode: u16,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// Length in bytes; of a symbolic link, of its target.
    pub size: u64,
    /// What it takes on the disk, in bytes.
    pub allocated: u64,
    /// The inode's number.
    pub inode: u64,
    /// How many names it has.
    pub links: u32,
    /// Seconds since 1970 of the last change of its content.
    pub modified: i64,
    /// Identifies the mount it was reached through; renames and links work only within one.
    pub mount: u64,
    /// Identifies the file system it is on.
    pub device: u64,
    /// Whether something is mounted on it.
    pub is_mount_point: bool,
    /// Whether it carries the immutable flag.
    pub is_immutable: bool,
    /// Whether it carries the append-only flag.
    pub is_append_only: bool,
}

impl Metadata {
    /// Returns what the kernel knows about an open file.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn of(file: impl AsFd) -> io::Result<Self> {
        metadata_at(file.as_fd(), b"")
    }
}

/// Returns what is at `name` below `directory`, or `directory` itself for an empty name.
pub(crate) fn metadata_at(directory: BorrowedFd<'_>, name: &[u8]) -> io::Result<Metadata> {
    let mut flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    if name.is_empty() {
        flags |= AtFlags::EMPTY_PATH;
    }
    let found = rustix::fs::statx(
        directory,
        name,
        flags,
        StatxFlags::BASIC_STATS | StatxFlags::MNT_ID,
    )?;
    // Without mount numbers (before Linux 5.8) a rename across mounts cannot be foreseen.
    if found.stx_mask & StatxFlags::MNT_ID.bits() == 0 {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "statx does not tell mounts apart; Linux 5.8 or later is needed",
        ));
    }
    let attributes = found.stx_attributes;
    Ok(Metadata {
        kind: match FileType::from_raw_mode(found.stx_mode.into()) {
            FileType::Directory => Kind::Directory,
            FileType::RegularFile => Kind::File,
            FileType::Symlink => Kind::Symlink,
            _ => Kind::Special,
        },
        mode: found.stx_mode & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        size: found.stx_size,
        allocated: found.stx_blocks.saturating_mul(512),
        inode: found.stx_ino,
        links: found.stx_nlink,
        modified: found.stx_mtime.tv_sec,
        mount: found.stx_mnt_id,
        device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
        is_mount_point: attributes.contains(StatxAttributes::MOUNT_ROOT),
        is_immutable: attributes.contains(StatxAttributes::IMMUTABLE),
        is_append_only: attributes.contains(StatxAttributes::APPEND),
    })
}
