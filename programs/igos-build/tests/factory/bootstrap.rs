//! Toolchains made of what was built: each builds the next, until one makes itself again.

use std::collections::BTreeSet;

use igos_format::manifest::Origin;

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

#[test]
fn comparison_of_generations_names_what_differs_and_says_no() {
    let Some(world) = World::new() else { return };
    tools(&world);
    let make = |with: &str, name: &str| {
        let said = world.run(&["--toolchain", with, "toolchain", "make", name, "tools"]);
        assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    };
    make("tiny", "first");
    make("first", "second");
    make("second", "third");
    let compare = |one: &str, other: &str| {
        let said = world.run(&["toolchain", "compare", one, other]);
        let first = said.answer["archives"][0].clone();
        (
            said.code,
            text(&first["likeness"]).to_owned(),
            first["path"].clone(),
        )
    };
    let nothing = serde_json::Value::Null;
    assert_eq!(
        compare("first", "second"),
        (Some(0), "same-contents".into(), nothing.clone())
    );
    assert_eq!(
        compare("second", "third"),
        (Some(0), "identical".into(), nothing)
    );

    world.edit(
        "packages/core/tools/build.sh",
        "    rm -rf",
        "    echo generation > \"$DESTDIR/usr/bin/generation\"\n    rm -rf",
    );
    make("third", "fourth");
    assert_eq!(
        compare("third", "fourth"),
        (
            Some(1),
            "different".into(),
            serde_json::json!("/usr/bin/generation")
        )
    );
    let said = world.run(&["toolchain", "compare", "third", "fourth", "--only", "make"]);
    assert_eq!(said.code, Some(1), "a package that neither has is no proof");
}

/// Prints every path of the build root but those that the sandbox makes itself.
const LIST: &str = r#"list() {
    local path
    for path in "$1"/* "$1"/.[!.]*; do
        if [ -e "$path" ] || [ -L "$path" ]; then echo "sees $path"; fi
        if [ -d "$path" ] && [ ! -L "$path" ]; then list "$path"; fi
    done
}
build() {
    for path in /* /.[!.]*; do
        case $path in
            /build | /dest | /dev | /proc | /recipe | /sources | /tmp) ;;
            *)
                if [ -e "$path" ] || [ -L "$path" ]; then echo "sees $path"; fi
                if [ ! -L "$path" ]; then list "$path"; fi
                ;;
        esac
    done
}
do_install() { :; }
"#;

#[test]
fn build_with_a_made_toolchain_sees_only_paths_of_packages_that_were_built_here() {
    let Some(world) = World::new() else { return };
    tools(&world);
    let said = world.run(&["--toolchain", "tiny", "toolchain", "make", "own", "tools"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    world.recipe("lister", "greet", LIST);
    let said = world.run(&["--toolchain", "own", "build", "tools", "greet", "lister"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);

    let log = fs_err::read_to_string(text(&said.package("lister")["log"])).expect("it is named");
    let seen: BTreeSet<String> = log
        .lines()
        .filter_map(|line| line.strip_prefix("sees /"))
        .map(str::to_owned)
        .collect();
    let mut ours = BTreeSet::new();
    for package in ["tools", "greet"] {
        let archive = said.archive(package);
        assert_eq!(archive.manifest().origin, Origin::Built, "{package}");
        let paths = archive.manifest().entries.iter();
        ours.extend(paths.map(|entry| entry.path.to_string()));
    }
    // What the sandbox makes where no package has it.
    ours.extend(["etc", "etc/group", "etc/hosts", "etc/passwd", "run"].map(str::to_owned));
    let foreign: Vec<&String> = seen.difference(&ours).collect();
    assert!(foreign.is_empty(), "not of our packages: {foreign:?}");
    assert!(seen.contains("usr/bin/bash"), "the list is empty");
    assert_eq!(
        said.provenance("lister")["toolchain"],
        world.run(&["toolchain", "show", "own"]).answer["digest"]
    );
}
