//! What happens to a program that wants too much. Every bomb is small.

use std::time::{Duration, Instant};

use igos_sandbox::{Limit, Sandbox, Status, Work};

use crate::harness::{Outcome, Test, World, script, shell, try_work};

pub(crate) const TESTS: &[Test] = &[
    ("a_fork_bomb_is_stopped", a_fork_bomb_is_stopped),
    ("a_memory_bomb_is_stopped", a_memory_bomb_is_stopped),
    (
        "a_memory_bomb_of_many_processes_is_stopped",
        a_memory_bomb_of_many_processes_is_stopped,
    ),
    (
        "a_bomb_of_files_in_memory_is_stopped",
        a_bomb_of_files_in_memory_is_stopped,
    ),
    ("time_on_the_clock_is_limited", time_on_the_clock_is_limited),
    ("a_disk_bomb_is_stopped", a_disk_bomb_is_stopped),
    (
        "a_bomb_of_many_files_is_stopped",
        a_bomb_of_many_files_is_stopped,
    ),
    (
        "a_bomb_of_a_file_without_name_is_stopped",
        a_bomb_of_a_file_without_name_is_stopped,
    ),
    (
        "a_log_bomb_is_capped_and_stopped",
        a_log_bomb_is_capped_and_stopped,
    ),
    ("temporary_files_are_limited", temporary_files_are_limited),
    ("open_files_are_limited", open_files_are_limited),
];

const MIB: u64 = 1024 * 1024;

/// Runs a bomb, which must not take long to be stopped.
fn explode(sandbox: &Sandbox, work: &Work) -> Outcome {
    let started = Instant::now();
    let outcome = try_work(sandbox, work).expect("the bomb starts");
    assert!(started.elapsed() < Duration::from_secs(20), "{outcome:?}");
    outcome
}

fn helper(name: &str) -> Work {
    Work::Helper {
        name: name.to_owned(),
        input: Vec::new(),
    }
}

fn a_fork_bomb_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.processes = 64;
    sandbox.limits.wall = Duration::from_secs(15);
    let outcome = explode(
        &sandbox,
        &script("bomb() { bomb | bomb & }; bomb; sleep 60"),
    );
    // Without a pids cgroup the kernel refuses forks, and whether we look while there are most is luck.
    let means = &outcome.ended.measures.limits["processes"];
    let is_group = means.iter().any(|means| means.contains("cgroup"));
    let is_refused = !is_group
        && outcome.ended.status == Status::Stopped(Limit::Time)
        && outcome.printed.contains("Cannot fork");
    assert!(
        is_refused || outcome.ended.status == Status::Stopped(Limit::Processes),
        "{outcome:?}"
    );
    assert!(outcome.ended.usage.processes_peak <= 70, "{outcome:?}");
    // As many as the limit allows is fine.
    let outcome = explode(
        &sandbox,
        &script("i=0; while [ $i -lt 40 ]; do sleep 0.1 & i=$((i + 1)); done; wait; echo all"),
    );
    assert_eq!(outcome.printed, "all\n");
    assert_eq!(outcome.ended.status, Status::Exited(0));
}

fn a_memory_bomb_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.memory_bytes = 96 * MIB;
    let outcome = explode(&sandbox, &helper("eat-memory"));
    // Without a memory cgroup the kernel refuses the process more memory before we look.
    let is_stopped = matches!(
        outcome.ended.status,
        Status::Stopped(Limit::Memory) | Status::Signaled(6)
    );
    assert!(is_stopped, "{outcome:?}");
    assert!(
        outcome.ended.usage.memory_peak_bytes <= 128 * MIB,
        "{outcome:?}"
    );
}

fn a_memory_bomb_of_many_processes_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.memory_bytes = 128 * MIB;
    let one = "dd if=/dev/zero bs=24M count=400000 of=/dev/null 2> /dev/null";
    let outcome = explode(
        &sandbox,
        &script(&format!("for i in 1 2 3 4 5 6 7 8; do {one} & done; wait")),
    );
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Memory),
        "{outcome:?}"
    );
}

fn a_bomb_of_files_in_memory_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.memory_bytes = 96 * MIB;
    sandbox.limits.wall = Duration::from_secs(15);
    sandbox.limits.disk_bytes = 2048 * MIB;
    let outcome = explode(&sandbox, &helper("eat-memory-file"));
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Memory),
        "{outcome:?}"
    );
}

fn time_on_the_clock_is_limited(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.wall = Duration::from_secs(1);
    let outcome = explode(
        &sandbox,
        &script("trap '' TERM INT HUP; echo started; sleep 60; echo never"),
    );
    assert_eq!(outcome.ended.status, Status::Stopped(Limit::Time));
    assert!(!outcome.printed.contains("never"), "{outcome:?}");
    assert!(outcome.ended.usage.wall_ms >= 1000, "{outcome:?}");
}

fn a_disk_bomb_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.disk_bytes = 32 * MIB;
    let outcome = explode(&sandbox, &script("dd if=/dev/zero of=/build/big bs=1M"));
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Disk),
        "{outcome:?}"
    );
    let many = "i=0; while :; do i=$((i + 1)); dd if=/dev/zero of=/build/part-$i bs=1M count=1 2> /dev/null; done";
    let outcome = explode(&sandbox, &script(&format!("rm /build/big; {many}")));
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Disk),
        "{outcome:?}"
    );
}

fn a_bomb_of_many_files_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.disk_entries = 500;
    let outcome = explode(
        &sandbox,
        &script("i=0; while :; do i=$((i + 1)); : > /build/file-$i; done"),
    );
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Disk),
        "{outcome:?}"
    );
}

fn a_bomb_of_a_file_without_name_is_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.disk_bytes = 64 * MIB;
    let one = "exec 3> /build/$1; rm /build/$1; dd if=/dev/zero bs=1M count=40 >&3 2> /dev/null; sleep 60";
    let outcome = explode(
        &sandbox,
        &script(&format!("one() {{ {one}; }}; one a & one b & one c & wait")),
    );
    assert_eq!(
        outcome.ended.status,
        Status::Stopped(Limit::Disk),
        "{outcome:?}"
    );
}

fn a_log_bomb_is_capped_and_stopped(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.log_bytes = 100_000;
    let outcome = explode(&sandbox, &script("while :; do echo a line of a log; done"));
    assert_eq!(outcome.ended.status, Status::Stopped(Limit::Log));
    assert_eq!(outcome.printed.len(), 100_000);
    assert_eq!(outcome.ended.usage.log_bytes, 100_000);
}

fn temporary_files_are_limited(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.tmp_bytes = 4 * MIB;
    let outcome = shell(
        &sandbox,
        "for d in /tmp /dev/shm; do dd if=/dev/zero of=$d/big bs=1M count=8 2>&1 | grep -c 'No space left'; done",
    );
    assert_eq!(outcome.printed, "1\n1\n");
}

fn open_files_are_limited(world: &World) {
    let mut sandbox = world.host();
    sandbox.limits.open_files = 50;
    let outcome = shell(&sandbox, "ulimit -n; ulimit -Hn; ulimit -c");
    assert_eq!(outcome.printed, "50\n50\n0\n");
}
