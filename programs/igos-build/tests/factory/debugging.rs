//! Packages with what debuggers read.

use std::path::Path;
use std::process::Command;

use crate::world::World;

/// A program that needs nothing, with information for debuggers and a build id.
fn compile(place: &Path) {
    let source = place.join("program.c");
    fs_err::write(&source, "void _start(void) { for (;;) {} }\n").expect("the world is ours");
    #[expect(clippy::disallowed_methods, reason = "a test calls a compiler")]
    let status = Command::new("cc")
        .args(["-g", "-nostdlib", "-static", "-Wl,--build-id=0xabcdef0123"])
        .arg("-o")
        .arg(place.join("program"))
        .arg(&source)
        .status()
        .expect("./test installs a compiler");
    assert!(status.success());
}

#[test]
fn information_for_debuggers_goes_into_a_package_of_its_own_where_that_is_asked_for() {
    let Some(world) = World::new() else { return };
    // Flags of the profile reach the build; two programs with one build id have one description.
    world.recipe(
        "gadget",
        "",
        "build() { echo \"flags $CFLAGS\"; }\ndo_install() {\n    for name in one two; do install -D -m 755 program \"$DESTDIR/usr/bin/$name\"; done\n}\n",
    );
    world.edit(
        "packages/core/gadget/package.yml",
        "source: []",
        "source:\n  - file: files/program",
    );
    let files = world.path().join("packages/core/gadget/files");
    fs_err::create_dir(&files).expect("the world is ours");
    compile(&files);
    let described = "usr/lib/debug/.build-id/ab/cdef0123.debug";
    let without = world.run(&["build", "gadget"]);
    assert_eq!(without.code, Some(0), "{}", without.story);
    assert_eq!(without.archives().len(), 1);
    world.write("packages/igos.toml", "debug_packages = true\n");
    let with = world.run(&["build", "gadget"]);
    assert_eq!(with.code, Some(0), "{}", with.story);
    assert_eq!(with.with_status("built"), crate::world::names(&["gadget"]));
    let paths = |output: &str| -> Vec<(String, u16)> {
        let archive = with.archive(output);
        let entries = &archive.manifest().entries;
        entries
            .iter()
            .filter(|entry| entry.kind != igos_format::EntryKind::Directory)
            .map(|entry| (entry.path.to_string(), entry.mode))
            .collect()
    };
    assert_eq!(
        paths("gadget"),
        [
            ("usr/bin/one".to_owned(), 0o755),
            ("usr/bin/two".to_owned(), 0o755)
        ]
    );
    assert_eq!(paths("gadget-debug"), [(described.to_owned(), 0o644)]);
    let archive = with.archive("gadget-debug");
    let provided = archive.manifest().provides.iter().map(ToString::to_string);
    assert_eq!(provided.collect::<Vec<_>>(), ["build-id-abcdef0123"]);
    // The program is the same with and without: nobody has to choose between the two.
    let program = |said: &crate::world::Said| {
        let archive = said.archive("gadget");
        let entries = &archive.manifest().entries;
        let found = entries
            .iter()
            .find(|entry| entry.path.as_bytes() == b"usr/bin/one");
        found.map(|entry| entry.kind.clone()).expect("it is there")
    };
    assert_eq!(program(&with), program(&without));
    let log = fs_err::read_to_string(crate::world::text(&with.package("gadget")["log"]))
        .expect("it is named");
    assert!(log.contains("flags -O2 -pipe -g"), "{log}");
}
