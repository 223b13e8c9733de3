//! What is visible inside, and what programs are given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;

use igos_sandbox::{Access, RootView, Sandbox, SandboxError, Status, Work, run_unconfined};

use crate::harness::{Test, World, ask, own, script, shell, try_work};

pub(crate) const TESTS: &[Test] = &[
    (
        "output_and_exit_code_of_a_program_are_reported",
        output_and_exit_code_of_a_program_are_reported,
    ),
    (
        "a_signal_that_kills_the_program_is_reported",
        a_signal_that_kills_the_program_is_reported,
    ),
    (
        "a_program_that_does_not_exist_is_an_error_that_names_it",
        a_program_that_does_not_exist_is_an_error_that_names_it,
    ),
    (
        "a_helper_sees_only_the_sandbox",
        a_helper_sees_only_the_sandbox,
    ),
    (
        "a_helper_that_fails_or_panics_is_an_error",
        a_helper_that_fails_or_panics_is_an_error,
    ),
    (
        "host_files_that_were_not_declared_are_invisible",
        host_files_that_were_not_declared_are_invisible,
    ),
    (
        "environment_is_exactly_what_was_given",
        environment_is_exactly_what_was_given,
    ),
    (
        "exactly_the_three_streams_are_open",
        exactly_the_three_streams_are_open,
    ),
    (
        "upper_layers_cover_lower_ones",
        upper_layers_cover_lower_ones,
    ),
    (
        "three_hundred_layers_are_stacked",
        three_hundred_layers_are_stacked,
    ),
    ("one_directory_is_a_root", one_directory_is_a_root),
    (
        "layers_with_links_for_mount_points_are_harmless",
        layers_with_links_for_mount_points_are_harmless,
    ),
    (
        "usr_merged_layers_keep_their_links",
        usr_merged_layers_keep_their_links,
    ),
    (
        "a_bind_must_have_a_plain_target",
        a_bind_must_have_a_plain_target,
    ),
    (
        "what_is_written_to_a_writable_bind_belongs_to_the_build_identity",
        what_is_written_to_a_writable_bind_belongs_to_the_build_identity,
    ),
    (
        "without_a_sandbox_work_runs_and_leaves_no_processes",
        without_a_sandbox_work_runs_and_leaves_no_processes,
    ),
];

fn output_and_exit_code_of_a_program_are_reported(world: &World) {
    let outcome = shell(&world.host(), "echo out; echo err >&2; exit 3");
    assert_eq!(outcome.printed, "out\nerr\n");
    assert_eq!(outcome.ended.status, Status::Exited(3));
    assert_eq!(outcome.ended.usage.log_bytes, 8);
}

fn a_signal_that_kills_the_program_is_reported(world: &World) {
    let outcome = shell(&world.host(), "kill -TERM $$");
    assert_eq!(outcome.ended.status, Status::Signaled(15));
}

fn a_program_that_does_not_exist_is_an_error_that_names_it(world: &World) {
    let work = Work::Program {
        argv: vec!["no-such-program".into()],
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: "/".into(),
    };
    let error = try_work(&world.host(), &work).expect_err("it does not exist");
    assert!(
        matches!(&error, SandboxError::CannotStart { program, .. } if program.as_os_str() == "no-such-program"),
        "{error:?}"
    );
}

fn a_helper_sees_only_the_sandbox(world: &World) {
    world.directory("layer");
    let sandbox = world.layers(&["layer"]);
    assert_eq!(
        ask(&sandbox, "list", "/"),
        "dev etc made-outside proc run tmp"
    );
    assert_eq!(
        ask(&sandbox, "list", "/dev"),
        "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert_eq!(ask(&sandbox, "list", "/etc"), "group hosts passwd");
    // The root's parent is where a root that was not left behind would show.
    assert_eq!(ask(&sandbox, "list", "/.."), ask(&sandbox, "list", "/"));
    let mounts = ask(&sandbox, "read", "/proc/self/mounts");
    assert!(
        mounts.lines().all(|mount| !mount.contains(" /sys")),
        "{mounts}"
    );
    assert!(mounts.starts_with("none / overlay ro,"), "{mounts}");
}

fn a_helper_that_fails_or_panics_is_an_error(world: &World) {
    world.directory("layer");
    let sandbox = world.layers(&["layer"]);
    for (name, input, expected) in [
        ("fail", "not a tarball", "not a tarball"),
        ("panic", "", "the helper panic panicked"),
    ] {
        let work = Work::Helper {
            name: name.to_owned(),
            input: input.as_bytes().to_vec(),
        };
        let error = try_work(&sandbox, &work).expect_err("the helper says no");
        assert_eq!(error.to_string(), expected);
    }
}

fn host_files_that_were_not_declared_are_invisible(world: &World) {
    world.directory("secret");
    let mut paths = vec![world.base.join("secret/made-outside").display().to_string()];
    paths.extend(
        [
            "/etc/shadow",
            "/etc/machine-id",
            "/root",
            "/home",
            "/sys",
            "/boot",
        ]
        .map(str::to_owned),
    );
    for path in paths {
        let outcome = shell(&world.host(), &format!("test -e {path}"));
        assert_eq!(outcome.ended.status, Status::Exited(1), "{path}");
    }
}

fn environment_is_exactly_what_was_given(world: &World) {
    let work = Work::Program {
        argv: ["/usr/bin/env"].map(OsString::from).to_vec(),
        env: BTreeMap::from([("ONE".into(), "1".into()), ("TWO".into(), "a b".into())]),
        cwd: "/build".into(),
    };
    let outcome = try_work(&world.host(), &work).expect("env runs");
    assert_eq!(outcome.printed, "ONE=1\nTWO=a b\n");
    let outcome = shell(&world.host(), "pwd; hostname; umask");
    assert_eq!(outcome.printed, "/\nigos\n0022\n");
}

fn exactly_the_three_streams_are_open(world: &World) {
    // One that a careless caller lets everybody inherit.
    let leaked = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 100).expect("duplicated");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("made inheritable");
    let outcome = shell(&world.host(), "ls /proc/$$/fd; readlink /proc/$$/fd/0");
    assert_eq!(outcome.printed, "0\n1\n2\n/dev/null\n");
}

fn upper_layers_cover_lower_ones(world: &World) {
    for (layer, content) in [("upper", "new"), ("lower", "old")] {
        let directory = world.directory(layer);
        fs::write(directory.join("file"), content).expect("written");
        fs::write(directory.join(layer), "").expect("written");
    }
    let sandbox = world.layers(&["upper", "lower"]);
    assert_eq!(ask(&sandbox, "read", "/file"), "new");
    assert_eq!(
        ask(&sandbox, "list", "/"),
        "dev etc file lower made-outside proc run tmp upper"
    );
}

fn three_hundred_layers_are_stacked(world: &World) {
    let long = "a-long-name-".repeat(10);
    let names: Vec<String> = (0..300).map(|number| format!("{long}{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let directory = world.base.join(name);
        fs::create_dir_all(directory.join("d")).expect("made");
        fs::write(directory.join(format!("d/{number}")), "").expect("written");
        own(&directory);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let listed = ask(&world.layers(&names), "list", "/d");
    assert_eq!(listed.split(' ').count(), 300);
}

fn one_directory_is_a_root(world: &World) {
    let directory = world.directory("root");
    fs::write(directory.join("file"), "content").expect("written");
    let sandbox = Sandbox::new(&world.base, RootView::Directory("root".into()));
    assert_eq!(ask(&sandbox, "read", "/file"), "content");
}

fn layers_with_links_for_mount_points_are_harmless(world: &World) {
    let outside = world.directory("outside");
    let layer = world.directory("layer");
    for name in ["dev", "proc", "tmp", "run", "build"] {
        symlink(&outside, layer.join(name)).expect("linked");
    }
    fs::create_dir(layer.join("deep")).expect("made");
    symlink("../../../../outside", layer.join("deep/target")).expect("linked");
    world.directory("source");
    let sandbox = world
        .layers(&["layer"])
        .bind("source", "/build", Access::Write)
        .bind("source", "/deep/target", Access::Read);
    assert_eq!(ask(&sandbox, "list", "/build"), "made-outside");
    assert_eq!(ask(&sandbox, "list", "/deep/target"), "made-outside");
    assert_eq!(ask(&sandbox, "list", "/tmp"), "");
    let listed: Vec<_> = fs::read_dir(&outside).expect("readable").collect();
    assert_eq!(listed.len(), 1, "nothing was made outside");
}

fn usr_merged_layers_keep_their_links(world: &World) {
    let layer = world.directory("layer");
    fs::create_dir_all(layer.join("usr/bin")).expect("made");
    fs::create_dir_all(layer.join("var")).expect("made");
    fs::write(layer.join("usr/bin/tool"), "tool").expect("written");
    symlink("usr/bin", layer.join("bin")).expect("linked");
    symlink("/run", layer.join("var/run")).expect("linked");
    world.directory("source");
    let sandbox = world
        .layers(&["layer"])
        .bind("source", "/usr/share/source", Access::Read);
    assert_eq!(ask(&sandbox, "read", "/bin/tool"), "tool");
    assert_eq!(ask(&sandbox, "list", "/var/run/../usr"), "bin share");
    assert_eq!(ask(&sandbox, "list", "/usr/share/source"), "made-outside");
}

fn a_bind_must_have_a_plain_target(world: &World) {
    for target in ["build", "/", "/a/../b", "/proc/x", "/dev"] {
        let sandbox = world.host().bind("build", target, Access::Read);
        let error = try_work(&sandbox, &script("true")).expect_err("it is refused");
        assert!(
            matches!(error, SandboxError::Invalid { .. }),
            "{target}: {error:?}"
        );
    }
}

fn what_is_written_to_a_writable_bind_belongs_to_the_build_identity(world: &World) {
    let outcome = shell(
        &world.host(),
        "cd /build && echo x > new && chown root:root new && install -d -m 700 -o root -g root sub && ls -n new",
    );
    assert_eq!(
        outcome.ended.status,
        Status::Exited(0),
        "{}",
        outcome.printed
    );
    let metadata = fs::metadata(world.base.join("build/new")).expect("it was written");
    let identity = igos_sandbox::build_identity();
    assert_eq!(
        (
            std::os::unix::fs::MetadataExt::uid(&metadata),
            std::os::unix::fs::MetadataExt::gid(&metadata)
        ),
        (identity.uid, identity.gid)
    );
}

fn without_a_sandbox_work_runs_and_leaves_no_processes(world: &World) {
    let limits = igos_sandbox::Limits::default();
    let mut printed = Vec::new();
    let work = Work::Program {
        argv: ["/bin/sh", "-c", "pwd; setsid sleep 86399 & exit 4"]
            .map(OsString::from)
            .to_vec(),
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: ".".into(),
    };
    let ended = run_unconfined(&world.base, &[], &limits, &work, &mut |bytes| {
        printed.extend_from_slice(bytes);
    })
    .expect("the shell runs");
    assert_eq!(ended.status, Status::Exited(4));
    assert_eq!(ended.measures.confinement, igos_sandbox::Confinement::None);
    assert_eq!(
        String::from_utf8_lossy(&printed).trim_end(),
        world.base.display().to_string()
    );
    assert!(!crate::traces::is_running("86399"));
}
