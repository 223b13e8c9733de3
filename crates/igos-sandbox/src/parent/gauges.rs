//! Everything that is watched while a sandbox runs, and what it is watched with.

use std::collections::{BTreeMap, BTreeSet};

use rustix::process::Pid;

use super::cgroup::{self, Cgroup};
use super::disk::DiskGauge;
use super::plan::Request;
use super::usage::{self, Tree};
use crate::{Limit, Limits, Usage};

/// Watches memory, processes and disk of one sandbox.
#[derive(Debug)]
pub(super) struct Gauges {
    cgroup: Cgroup,
    disk: DiskGauge,
    child: Pid,
    /// Processes of ours among the child's descendants.
    own_processes: u64,
    /// The kernel counts processes of this sandbox alone.
    has_process_rlimit: bool,
    shared_memory_before: u64,
}

impl Gauges {
    /// Starts to watch a child that does not yet run anything, and puts it into a group of its own.
    pub(super) fn start(request: &Request, limits: &Limits, child: Pid) -> Self {
        let cgroup = Cgroup::around(child, limits);
        let is_confined = request.plan.confinement.is_some();
        Gauges {
            cgroup,
            disk: DiskGauge::new(request.writable.clone()),
            child,
            own_processes: u64::from(is_confined),
            has_process_rlimit: is_confined,
            shared_memory_before: usage::shared_memory_bytes(),
        }
    }

    /// Returns whether the kernel limits the memory of all processes together.
    pub(super) fn has_memory_group(&self) -> bool {
        self.cgroup.memory_means().is_some()
    }

    /// Returns, for each limit, the means that enforce it, the strongest first.
    pub(super) fn means(&self) -> BTreeMap<String, Vec<String>> {
        let watch = || "sampling".to_owned();
        let mut processes: Vec<String> = self.cgroup.process_means().into_iter().collect();
        if self.has_process_rlimit {
            processes.push("rlimit nproc in the user namespace".to_owned());
        }
        processes.push(watch());
        let mut memory: Vec<String> = self.cgroup.memory_means().into_iter().collect();
        if memory.is_empty() {
            memory.push("rlimit data per process".to_owned());
            memory.push(watch());
        }
        let disk = vec!["rlimit fsize per file".to_owned(), watch()];
        let tmp = match self.has_process_rlimit {
            true => vec!["sized tmpfs".to_owned()],
            false => Vec::new(),
        };
        [
            ("processes", processes),
            ("memory", memory),
            ("disk", disk),
            ("time", vec!["clock of the caller".to_owned()]),
            ("log", vec!["count of the caller".to_owned()]),
            ("tmp", tmp),
            ("open-files", vec!["rlimit nofile per process".to_owned()]),
        ]
        .map(|(limit, means)| (limit.to_owned(), means))
        .into()
    }

    /// Takes a sample; returns the limit that it exceeds, if any.
    pub(super) fn exceeded(&mut self, limits: &Limits, usage: &mut Usage) -> Option<Limit> {
        let counters = self.cgroup.counters();
        let child = self.child;
        if let (Some(memory), Some(processes)) = (counters.memory_bytes, counters.processes) {
            note(
                usage,
                memory,
                processes.saturating_sub(cgroup::OWN_PROCESSES),
            );
        } else {
            let tree = Tree::below(child);
            let threads = tree.threads.saturating_sub(self.own_processes);
            note(
                usage,
                counters.memory_bytes.unwrap_or(tree.resident_bytes),
                threads,
            );
            if counters.memory_bytes.is_none() && self.is_memory_over(&tree, limits) {
                return Some(Limit::Memory);
            }
            if threads >= limits.processes {
                return Some(Limit::Processes);
            }
        }
        if counters.is_out_of_memory {
            return Some(Limit::Memory);
        }
        if counters.is_out_of_processes {
            return Some(Limit::Processes);
        }
        self.disk
            .is_over(limits, || Tree::below(child))
            .then_some(Limit::Disk)
    }

    /// Returns the limit that was hit after the last sample, for a program that failed.
    pub(super) fn exceeded_at_end(&mut self, limits: &Limits) -> Option<Limit> {
        let counters = self.cgroup.counters();
        if counters.is_out_of_memory {
            return Some(Limit::Memory);
        }
        if counters.is_out_of_processes {
            return Some(Limit::Processes);
        }
        self.disk.is_over_at_end(limits).then_some(Limit::Disk)
    }

    fn is_memory_over(&self, tree: &Tree, limits: &Limits) -> bool {
        if usage::is_memory_exhausted() {
            return true;
        }
        let limit = limits.memory_bytes;
        let files = usage::shared_memory_bytes().saturating_sub(self.shared_memory_before);
        if tree.resident_bytes.saturating_add(files) < limit {
            return false;
        }
        let (_, unnamed) = tree.unnamed_bytes(&BTreeSet::new());
        tree.proportional_bytes().saturating_add(unnamed) >= limit
    }
}

/// Remembers the largest values seen.
fn note(usage: &mut Usage, memory_bytes: u64, processes: u64) {
    usage.memory_peak_bytes = usage.memory_peak_bytes.max(memory_bytes);
    usage.processes_peak = usage.processes_peak.max(processes);
}
