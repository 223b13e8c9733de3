//! Recipes with several outputs.

use crate::world::{Said, World, text};

/// Returns the paths of the files in the archive of an output.
fn files(said: &Said, output: &str) -> Vec<String> {
    let archive = said.archive(output);
    let entries = &archive.manifest().entries;
    entries
        .iter()
        .filter(|entry| entry.kind != igos_format::EntryKind::Directory)
        .map(|entry| entry.path.to_string())
        .collect()
}

/// Writes the recipe `kit` with the outputs `kit`, `kit-data` (which needs `alphabet`) and `kit-doc`.
fn kit(world: &World) {
    world.recipe(
        "kit",
        "",
        "do_install() {\n    for file in bin/kit share/kit/data share/doc/kit/readme; do\n        install -d \"$DESTDIR/usr/${file%/*}\"\n        echo $file > \"$DESTDIR/usr/$file\"\n    done\n}\n",
    );
    world.edit(
        "packages/core/kit/package.yml",
        "  runtime: []\n",
        "  runtime: [lone]\noutputs:\n  - name: kit-data\n    description: Data\n    paths: [usr/share/kit/**]\n    dependencies: [alphabet]\n  - name: kit-doc\n    description: Documents\n    paths: [usr/share/doc/**]\n",
    );
}

#[test]
fn outputs_have_the_files_that_the_recipe_gives_them() {
    let Some(world) = World::new() else { return };
    kit(&world);
    let said = world.run(&["build", "kit"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(files(&said, "kit"), ["usr/bin/kit"]);
    assert_eq!(files(&said, "kit-data"), ["usr/share/kit/data"]);
    assert_eq!(files(&said, "kit-doc"), ["usr/share/doc/kit/readme"]);
    let needs = |output: &str| -> Vec<String> {
        let archive = said.archive(output);
        let depends = &archive.manifest().depends;
        depends.iter().map(|one| one.name.to_string()).collect()
    };
    assert_eq!(needs("kit"), ["lone"]);
    assert_eq!(needs("kit-data"), ["alphabet"]);
    assert_eq!(needs("kit-doc"), [""; 0]);
}

#[test]
fn dependant_of_an_output_sees_it_and_what_it_needs_to_run_only() {
    let Some(world) = World::new() else { return };
    kit(&world);
    world.recipe(
        "reader",
        "kit-data",
        "build() {\n    for file in bin/kit share/kit/data share/doc/kit/readme share/tinyworld/letters.txt share/tinyworld/lone.txt; do\n        if [ -e /usr/$file ]; then echo sees $file; fi\n    done\n}\ndo_install() { :; }\n",
    );
    let said = world.run(&["build", "reader"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let log = fs_err::read_to_string(text(&said.package("reader")["log"])).expect("it is named");
    let seen: Vec<&str> = log
        .lines()
        .filter_map(|line| line.strip_prefix("sees "))
        .collect();
    assert_eq!(seen, ["share/kit/data", "share/tinyworld/letters.txt"]);
    let dependencies = said.provenance("reader")["dependencies"].clone();
    let names: Vec<String> = dependencies
        .as_object()
        .expect("names and digests")
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["alphabet", "kit-data"]);
}

#[test]
fn main_package_may_need_further_outputs_of_its_recipe_to_run() {
    let Some(world) = World::new() else { return };
    kit(&world);
    world.edit(
        "packages/core/kit/package.yml",
        "runtime: [lone]",
        "runtime: [kit-data, lone]",
    );
    let said = world.run(&["build", "kit"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let archive = said.archive("kit");
    let needs: Vec<String> = archive
        .manifest()
        .depends
        .iter()
        .map(|one| one.name.to_string())
        .collect();
    assert_eq!(needs, ["kit-data", "lone"]);

    world.edit(
        "packages/core/kit/package.yml",
        "build: []",
        "build: [kit-data]",
    );
    let said = world.run(&["build", "kit"]);
    assert_eq!(
        said.code,
        Some(1),
        "what is not built yet cannot be built with"
    );
    assert!(said.story.contains("recipe-cycle"), "{}", said.story);
}
