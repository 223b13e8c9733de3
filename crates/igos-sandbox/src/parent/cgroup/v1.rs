//! Version 1: one hierarchy for memory, one for processes.

use std::fs;
use std::path::Path;

use super::find::Hierarchy;
use super::{Cgroup, Counters, make_group, number_in, value_in};
use crate::Limits;

pub(super) fn create(hierarchies: &[Hierarchy], name: &str, limits: &Limits) -> Option<Cgroup> {
    let mut group = Cgroup::default();
    group.version = 1;
    let of = |controller: &str| {
        hierarchies
            .iter()
            .find(|hierarchy| hierarchy.controllers.iter().any(|name| name == controller))
    };
    if let Some(directory) = of("memory").and_then(|memory| make_group(&memory.own, name)) {
        group.directories.push(directory.clone());
        let limit = limits.memory_bytes.to_string();
        if fs::write(directory.join("memory.limit_in_bytes"), &limit).is_ok() {
            // Memory and swap together; kernels can be built without. It may not be lower than the one before.
            fs::write(directory.join("memory.memsw.limit_in_bytes"), &limit).ok();
            group.memory = Some(directory);
        }
    }
    if let Some(directory) = of("pids").and_then(|pids| make_group(&pids.own, name)) {
        group.directories.push(directory.clone());
        let limit = limits.processes.saturating_add(super::OWN_PROCESSES);
        if fs::write(directory.join("pids.max"), limit.to_string()).is_ok() {
            group.processes = Some(directory);
        }
    }
    (group.memory.is_some() || group.processes.is_some()).then_some(group)
}

pub(super) fn memory_counters(directory: Option<&Path>) -> Counters {
    let Some(directory) = directory else {
        return Counters::default();
    };
    Counters {
        memory_bytes: number_in(&directory.join("memory.usage_in_bytes")),
        is_out_of_memory: value_in(&directory.join("memory.oom_control"), "oom_kill") > 0,
        ..Counters::default()
    }
}
