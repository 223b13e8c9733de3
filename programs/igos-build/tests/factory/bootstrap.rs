//! Toolchains made of what was built: each builds the next, until one makes itself again.

use crate::world::{World, names, text};

/// Packs what it was built with: the shell and the small tools of the toolchain.
const TOOLS: &str = r#"do_install() {
    mkdir -p "$DESTDIR"
    cp -a /usr "$DESTDIR/usr"
    rm -rf "$DESTDIR/usr/share"
    for name in bin lib lib64 sbin; do
        ln -s "usr/$name" "$DESTDIR/$name"
    done
}
"#;

/// Writes the recipe `tools`, which is a toolchain by itself.
fn tools(world: &World) {
    world.recipe("tools", "", TOOLS);
    let recipe = "packages/core/tools/package.yml";
    let old = fs_err::read_to_string(world.path().join(recipe)).expect("it was just written");
    world.write(recipe, &format!("{old}source_date_epoch: 1000000000\n"));
}

#[test]
fn toolchain_that_makes_itself_again_is_the_same_and_rebuilds_nothing() {
    let Some(world) = World::new() else { return };
    tools(&world);
    let make = |with: &str, name: &str| {
        let said = world.run(&["--toolchain", with, "toolchain", "make", name, "tools"]);
        assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
        said.answer
    };
    let first = make("tiny", "first");
    assert_eq!(text(&first["state"]), "made");
    assert_eq!(first["archives"].as_array().map(Vec::len), Some(1));
    assert_eq!(first["archives"][0]["deb"], serde_json::Value::Null);
    let second = make("first", "second");
    assert_eq!(
        first["digest"], second["digest"],
        "built by itself it is what it was"
    );
    assert_ne!(
        first["archives"][0]["seal"], second["archives"][0]["seal"],
        "the first was made from something else"
    );
    let third = make("second", "third");
    assert_eq!(second["archives"], third["archives"]);

    let build = |with: &str| world.run(&["--toolchain", with, "build", "hello"]);
    assert_eq!(
        build("first").with_status("built"),
        names(&["greet", "hello"])
    );
    assert_eq!(build("third").with_status("built"), names(&[]));
    let shown = world.run(&["toolchain", "show", "third"]).answer;
    assert_eq!(shown["digest"], third["digest"]);
}

#[test]
fn toolchain_needs_everything_that_its_packages_need_to_run() {
    let Some(world) = World::new() else { return };
    tools(&world);
    world.recipe("other", "tools", TOOLS);
    let recipe = "packages/core/other/package.yml";
    let old = fs_err::read_to_string(world.path().join(recipe)).expect("it was just written");
    world.write(recipe, &old.replace("runtime: []", "runtime: [tiny]"));
    let said = world.run(&["toolchain", "make", "next", "other"]);
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story.contains("toolchain-incomplete"),
        "{}",
        said.story
    );
    assert!(
        said.story.contains("other needs tiny to run"),
        "{}",
        said.story
    );
    assert!(!world.cache().join("toolchains/next").exists());

    world.write(recipe, &old);
    let said = world.run(&["toolchain", "make", "next", "other", "tools"]);
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story.contains("toolchain-path-conflict"),
        "{}",
        said.story
    );
    let said = world.run(&["toolchain", "make", "next", "nothing"]);
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
}
