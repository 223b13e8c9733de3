//! How much of the disk the writable directories take.
//!
//! Asking the file systems how full they are is cheap and can be done often; walking the directories is exact. So the first
//! says when the second is due. The walk follows nothing and opens nothing but directories.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::usage::Tree;
use crate::Limits;

/// Deepest directory that a walk goes into: it keeps a descriptor for each level.
const DEPTH_MAX: usize = 256;

/// Shortest time between two walks that nothing but time asks for.
const WALK_INTERVAL: Duration = Duration::from_secs(10);

/// A walk takes at most one part in this many of the time.
const WALK_SHARE: u32 = 50;

/// Free space that has to stay on every file system, in bytes, as long as a build fills it.
const FREE_FLOOR_BYTES: u64 = 64 * 1024 * 1024;

/// Watches directories.
#[derive(Debug)]
pub(super) struct DiskGauge {
    directories: Vec<PathBuf>,
    /// Bytes and inodes used on each file system at the last walk, by device.
    before: BTreeMap<u64, Fill>,
    last: Walked,
    next_walk: Instant,
}

#[derive(Debug, Clone, Copy, Default)]
struct Fill {
    bytes: u64,
    inodes: u64,
}

/// What a walk found.
#[derive(Debug, Default)]
struct Walked {
    bytes: u64,
    entries: u64,
    /// Something could not be looked into.
    is_incomplete: bool,
}

impl DiskGauge {
    pub(super) fn new(directories: Vec<PathBuf>) -> Self {
        let mut gauge = DiskGauge {
            directories,
            before: BTreeMap::new(),
            last: Walked::default(),
            next_walk: Instant::now() + WALK_INTERVAL,
        };
        gauge.before = gauge.fill().0;
        gauge
    }

    /// Returns whether the directories, and unnamed files that are open in `tree`, take more than the limits.
    pub(super) fn is_over(&mut self, limits: &Limits, tree: impl Fn() -> Tree) -> bool {
        let (now, is_full) = self.fill();
        let grown = self.grown(&now);
        let suspects = self.last.bytes.saturating_add(grown.bytes) >= limits.disk_bytes
            || self.last.entries.saturating_add(grown.inodes) >= limits.disk_entries
            || is_full;
        if !suspects && Instant::now() < self.next_walk {
            return false;
        }
        self.walk(limits);
        let devices: BTreeSet<u64> = now.keys().copied().collect();
        let unnamed = if suspects {
            tree().unnamed_bytes(&devices).0
        } else {
            0
        };
        let is_over = |walked: &Walked| {
            walked.bytes.saturating_add(unnamed) >= limits.disk_bytes
                || walked.entries >= limits.disk_entries
        };
        // Who hides a directory while the disk fills is not given the benefit of the doubt.
        let is_hidden = suspects && self.last.is_incomplete;
        let fills_disk = is_full && self.last.bytes.saturating_add(unnamed) > FREE_FLOOR_BYTES;
        let answer = is_over(&self.last) || is_hidden || fills_disk;
        self.before = now;
        self.last.bytes = self.last.bytes.saturating_add(unnamed);
        answer
    }

    /// Returns the same after the end, by walking whatever the file systems say: others may have freed what we filled.
    pub(super) fn is_over_at_end(&mut self, limits: &Limits) -> bool {
        self.next_walk = Instant::now();
        self.is_over(limits, Tree::default)
    }

    fn grown(&self, now: &BTreeMap<u64, Fill>) -> Fill {
        now.iter().fold(Fill::default(), |sum, (device, fill)| {
            let before = self.before.get(device).copied().unwrap_or_default();
            Fill {
                bytes: sum.bytes + fill.bytes.saturating_sub(before.bytes),
                inodes: sum.inodes + fill.inodes.saturating_sub(before.inodes),
            }
        })
    }

    /// Returns how full the file systems are, and whether one of them is nearly full.
    ///
    /// A directory that is gone fills nothing.
    fn fill(&self) -> (BTreeMap<u64, Fill>, bool) {
        let mut fill = BTreeMap::new();
        let mut is_full = false;
        for directory in &self.directories {
            let (Ok(status), Ok(system)) =
                (rustix::fs::stat(directory), rustix::fs::statvfs(directory))
            else {
                continue;
            };
            is_full |= system.f_bavail * system.f_frsize < FREE_FLOOR_BYTES;
            fill.insert(
                status.st_dev,
                Fill {
                    bytes: system.f_blocks.saturating_sub(system.f_bfree) * system.f_frsize,
                    inodes: system.f_files.saturating_sub(system.f_ffree),
                },
            );
        }
        (fill, is_full)
    }

    fn walk(&mut self, limits: &Limits) {
        let started = Instant::now();
        let mut walked = Walked::default();
        let mut linked = BTreeSet::new();
        for directory in &self.directories {
            match open_directory(CWD, directory.as_path()) {
                Ok(directory) => walk_below(directory, limits, &mut walked, &mut linked),
                Err(Errno::NOTDIR) | Err(Errno::NOENT) => {}
                Err(_) => walked.is_incomplete = true,
            }
        }
        self.last = walked;
        let pause = (started.elapsed() * WALK_SHARE).max(WALK_INTERVAL);
        self.next_walk = Instant::now() + pause;
    }
}

fn open_directory(
    parent: impl std::os::fd::AsFd,
    name: impl rustix::path::Arg,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty())
}

/// Adds up everything below a directory, until a limit is passed.
fn walk_below(
    directory: OwnedFd,
    limits: &Limits,
    walked: &mut Walked,
    linked: &mut BTreeSet<(u64, u64)>,
) {
    let Ok(first) = Dir::new(directory) else {
        walked.is_incomplete = true;
        return;
    };
    let mut open = vec![first];
    loop {
        let depth = open.len();
        let Some(here) = open.last_mut() else {
            return;
        };
        let Some(entry) = here.read() else {
            open.pop();
            continue;
        };
        if walked.bytes >= limits.disk_bytes || walked.entries >= limits.disk_entries {
            return;
        }
        let (Ok(entry), Ok(parent)) = (entry, here.fd()) else {
            walked.is_incomplete = true;
            open.pop();
            continue;
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        // What is gone by now takes nothing.
        let Ok(status) = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else {
            continue;
        };
        walked.entries += 1;
        let is_directory = FileType::from_raw_mode(status.st_mode) == FileType::Directory;
        let is_first_name =
            is_directory || status.st_nlink == 1 || linked.insert((status.st_dev, status.st_ino));
        if is_first_name {
            walked.bytes += u64::try_from(status.st_blocks).unwrap_or_default() * 512;
        }
        if !is_directory {
            continue;
        }
        if depth >= DEPTH_MAX {
            walked.is_incomplete = true;
            continue;
        }
        match open_directory(parent, name).and_then(Dir::new) {
            Ok(directory) => open.push(directory),
            Err(Errno::NOENT) => {}
            Err(_) => walked.is_incomplete = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::DiskGauge;
    use crate::Limits;
    use crate::parent::usage::Tree;

    fn gauge_of(directory: &tempfile::TempDir, limits: &Limits) -> bool {
        let mut gauge = DiskGauge::new(vec![directory.path().to_owned()]);
        gauge.next_walk = std::time::Instant::now();
        gauge.is_over(limits, Tree::default)
    }

    #[test]
    fn bytes_and_entries_are_counted_once_per_file_and_links_are_not_followed() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("d")).expect("made");
        fs::write(at("d/file"), vec![1; 100_000]).expect("written");
        fs::hard_link(at("d/file"), at("again")).expect("linked");
        std::os::unix::fs::symlink("/", at("host")).expect("linked");
        let limits = |disk_bytes, disk_entries| Limits {
            disk_bytes,
            disk_entries,
            ..Limits::default()
        };
        assert!(!gauge_of(&directory, &limits(180_000, 5)));
        assert!(gauge_of(&directory, &limits(90_000, 5)));
        assert!(gauge_of(&directory, &limits(180_000, 4)));
    }
}
