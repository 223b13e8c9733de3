//! Makes the namespaces in which probes may escape, and counts what came of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::inside::{AS_ROOT, IN_NAMESPACES, say};
use crate::{HostProgram, Identity};

/// An ordinary user: `nobody`.
const ORDINARY: Identity = Identity {
    uid: 65_534,
    gid: 65_534,
};

/// Namespaces that the test makes, with a `/proc` of them.
const NAMESPACES: [&str; 8] = [
    "--mount",
    "--pid",
    "--net",
    "--ipc",
    "--uts",
    "--cgroup",
    "--mount-proc",
    "--fork",
];

/// Variables that no build may see.
const SECRETS: [&str; 6] = [
    "IGOS_ESCAPE_CALLER",
    "SSH_AUTH_SOCK",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
    "AWS_SECRET_ACCESS_KEY",
    "LD_LIBRARY_PATH",
];

/// Runs both halves.
pub(crate) fn run_all() -> ExitCode {
    let is_root = rustix::process::geteuid().is_root();
    let tests: [(&str, &str, bool); 2] = [
        ("every_probe_escapes_without_its_locks", IN_NAMESPACES, true),
        (
            "probes_for_root_escape_outside_of_a_sandbox",
            AS_ROOT,
            is_root,
        ),
    ];
    let (mut passed, mut failed) = (0, 0);
    for (name, half, can_run) in tests {
        let result = match can_run {
            true => run_half(half, is_root && half == IN_NAMESPACES),
            false => Err("only root of the machine can show what it could do".to_owned()),
        };
        match result {
            // Counted as passed, from which the suite takes away what says that it was skipped.
            Err(reason) => {
                say(&format!("skipped: {name}: {reason}"));
                passed += 1;
            }
            Ok(true) => {
                say(&format!("test {name} ... ok"));
                passed += 1;
            }
            Ok(false) => {
                say(&format!("test {name} ... FAILED"));
                failed += 1;
            }
        }
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    say(&format!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    ));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs one half in namespaces of its own; says why where that cannot be.
fn run_half(half: &str, becomes_ordinary: bool) -> Result<bool, String> {
    let unshare = Path::new("/usr/bin/unshare");
    if !unshare.exists() {
        return Err("this machine has no /usr/bin/unshare".to_owned());
    }
    // Not below `/tmp`, in whose place the test mounts one of its own.
    let above = match Path::new(env!("CARGO_TARGET_TMPDIR")) {
        below if below.starts_with("/tmp") => Path::new("/var/tmp"),
        elsewhere => elsewhere,
    };
    fs::create_dir_all(above).expect("the build directory is ours");
    let directory = tempfile::tempdir_in(above).expect("a directory can be made");
    let at = directory.path();
    let probe = make_probe(at)?;
    let program = at.join("program");
    fs::copy("/proc/self/exe", &program).expect("this program can be copied");
    for name in ["file", "key"] {
        fs::write(at.join(name), "of the host\n").expect("it is ours");
    }
    fs::create_dir(at.join("state")).expect("it is ours");
    fs::set_permissions(at, PermissionsExt::from_mode(0o755)).expect("it is ours");
    if becomes_ordinary {
        for name in ["", "program", "probe", "file", "key", "state"] {
            chown(at.join(name), Some(ORDINARY.uid), Some(ORDINARY.gid)).expect("root gives away");
        }
    }
    let mut command = HostProgram::new(unshare).arguments(NAMESPACES);
    if half == IN_NAMESPACES {
        command = command.arguments(["--user", "--map-root-user"]);
    }
    command = command
        .argument(&probe)
        .argument("leak")
        .argument(at.join("file"))
        .argument(&probe)
        .argument("terminal")
        .argument(&program)
        .argument(half)
        .argument(at)
        .directory(at)
        .time_limit(Duration::from_secs(280));
    for name in SECRETS {
        command = command.variable(name, "/secret");
    }
    if becomes_ordinary {
        command = command.identity(ORDINARY);
    }
    let output = command.run().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    let errors = String::from_utf8_lossy(&output.stderr);
    if said.is_empty() && errors.starts_with("unshare:") {
        return Err(errors.trim().to_owned());
    }
    say(said.trim_end());
    if !errors.is_empty() {
        say(errors.trim_end());
    }
    Ok(output.status.is_success())
}

/// Compiles the probe; says why where that cannot be.
fn make_probe(directory: &Path) -> Result<PathBuf, String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/escape");
    let mut files: Vec<PathBuf> = fs::read_dir(&sources)
        .expect("the probe is in the repository")
        .map(|entry| entry.expect("it can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "c"))
        .collect();
    files.sort();
    let probe = directory.join("probe");
    let output = HostProgram::new("/usr/bin/cc")
        .arguments(["-std=gnu11", "-O1", "-static", "-no-pie", "-o"])
        .argument(&probe)
        .arguments(files)
        .variable("PATH", "/usr/bin:/bin")
        .run()
        .map_err(|error| format!("no C compiler: {error}"))?;
    match output.status.is_success() {
        true => Ok(probe),
        false => Err(format!(
            "no static program can be compiled: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}
