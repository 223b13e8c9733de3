//! `/dev` and `/proc` of a sandbox.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use super::mounts::{attach_below, clone_tree, file_system, resolve, tmpfs};
use super::skeleton::{self, PointKind};
use crate::control::{Refusal, TerminalSize};
use crate::locks::{Lock, is_on};
use crate::syscall::{self, MountAttributes};

/// Devices of the host that are visible inside: name, major and minor number (Linux' devices.txt).
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// Links of `/dev` that every Unix program expects.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Size of `/dev` itself, in bytes: nothing is ever written there.
const DEV_BYTES: u64 = 64 * 1024;

/// Parts of `/proc` that tell about the host and that no build needs; hidden where they exist.
const HIDDEN: [&str; 14] = [
    "acpi",
    "asound",
    "config.gz",
    "interrupts",
    "kallsyms",
    "kcore",
    "keys",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "scsi",
    "sysrq-trigger",
    "timer_list",
    "vmallocinfo",
];

/// Parts of `/proc` that could change something; read-only where they exist.
const READ_ONLY: [&str; 5] = ["bus", "driver", "fs", "irq", "sys"];

/// Attaches a `/dev` with the harmless devices and terminals of its own.
pub(super) fn attach_devices(root: BorrowedFd<'_>, shm_bytes: u64) -> Result<(), Refusal> {
    if !is_on(Lock::Devices) {
        let all = clone_tree(OsStr::new("/dev"), MountAttributes::default())?;
        return attach_below(all.as_fd(), root, "dev");
    }
    let dev = tmpfs("dev", DEV_BYTES, 0o755)?;
    let dev = dev.as_fd();
    attach_below(dev, root, "dev")?;
    for (name, major, minor) in DEVICES {
        attach_device(dev, name, major, minor)?;
    }
    for (name, target) in LINKS {
        skeleton::link(dev, name, target)?;
    }
    let terminals = file_system(
        "devpts",
        &[("ptmxmode", "666".to_owned()), ("mode", "620".to_owned())],
        MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )?;
    skeleton::directory(dev, "pts", 0o755)?;
    attach_below(terminals.as_fd(), dev, "pts")?;
    let shm = tmpfs("shm", shm_bytes, 0o1777)?;
    skeleton::directory(dev, "shm", 0o755)?;
    attach_below(shm.as_fd(), dev, "shm")?;
    // Last: from here on nothing can be made in /dev.
    let alone = MountAttributes {
        is_read_only: true,
        ..MountAttributes::default()
    };
    syscall::set_mount_attributes_alone(dev, alone).map_err(Refusal::during("make /dev read-only"))
}

fn attach_device(dev: BorrowedFd<'_>, name: &str, major: u32, minor: u32) -> Result<(), Refusal> {
    skeleton::mount_point(dev, OsStr::new(name), PointKind::File)?;
    let host_path = format!("/dev/{name}");
    // Read-only keeps the inode from being changed; data still goes through to the driver.
    let attributes = MountAttributes {
        is_read_only: true,
        forbids_devices: false,
        forbids_execution: true,
    };
    let tree = clone_tree(OsStr::new(&host_path), attributes)?;
    let status =
        rustix::fs::fstat(&tree).map_err(Refusal::during(format!("look at {host_path}")))?;
    let is_it = FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice
        && status.st_rdev == rustix::fs::makedev(major, minor);
    if !is_it {
        return Err(Refusal::missing(
            host_path.clone(),
            format!("it is not the device {major}:{minor}"),
            format!("`mknod -m 666 {host_path} c {major} {minor}` as root"),
        ));
    }
    attach_below(tree.as_fd(), dev, name)
}

/// Attaches a `/proc` of the new process namespace, with what tells about the host hidden.
pub(super) fn attach_proc(root: BorrowedFd<'_>) -> Result<(), Refusal> {
    if !is_on(Lock::ProcessNamespace) {
        let all = clone_tree(OsStr::new("/proc"), MountAttributes::default())?;
        return attach_below(all.as_fd(), root, "proc");
    }
    let proc = file_system(
        "proc",
        &[],
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )?;
    let proc = proc.as_fd();
    attach_below(proc, root, "proc")?;
    if !is_on(Lock::ProcMasks) {
        return Ok(());
    }
    let read_only = MountAttributes {
        is_read_only: true,
        forbids_devices: true,
        forbids_execution: true,
    };
    for name in HIDDEN {
        let Some(kind) = kind_of(proc, name)? else {
            continue;
        };
        match kind {
            PointKind::Directory => {
                let empty = tmpfs("nothing", DEV_BYTES, 0o555)?;
                syscall::set_mount_attributes(empty.as_fd(), read_only)
                    .map_err(Refusal::during("make an empty directory read-only"))?;
                attach_below(empty.as_fd(), proc, name)?;
                verify_mount(proc, name, empty.as_fd())?;
            }
            PointKind::File => {
                let null = clone_null()?;
                attach_below(null.as_fd(), proc, name)?;
                verify_mount(proc, name, null.as_fd())?;
            }
        }
    }
    for name in READ_ONLY {
        if kind_of(proc, name)?.is_none() {
            continue;
        }
        let tree = clone_below(proc, name, read_only)?;
        attach_below(tree.as_fd(), proc, name)?;
        verify_mount(proc, name, tree.as_fd())?;
    }
    Ok(())
}

/// Returns what is at `name`, if anything.
fn kind_of(proc: BorrowedFd<'_>, name: &str) -> Result<Option<PointKind>, Refusal> {
    match rustix::fs::statat(proc, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::Directory => {
            Ok(Some(PointKind::Directory))
        }
        Ok(_) => Ok(Some(PointKind::File)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(Refusal::during(format!("look at /proc/{name}"))(error)),
    }
}

fn clone_null() -> Result<OwnedFd, Refusal> {
    clone_tree(
        OsStr::new("/dev/null"),
        MountAttributes {
            is_read_only: true,
            forbids_devices: false,
            forbids_execution: true,
        },
    )
}

fn clone_below(
    proc: BorrowedFd<'_>,
    name: &str,
    attributes: MountAttributes,
) -> Result<OwnedFd, Refusal> {
    let clone = || -> Result<OwnedFd, Errno> {
        let tree = rustix::mount::open_tree(
            proc,
            name,
            rustix::mount::OpenTreeFlags::OPEN_TREE_CLONE
                | rustix::mount::OpenTreeFlags::OPEN_TREE_CLOEXEC
                | rustix::mount::OpenTreeFlags::AT_SYMLINK_NOFOLLOW,
        )?;
        syscall::set_mount_attributes(tree.as_fd(), attributes)?;
        Ok(tree)
    };
    clone().map_err(Refusal::during(format!("bind /proc/{name}")))
}

/// Verifies that `name` now leads to `mount`: another process of the host could have been quicker than we.
fn verify_mount(proc: BorrowedFd<'_>, name: &str, mount: BorrowedFd<'_>) -> Result<(), Refusal> {
    let found = resolve(proc, name)?;
    let identify = |file: BorrowedFd<'_>| -> Result<(u64, u64, u64), Errno> {
        let status = rustix::fs::statx(
            file,
            "",
            rustix::fs::AtFlags::EMPTY_PATH,
            rustix::fs::StatxFlags::INO | rustix::fs::StatxFlags::MNT_ID,
        )?;
        let device = rustix::fs::makedev(status.stx_dev_major, status.stx_dev_minor);
        Ok((device, status.stx_ino, status.stx_mnt_id))
    };
    let step = || format!("verify the mount at /proc/{name}");
    let found = identify(found.as_fd()).map_err(Refusal::during(step()))?;
    let expected = identify(mount).map_err(Refusal::during(step()))?;
    if found == expected {
        Ok(())
    } else {
        Err(Refusal::during(step())(Errno::STALE))
    }
}

/// Makes a terminal in `/dev/pts` of this process' root; returns its two ends, ours first.
pub(super) fn open_terminal(size: TerminalSize) -> Result<(OwnedFd, OwnedFd), Refusal> {
    let open = || -> Result<(OwnedFd, OwnedFd), Errno> {
        let ours = rustix::fs::open(
            "/dev/ptmx",
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        rustix::pty::unlockpt(&ours)?;
        let flags = rustix::pty::OpenptFlags::RDWR
            | rustix::pty::OpenptFlags::NOCTTY
            | rustix::pty::OpenptFlags::CLOEXEC;
        let theirs = rustix::pty::ioctl_tiocgptpeer(&ours, flags)?;
        rustix::termios::tcsetwinsize(&theirs, size.into())?;
        Ok((ours, theirs))
    };
    open().map_err(Refusal::during("make a terminal"))
}
