//! Control groups: the kernel's own limits on memory and processes of a whole sandbox.
//!
//! Where the caller may make a group, version 2 is preferred, version 1 taken. Where not, `watch.rs` samples instead.
//! A group is named after the caller's process id, so that groups of callers that were killed can be told and deleted.

mod find;
mod v1;
mod v2;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::Pid;

use crate::Limits;

/// Start of the names of our groups.
const PREFIX: &str = "igos-sandbox-";

/// Numbers the groups of this process.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Processes of ours in every group: the child that waits, and init.
pub(super) const OWN_PROCESSES: u64 = 2;

/// How often deleting a group is tried: the kernel finishes the last process's exit a moment after it was reaped.
const DELETE_ATTEMPTS: u32 = 200;

/// How long to wait between two attempts.
const DELETE_PAUSE: Duration = Duration::from_millis(5);

/// A control group of one sandbox; deleted when dropped.
#[derive(Debug, Default)]
pub(super) struct Cgroup {
    version: u32,
    /// Every directory that was made.
    directories: Vec<PathBuf>,
    memory: Option<PathBuf>,
    processes: Option<PathBuf>,
}

/// What a group says about its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) memory_bytes: Option<u64>,
    pub(super) processes: Option<u64>,
    /// Whether the kernel killed something for want of memory.
    pub(super) is_out_of_memory: bool,
    /// Whether the kernel refused to make a process.
    pub(super) is_out_of_processes: bool,
}

impl Cgroup {
    /// Makes a group with these limits around `process`, as far as the caller may.
    pub(super) fn around(process: Pid, limits: &Limits) -> Self {
        let name = format!(
            "{PREFIX}{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let hierarchies = find::hierarchies();
        // Making a group and moving a process into it are two rights.
        let holds = |group: &Cgroup| group.add(process).is_ok();
        v2::create(&hierarchies, &name, limits)
            .filter(holds)
            .or_else(|| v1::create(&hierarchies, &name, limits).filter(holds))
            .unwrap_or_default()
    }

    fn add(&self, process: Pid) -> io::Result<()> {
        for directory in &self.directories {
            fs::write(
                directory.join("cgroup.procs"),
                process.as_raw_nonzero().to_string(),
            )?;
        }
        Ok(())
    }

    /// Returns what limits memory, if anything does.
    pub(super) fn memory_means(&self) -> Option<String> {
        self.memory
            .as_ref()
            .map(|_| format!("cgroup-v{} memory", self.version))
    }

    /// Returns what limits processes, if anything does.
    pub(super) fn process_means(&self) -> Option<String> {
        self.processes
            .as_ref()
            .map(|_| format!("cgroup-v{} pids", self.version))
    }

    /// Returns the present state.
    pub(super) fn counters(&self) -> Counters {
        let mut counters = match self.version {
            2 => v2::memory_counters(self.memory.as_deref()),
            1 => v1::memory_counters(self.memory.as_deref()),
            _ => Counters::default(),
        };
        if let Some(directory) = &self.processes {
            counters.processes = number_in(&directory.join("pids.current"));
            counters.is_out_of_processes = value_in(&directory.join("pids.events"), "max") > 0;
        }
        counters
    }

    /// Kills what is left, and deletes the group.
    fn delete(&mut self) -> io::Result<()> {
        for directory in std::mem::take(&mut self.directories) {
            delete_directory(&directory)?;
        }
        Ok(())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The next run tries again.
        self.delete().ok();
    }
}

fn delete_directory(directory: &Path) -> io::Result<()> {
    let mut attempts = 0;
    loop {
        match fs::remove_dir(directory) {
            Err(error)
                if error.raw_os_error() == Some(libc::EBUSY) && attempts < DELETE_ATTEMPTS =>
            {
                attempts += 1;
                std::thread::sleep(DELETE_PAUSE);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => return Ok(()),
        }
    }
}

/// Makes our group below `parent`, after deleting those of callers that are dead.
fn make_group(parent: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(parent).ok()?.flatten() {
        let owner: Option<u32> = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split_once('-'))
            .and_then(|(pid, _)| pid.parse().ok());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner.to_string()).exists()) {
            // Somebody else may be quicker, or a process in it may still be dying.
            fs::remove_dir(entry.path()).ok();
        }
    }
    let directory = parent.join(name);
    fs::create_dir(&directory).ok()?;
    Some(directory)
}

fn number_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Returns a value of a file with lines like `max 3`; 0 where it is not.
fn value_in(file: &Path, key: &str) -> u64 {
    fs::read_to_string(file)
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.parse().ok())
        .unwrap_or_default()
}
