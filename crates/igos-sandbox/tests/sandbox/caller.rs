//! Sandboxes that keep the caller's own rights: what maintains an installed root.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use igos_sandbox::{Access, Limits, Network, RootView, RunsAs, Sandbox, Status};

use crate::harness::{Test, World, ask, shell};

pub(crate) const TESTS: &[Test] = &[
    (
        "the_callers_files_are_its_own_inside",
        the_callers_files_are_its_own_inside,
    ),
    (
        "what_is_bound_read_only_below_a_writable_bind_cannot_be_changed",
        what_is_bound_read_only_below_a_writable_bind_cannot_be_changed,
    ),
    (
        "keeping_the_callers_rights_gives_no_others",
        keeping_the_callers_rights_gives_no_others,
    ),
    (
        "the_callers_network_is_reached_only_when_asked_for",
        the_callers_network_is_reached_only_when_asked_for,
    ),
];

/// A sandbox that sees the host's programs, and in `/tree` a directory of the caller.
fn maintaining(world: &World) -> Sandbox {
    let tree = world.directory("tree");
    fs::create_dir_all(tree.join("state")).expect("made");
    let caller = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    for path in [&tree, &tree.join("state"), &tree.join("made-outside")] {
        chown(path, Some(caller), Some(group)).expect("it is the caller's");
    }
    let mut sandbox = Sandbox::new(&world.base, RootView::Host)
        .bind("tree", "/tree", Access::Write)
        .bind("tree/state", "/tree/state", Access::Read);
    sandbox.runs_as = RunsAs::Caller;
    sandbox.limits = Limits {
        disk_bytes: u64::MAX,
        ..Limits::default()
    };
    sandbox
}

fn the_callers_files_are_its_own_inside(world: &World) {
    let sandbox = maintaining(world);
    let outcome = shell(
        &sandbox,
        "umask; id -u; echo made > /tree/new; chown 0:0 /tree/new; chmod 4755 /tree/new; chown 7:8 /tree/made-outside",
    );
    let metadata = |name: &str| fs::metadata(world.base.join("tree").join(name)).expect("there");
    let caller = rustix::process::geteuid();
    assert_eq!(metadata("new").uid(), caller.as_raw());
    assert_eq!(metadata("new").mode() & 0o7777, 0o4755);
    assert!(
        outcome.printed.starts_with("0022\n0\n"),
        "{}",
        outcome.printed
    );
    // An ordinary user can give files to nobody, inside as outside.
    let expected = if caller.is_root() {
        (7, 8)
    } else {
        (caller.as_raw(), metadata("new").gid())
    };
    let given = metadata("made-outside");
    assert_eq!((given.uid(), given.gid()), expected);
    assert_eq!(outcome.ended.status.is_success(), caller.is_root());
}

fn what_is_bound_read_only_below_a_writable_bind_cannot_be_changed(world: &World) {
    let sandbox = maintaining(world);
    let outcome = shell(
        &sandbox,
        "echo x > /tree/state/x; mv /tree/state /tree/aside; chmod 700 /tree/state; rmdir /tree/state; ls /tree",
    );
    assert!(
        outcome.printed.ends_with("\nmade-outside\nstate\n"),
        "{}",
        outcome.printed
    );
    let listed = fs::read_dir(world.base.join("tree/state"))
        .expect("there")
        .count();
    assert_eq!(listed, 0);
    let mode = fs::metadata(world.base.join("tree/state"))
        .expect("there")
        .mode();
    assert_eq!(mode & 0o777, 0o755);
}

fn keeping_the_callers_rights_gives_no_others(world: &World) {
    let sandbox = maintaining(world);
    assert_eq!(ask(&sandbox, "escape", ""), "");
    let outcome = shell(
        &sandbox,
        "echo x > /usr/igos-was-here; grep CapBnd /proc/self/status",
    );
    assert_eq!(outcome.ended.status, Status::Exited(0));
    // CHOWN, DAC_OVERRIDE and FOWNER.
    assert!(
        outcome.printed.ends_with("CapBnd:\t000000000000000b\n"),
        "{}",
        outcome.printed
    );
    assert!(!fs::exists("/usr/igos-was-here").expect("looked at"));
}

fn the_callers_network_is_reached_only_when_asked_for(world: &World) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has one").port();
    let mut sandbox = maintaining(world);
    let connects = |sandbox: &Sandbox| ask(sandbox, "connect", &format!("tcp {port}"));
    assert_eq!(connects(&sandbox), "connection refused");
    sandbox.network = Network::Caller;
    assert_eq!(connects(&sandbox), "connected");
}
