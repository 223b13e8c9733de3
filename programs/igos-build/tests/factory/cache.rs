//! What is built again when something changed, and what is not.

use crate::toolchain;
use crate::world::{World, names, text};

/// Every recipe of tinyworld.
const ALL: [&str; 8] = [
    "alphabet", "book", "greet", "hello", "letters", "lone", "poem", "word",
];

#[test]
fn each_input_rebuilds_exactly_what_depends_on_it() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.rebuilt(&[]), names(&ALL));

    // A byte of what a recipe makes.
    world.edit("packages/core/greet/build.sh", "hello, $1", "hello,  $1");
    world.edit(
        "packages/core/hello/build.sh",
        "hello, world",
        "hello,  world",
    );
    assert_eq!(world.rebuilt(&[]), names(&["greet", "hello", "book"]));

    // A file beside a recipe: the package and everything above it, KISS or not.
    world.write("packages/core/alphabet/files/letters.txt", "αβγ\n");
    assert_eq!(
        world.rebuilt(&[]),
        names(&["alphabet", "poem", "book", "letters", "word"])
    );

    // A source: the same name, other bytes, another digest, the same content.
    let tarball = world.path().join("mirror/poem-1.0.tar.gz");
    let mut bytes = fs_err::read(&tarball).expect("it is there");
    // The operating system in the header of gzip (RFC 1952, 2.3): it changes the digest and nothing else.
    bytes[9] ^= 1;
    let digest = igos_format::Sha256::of(&bytes).to_string();
    fs_err::write(&tarball, &bytes).expect("the world is ours");
    let recipe = "packages/core/poem/package.yml";
    let old = fs_err::read_to_string(world.path().join(recipe)).expect("it is there");
    let line = old
        .lines()
        .find(|line| line.contains("sha256:"))
        .expect("it has a digest");
    world.edit(recipe, line, &format!("    sha256: {digest}"));
    assert_eq!(world.rebuilt(&[]), names(&["poem"]));

    // A compiler flag of one recipe.
    let recipe = "packages/core/hello/package.yml";
    let old = fs_err::read_to_string(world.path().join(recipe)).expect("it is there");
    world.write(
        recipe,
        &format!("{old}flags:\n  cflags: {{ append: [-g] }}\n"),
    );
    assert_eq!(world.rebuilt(&[]), names(&["hello", "book"]));

    // A flag of the profile, and a limit of the sandbox.
    world.write("packages/igos.toml", "[profile]\nCFLAGS = \"-O1\"\n");
    assert_eq!(world.rebuilt(&[]), names(&ALL));
    world.write(
        "packages/igos.toml",
        "[profile]\nCFLAGS = \"-O1\"\n[limits]\nprocesses = 500\n",
    );
    assert_eq!(world.rebuilt(&[]), names(&ALL));

    // Whether tests run: only one recipe has some, and they change nothing.
    assert_eq!(world.rebuilt(&["--no-check"]), names(&["hello"]));

    // The toolchain.
    toolchain::make(&world.cache(), "other", "second");
    assert_eq!(
        world.rebuilt(&["--no-check", "--toolchain", "other"]),
        names(&ALL)
    );

    // Nothing, and back to what there was.
    assert_eq!(
        world.rebuilt(&["--no-check", "--toolchain", "other"]),
        names(&[])
    );
    assert_eq!(world.rebuilt(&["--toolchain", "tiny"]), names(&[]));
}

#[test]
fn touching_a_file_or_its_permissions_for_others_rebuilds_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(world) = World::new() else { return };
    world.rebuilt(&[]);
    let path = world.path().join("packages/core/greet/build.sh");
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o664)).expect("it is ours");
    fs_err::write(&path, fs_err::read(&path).expect("it is there")).expect("it is ours");
    assert_eq!(world.rebuilt(&[]), names(&[]));
}

#[test]
fn package_that_comes_out_the_same_rebuilds_nothing_above_it() {
    let Some(world) = World::new() else { return };
    world.rebuilt(&[]);
    let before = world.run(&["build", "greet"]);
    let recipe = "packages/core/greet/build.sh";
    let script = fs_err::read_to_string(world.path().join(recipe)).expect("it is there");
    world.write(recipe, &format!("{script}# Nothing else.\n"));
    assert_eq!(world.rebuilt(&[]), names(&["greet"]));
    let after = world.run(&["build", "greet"]);
    assert_ne!(
        before.package("greet")["outputs"][0]["seal"],
        after.package("greet")["outputs"][0]["seal"],
        "the archive says what it was made from"
    );
    assert_eq!(world.rebuilt(&[]), names(&[]));
}

#[test]
fn reason_of_a_rebuild_is_told_in_words() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["why-rebuild", "hello"]);
    assert_eq!(
        text(&said.answer["reason"]),
        "it needs greet, which is built first"
    );
    world.rebuilt(&[]);
    let said = world.run(&["why-rebuild", "hello"]);
    assert_eq!(text(&said.answer["status"]), "cached");
    world.edit(
        "packages/core/hello/build.sh",
        "greet world",
        "greet  world",
    );
    world.write("packages/igos.toml", "[profile]\nCFLAGS = \"-O1\"\n");
    world.rebuilt(&["--dry-run"]);
    let said = world.run(&["why-rebuild", "greet"]);
    assert_eq!(
        text(&said.answer["reason"]),
        "compiler flag variable CFLAGS is \"-O1\", was \"-O2 -pipe\""
    );
    world.edit("packages/core/greet/build.sh", "hello, $1", "hello,  $1");
    world.run(&["build", "greet"]);
    let said = world.run(&["why-rebuild", "hello"]);
    assert_eq!(
        text(&said.answer["reason"]),
        "dependency greet was rebuilt; compiler flag variable CFLAGS is \"-O1\", was \"-O2 -pipe\"; recipe file build.sh changed"
    );
    assert_eq!(said.answer["first"], serde_json::json!([]));
}

#[test]
fn damaged_archive_is_found_told_and_built_again() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["build", "lone"]);
    let archive = text(&said.package("lone")["outputs"][0]["archive"]);
    let mut bytes = fs_err::read(&archive).expect("it was built");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&archive, &bytes).expect("the cache is ours");
    let again = world.run(&["build", "lone"]);
    assert_eq!(again.with_status("built"), names(&["lone"]));
    let reason = text(&again.package("lone")["reason"]);
    assert!(
        reason.starts_with("its build in the cache is damaged: archive lone-1.0-1"),
        "{reason}"
    );
    assert_eq!(again.archives(), said.archives());
}

#[test]
fn garbage_collection_keeps_what_current_builds_need() {
    let Some(world) = World::new() else { return };
    world.rebuilt(&[]);
    assert_eq!(
        world.run(&["cache", "gc", "--keep-days", "1"]).answer["deleted"],
        serde_json::json!([])
    );
    world.edit("packages/core/lone/build.sh", "alone", "lonely");
    let before = world.run(&["cache", "list"]).answer;
    assert_eq!(world.rebuilt(&[]), names(&["lone"]));
    let planned = world.run(&["cache", "gc", "--dry-run"]).answer;
    let deleted = world.run(&["cache", "gc"]).answer;
    assert_eq!(planned["deleted"], deleted["deleted"]);
    let deleted: Vec<String> = deleted["deleted"]
        .as_array()
        .expect("a list")
        .iter()
        .map(text)
        .collect();
    assert_eq!(
        deleted
            .iter()
            .filter(|path| path.starts_with("builds/"))
            .count(),
        1,
        "{deleted:?}"
    );
    let after = world.run(&["cache", "list"]).answer;
    let count = |list: &serde_json::Value| list["builds"].as_array().map(Vec::len);
    assert_eq!(count(&after), count(&before));
    assert_eq!(world.rebuilt(&[]), names(&[]), "what is kept is enough");
}

#[test]
fn what_configuration_found_the_last_time_and_does_not_find_any_more_is_told() {
    let Some(world) = World::new() else { return };
    let script = |answer: &str, comment: &str| {
        format!(
            "build() {{\n    echo 'checking for gzopen in -lz... {answer}'\n    echo 'checking for libnone... no'\n}}\ninstall() {{\n    mkdir -p \"$DESTDIR/usr/share\"\n    echo one > \"$DESTDIR/usr/share/probing\"\n}}\n{comment}"
        )
    };
    for (answer, comment, is_told) in [
        ("yes", "", false),
        ("no", "", true),
        ("no", "# Once more.\n", false),
    ] {
        world.recipe("probing", "", &script(answer, comment));
        let said = world.run(&["build", "probing"]);
        assert_eq!(said.code, Some(0), "{}", said.story);
        let told = said.story.contains("features-lost") && said.story.contains("gzopen in -lz");
        assert_eq!(told, is_told, "{answer}: {}", said.story);
    }
}
