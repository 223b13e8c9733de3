//! Line 10: builds that take too much. Every bomb is small, and so are the limits.

use std::time::Instant;

use crate::quiet::say;
use crate::state::Host;
use crate::world::{World, package};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[
    (
        "bombs_are_stopped_at_their_limits",
        Length::Short,
        bombs_are_stopped_at_their_limits,
    ),
    (
        "slow_bombs_are_stopped_at_their_limits",
        Length::Long,
        slow_bombs_are_stopped_at_their_limits,
    ),
];

const SETTINGS: &str =
    "[limits]\nprocesses = 64\nmemory_bytes = 134217728\nwall_seconds = 6\ndisk_bytes = 33554432\n";

/// Detonates bombs, each in a package of its own; each must be stopped for one of these reasons.
fn detonate(world: &World, bombs: &[(&str, &[&str])]) {
    world.forget();
    fs_err::write(world.path.join("packages/igos.toml"), SETTINGS).expect("it is ours");
    for (name, _) in bombs {
        world.recipe(
            &format!("bomb-{name}"),
            &format!("build() {{\n    prepare\n    /build/probe bomb {name}\n    sleep 60\n}}\ndo_install() {{ :; }}\n"),
        );
    }
    let before = Host::of(world);
    let started = Instant::now();
    let answer = world.build_all(&["--jobs", "2"]);
    assert_eq!(before.differences(world), [""; 0]);
    for (name, reasons) in bombs {
        let found = package(&answer, &format!("bomb-{name}"));
        assert_eq!(found["status"], "failed", "{found:#}");
        let reason = found["reason"].as_str().unwrap_or_default();
        assert!(
            reasons.iter().any(|expected| reason.contains(expected)),
            "{name}: {reason}"
        );
        say(&format!("bomb {name}: {reason}"));
    }
    say(&format!(
        "{} bombs in {} ms",
        bombs.len(),
        started.elapsed().as_millis()
    ));
}

fn bombs_are_stopped_at_their_limits(world: &World) {
    const MEMORY: &[&str] = &["limit on memory", "exited with code"];
    detonate(
        world,
        &[
            ("processes", &["limit on number of processes"]),
            ("memory", MEMORY),
            ("memfd", MEMORY),
            ("tmpfs", MEMORY),
            ("shm", MEMORY),
            (
                "disk",
                &[
                    "limit on disk space",
                    "exited with code",
                    "killed by signal 25",
                ],
            ),
            (
                "unnamed",
                &[
                    "limit on disk space",
                    "exited with code",
                    "killed by signal 25",
                ],
            ),
            // It is told that there are no more, and then waits.
            ("descriptors", &["limit on time"]),
        ],
    );
}

fn slow_bombs_are_stopped_at_their_limits(world: &World) {
    detonate(
        world,
        &[
            ("clock", &["limit on time"]),
            ("cpu", &["limit on time"]),
            ("log", &["limit on log size", "limit on time"]),
            ("inodes", &["limit on disk space", "limit on time"]),
            (
                "threads",
                &[
                    "limit on number of processes",
                    "limit on time",
                    "killed by",
                    "exited with code",
                ],
            ),
        ],
    );
}
