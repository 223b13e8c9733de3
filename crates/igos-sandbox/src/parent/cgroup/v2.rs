//! Version 2: one hierarchy, in which a group with processes cannot have groups with controllers below it.

use std::fs;
use std::path::Path;

use super::find::Hierarchy;
use super::{Cgroup, Counters, delete_directory, make_group, number_in, value_in};
use crate::Limits;

pub(super) fn create(hierarchies: &[Hierarchy], name: &str, limits: &Limits) -> Option<Cgroup> {
    let hierarchy = hierarchies
        .iter()
        .find(|hierarchy| hierarchy.controllers.is_empty())?;
    // Below ourselves works in the root group and where a service manager has prepared it; else beside ourselves.
    let above = hierarchy
        .own
        .parent()
        .filter(|parent| parent.starts_with(&hierarchy.mount));
    [Some(hierarchy.own.as_path()), above]
        .into_iter()
        .flatten()
        .find_map(|parent| create_below(parent, name, limits))
}

fn create_below(parent: &Path, name: &str, limits: &Limits) -> Option<Cgroup> {
    let enabled = fs::read_to_string(parent.join("cgroup.subtree_control")).ok()?;
    let has = |controller: &str| enabled.split_whitespace().any(|name| name == controller);
    if !has("memory") && !has("pids") {
        // Only the root group may do this while it has processes; elsewhere the kernel says so.
        fs::write(parent.join("cgroup.subtree_control"), "+memory +pids").ok()?;
    }
    let directory = make_group(parent, name)?;
    let write = |file: &str, value: &str| fs::write(directory.join(file), value).is_ok();
    let memory = write("memory.max", &limits.memory_bytes.to_string());
    // Kernels without swap have no limit on it, and older ones no killing as a group.
    write("memory.swap.max", "0");
    write("memory.oom.group", "1");
    let processes = limits.processes.saturating_add(super::OWN_PROCESSES);
    let processes = write("pids.max", &processes.to_string());
    if !memory && !processes {
        // Nothing was ever in it.
        delete_directory(&directory).ok();
        return None;
    }
    Some(Cgroup {
        version: 2,
        directories: vec![directory.clone()],
        memory: memory.then(|| directory.clone()),
        processes: processes.then_some(directory),
    })
}

pub(super) fn memory_counters(directory: Option<&Path>) -> Counters {
    let Some(directory) = directory else {
        return Counters::default();
    };
    Counters {
        memory_bytes: number_in(&directory.join("memory.current")),
        is_out_of_memory: value_in(&directory.join("memory.events"), "oom_kill") > 0,
        ..Counters::default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::{create, memory_counters};
    use crate::Limits;
    use crate::parent::cgroup::find::Hierarchy;

    /// A directory that looks like a group; writing a new file is what the kernel would refuse.
    fn hierarchy(mount: &Path, own: &str) -> [Hierarchy; 1] {
        [Hierarchy {
            controllers: Vec::new(),
            own: mount.join(own),
            mount: mount.to_owned(),
        }]
    }

    #[test]
    fn a_group_is_made_beside_ourselves_when_it_cannot_be_made_below() {
        let mount = tempfile::tempdir().expect("a directory can be made");
        let own = mount.path().join("slice/own");
        fs::create_dir_all(&own).expect("made");
        fs::write(
            mount.path().join("slice/cgroup.subtree_control"),
            "memory pids\n",
        )
        .expect("written");
        let mut group = create(
            &hierarchy(mount.path(), "slice/own"),
            "igos-sandbox-1-1",
            &Limits::default(),
        )
        .expect("a group is made");
        let directory = mount.path().join("slice/igos-sandbox-1-1");
        assert_eq!(group.directories, std::slice::from_ref(&directory));
        assert_eq!(
            fs::read_to_string(directory.join("pids.max")).expect("written"),
            "4098"
        );
        assert_eq!(
            fs::read_to_string(directory.join("memory.swap.max")).expect("written"),
            "0"
        );
        // A real group is deleted with the files in it; this one is not.
        group.directories.clear();
    }

    #[test]
    fn counters_tell_that_the_kernel_killed() {
        let group = tempfile::tempdir().expect("a directory can be made");
        fs::write(group.path().join("memory.current"), "4096\n").expect("written");
        fs::write(
            group.path().join("memory.events"),
            "low 0\noom 1\noom_kill 2\noom_group_kill 1\n",
        )
        .expect("written");
        let counters = memory_counters(Some(group.path()));
        assert_eq!(counters.memory_bytes, Some(4096));
        assert!(counters.is_out_of_memory);
    }
}
