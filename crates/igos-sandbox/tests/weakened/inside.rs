//! What happens inside of the namespaces that the test made: the host that is looked for, and the weakened sandboxes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::locks::removal;
use crate::parts::{Bite, Part, parse, verdicts};
use crate::{Access, RootView, Sandbox, Status, Work, run};

/// First argument of the half that is root of its own user namespace.
pub(crate) const IN_NAMESPACES: &str = "--in-namespaces";
/// First argument of the half that is root of the machine.
pub(crate) const AS_ROOT: &str = "--as-root";

/// Longest time until the host is there.
const HOST_TIME: Duration = Duration::from_secs(20);

/// The host that probes look for: the probe itself, in another role.
struct Host {
    process: Child,
    world: PathBuf,
}

impl Host {
    fn start(directory: &Path) -> Self {
        let world = directory.join("world");
        let process = Command::new(directory.join("probe"))
            .arg("host")
            .args([&world, directory])
            .env("IGOS_ESCAPE_OWN_RUN", "1")
            .stdin(Stdio::piped())
            .spawn()
            .expect("the probe runs");
        let deadline = Instant::now() + HOST_TIME;
        while !world.exists() {
            assert!(Instant::now() < deadline, "the host did not start");
            std::thread::yield_now();
        }
        let mut text = fs::read_to_string(&world).expect("it was written");
        text.push_str("weakened=1\n");
        if let Ok(terminal) = fs::read_link("/proc/self/fd/0")
            && terminal.starts_with("/dev/pts")
        {
            let device = fs::metadata(&terminal).expect("it is open").dev();
            text.push_str(&format!(
                "terminal={}\nterminal_device={device}\n",
                terminal.display()
            ));
        }
        fs::write(&world, text).expect("it is ours");
        Host { process, world }
    }

    fn stop(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().expect("it ends");
    }
}

/// Makes `/tmp` and `/run` the test's own, with the directories in which well-known sockets are.
fn own_directories() {
    for (place, inner) in [
        ("/run", &["dbus", "systemd", "nscd"][..]),
        ("/tmp", &[".X11-unix"]),
    ] {
        rustix::mount::mount(
            "own",
            place,
            "tmpfs",
            rustix::mount::MountFlags::empty(),
            None,
        )
        .expect("a mount namespace of the test's own");
        for name in inner {
            fs::create_dir(Path::new(place).join(name)).expect("it is ours");
        }
    }
}

fn list(directory: &Path) -> Vec<Part> {
    let listed = Command::new(directory.join("probe"))
        .arg("list")
        .output()
        .expect("the probe runs");
    parse(&String::from_utf8(listed.stdout).expect("names are text"))
}

/// Makes the directories of a build, and a layer that has places for its mounts.
fn make_build(directory: &Path, world: &Path) {
    for name in ["build", "dest", "recipe", "sources"] {
        fs::create_dir_all(directory.join(name)).expect("it is ours");
    }
    fs::copy(world, directory.join("recipe/world")).expect("it is ours");
    let layer = directory.join("layer");
    for name in [
        "usr/bin",
        "usr/share",
        "etc",
        "dev",
        "proc",
        "run",
        "tmp",
        "build",
        "dest",
        "recipe",
        "sources",
    ] {
        fs::create_dir_all(layer.join(name)).expect("it is ours");
    }
    fs::copy(directory.join("probe"), layer.join("usr/bin/probe")).expect("it is ours");
    fs::write(layer.join("usr/share/note"), "a tool\n").expect("it is ours");
}

/// Runs parts of the probe in a sandbox without some locks.
fn probe_without(directory: &Path, locks: &[&str], names: &[&str]) -> (Status, String) {
    removal::remove(locks);
    let mut sandbox = Sandbox::new(directory, RootView::Layers(vec!["layer".into()]));
    for (name, access) in [
        ("build", Access::Write),
        ("dest", Access::Write),
        ("recipe", Access::Read),
        ("sources", Access::Read),
    ] {
        sandbox = sandbox.bind(name, format!("/{name}"), access);
    }
    sandbox.limits.wall = Duration::from_secs(60);
    // Without a root of its own the program is where it is on the host.
    let has_root = !locks.contains(&"root");
    let (program, world, cwd) = match has_root {
        true => (
            "/usr/bin/probe".into(),
            "/recipe/world".into(),
            "/build".into(),
        ),
        false => (
            directory.join("probe"),
            directory.join("world"),
            directory.join("build"),
        ),
    };
    let mut argv: Vec<OsString> = vec![program.into(), "run".into(), world.into()];
    argv.extend(names.iter().map(OsString::from));
    let work = Work::Program {
        argv,
        env: BTreeMap::from([("PATH".into(), "/usr/bin".into())]),
        cwd,
    };
    let mut printed = Vec::new();
    let status = match run(&sandbox, &work, &mut |bytes| {
        printed.extend_from_slice(bytes)
    }) {
        Ok(ended) => ended.status,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            printed.extend_from_slice(format!("{error}: {cause:?}").as_bytes());
            Status::Exited(-1)
        }
    };
    (status, String::from_utf8_lossy(&printed).into_owned())
}

/// What was counted, and what is wrong.
#[derive(Default)]
struct Findings {
    escaped: usize,
    absent: Vec<String>,
    wrong: Vec<String>,
}

impl Findings {
    fn take(&mut self, part: &Part, printed: &str) {
        let said = verdicts(printed).remove(&part.name);
        match said.as_ref().map(|(verdict, _)| verdict.as_str()) {
            Some("escaped") => self.escaped += 1,
            Some("absent") if part.is_optional => self.absent.push(part.name.clone()),
            _ => self
                .wrong
                .push(format!("{}: {}", part.name, printed.trim())),
        }
    }
}

/// Puts each of several locks back, alone: it must contain the part then. Returns how often that was tried.
fn contained_by_each(
    directory: &Path,
    part: &Part,
    locks: &[&str],
    findings: &mut Findings,
) -> usize {
    if locks.len() < 2 {
        return 0;
    }
    for put_back in locks {
        let rest: Vec<&str> = locks
            .iter()
            .copied()
            .filter(|lock| lock != put_back)
            .collect();
        let (_, printed) = probe_without(directory, &rest, &[&part.name]);
        if verdicts(&printed)
            .get(&part.name)
            .is_some_and(|(verdict, _)| verdict == "escaped")
        {
            findings
                .wrong
                .push(format!("{} escapes although {put_back} is on", part.name));
        }
    }
    locks.len()
}

/// Takes the locks away that each part names; prints what was found.
pub(crate) fn weaken(directory: &Path) -> ExitCode {
    own_directories();
    let host = Host::start(directory);
    make_build(directory, &host.world);
    let parts = list(directory);
    let mut findings = Findings::default();
    let (status, printed) = probe_without(directory, &[], &[]);
    let said = verdicts(&printed);
    for part in &parts {
        let verdict = said.get(&part.name).map(|(verdict, _)| verdict.as_str());
        // A kernel that has no such thing contains it, too.
        let is_fine = verdict == Some("contained") || verdict == Some("absent") && part.is_optional;
        if !is_fine {
            let seen = said.get(&part.name);
            findings
                .wrong
                .push(format!("{} with all locks: {seen:?} {status}", part.name));
        }
    }
    say(&format!(
        "with all locks: {} of {} contained",
        parts.len() - findings.wrong.len(),
        parts.len()
    ));
    let mut single_locks = 0;
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for part in &parts {
        let Bite::Without(locks) = &part.bite else {
            continue;
        };
        let locks: Vec<&str> = locks.iter().map(String::as_str).collect();
        for lock in &locks {
            *used.entry(lock).or_default() += 1;
        }
        let (_, printed) = probe_without(directory, &locks, &[&part.name]);
        findings.take(part, &printed);
        single_locks += contained_by_each(directory, part, &locks, &mut findings);
    }
    say(&format!(
        "{single_locks} times one lock alone contains what several contain together"
    ));
    host.stop();
    for (name, _) in removal::NAMES {
        if !used.contains_key(name) {
            findings
                .wrong
                .push(format!("no probe needs the lock {name}"));
        }
    }
    report("without its locks", findings)
}

/// Runs the parts that only root of the machine can show.
pub(crate) fn run_as_root(directory: &Path) -> ExitCode {
    own_directories();
    let host = Host::start(directory);
    let mut findings = Findings::default();
    for part in list(directory) {
        if part.bite != Bite::RootOfHost {
            continue;
        }
        let ended = Command::new(directory.join("probe"))
            .arg("run")
            .args([&host.world, Path::new(&part.name)])
            .stdin(Stdio::null())
            .output()
            .expect("the probe runs");
        findings.take(&part, &String::from_utf8_lossy(&ended.stdout));
    }
    host.stop();
    report("as root of the machine, without a sandbox", findings)
}

fn report(how: &str, findings: Findings) -> ExitCode {
    for wrong in &findings.wrong {
        say(&format!("wrong: {wrong}"));
    }
    say(&format!(
        "{how}: {} escaped, {} not in this kernel ({}), {} wrong",
        findings.escaped,
        findings.absent.len(),
        findings.absent.join(" "),
        findings.wrong.len()
    ));
    match findings.wrong.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a test program without libtest prints its results itself"
)]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
