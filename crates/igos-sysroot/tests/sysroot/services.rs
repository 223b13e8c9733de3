//! Which services use replaced files, in directories made like `/proc` and `/run`.

use std::os::unix::fs::symlink;

use fs_err as fs;
use igos_root::RootDir;
use igos_sysroot::{ServiceManager, StaleServices, stale_services};

/// A `/proc` and a `/run`.
struct System(tempfile::TempDir);

impl System {
    fn new() -> Self {
        let system = System(tempfile::tempdir().expect("a temporary directory"));
        for directory in ["proc", "run"] {
            fs::create_dir(system.0.path().join(directory)).expect("made");
        }
        system.put("proc/version", "Linux");
        system
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// Adds a process that maps `library` and runs `exe`.
    fn process(&self, pid: u32, parent: u32, cgroup: &str, exe: &str, library: &str) {
        self.put(
            &format!("proc/{pid}/stat"),
            &format!("{pid} (name{pid}) S {parent} 0 0"),
        );
        self.put(&format!("proc/{pid}/cgroup"), cgroup);
        let maps = format!(
            "00400000-00401000 r-xp 00000000 08:01 10  {exe}\n\
             7f000000-7f001000 r-xp 00000000 08:01 11  {library}\n\
             7f100000-7f101000 rw-p 00000000 00:00 0\n\
             7ffd0000-7ffd1000 rw-p 00000000 00:00 0  [stack]\n"
        );
        self.put(&format!("proc/{pid}/maps"), &maps);
        symlink(exe, self.0.path().join(format!("proc/{pid}/exe"))).expect("linked");
    }

    fn stale(&self) -> StaleServices {
        let open = |name: &str| RootDir::open(&self.0.path().join(name)).expect("it is there");
        stale_services(&open("proc"), &open("run")).expect("it can be read")
    }
}

/// Returns services with the numbers of their processes, and those of others.
fn summary(stale: &StaleServices) -> (Vec<(String, Vec<u32>)>, Vec<u32>) {
    let services = stale.services.iter().map(|service| {
        let pids = service.processes.iter().map(|process| process.pid);
        (service.name.clone(), pids.collect())
    });
    let others = stale.others.iter().map(|process| process.pid);
    (services.collect(), others.collect())
}

const OLD: &str = "/usr/lib/libz.so.1 (deleted)";
const NEW: &str = "/usr/lib/libz.so.1";

#[test]
fn units_of_systemd_with_replaced_files_are_named_and_fresh_ones_are_not() {
    let system = System::new();
    system.put("run/systemd/system/x", "");
    system.process(1, 0, "0::/init.scope", "/usr/lib/systemd/systemd", OLD);
    system.process(
        10,
        1,
        "0::/system.slice/nginx.service",
        "/usr/bin/nginx",
        OLD,
    );
    system.process(
        11,
        10,
        "0::/system.slice/nginx.service",
        "/usr/bin/nginx",
        OLD,
    );
    system.process(
        20,
        1,
        "0::/system.slice/fresh.service",
        "/usr/bin/fresh",
        NEW,
    );
    system.process(
        30,
        1,
        "0::/system.slice/swapped.service",
        "/var/lib/igos/staging/4 (deleted)",
        NEW,
    );
    let user = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/player.service";
    system.process(40, 1, user, "/usr/bin/player", OLD);
    // It ended while we looked.
    fs::create_dir(system.0.path().join("proc/50")).expect("made");
    let stale = system.stale();
    assert_eq!(stale.manager, Some(ServiceManager::Systemd));
    assert_eq!(
        summary(&stale),
        (
            vec![
                ("nginx.service".to_owned(), vec![10, 11]),
                ("swapped.service".to_owned(), vec![30])
            ],
            vec![1, 40]
        )
    );
    assert_eq!(stale.unreadable, 0);
    assert_eq!(stale.services[0].processes[0].files, [NEW]);
    assert_eq!(stale.services[0].processes[0].name, "name10");
    assert_eq!(
        stale.services[1].processes[0].files,
        ["/var/lib/igos/staging/4"]
    );
}

#[test]
fn services_of_openrc_are_found_by_the_pid_files_of_their_daemons() {
    let system = System::new();
    system.put("run/openrc/softlevel", "default");
    system.put(
        "run/openrc/daemons/sshd/001",
        "exec=/usr/sbin/sshd\npidfile=/run/sshd.pid\n",
    );
    system.put("run/sshd.pid", "10\n");
    system.put(
        "run/openrc/daemons/cron/001",
        "exec=/usr/sbin/crond\npidfile=/var/run/gone.pid\n",
    );
    system.put(
        "run/openrc/daemons/web/001",
        "exec=/usr/bin/web\npidfile=/run/../etc/passwd\n",
    );
    system.process(1, 0, "0::/", "/sbin/init", NEW);
    system.process(10, 1, "0::/", "/usr/sbin/sshd", NEW);
    system.process(11, 10, "0::/", "/usr/sbin/sshd", OLD);
    system.process(20, 1, "0::/", "/usr/sbin/crond", OLD);
    let stale = system.stale();
    assert_eq!(stale.manager, Some(ServiceManager::OpenRc));
    assert_eq!(
        summary(&stale),
        (vec![("sshd".to_owned(), vec![11])], vec![20])
    );
}

#[test]
fn without_a_manager_that_we_know_processes_are_all_there_is_to_say() {
    let system = System::new();
    system.process(1, 0, "0::/", "/sbin/init (deleted)", NEW);
    // A cycle of parents ends nowhere.
    system.process(2, 3, "0::/", "/usr/bin/a", OLD);
    system.process(3, 2, "0::/", "/usr/bin/a", OLD);
    let stale = system.stale();
    assert_eq!(
        (stale.manager, summary(&stale)),
        (None, (vec![], vec![1, 2, 3]))
    );
}
