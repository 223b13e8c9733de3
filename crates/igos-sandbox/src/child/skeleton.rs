//! Directories, files and links that we make ourselves in a fresh tmpfs, before anything untrusted is mounted.
//!
//! As the topmost layer of the root they decide what every mount point is: a layer with a symbolic link at
//! `/dev`, or at the target of a bind, does not get through. As the lowest layer they give what a program
//! cannot do without.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::control::Refusal;

/// Users of a root that has no `/etc/passwd`. Number 0 is the only one that exists inside.
const PASSWD: &str = "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

/// What a mount point has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PointKind {
    Directory,
    File,
}

/// Makes a directory and opens it; one that exists already is only opened.
pub(super) fn directory(
    parent: BorrowedFd<'_>,
    name: impl AsRef<OsStr>,
    mode: u32,
) -> Result<OwnedFd, Refusal> {
    let name = name.as_ref();
    let make = || -> Result<OwnedFd, Errno> {
        match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(mode)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        rustix::fs::openat(
            parent,
            name,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )
    };
    make().map_err(Refusal::during(format!(
        "make the directory {} of the skeleton",
        name.display()
    )))
}

/// Makes a mount point at `path`, which is relative and made of plain names.
pub(super) fn mount_point(
    top: BorrowedFd<'_>,
    path: &OsStr,
    kind: PointKind,
) -> Result<(), Refusal> {
    let mut names: Vec<&[u8]> = path
        .as_bytes()
        .split(|&byte| byte == b'/')
        .filter(|name| !name.is_empty())
        .collect();
    let last = match kind {
        PointKind::Directory => None,
        PointKind::File => names.pop(),
    };
    let mut here = top
        .try_clone_to_owned()
        .map_err(Refusal::during("copy a descriptor"))?;
    for name in names {
        here = directory(here.as_fd(), OsStr::from_bytes(name), 0o755)?;
    }
    match last {
        None => Ok(()),
        Some(name) => file(here.as_fd(), OsStr::from_bytes(name), b""),
    }
}

/// Writes a file; one that exists already stays as it is.
pub(super) fn file(
    parent: BorrowedFd<'_>,
    name: impl AsRef<OsStr>,
    content: &[u8],
) -> Result<(), Refusal> {
    let name = name.as_ref();
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let write = || -> Result<(), Errno> {
        match rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(0o644)) {
            Ok(file) => rustix::io::write(&file, content).map(|_| ()),
            Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error),
        }
    };
    write().map_err(Refusal::during(format!(
        "make the file {} of the skeleton",
        name.display()
    )))
}

/// Makes a symbolic link.
pub(super) fn link(
    parent: BorrowedFd<'_>,
    name: impl AsRef<OsStr>,
    target: impl AsRef<OsStr>,
) -> Result<(), Refusal> {
    let (name, target) = (name.as_ref(), target.as_ref());
    rustix::fs::symlinkat(target, parent, name).map_err(Refusal::during(format!(
        "make the link {} of the skeleton",
        name.display()
    )))
}

/// Fills the lowest layer.
pub(super) fn fill_bottom(bottom: BorrowedFd<'_>) -> Result<(), Refusal> {
    let etc = directory(bottom, "etc", 0o755)?;
    file(etc.as_fd(), "passwd", PASSWD.as_bytes())?;
    file(etc.as_fd(), "group", GROUP.as_bytes())?;
    file(etc.as_fd(), "hosts", HOSTS.as_bytes())
}
