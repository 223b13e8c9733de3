//! What debuggers read, found by the build id that a crash tells. How it gets into packages of its own is shown by the
//! tests of `igos-build`.

use crate::published::NOTHING_MORE;
use crate::resolve::change;
use crate::world::{TestPackage, World, ended};

/// A program, and the package that describes it; `id` is its first two digits and the rest.
fn described(name: &str, id: (&str, &str)) -> [TestPackage; 2] {
    let file = format!("usr/lib/debug/.build-id/{}/{}.debug", id.0, id.1);
    let provided = format!("build-id-{}{}", id.0, id.1);
    [
        TestPackage::new(name, "1").file(&format!("usr/bin/{name}"), name, 0o755),
        TestPackage::new(&format!("{name}-debug"), "1")
            .file(&file, name, 0o644)
            .with(|manifest| {
                let provided = provided.parse().expect("a name");
                manifest.provides.insert(provided);
            }),
    ]
}

#[test]
fn package_that_describes_a_program_is_found_by_its_build_id_in_a_repository() {
    let world = World::new();
    let gadget = described("gadget", ("ab", "cdef0123"));
    let widget = described("widget", ("ab", "cdef0124"));
    let packages: Vec<&TestPackage> = gadget.iter().chain(&widget).collect();
    world.publish("main", NOTHING_MORE, &packages);
    world.sync();
    change(&world, &["install", "gadget"], "installed gadget 1-1\n");
    // Who asks for the name, or for the file that a debugger misses, is told the package.
    assert_eq!(
        world.pkm(&["info", "build-id-abcdef0123"]),
        ended(
            1,
            "",
            "error[package-unknown]: build-id-abcdef0123 is not installed, and no repository offers it\n  \
             hint: search for it: `pkm search build-id-abcdef0123`\n  \
             hint: build-id-abcdef0123 is provided by gadget-debug\n"
        )
    );
    let missed = "/usr/lib/debug/.build-id/ab/cdef0123.debug";
    let (code, found) = world.json(&["owner", "--available", missed]);
    let entry = &found[0]["available"][0];
    assert_eq!(
        (code, &entry["package"]["name"]),
        (0, &"gadget-debug".into())
    );
    change(
        &world,
        &["install", "build-id-abcdef0123"],
        "installed gadget-debug 1-1\n",
    );
    assert_eq!(world.read(missed.trim_start_matches('/')), "gadget");
    // One digit more or less is another program.
    for other in ["build-id-abcdef012", "build-id-abcdef01234"] {
        let refused = world.pkm(&["install", other, "--yes"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (1, ""), "{other}");
    }
    assert_eq!(world.pkm(&["list"]).stdout.lines().count(), 2);
}
