//! A small test runner: runs everything as the caller, and if that is root once more as an ordinary user.

use std::os::unix::fs::{PermissionsExt, chown};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

use fs_err as fs;
use igos_sandbox::{HostProgram, Identity};

/// An ordinary user for the second half of a run as root: `nobody`.
const ORDINARY: Identity = Identity {
    uid: 65_534,
    gid: 65_534,
};

/// Argument of the second half.
const AS_ORDINARY: &str = "--as-ordinary-user";

pub(crate) type Test = (&'static str, fn());

pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for (name, _) in tests {
            line(&format!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    let filter = arguments.iter().find(|argument| !argument.starts_with('-'));
    let is_second = arguments.iter().any(|argument| argument == AS_ORDINARY);
    let is_root = rustix::process::geteuid().is_root();
    let who = if is_root {
        "as root"
    } else {
        "as an ordinary user"
    };
    let mut results = match igos_sandbox::probe() {
        Ok(_) => tests
            .iter()
            .filter(|(name, _)| filter.is_none_or(|filter| name.contains(filter)))
            .map(|(name, test)| {
                let is_ok = std::panic::catch_unwind(AssertUnwindSafe(test)).is_ok();
                let word = if is_ok { "ok" } else { "FAILED" };
                line(&format!("test {name} ({who}) ... {word}"));
                is_ok
            })
            .collect(),
        Err(missing) => {
            line(&format!(
                "skipped: hooks cannot be confined {who}: {missing:?}"
            ));
            Vec::new()
        }
    };
    if is_root && !is_second {
        results.push(run_as_ordinary_user(filter));
    }
    let failed = results.iter().filter(|result| !**result).count();
    let word = if failed == 0 { "ok" } else { "FAILED" };
    let passed = results.len() - failed;
    line(&format!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    ));
    ExitCode::from(u8::from(failed > 0))
}

/// Runs a copy of this program, which the user may execute wherever this one lies.
fn run_as_ordinary_user(filter: Option<&String>) -> bool {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let program = directory.path().join("program");
    fs::copy("/proc/self/exe", &program).expect("this program can be copied");
    fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).expect("it is ours");
    chown(&program, Some(ORDINARY.uid), Some(ORDINARY.gid)).expect("root can give files away");
    let output = HostProgram::new(&program)
        .argument(AS_ORDINARY)
        .arguments(filter)
        .identity(ORDINARY)
        .time_limit(Duration::from_secs(300))
        .run()
        .expect("the copy runs");
    line(&String::from_utf8_lossy(&output.stdout));
    line(&String::from_utf8_lossy(&output.stderr));
    output.status.is_success()
}

#[expect(
    clippy::print_stdout,
    reason = "a test program without libtest prints its results itself"
)]
fn line(text: &str) {
    println!("{}", text.trim_end());
}
