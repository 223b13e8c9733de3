//! The process that meets servers, looked at while it waits for one.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use fs_err as fs;

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World};

/// What a process without rights has below its `/`; not all of it is on every machine.
const SEEN: [&str; 12] = [
    "bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin", "tmp", "usr",
];

/// A process, by what the kernel says of it.
struct Process {
    id: u32,
    status: String,
}

impl Process {
    fn find(id: u32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        Some(Process { id, status })
    }

    fn value(&self, name: &str) -> &str {
        let mut lines = self.status.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(":\t"));
        found.unwrap_or_else(|| panic!("{name} in {}", self.status))
    }

    fn names_in(&self, directory: &str) -> Vec<String> {
        let listed = fs::read_dir(format!("/proc/{}/{directory}", self.id));
        let listed = listed.expect("its parent is ours");
        let names = listed.map(|entry| {
            let name = entry.expect("it can be listed").file_name();
            name.into_string().expect("names of the system are text")
        });
        names.collect()
    }
}

/// Returns all processes below one.
fn descendants(of: u32) -> Vec<Process> {
    let all = fs::read_dir("/proc")
        .expect("it is mounted")
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            Process::find(name.to_str()?.parse().ok()?)
        });
    let all: Vec<Process> = all.collect();
    let mut known = vec![of.to_string()];
    loop {
        let before = known.len();
        for process in &all {
            let id = process.id.to_string();
            if known.iter().any(|one| one == process.value("PPid")) && !known.contains(&id) {
                known.push(id);
            }
        }
        if known.len() == before {
            break;
        }
    }
    let is_below = |process: &Process| known[1..].contains(&process.id.to_string());
    all.into_iter().filter(is_below).collect()
}

/// A world whose repository is a server of this test, and `pkm` that asks it something.
struct Asking {
    _world: World,
    pkm: Child,
    request: TcpStream,
}

impl Asking {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test starts a program and is its server"
    )]
    fn start(flags: &[&str]) -> Self {
        let world = World::new();
        world.publish("main", NOTHING_MORE, &[&TestPackage::new("zlib", "1.3")]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        world.write(
            "etc/igos/repositories.d/main.toml",
            &format!("url = \"http://{address}\"\ntrusted-root-file = \"main.json\"\n"),
        );
        let pkm = Command::new(env!("CARGO_BIN_EXE_pkm"))
            .arg("--root")
            .arg(world.path("root"))
            .args(["sync", "--quiet"])
            .args(flags)
            .env("A_SECRET", "of the caller")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is built with the tests");
        let (request, _) = listener.accept().expect("it asks");
        let mut line = String::new();
        let mut reader = BufReader::new(request.try_clone().expect("a descriptor"));
        reader.read_line(&mut line).expect("it asks for something");
        assert!(line.starts_with("GET /metadata/"), "{line}");
        Asking {
            _world: world,
            pkm,
            request,
        }
    }

    /// Says that there is nothing, and returns how `pkm` ended.
    fn finish(mut self) -> Option<i32> {
        let nothing = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        self.request.write_all(nothing).expect("it listens");
        self.pkm.wait().expect("it is our child").code()
    }
}

#[test]
fn process_that_meets_servers_has_no_rights_and_sees_nothing_of_the_machine() {
    let asking = Asking::start(&[]);
    let below = descendants(asking.pkm.id());
    let confined = below.iter().filter(|one| one.value("Seccomp") == "2");
    let [worker] = confined.collect::<Vec<_>>()[..] else {
        panic!("one of {} processes is confined", below.len());
    };
    let ours = rustix::process::geteuid();
    for id in worker.value("Uid").split('\t') {
        // Nobody's, where root asks.
        let is_ours = id == ours.as_raw().to_string();
        assert_eq!(is_ours, !ours.is_root(), "{}", worker.status);
    }
    assert_eq!(worker.value("NoNewPrivs"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(worker.value(set), "0000000000000000", "{set}");
    }
    for descriptor in worker.names_in("fd") {
        let leads = fs::read_link(format!("/proc/{}/fd/{descriptor}", worker.id));
        // What is between two looks is gone.
        let Ok(leads) = leads else { continue };
        let leads = leads.display().to_string();
        let is_harmless = ["socket:", "pipe:", "anon_inode:", "/dev/null"];
        assert!(
            is_harmless.iter().any(|kind| leads.starts_with(kind)),
            "{descriptor}: {leads}"
        );
    }
    let environment = fs::read(format!("/proc/{}/environ", worker.id)).expect("it is ours");
    assert_eq!(String::from_utf8_lossy(&environment), "");
    for name in worker.names_in("root") {
        assert!(SEEN.contains(&&*name), "{name}");
    }
    let settings = worker.names_in("root/etc");
    for name in ["shadow", "igos", "ssh", "machine-id", "fstab"] {
        assert!(!settings.iter().any(|one| one == name), "{name}");
    }
    assert_ne!(asking.finish(), Some(0));
}

#[test]
fn servers_are_met_with_all_rights_only_when_that_is_asked_for() {
    let asking = Asking::start(&["--unsafe-unconfined-downloads"]);
    assert_eq!(descendants(asking.pkm.id()).len(), 0);
    assert_ne!(asking.finish(), Some(0));
}
