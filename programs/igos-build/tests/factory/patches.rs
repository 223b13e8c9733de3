//! Patches: applied inside the sandbox, in the recipe's order, and only those that the recipe means.

use std::io::Write as _;

use igos_format::Sha256;

use crate::world::{World, text};

const FIRST: &str = "--- a/poem.txt\n+++ b/poem.txt\n@@ -1 +1 @@\n-one\n+two\n";
const SECOND: &str = "--- a/poem.txt\n+++ b/poem.txt\n@@ -1 +1 @@\n-two\n+three\n";

/// Writes the recipe `patched`: a file with `one` in it, and these patches.
fn recipe(world: &World, patches: &[(&str, &str)], list: &str) {
    world.recipe(
        "patched",
        "",
        "do_install() {\n    install -D -m 0644 poem.txt \"$DESTDIR/usr/share/poem.txt\"\n    cat poem.txt\n}\n",
    );
    world.edit(
        "packages/core/patched/package.yml",
        "source: []\n",
        &format!("source:\n  - file: files/poem.txt\npatches:\n{list}"),
    );
    world.write("packages/core/patched/files/poem.txt", "one\n");
    for (path, text) in patches {
        world.write(&format!("packages/core/patched/{path}"), text);
    }
}

fn log(world: &World) -> String {
    let said = world.run(&["build", "patched"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    fs_err::read_to_string(text(&said.package("patched")["log"])).expect("it is named")
}

#[test]
fn patches_are_applied_in_the_order_of_the_recipe() {
    let Some(world) = World::new() else { return };
    // Neither applies without the other before it, and the names sort the other way round.
    let patches = [
        ("patches/z-first.patch", FIRST),
        ("patches/a-second.patch", SECOND),
    ];
    let list = format!(
        "  - patches/z-first.patch\n  - file: patches/a-second.patch\n    sha256: {}\n",
        Sha256::of(SECOND.as_bytes())
    );
    recipe(&world, &patches, &list);
    let log = log(&world);
    let place = |name: &str| {
        log.find(&format!("patch -N -p1 -i /sources/{name}"))
            .unwrap_or_else(|| panic!("{name}: {log}"))
    };
    assert!(place("z-first.patch") < place("a-second.patch"), "{log}");
    assert!(log.contains("\nthree\n"), "{log}");
}

#[test]
fn patches_of_one_name_in_two_directories_are_both_applied() {
    let Some(world) = World::new() else { return };
    let patches = [
        ("patches/one/fix.patch", FIRST),
        ("patches/two/fix.patch", SECOND),
        ("patches/three/fix.patch.gz", ""),
    ];
    recipe(
        &world,
        &patches,
        "  - patches/one/fix.patch\n  - patches/two/fix.patch\n  - patches/three/fix.patch.gz\n",
    );
    let third = world
        .path()
        .join("packages/core/patched/patches/three/fix.patch.gz");
    let file = fs_err::File::create(third).expect("the world is ours");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    let text = SECOND.replace("three", "four").replace("two", "three");
    packed.write_all(text.as_bytes()).expect("there is room");
    packed.finish().expect("there is room");
    assert!(log(&world).contains("\nfour\n"));
}

#[test]
fn patch_that_is_not_what_the_recipe_says_is_refused_before_anything_runs() {
    let Some(world) = World::new() else { return };
    let meant = Sha256::of(SECOND.as_bytes());
    let list = format!("  - file: patches/first.patch\n    sha256: {meant}\n");
    recipe(&world, &[("patches/first.patch", FIRST)], &list);
    let said = world.run(&["build", "patched"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let report = said.package("patched");
    assert_eq!(report["diagnostics"][0]["code"], "patch-digest-mismatch");
    let told = said.told("patched");
    let actual = Sha256::of(FIRST.as_bytes());
    assert!(told.contains("first.patch of patched has digest"), "{told}");
    assert!(told.contains(&actual.to_string()), "{told}");
    assert!(told.contains(&meant.to_string()), "{told}");
    assert!(
        !told.contains("/work/"),
        "the recipe's file is named: {told}"
    );
}

#[test]
fn patch_that_does_not_apply_is_named_with_the_log() {
    let Some(world) = World::new() else { return };
    let patches = [
        ("patches/first.patch", FIRST),
        ("patches/again.patch", FIRST),
    ];
    recipe(
        &world,
        &patches,
        "  - patches/first.patch\n  - patches/again.patch\n",
    );
    let said = world.run(&["build", "patched"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    assert_eq!(
        text(&said.package("patched")["reason"]),
        "patched failed to build: step patch says: patches/again.patch does not apply (exited with code 1)"
    );
    let told = said.told("patched");
    let log = text(&said.package("patched")["log"]);
    assert!(told.contains(&log), "{told}");
    let written = fs_err::read_to_string(log).expect("it is named");
    assert!(written.contains("again.patch"), "{written}");
}
