//! Signals, a terminal that is lost, and two at once (E4, E5).

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{TestPackage, World};

/// Starts `pkm` on the root, with both outputs piped.
fn start(world: &World, arguments: &[&str]) -> Child {
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_pkm"));
    command
        .arg("--root")
        .arg(world.path("root"))
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built with the tests")
}

fn version(number: u32) -> TestPackage {
    (0..150).fold(
        TestPackage::new("many", &number.to_string()),
        |package, file| {
            package.file(
                &format!("usr/share/many/{file}"),
                &format!("{number} {file}"),
                0o644,
            )
        },
    )
}

/// Asserts that the root has one version entirely, and returns which.
fn version_of(world: &World) -> String {
    assert_eq!(world.pkm(&["verify"]).code, 0);
    let first = world.read("usr/share/many/0");
    let number = first.split(' ').next().expect("a number").to_owned();
    for file in 0..150 {
        assert_eq!(
            world.read(&format!("usr/share/many/{file}")),
            format!("{number} {file}")
        );
    }
    number
}

#[test]
fn unpacking_that_is_interrupted_leaves_nothing() {
    let world = World::new();
    let many = (0..4000).fold(TestPackage::new("many", "1"), |package, file| {
        package.file(&format!("usr/share/many/{file}"), &file.to_string(), 0o644)
    });
    let archive = world.archive(&many);
    let target = world.path("unpacked");
    let place = target
        .to_str()
        .expect("temporary directories have names in UTF-8");
    let unpack = || {
        let mut child = start(&world, &["unpack", &archive, place]);
        let deadline = Instant::now() + Duration::from_secs(60);
        while !target.exists() {
            assert!(Instant::now() < deadline, "it never began");
        }
        kill_process(Pid::from_child(&child), Signal::INT).expect("it is our child");
        child.wait().expect("it is our child").code()
    };
    // A fast machine may have come to the end before.
    for _ in 0..20 {
        match unpack() {
            Some(130) => {
                assert!(!target.exists());
                return;
            }
            code => assert_eq!(code, Some(0)),
        }
        fs_err::remove_dir_all(&target).expect("the directory is ours");
    }
    panic!("it is never interrupted");
}

#[test]
#[expect(clippy::print_stdout, reason = "a test tells its figures")]
fn signals_leave_the_old_version_or_the_new_one_however_many_come() {
    let (mut old, mut new) = (0, 0);
    for round in 0..12_u64 {
        let world = World::new();
        world.install(&[&version(1)]);
        let archive = world.archive(&version(2));
        let mut child = start(&world, &["install", "--allow-unsigned", "--yes", &archive]);
        let pid = Pid::from_child(&child);
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = String::new();
        // From this line on the transaction is prepared; each round strikes a little later.
        while !line.contains("apply transaction") {
            line.clear();
            assert_ne!(
                stderr.read_line(&mut line).expect("text"),
                0,
                "it never began"
            );
        }
        for _ in 0..round * 300_000 {
            std::hint::spin_loop();
        }
        for signal in [
            Signal::INT,
            Signal::HUP,
            Signal::TERM,
            Signal::INT,
            Signal::INT,
        ] {
            // It may have ended by now.
            if kill_process(pid, signal).is_err() {
                break;
            }
        }
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        let ended = child.wait().expect("it ends");
        let version = version_of(&world);
        match ended.code() {
            Some(0) => {
                assert_eq!(version, "2", "{rest}");
                new += 1;
            }
            Some(130) => {
                assert_eq!(version, "1", "{rest}");
                assert!(rest.contains("error[interrupted]"), "{rest}");
                old += 1;
            }
            other => panic!("{other:?}: {rest}"),
        }
    }
    println!("12 rounds of 5 signals: {old} old, {new} new");
    assert_eq!(old + new, 12);
}

#[test]
fn nobody_who_reads_stops_nothing() {
    let world = World::new();
    world.install(&[&version(1)]);
    let archive = world.archive(&version(2));
    let mut child = start(&world, &["install", "--allow-unsigned", "--yes", &archive]);
    // The terminal is gone: what is written fails, and the session is told.
    drop(child.stdout.take());
    drop(child.stderr.take());
    let ended = child.wait().expect("it ends");
    assert_eq!(ended.code(), Some(0), "{ended}");
    assert_eq!(version_of(&world), "2");
}

#[test]
fn second_one_is_told_the_process_or_waits_for_it() {
    let world = World::new();
    world.install(&[&version(1)]);
    let lock = fs_err::File::open(world.path("root/var/lib/igos/lock")).expect("it stays");
    lock.file().lock().expect("nobody has it");
    let archive = world.archive(&version(2));
    let arguments = ["install", "--allow-unsigned", "--yes", &archive];
    let refused = world.pkm(&arguments);
    assert_eq!(refused.code, 75, "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("the root is being changed by process "),
        "{}",
        refused.stderr
    );
    // Whoever waits can be told to stop, and goes on when the lock is free.
    let mut waiting = start(
        &world,
        &["install", "--allow-unsigned", "--yes", "--wait", &archive],
    );
    let mut stderr = BufReader::new(waiting.stderr.take().expect("it is piped"));
    let mut plan = String::new();
    stderr.read_line(&mut plan).expect("text");
    assert_ne!(plan, "", "the plan is shown before the lock is taken");
    kill_process(Pid::from_child(&waiting), Signal::INT).expect("it waits");
    let ended = waiting.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130));
    assert_eq!(version_of(&world), "1");
    let waiting = start(
        &world,
        &["install", "--allow-unsigned", "--yes", "--wait", &archive],
    );
    lock.file().unlock().expect("it is ours");
    let ended = waiting.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(version_of(&world), "2");
}
