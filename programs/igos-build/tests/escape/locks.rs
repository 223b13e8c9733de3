//! S8: a missing lock is named and nothing is built, unless the user says so, which is recorded.

use crate::quiet::say;
use crate::state::Host;
use crate::world::{Seat, World};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[(
    "without_a_lock_nothing_is_built_and_it_is_named",
    Length::Short,
    without_a_lock_nothing_is_built_and_it_is_named,
)];

const ENOSYS: &str = "38";
const EPERM: &str = "1";

fn without_a_lock_nothing_is_built_and_it_is_named(world: &World) {
    world.forget();
    world.recipe("lock", "build() { prepare; }\ndo_install() { :; }\n");
    let before = Host::of(world);
    // System calls by the number that they have on every architecture since Linux 5, or here, and what is named.
    let unshare = if cfg!(target_arch = "x86_64") {
        "272"
    } else {
        "97"
    };
    let seccomp = if cfg!(target_arch = "x86_64") {
        "317"
    } else {
        "277"
    };
    let cases = [
        ("444", ENOSYS, "Landlock ABI 2"),
        (seccomp, ENOSYS, "seccomp filters"),
        (unshare, EPERM, "user namespaces"),
        ("442", ENOSYS, "the system call to bind"),
        ("430", ENOSYS, "the system call to mount"),
        ("428", ENOSYS, "the system call to bind"),
        ("436", ENOSYS, "the system call to close what was inherited"),
    ];
    let probe = world.probe().display().to_string();
    let mut wrong = Vec::new();
    for (call, error, expected) in cases {
        let through = [probe.as_str(), "without", call, error];
        let said = world.run(Seat::Nothing, &through, &["build", "lock"]);
        let told = said.story.lines().next().unwrap_or_default();
        say(&format!("without {expected}: exit {:?}: {told}", said.code));
        if said.code != Some(4)
            || !said.story.contains(expected)
            || !said.story.contains("--unsafe-no-sandbox")
        {
            wrong.push(format!("{expected}: {said:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(before.differences(world), [""; 0]);
    let said = world.run(Seat::Nothing, &[], &["build", "lock"]);
    assert_eq!(said.code, Some(0), "with all of them it is built: {said:?}");
    // The version of the rules that are in force is in the receipt of the build.
    let receipts = world.receipts();
    assert!(receipts.contains("\"landlock_abi\""), "{receipts}");
}
