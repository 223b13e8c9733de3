//! Where the hierarchies are mounted, and which group of them the caller is in.

use std::fs;
use std::path::{Path, PathBuf};

/// A mounted hierarchy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Controllers of a version 1 hierarchy; none for version 2.
    pub(super) controllers: Vec<String>,
    /// The caller's own group.
    pub(super) own: PathBuf,
    /// Where the hierarchy is mounted: `own` and its parents below this can be seen.
    pub(super) mount: PathBuf,
}

/// Returns all hierarchies; none where `/proc` does not tell.
pub(super) fn hierarchies() -> Vec<Hierarchy> {
    let membership = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse(&membership, &mounts)
}

/// Joins `/proc/self/cgroup` (cgroups(7)) and `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
fn parse(membership: &str, mounts: &str) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else {
            continue;
        };
        let left: Vec<&str> = left.split(' ').collect();
        let right: Vec<&str> = right.split(' ').collect();
        let (Some(root), Some(mount), Some(kind), Some(options)) =
            (left.get(3), left.get(4), right.first(), right.get(2))
        else {
            continue;
        };
        let options: Vec<&str> = options.split(',').collect();
        let member = membership.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':').skip(1);
            let controllers = fields.next()?;
            let path = fields.next()?;
            let is_it = match *kind {
                "cgroup2" => controllers.is_empty(),
                "cgroup" => {
                    !controllers.is_empty()
                        && controllers.split(',').all(|name| options.contains(&name))
                }
                _ => false,
            };
            is_it.then_some((controllers, path))
        });
        let Some((controllers, path)) = member else {
            continue;
        };
        let Ok(below) = Path::new(path).strip_prefix(root) else {
            continue;
        };
        found.push(Hierarchy {
            controllers: controllers
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            own: Path::new(mount).join(below),
            mount: PathBuf::from(mount),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    const MEMBERSHIP: &str =
        "8:pids:/\n4:memory:/service/a\n2:cpu,cpuacct:/x\n9:name=systemd:/\n0::/user.slice/b\n";
    const MOUNTS: &str = "\
30 1 8:1 / / rw - ext4 /dev/vda rw
40 30 0:30 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
41 30 0:31 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
42 30 0:32 /x /cpu rw - cgroup cgroup rw,cpu,cpuacct
43 30 0:33 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

    #[test]
    fn groups_are_found_through_mount_and_membership() {
        let found: Vec<(String, String)> = parse(MEMBERSHIP, MOUNTS)
            .iter()
            .map(|hierarchy| {
                (
                    hierarchy.controllers.join("+"),
                    hierarchy.own.display().to_string(),
                )
            })
            .collect();
        let expected = [
            ("memory", "/sys/fs/cgroup/memory/service/a"),
            ("pids", "/sys/fs/cgroup/pids/"),
            ("cpu+cpuacct", "/cpu/"),
            ("", "/sys/fs/cgroup/unified/user.slice/b"),
        ]
        .map(|(controllers, own)| (controllers.to_owned(), own.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_group_outside_of_the_mounted_part_is_not_found() {
        let mounts = "40 30 0:30 /other /m rw - cgroup cgroup rw,memory\n";
        assert_eq!(parse("4:memory:/service\n", mounts), []);
        assert_eq!(parse("", "nonsense\n"), []);
    }
}
