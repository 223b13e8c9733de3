//! The file systems that are cut off, made and mounted.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use fs_err as fs;
use nix::mount::{MntFlags, MsFlags};

use super::DeviceError;
use super::cut::Sector;

/// A file system of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileSystem {
    /// ext4, with its journal of metadata.
    Ext4,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
}

impl fmt::Display for FileSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for FileSystem {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|file_system| file_system.name() == text)
            .ok_or_else(|| format!("{text} is not ext4, xfs or btrfs"))
    }
}

impl FileSystem {
    /// All of them.
    pub const ALL: [FileSystem; 3] = [FileSystem::Ext4, FileSystem::Xfs, FileSystem::Btrfs];

    fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
            FileSystem::Btrfs => "btrfs",
        }
    }

    /// Returns what of a write the file system takes for atomic.
    ///
    /// Btrfs and ext4 write a superblock of 4 KiB with one checksum in place, and do not mount without it.
    pub(super) fn sector(self) -> Sector {
        match self {
            FileSystem::Xfs => Sector::Small,
            FileSystem::Ext4 | FileSystem::Btrfs => Sector::Large,
        }
    }

    /// Returns the program that makes it, and its arguments before the file.
    fn maker(self) -> (&'static str, &'static [&'static str]) {
        match self {
            FileSystem::Ext4 => (
                "mkfs.ext4",
                &[
                    "-q",
                    "-F",
                    "-E",
                    "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
                ],
            ),
            // A small one: what takes space in a larger one is its log.
            FileSystem::Xfs => ("mkfs.xfs", &["--unsupported", "-q", "-K"]),
            FileSystem::Btrfs => ("mkfs.btrfs", &["-q", "-K"]),
        }
    }

    fn length(self) -> u64 {
        match self {
            FileSystem::Ext4 | FileSystem::Xfs => 64 << 20,
            FileSystem::Btrfs => 120 << 20,
        }
    }

    /// Returns the program that looks for damage without mending it, and its arguments before the file.
    fn checker(self) -> (&'static str, &'static [&'static str]) {
        match self {
            FileSystem::Ext4 => ("e2fsck", &["-f", "-n"]),
            FileSystem::Xfs => ("xfs_repair", &["-n"]),
            FileSystem::Btrfs => ("btrfs", &["check", "--readonly"]),
        }
    }

    /// Says what this machine lacks to use it, if it lacks something.
    #[must_use]
    pub fn lacks(self) -> Option<String> {
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        if !known.split_whitespace().any(|word| word == self.name()) {
            return Some(format!("the kernel has no {self}"));
        }
        let programs = [self.maker().0, self.checker().0, "losetup"];
        let lacking = programs.into_iter().find(|program| {
            let places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
            !places
                .iter()
                .any(|place| Path::new(place).join(program).exists())
        });
        lacking.map(|program| format!("{program} is not installed"))
    }

    /// Makes an empty one in a new file.
    pub(super) fn make(self, file: &Path) -> Result<(), DeviceError> {
        fs::File::create(file)
            .and_then(|file| file.set_len(self.length()))
            .map_err(DeviceError::File)?;
        let (program, arguments) = self.maker();
        run(program, arguments, file).map(drop)
    }

    /// Fails if it is damaged. It has been mounted, so that its own log is replayed, and is not mounted now.
    pub(super) fn check(self, file: &Path) -> Result<(), DeviceError> {
        let (program, arguments) = self.checker();
        run(program, arguments, file).map(drop)
    }
}

/// A file system that is mounted until the value is dropped.
#[derive(Debug)]
pub(super) struct Mounted {
    directory: PathBuf,
}

/// Whether the loop device goes round the page cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It does: what the file system writes arrives when it writes it.
    Direct,
    /// It does not.
    Cached,
}

impl Mounted {
    /// Mounts the file system in `file` on an empty directory.
    pub(super) fn mount(
        file_system: FileSystem,
        file: &Path,
        access: Access,
        directory: &Path,
    ) -> Result<Self, DeviceError> {
        let direct = match access {
            Access::Direct => "--direct-io=on",
            Access::Cached => "--direct-io=off",
        };
        let device = run("losetup", &["--find", "--show", direct], file)?;
        let device = Path::new(device.trim());
        let mounted = check_access(device, access).and_then(|()| {
            nix::mount::mount(
                Some(device),
                directory,
                Some(file_system.name()),
                MsFlags::MS_NOATIME,
                None::<&str>,
            )
            .map_err(|source| DeviceError::Mount {
                file_system,
                source: source.into(),
            })
        });
        // The device goes when it is unmounted, or now if nothing was mounted.
        let detached = run("losetup", &["--detach"], device);
        mounted?;
        let mounted = Mounted {
            directory: directory.to_owned(),
        };
        detached.map(|_| mounted)
    }

    /// Unmounts it, and says what went wrong if something did.
    pub(super) fn unmount(self) -> Result<(), DeviceError> {
        let unmounted = nix::mount::umount2(&self.directory, MntFlags::empty());
        if unmounted.is_ok() {
            std::mem::forget(self);
        }
        unmounted.map_err(|source| DeviceError::Unmount {
            source: source.into(),
        })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // An error here follows another one, which is told.
        let _ = nix::mount::umount2(&self.directory, MntFlags::MNT_DETACH);
    }
}

fn check_access(device: &Path, access: Access) -> Result<(), DeviceError> {
    let name = device.file_name().unwrap_or_default();
    let setting = Path::new("/sys/block").join(name).join("loop/dio");
    let found = fs::read_to_string(setting).map_err(DeviceError::File)?;
    if access == Access::Direct && found.trim() != "1" {
        return Err(DeviceError::NotDirect);
    }
    Ok(())
}

/// Runs a program on a file, and returns what it printed.
pub(super) fn run(
    program: &'static str,
    arguments: &[&str],
    file: &Path,
) -> Result<String, DeviceError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a machine for tests uses the programs of the system"
    )]
    let mut command = Command::new(program);
    let output = command
        .args(arguments)
        .arg(file)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| DeviceError::Start { program, source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(DeviceError::Failed {
        program,
        printed: text(&output.stdout) + &text(&output.stderr),
    })
}
