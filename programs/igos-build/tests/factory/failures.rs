//! Bad input: each ends with an error that names the package and the log, and a re-run continues.

use std::io::{BufRead, BufReader, ErrorKind};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::world::{World, listener, names, text};

#[test]
fn undeclared_tool_is_not_there_and_named() {
    let Some(world) = World::new() else { return };
    world.edit(
        "packages/core/hello/package.yml",
        "build: [greet]",
        "build: []",
    );
    let said = world.run(&["build", "greet", "hello"]);
    assert_eq!(said.code, Some(1));
    let told = said.told("hello");
    assert!(
        told.contains("the program greet is not in the build root: no declared dependency has it"),
        "{told}"
    );
    assert!(
        told.contains("declare the package that has greet as a build dependency of hello"),
        "{told}"
    );
    let log = text(&said.package("hello")["log"]);
    assert!(
        fs_err::read_to_string(log)
            .expect("it is named")
            .contains("greet: command not found")
    );
    let inside = world.run(&["shell", "hello", "--failed", "--command", "ls hello.txt"]);
    assert_eq!(
        text(&inside.answer["output"]),
        "hello.txt\n",
        "{}",
        inside.story
    );
    world.edit(
        "packages/core/hello/package.yml",
        "build: []",
        "build: [greet]",
    );
    assert_eq!(
        world.run(&["build", "hello"]).with_status("built"),
        names(&["hello"])
    );
}

#[test]
fn network_is_not_there_and_the_message_says_so() {
    let Some(world) = World::new() else { return };
    let listener = listener();
    listener.set_nonblocking(true).expect("a socket of ours");
    let port = listener.local_addr().expect("it is bound").port();
    world.recipe(
        "caller",
        "",
        &format!(
            "build() {{\n    echo hello > /dev/tcp/127.0.0.1/{port}\n}}\ndo_install() {{ :; }}\n"
        ),
    );
    let said = world.run(&["build", "caller"]);
    assert_eq!(said.code, Some(1));
    let told = said.told("caller");
    assert!(
        told.contains("the build tried to use the network; builds have none"),
        "{told}"
    );
    let nobody = listener.accept().expect_err("nobody came through");
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);
}

#[test]
fn failing_build_names_package_step_and_log_and_stops_its_dependants_only() {
    let Some(world) = World::new() else { return };
    world.recipe(
        "broken",
        "",
        "build() {\n    echo last words\n    false\n    echo not reached\n}\ndo_install() { :; }\n",
    );
    world.recipe("above", "broken", "do_install() { :; }\n");
    let said = world.run(&["build", "above", "lone", "--keep-going"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.with_status("skipped"), names(&["above"]));
    assert_eq!(said.with_status("built"), names(&["lone"]));
    let report = said.package("broken");
    assert_eq!(
        text(&report["reason"]),
        "broken failed to build: step build exited with code 1"
    );
    let told = said.told("broken");
    assert!(told.contains("| last words"), "{told}");
    assert!(!told.contains("not reached"), "{told}");
    assert_eq!(
        text(&said.package("above")["reason"]),
        "it needs broken, which was not built"
    );
}

#[test]
fn fork_bomb_is_stopped_at_the_limit() {
    let Some(world) = World::new() else { return };
    world.write(
        "packages/igos.toml",
        "[limits]\nprocesses = 64\nwall_seconds = 60\n",
    );
    world.recipe(
        "bomb",
        "",
        "build() {\n    bomb() { bomb | bomb & }\n    bomb\n    sleep 60\n}\ndo_install() { :; }\n",
    );
    let said = world.run(&["build", "bomb"]);
    assert_eq!(said.code, Some(1));
    let report = said.package("bomb");
    let reason = text(&report["reason"]);
    assert_eq!(
        reason,
        "bomb failed to build: step build stopped at the limit on number of processes"
    );
}

#[test]
fn tests_that_fail_fail_the_build_unless_the_recipe_knows_of_it() {
    let Some(world) = World::new() else { return };
    world.edit(
        "packages/core/hello/build.sh",
        "\"hello, world\" ]",
        "\"something else\" ]",
    );
    let said = world.run(&["build", "hello"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        text(&said.package("hello")["reason"]),
        "hello failed to build: step check exited with code 1"
    );
    assert_eq!(world.run(&["build", "hello", "--no-check"]).code, Some(0));
    let recipe = "packages/core/hello/package.yml";
    let old = fs_err::read_to_string(world.path().join(recipe)).expect("it is there");
    world.write(
        recipe,
        &format!("{old}tests:\n  failure_policy: known_failures\n  reason: the test is wrong\n"),
    );
    let said = world.run(&["build", "hello"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
}

#[test]
fn wrong_digest_and_truncated_tarball_are_refused() {
    let Some(world) = World::new() else { return };
    let tarball = world.path().join("mirror/poem-1.0.tar.gz");
    let whole = fs_err::read(&tarball).expect("it is there");
    let half = &whole[..whole.len() / 2];
    fs_err::write(&tarball, half).expect("the world is ours");
    let said = world.run(&["build", "poem"]);
    assert_eq!(said.code, Some(1));
    let told = said.told("poem");
    assert!(
        told.contains("source poem-1.0.tar.gz of poem has digest"),
        "{told}"
    );
    // The same bytes, with a digest to match: now it is unpacking that finds out.
    let digest = |bytes| igos_format::Sha256::of(bytes).to_string();
    world.edit(
        "packages/core/poem/package.yml",
        &digest(&whole),
        &digest(half),
    );
    let said = world.run(&["build", "poem"]);
    assert_eq!(said.code, Some(1));
    let reason = text(&said.package("poem")["reason"]);
    assert!(
        reason.starts_with(
            "poem failed to build: step unpack says: cannot unpack /sources/poem-1.0.tar.gz: "
        ),
        "{reason}"
    );
}

#[test]
fn missing_recipes_and_cycles_end_before_anything_is_built() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["build", "nothing"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.answer["error"]["diagnostics"][0]["code"],
        "recipe-absent"
    );
    world.recipe("hen", "egg", "do_install() { :; }\n");
    world.recipe("egg", "hen", "do_install() { :; }\n");
    let said = world.run(&["build", "egg"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(
        said.answer["error"]["diagnostics"][0]["code"],
        "recipe-cycle"
    );
}

#[test]
fn killed_build_leaves_a_cache_that_the_next_run_goes_on_with() {
    let Some(world) = World::new() else { return };
    let script = "build() {\n    echo waiting\n    sleep 1000\n}\ndo_install() { :; }\n";
    world.recipe("slow", "alphabet", script);
    let mut running = world
        .command(&["build", "slow", "--report", "plain"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program is built with the tests");
    let story = BufReader::new(running.stderr.take().expect("it is piped"));
    let begun = story
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("step slow: build"));
    assert!(begun, "the build begins");
    let second = world.run(&["build", "lone"]);
    assert_eq!(second.code, Some(75), "{}", second.story);
    assert_eq!(
        second.answer["error"]["diagnostics"][0]["code"],
        "build-cache-locked"
    );
    kill_process(Pid::from_child(&running), Signal::KILL).expect("it is our child");
    running.wait().expect("it is our child");
    world.edit("packages/core/slow/build.sh", "sleep 1000", "true");
    let said = world.run(&["build", "slow"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(said.with_status("cached"), names(&["alphabet"]));
    assert_eq!(said.with_status("built"), names(&["slow"]));
    let stale: Vec<_> = fs_err::read_dir(world.cache().join("work"))
        .expect("the cache is ours")
        .collect();
    assert_eq!(stale.len(), 0, "{stale:?}");
}

#[test]
fn interrupted_build_stops_at_once_and_ends_with_130() {
    let Some(world) = World::new() else { return };
    world.recipe(
        "slow",
        "",
        "build() {\n    sleep 1000\n}\ndo_install() { :; }\n",
    );
    let mut running = world
        .command(&["build", "slow", "lone", "--report", "plain", "--jobs", "1"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program is built with the tests");
    let mut story = BufReader::new(running.stderr.take().expect("it is piped"))
        .lines()
        .map_while(Result::ok);
    assert!(
        story.any(|line| line.contains("step slow: build")),
        "the build begins"
    );
    kill_process(Pid::from_child(&running), Signal::INT).expect("it is our child");
    let rest: Vec<String> = story.collect();
    let ended = running.wait().expect("it is our child");
    assert_eq!(ended.code(), Some(130), "{rest:?}");
    let left: Vec<_> = fs_err::read_dir(world.cache().join("work"))
        .expect("the cache is ours")
        .collect();
    assert_eq!(left.len(), 0, "{left:?}");
}
