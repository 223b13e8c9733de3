//! What is left when a sandbox is gone: nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use igos_sandbox::{Limit, Status};

use crate::harness::{Test, World, script, shell, try_work};

pub(crate) const TESTS: &[Test] = &[
    (
        "daemons_are_dead_when_run_returns",
        daemons_are_dead_when_run_returns,
    ),
    (
        "stopped_programs_are_dead_when_run_returns",
        stopped_programs_are_dead_when_run_returns,
    ),
    (
        "no_mounts_groups_or_children_stay",
        no_mounts_groups_or_children_stay,
    ),
];

/// Returns whether a process on this machine has an argument.
pub(crate) fn is_running(argument: &str) -> bool {
    fs::read_dir("/proc")
        .expect("/proc is mounted")
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| {
            line.split(|byte| *byte == 0)
                .any(|word| word == argument.as_bytes())
        })
}

#[expect(
    clippy::print_stdout,
    reason = "a test program without libtest says itself what it skips"
)]
pub(crate) fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

fn daemons_are_dead_when_run_returns(world: &World) {
    let outcome = shell(
        &world.host(),
        "setsid sleep 86398 > /dev/null 2>&1 & (trap '' TERM HUP; exec setsid sh -c 'sleep 86398') & sleep 0.1; echo done",
    );
    assert_eq!(outcome.ended.status, Status::Exited(0));
    assert!(!is_running("86398"));
}

fn stopped_programs_are_dead_when_run_returns(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.wall = Duration::from_millis(300);
    let outcome = try_work(&sandbox, &script("setsid sleep 86397 & sleep 86397")).expect("it runs");
    assert_eq!(outcome.ended.status, Status::Stopped(Limit::Time));
    assert!(!is_running("86397"));
}

fn no_mounts_groups_or_children_stay(world: &World) {
    let before = fs::read_to_string("/proc/self/mountinfo").expect("readable");
    shell(&world.host(), "true");
    let after = fs::read_to_string("/proc/self/mountinfo").expect("readable");
    assert_eq!(after, before);
    let prefix = format!("igos-sandbox-{}-", std::process::id());
    assert_eq!(
        groups_below(Path::new("/sys/fs/cgroup"), &prefix),
        Vec::<String>::new()
    );
    let children = rustix::process::wait(rustix::process::WaitOptions::NOHANG);
    assert!(
        matches!(children, Err(rustix::io::Errno::CHILD)),
        "{children:?}"
    );
}

fn groups_below(directory: &Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) {
            found.push(name);
        }
        found.extend(groups_below(&entry.path(), prefix));
    }
    found
}
