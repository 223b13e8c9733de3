//! Waiting for the cache.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "this test starts programs, and says why where it cannot run"
)]

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::process::{Command, Stdio};

use rustix::fs::FlockOperation;

#[test]
fn whoever_waits_for_the_cache_goes_on_waiting_after_a_signal_between() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("lock");
    let held = fs_err::File::create(&path).expect("the directory is ours");
    rustix::fs::flock(&held, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
    let mut strace = Command::new("strace");
    // The first call asks whether the lock is free, the second and third wait, as signals end them.
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=flock"])
        .args(["-e", "inject=flock:error=EINTR:when=2..3", "--"])
        .arg(env!("CARGO_BIN_EXE_igos-build"))
        .args(["--wait", "--cache"])
        .arg(directory.path())
        .args(["cache", "gc"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut waiting = match strace.spawn() {
        Ok(started) => started,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: there is no strace to interrupt with");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let mut story = BufReader::new(waiting.stderr.take().expect("it is a pipe"));
    let mut told = String::new();
    story.read_line(&mut told).expect("it is text");
    if told.starts_with("strace:") {
        println!("skipped: strace may not look on here");
        waiting.wait().expect("it is ours");
        return;
    }
    assert!(told.contains("waiting for another program"), "{told}");
    drop(held);
    story.read_to_string(&mut told).expect("it is text");
    assert_eq!(
        waiting.wait().expect("it is ours").code(),
        Some(0),
        "{told}"
    );
}
