//! Lines 11 and 19: what a build leaves behind, and outputs that no package may have.

use std::os::unix::fs::MetadataExt;

use igos_format::archive::ArchiveReader;

use crate::quiet::say;
use crate::state::Host;
use crate::world::{User, World, package};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[
    (
        "nothing_that_a_build_leaves_is_there_afterwards",
        Length::Short,
        nothing_that_a_build_leaves_is_there_afterwards,
    ),
    (
        "an_output_does_not_change_after_its_build",
        Length::Short,
        an_output_does_not_change_after_its_build,
    ),
    (
        "hostile_outputs_are_refused",
        Length::Short,
        hostile_outputs_are_refused,
    ),
    (
        "kept_failures_belong_to_nobody_else",
        Length::Short,
        kept_failures_belong_to_nobody_else,
    ),
];

fn script(lines: &str) -> String {
    format!("build() {{\n    prepare\n{lines}\n}}\ndo_install() {{ :; }}\n")
}

fn nothing_that_a_build_leaves_is_there_afterwards(world: &World) {
    world.forget();
    for name in ["daemon", "orphan", "zombie", "ipc", "files"] {
        world.recipe(
            &format!("leave-{name}"),
            &script(&format!("    /build/probe leave {name}")),
        );
    }
    let before = Host::of(world);
    let answer = world.build_all(&[]);
    for name in ["daemon", "orphan", "zombie", "ipc", "files"] {
        let found = package(&answer, &format!("leave-{name}"));
        assert_eq!(found["status"], "built", "{found:#}");
    }
    assert_eq!(before.differences(world), [""; 0]);
}

/// S1: a process that survived would go on changing the output while it is hashed and packed.
fn an_output_does_not_change_after_its_build(world: &World) {
    world.forget();
    world.recipe(
        "changing",
        "build() { prepare; echo 0000000000 > /dest/usr/share/changing; }\ndo_install() { /build/probe leave rewriter; }\n",
    );
    let before = Host::of(world);
    let answer = world.build_all(&[]);
    let found = package(&answer, "changing");
    assert_eq!(found["status"], "built", "{found:#}");
    assert_eq!(before.differences(world), [""; 0]);
    let archive = found["outputs"][0]["archive"]
        .as_str()
        .expect("it is named");
    let file = fs_err::File::open(archive).expect("the cache has it");
    assert_eq!(file.metadata().expect("it is open").nlink(), 1);
    // The reader compares each file with its digest in the manifest.
    let mut reader = ArchiveReader::open(file).expect("it is an archive");
    let mut entries = 0;
    while reader.next_entry().expect("digests agree").is_some() {
        entries += 1;
    }
    reader.finish().expect("digests agree");
    assert_eq!(entries, 3, "two directories and the file");
}

fn hostile_outputs_are_refused(world: &World) {
    world.forget();
    // Name, script, and the code of what is said; `step` where the sandbox stops the step itself.
    let cases: &[(&str, &str, &str)] = &[
        ("honest", "    true", "built"),
        ("fifo", "    /build/probe leave fifo", "special-file"),
        ("socket", "    /build/probe leave socket", "special-file"),
        ("device", "    /build/probe leave device", "step"),
        (
            "hard-link-to-toolchain",
            "    ln /usr/share/note /dest/usr/share/note",
            "step",
        ),
        (
            "hard-link-to-recipe",
            "    ln /recipe/world /dest/usr/share/world",
            "step",
        ),
        (
            "hard-link-to-build",
            "    ln /build/probe /dest/usr/share/probe",
            "step",
        ),
        (
            "link-for-output",
            "    rm -rf /dest; ln -s /etc /dest",
            "step",
        ),
        (
            "moved-output",
            "    ln -s /etc /other; mv -T /other /dest",
            "step",
        ),
        (
            "setuid",
            "    chmod 4755 /dest/usr/share/setuid",
            "undeclared-setuid",
        ),
        (
            "setgid-directory",
            "    mkdir -m 2755 /dest/usr/lib",
            "undeclared-setuid",
        ),
        (
            "writable",
            "    chmod 666 /dest/usr/share/writable",
            "undeclared-world-writable",
        ),
        ("newline", "    /build/probe leave newline", "refused-name"),
        (
            "terminal-codes",
            "    /build/probe leave escape",
            "refused-name",
        ),
        ("long", "    /build/probe leave long", "refused-name"),
        ("deep", "    /build/probe leave deep", "refused-name"),
        (
            "link-into-build",
            "    ln -s /build/probe /dest/usr/share/link",
            "link-into-build",
        ),
        (
            "unmerged",
            "    mkdir /dest/bin; echo x > /dest/bin/x",
            "not-usr-merged",
        ),
        // Its owner may read what nobody may; the archive has the mode, or the file is named.
        (
            "locked-tree",
            "    mkdir /dest/usr/lib; echo x > /dest/usr/lib/x; chmod 0 /dest/usr/lib/x /dest/usr/lib",
            "built|unreadable-output",
        ),
        // A link is data: it is packed as it is and never followed.
        (
            "link-to-host",
            "    ln -s /etc/shadow /dest/usr/share/shadow",
            "built",
        ),
        (
            "link-directory",
            "    rm -rf /dest/usr/share; ln -s /etc /dest/usr/share",
            "built",
        ),
        (
            "attribute",
            "    /build/probe leave attribute",
            "built|step",
        ),
    ];
    for (name, lines, _) in cases {
        world.recipe(name, &script(lines));
    }
    let before = Host::of(world);
    let answer = world.build_all(&[]);
    assert_eq!(before.differences(world), [""; 0]);
    let mut wrong = Vec::new();
    for (name, _, expected) in cases {
        let found = package(&answer, name);
        let code = found["diagnostics"][0]["code"].as_str().unwrap_or_default();
        let told = match (found["status"].as_str(), code) {
            (Some("built"), _) => "built",
            (_, "step-failed" | "build-failed") => "step",
            (_, code) => code,
        };
        let reason = found["reason"].as_str().unwrap_or_default();
        let is_step = reason.contains("step build exited with code");
        let told = if is_step { "step" } else { told };
        say(&format!("output {name}: {told}"));
        let codes: Vec<&str> = found["diagnostics"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["code"].as_str())
            .collect();
        let fits = expected
            .split('|')
            .any(|one| one == told || codes.contains(&one) && told != "built");
        if !fits {
            wrong.push(format!(
                "{name}: {told}, not {expected}: {reason}: {}",
                world.log(name)
            ));
        }
    }
    assert_eq!(wrong, [""; 0]);
    say(&format!("{} outputs", cases.len()));
}

/// S2: directories of builds are closed to others, and what failed is kept as it is.
fn kept_failures_belong_to_nobody_else(world: &World) {
    world.forget();
    world.recipe("kept", &script("    echo x > left; chmod 4755 left; false"));
    let answer = world.build_all(&[]);
    assert_eq!(package(&answer, "kept")["status"], "failed");
    let kept = world.path.join("cache/failed/kept");
    let status = kept.symlink_metadata().expect("it was kept");
    assert_eq!(status.mode() & 0o7777, 0o700, "closed to everybody else");
    let builder = match world.user {
        User::Root => igos_sandbox::build_identity().uid,
        User::Ordinary(id) => id,
        User::Myself => rustix::process::geteuid().as_raw(),
    };
    assert_eq!(status.uid(), builder);
    let left = kept.join("build/kept-1/left");
    let left = left.symlink_metadata().expect("the build left it");
    assert_eq!(
        (left.uid(), left.mode() & 0o7777),
        (builder, 0o4755),
        "nobody changed it"
    );
}
