//! The quiet host: namespaces in which nobody but the test does anything, and the runner in them.

use std::os::unix::fs::PermissionsExt;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::world::{ORDINARY, User, World};
use crate::{Length, tests, toolchain};

/// First argument of the half that runs in the namespaces.
pub(crate) const INSIDE: &str = "--inside";

const NAMESPACES: [&str; 7] = [
    "--mount",
    "--pid",
    "--net",
    "--ipc",
    "--uts",
    "--mount-proc",
    "--fork",
];

/// Hierarchies in which the test makes a group of its own, so that it sees all groups that are made below it.
const HIERARCHIES: [&str; 4] = [
    "/sys/fs/cgroup/memory",
    "/sys/fs/cgroup/pids",
    "/sys/fs/cgroup/unified",
    "/sys/fs/cgroup",
];

/// Moves itself into the groups that are named before `--`, and becomes the program after it.
const IN_GROUPS: &str =
    r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@""#;

/// Variables that no build may see.
const SECRETS: [&str; 6] = [
    "IGOS_ESCAPE_CALLER",
    "SSH_AUTH_SOCK",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "AWS_SECRET_ACCESS_KEY",
    "LD_LIBRARY_PATH",
];

/// Makes the namespaces and runs this program in them.
pub(crate) fn run_in_namespaces(words: &[&str]) -> ExitCode {
    let skip = |reason: &str| {
        for (name, ..) in tests() {
            say(&format!("skipped: {name}: {reason}"));
        }
        let count = tests().len();
        say(&format!(
            "test result: ok. {count} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"
        ));
        ExitCode::SUCCESS
    };
    if let Some(reason) = toolchain::obstacle() {
        return skip(&reason);
    }
    // Not below `/tmp`, in whose place the test mounts one of its own.
    let above = match Path::new(env!("CARGO_TARGET_TMPDIR")) {
        below if below.starts_with("/tmp") => Path::new("/var/tmp"),
        elsewhere => elsewhere,
    };
    fs_err::create_dir_all(above).expect("the build directory is ours");
    let directory = tempfile::tempdir_in(above).expect("a directory can be made");
    let at = directory.path();
    fs_err::set_permissions(at, PermissionsExt::from_mode(0o755)).expect("it is ours");
    if let Err(reason) = make_probe(&at.join("probe")) {
        return skip(&reason);
    }
    fs_err::copy(env!("CARGO_BIN_EXE_igos-build"), at.join("igos-build"))
        .expect("it can be copied");
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new("/bin/sh");
    let groups = make_groups(at);
    command
        .args(["-c", IN_GROUPS, "sh"])
        .args(&groups)
        .args(["--", "/usr/bin/unshare"])
        .args(NAMESPACES);
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-current-user"]);
    }
    command
        .arg(std::env::current_exe().expect("/proc is mounted"))
        .args([Path::new(INSIDE), at])
        .args(words)
        .env_clear()
        .stdin(Stdio::null());
    for name in SECRETS {
        command.env(name, "/secret");
    }
    let status = command.status();
    for group in &groups {
        // It is empty when the last process of the namespace is buried; one that stays does no harm.
        fs_err::remove_dir(group).ok();
    }
    match status {
        Err(error) => skip(&format!("no /bin/sh: {error}")),
        Ok(_) if !at.join("started").exists() => skip("no namespaces can be made here"),
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
    }
}

/// Makes groups of the test's own where this is allowed, and writes down which.
fn make_groups(directory: &Path) -> Vec<PathBuf> {
    let mut groups = Vec::new();
    for hierarchy in HIERARCHIES {
        let group = Path::new(hierarchy).join(format!("igos-escape-{}", std::process::id()));
        let has_processes = Path::new(hierarchy).join("cgroup.procs").exists();
        if has_processes && fs_err::create_dir(&group).is_ok() {
            groups.push(group);
        }
    }
    let text: Vec<String> = groups
        .iter()
        .map(|group| group.display().to_string())
        .collect();
    fs_err::write(directory.join("groups"), text.join("\n")).expect("the directory is ours");
    groups
}

/// Compiles the probe; says why where that cannot be.
fn make_probe(probe: &Path) -> Result<(), String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/escape");
    let mut files: Vec<PathBuf> = fs_err::read_dir(&sources)
        .expect("the probe is in the repository")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    #[expect(clippy::disallowed_methods, reason = "a test compiles its probe")]
    let output = Command::new("/usr/bin/cc")
        .args(["-std=gnu11", "-O1", "-static", "-no-pie", "-o"])
        .arg(probe)
        .args(files)
        .output()
        .map_err(|error| format!("no C compiler: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "no static program can be compiled: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

/// Mounts directories of the test's own where probes leave files or look for sockets.
fn own_directories() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    for place in ["/tmp", "/dev/shm"] {
        mount(Path::new(place));
    }
}

/// Mounts an empty file system in memory.
pub(crate) fn mount(place: &Path) {
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let status = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "mode=1777", "own"])
        .arg(place)
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "the mounts are the test's own"
    );
}

/// Runs the tests, as root first if this is root.
pub(crate) fn run_here(directory: &Path, words: &[&str]) -> ExitCode {
    fs_err::write(directory.join("started"), "").expect("the directory is the test's");
    own_directories();
    let filter = words.iter().find(|word| !word.starts_with('-'));
    let is_full = words.iter().any(|word| word.contains("ignored"));
    let own = rustix::process::geteuid();
    let users: Vec<User> = match own.is_root() {
        true => vec![User::Root, User::Ordinary(ORDINARY)],
        false => vec![User::Myself],
    };
    let (mut passed, mut failed, mut ignored) = (0, 0, 0);
    for user in users {
        let world = World::new(directory, user);
        for (name, length, test) in tests() {
            if filter.is_some_and(|filter| !name.contains(filter)) {
                continue;
            }
            if length == Length::Long && !is_full {
                say(&format!("test {name} ({user}) ... ignored"));
                ignored += 1;
                continue;
            }
            let started = Instant::now();
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| test(&world)));
            let word = match result {
                Ok(()) => {
                    passed += 1;
                    "ok"
                }
                Err(_) => {
                    failed += 1;
                    "FAILED"
                }
            };
            let milliseconds = started.elapsed().as_millis();
            say(&format!(
                "test {name} ({user}) ... {word} [{milliseconds} ms]"
            ));
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    say(&format!(
        "test result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out"
    ));
    match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a test program without libtest prints its results itself"
)]
pub(crate) fn say(text: &str) {
    println!("{text}");
}
