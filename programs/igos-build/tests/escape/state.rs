//! What a host is made of, before and after: nothing may differ that a build could have changed.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use igos_format::Sha256;

use crate::quiet::{mount, say};
use crate::world::{User, World, as_user};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[(
    "comparison_of_hosts_notices_planted_changes",
    Length::Short,
    comparison_of_hosts_notices_planted_changes,
)];

/// How long the kernel may take to bury what has ended: key rings and groups go a moment after their last process.
const BURIAL_TIME: Duration = Duration::from_secs(3);

/// Everything that is compared, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host(BTreeMap<String, String>);

impl Host {
    /// Looks at the host of a world.
    pub(crate) fn of(world: &World) -> Self {
        let mut all = BTreeMap::new();
        for name in ["host", "packages", "mirror", "cache/toolchains/tiny"] {
            add_tree(&mut all, &world.path.join(name), Content::Read);
        }
        for path in ["/etc", "/usr/bin", "/usr/sbin", "/boot"] {
            add_tree(&mut all, Path::new(path), Content::Trust);
        }
        // Where they are not the test's own, others use them.
        let own: &[&str] = match world.user {
            User::Myself => &[],
            User::Root | User::Ordinary(_) => &["/tmp", "/dev/shm"],
        };
        for path in own {
            add_tree(&mut all, Path::new(path), Content::Read);
        }
        add_processes(&mut all);
        add_lines(&mut all, "/proc/self/mountinfo", usize::MAX);
        for table in [
            "unix", "tcp", "tcp6", "udp", "udp6", "raw", "packet", "route",
        ] {
            add_sockets(&mut all, table);
        }
        for table in ["shm", "sem", "msg"] {
            // Key, id, permissions.
            add_lines(&mut all, &format!("/proc/sysvipc/{table}"), 3);
        }
        add_keys(&mut all);
        for group in fs_err::read_to_string(world.groups())
            .expect("it was written")
            .lines()
        {
            add_groups(&mut all, Path::new(group));
        }
        for file in ["hostname", "domainname", "core_pattern"] {
            let path = format!("/proc/sys/kernel/{file}");
            all.insert(
                path.clone(),
                fs_err::read_to_string(&path).unwrap_or_default(),
            );
        }
        all.insert("clock offset in seconds".into(), clock_offset());
        Host(all)
    }

    /// Returns what differs, once nothing changes any more by itself.
    pub(crate) fn differences(&self, world: &World) -> Vec<String> {
        let deadline = Instant::now() + BURIAL_TIME;
        loop {
            let found = self.compared(&Host::of(world));
            if found.is_empty() || Instant::now() > deadline {
                return found;
            }
            std::thread::yield_now();
        }
    }

    /// Returns how many things are compared.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn compared(&self, now: &Host) -> Vec<String> {
        let mut found = Vec::new();
        for (name, before) in &self.0 {
            match now.0.get(name) {
                None => found.push(format!("gone: {name}: {before}")),
                Some(after) if after != before => {
                    found.push(format!("changed: {name}: {before} -> {after}"));
                }
                Some(_) => {}
            }
        }
        let is_new = |name: &&String| !self.0.contains_key(*name);
        found.extend(
            now.0
                .keys()
                .filter(is_new)
                .map(|name| format!("new: {name}")),
        );
        found
    }
}

/// Whether contents are read, or the times of the kernel trusted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Read,
    Trust,
}

fn add_tree(all: &mut BTreeMap<String, String>, path: &Path, content: Content) {
    let Ok(status) = path.symlink_metadata() else {
        return;
    };
    let digest = match status.is_file() && content == Content::Read {
        true => fs_err::read(path).map_or_else(
            |_| "unreadable".into(),
            |bytes| Sha256::of(&bytes).to_string(),
        ),
        false => String::new(),
    };
    let mut names = vec![0; 4096];
    let attributes = match content {
        Content::Read => rustix::fs::llistxattr(path, &mut names).unwrap_or(0),
        Content::Trust => 0,
    };
    let text = format!(
        "mode {:o} owner {}:{} size {} links {} inode {} modified {}.{} changed {}.{} attributes {attributes} {digest}",
        status.mode(),
        status.uid(),
        status.gid(),
        status.size(),
        status.nlink(),
        status.ino(),
        status.mtime(),
        status.mtime_nsec(),
        status.ctime(),
        status.ctime_nsec(),
    );
    all.insert(format!("inode {}", path.display()), text);
    if status.is_dir() {
        for entry in fs_err::read_dir(path).into_iter().flatten().flatten() {
            add_tree(all, &entry.path(), content);
        }
    }
}

fn add_processes(all: &mut BTreeMap<String, String>) {
    for entry in fs_err::read_dir("/proc")
        .expect("/proc is mounted")
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let stat = fs_err::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if name.parse::<u32>().is_ok() && !stat.is_empty() {
            // The name and the time it was started.
            let started = stat
                .rsplit(')')
                .next()
                .and_then(|rest| rest.split(' ').nth(20));
            let program = stat.split(['(', ')']).nth(1).unwrap_or_default();
            all.insert(
                format!("process {name} {program}"),
                started.unwrap_or_default().to_owned(),
            );
        }
    }
}

fn add_lines(all: &mut BTreeMap<String, String>, file: &str, columns: usize) {
    for line in fs_err::read_to_string(file).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split_whitespace().take(columns).collect();
        all.insert(format!("{file} {}", words.join(" ")), String::new());
    }
}

fn add_sockets(all: &mut BTreeMap<String, String>, table: &str) {
    let text = fs_err::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
    for line in text.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let told = match table {
            // Type, state, inode, path.
            "unix" => words.iter().skip(4).copied().collect::<Vec<_>>().join(" "),
            "route" => line.to_owned(),
            // Addresses and state; what waits for its time to run out is nobody's.
            _ if words.get(3) == Some(&"06") => continue,
            _ => words
                .iter()
                .skip(1)
                .take(3)
                .copied()
                .collect::<Vec<_>>()
                .join(" "),
        };
        all.insert(format!("{table} {told}"), String::new());
    }
}

fn add_keys(all: &mut BTreeMap<String, String>) {
    for line in fs_err::read_to_string("/proc/keys")
        .unwrap_or_default()
        .lines()
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        // The session key ring of a process that is somewhere on this machine is not the test's.
        if words.len() > 8 && words[8] != "_ses:" {
            // Serial number, owner, kind and name, without counts of users.
            all.insert(
                format!("key {} {} {}", words[0], words[5], words[7..].join(" ")),
                String::new(),
            );
        }
    }
}

fn add_groups(all: &mut BTreeMap<String, String>, directory: &Path) {
    for entry in fs_err::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            all.insert(format!("group {}", entry.path().display()), String::new());
            add_groups(all, &entry.path());
        }
    }
}

/// How far the clock is from the one that nobody can set.
fn clock_offset() -> String {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("it is later than 1970")
        .as_secs_f64();
    let uptime = fs_err::read_to_string("/proc/uptime").expect("/proc is mounted");
    let uptime: f64 = uptime
        .split(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .expect("it begins with a number");
    format!("{:.0}", (now - uptime) / 10.0)
}

/// Plants changes, one after the other; each must be noticed and undone.
fn comparison_of_hosts_notices_planted_changes(world: &World) {
    let mut before = Host::of(world);
    assert_eq!(before.differences(world), [""; 0], "nothing was done");
    let noticed = |before: &Host, kind: &str, what: &str| {
        let found = before.compared(&Host::of(world));
        let found = found.iter().find(|one| one.contains(kind));
        say(&format!(
            "noticed: {what}: {}",
            found.unwrap_or_else(|| panic!("{what} was not noticed"))
        ));
    };
    let mut count = 0;
    let file = world.path.join("host/file");
    let leave = |name: &str| {
        let status = as_user(&world.probe(), world.user)
            .args(["leave", name])
            .stdin(Stdio::null())
            .status();
        assert!(status.expect("the probe runs").success(), "{name}");
    };
    if world.user != User::Myself {
        let planted = Path::new("/tmp/planted");
        fs_err::create_dir(planted).expect("it is the test's");
        noticed(&before, "inode /tmp/planted", "a directory in /tmp");
        mount(planted);
        noticed(&before, "/proc/self/mountinfo", "a mount");
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let status = std::process::Command::new("umount").arg(planted).status();
        assert!(status.is_ok_and(|status| status.success()));
        fs_err::remove_dir(planted).expect("it is the test's");
        count += 2;
    }
    // The directory above has another time now.
    before = Host::of(world);
    leave("ipc");
    noticed(
        &before,
        "/proc/sysvipc/shm",
        "shared memory, semaphores, messages",
    );
    leave("nothing-of-ipc");
    before = Host::of(world);
    let path = world.path.join("cache/planted");
    #[expect(clippy::disallowed_methods, reason = "a test plants a socket")]
    let socket = std::os::unix::net::UnixDatagram::bind(&path).expect("it is ours");
    noticed(&before, "new: unix", "a socket");
    drop(socket);
    fs_err::remove_file(&path).expect("it is ours");
    assert_eq!(before.differences(world), [""; 0], "all was taken back");
    leave("daemon");
    noticed(&before, "new: process", "a process");
    for process in left_processes() {
        rustix::process::kill_process(process, rustix::process::Signal::KILL)
            .expect("it is the test's");
        // The test is the first process of its namespace: orphans are its own.
        rustix::process::waitpid(Some(process), rustix::process::WaitOptions::empty())
            .expect("it ends");
    }
    assert_eq!(before.differences(world), [""; 0], "all was taken back");
    // An attribute that is set to what it is leaves its trace in the time of the last change.
    let mode = file.metadata().expect("it is there").permissions();
    fs_err::set_permissions(&file, mode).expect("it is ours");
    noticed(&before, "host/file", "the same mode, set again");
    count += 4;
    say(&format!(
        "{} things compared, {count} planted changes noticed",
        before.len()
    ));
}

/// Returns the processes that the probe left.
fn left_processes() -> Vec<rustix::process::Pid> {
    fs_err::read_dir("/proc")
        .expect("/proc is mounted")
        .flatten()
        .filter(|entry| {
            fs_err::read_to_string(entry.path().join("comm"))
                .is_ok_and(|name| name.trim() == "igos-left")
        })
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter_map(rustix::process::Pid::from_raw)
        .collect()
}
