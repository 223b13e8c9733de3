//! What a tree of processes uses, by looking into `/proc`: for users who may not make cgroups.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::process::Pid;

use crate::process::{parent_of, resident_pages_of, threads_of};

/// Part of the machine's memory that has to stay available while something runs without a memory cgroup, as a divisor.
///
/// Some memory belongs to no process that could be asked: buffers of sockets and pipes, files in memory that are in transit between processes.
/// Whoever hides memory there is stopped before the machine suffers.
const MEMORY_FLOOR_DIVISOR: u64 = 32;

/// One look at a tree of processes.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pids: Vec<i32>,
    /// Threads of all processes.
    pub(super) threads: u64,
    /// Resident memory; what processes share counts for each of them.
    pub(super) resident_bytes: u64,
}

impl Tree {
    /// Looks at all descendants of `root`, which itself is left out.
    ///
    /// `/proc` that cannot be read looks like no processes: `run` has read it before, so that it can.
    pub(super) fn below(root: Pid) -> Self {
        let page = rustix::param::page_size() as u64;
        let mut children: BTreeMap<i32, Vec<(i32, u64, u64)>> = BTreeMap::new();
        for (pid, stat) in processes() {
            let (Some(parent), Some(threads), Some(pages)) = (
                parent_of(&stat),
                threads_of(&stat),
                resident_pages_of(&stat),
            ) else {
                continue;
            };
            children
                .entry(parent)
                .or_default()
                .push((pid, threads, pages));
        }
        let mut tree = Tree::default();
        let mut next = vec![root.as_raw_nonzero().get()];
        while let Some(parent) = next.pop() {
            // Removing makes the walk end whatever ids were reused while we read.
            for (pid, threads, pages) in children.remove(&parent).unwrap_or_default() {
                tree.pids.push(pid);
                // One that has ended and was not reaped has no threads and still takes a place.
                tree.threads += threads.max(1);
                tree.resident_bytes += pages * page;
                next.push(pid);
            }
        }
        tree
    }

    /// Returns the memory with what is shared divided among those who share it; slower, and exact.
    pub(super) fn proportional_bytes(&self) -> u64 {
        let of = |pid: &i32| -> Option<u64> {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            value_of(&rollup, "Pss:")
        };
        // A process that has ended uses nothing.
        self.pids.iter().filter_map(of).sum()
    }

    /// Returns the bytes of files that are open somewhere in the tree and have no name: on one of `devices`, and elsewhere,
    /// which means in memory.
    pub(super) fn unnamed_bytes(&self, devices: &BTreeSet<u64>) -> (u64, u64) {
        let mut seen = BTreeSet::new();
        let (mut on_disk, mut in_memory) = (0, 0);
        for pid in &self.pids {
            let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
                continue;
            };
            for descriptor in descriptors.flatten() {
                let Ok(status) = fs::metadata(descriptor.path()) else {
                    continue;
                };
                let is_unnamed = status.is_file() && status.nlink() == 0;
                if is_unnamed && seen.insert((status.dev(), status.ino())) {
                    let bytes = status.blocks() * 512;
                    if devices.contains(&status.dev()) {
                        on_disk += bytes;
                    } else {
                        in_memory += bytes;
                    }
                }
            }
        }
        (on_disk, in_memory)
    }
}

/// Returns the bytes that files in memory take on this machine, a cheap hint for [`Tree::unnamed_bytes`].
pub(super) fn shared_memory_bytes() -> u64 {
    memory_info("Shmem:").unwrap_or_default()
}

/// Returns whether so little memory is left that something has to stop.
pub(super) fn is_memory_exhausted() -> bool {
    match (memory_info("MemAvailable:"), memory_info("MemTotal:")) {
        (Some(available), Some(total)) => available < total / MEMORY_FLOOR_DIVISOR,
        _ => false,
    }
}

fn memory_info(name: &str) -> Option<u64> {
    value_of(&fs::read_to_string("/proc/meminfo").ok()?, name)
}

/// Returns a value, in bytes, of a file with lines like `Pss:   12 kB`.
fn value_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn processes() -> impl Iterator<Item = (i32, Vec<u8>)> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat: PathBuf = entry.path().join("stat");
            Some((pid, fs::read(stat).ok()?))
        })
}

#[cfg(test)]
mod tests {
    use super::value_of;

    #[test]
    fn values_are_found_by_their_whole_name() {
        let text = "MemTotal:       24682416 kB\nShmem:               656 kB\nShmemHugePages:        0 kB\n";
        assert_eq!(value_of(text, "Shmem:"), Some(656 * 1024));
        assert_eq!(value_of(text, "Pss:"), None);
        assert_eq!(value_of("Pss: many kB", "Pss:"), None);
    }
}
