//! What differs between the dialects of KISS when packages are built.

use crate::world::{World, text};

const BUILD: &str = "#!/bin/sh -e\necho \"destination [${DESTDIR-none}]\"\nmkdir -p \"$1/usr/share\"\ncat data.txt > \"$1/usr/share/data\"\n";

/// Writes a KISS recipe with one file of its own and one line of checksums.
fn recipe(world: &World, tree: &str, name: &str, checksum: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = format!("{tree}/{name}");
    world.write(&format!("{directory}/build"), BUILD);
    world.write(&format!("{directory}/version"), "1 1\n");
    world.write(&format!("{directory}/sources"), "files/data.txt\n");
    world.write(&format!("{directory}/checksums"), &format!("{checksum}\n"));
    world.write(&format!("{directory}/files/data.txt"), "data\n");
    let build = world.path().join(directory).join("build");
    fs_err::set_permissions(build, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

#[test]
fn classic_recipes_have_destdir_and_others_have_not() {
    let Some(world) = World::new() else { return };
    let sha256 = igos_format::Sha256::of(b"data\n").to_string();
    let blake3 = igos_format::Blake3::of(b"data\n").to_string();
    recipe(&world, "kiss/classic", "old", &sha256);
    recipe(&world, "kiss/community", "new", &blake3);
    let said = world.run(&["build", "old", "new"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    for (name, expected) in [("old", "[/dest]"), ("new", "[none]")] {
        let log = fs_err::read_to_string(text(&said.package(name)["log"])).expect("it is named");
        assert!(log.contains(&format!("destination {expected}\n")), "{log}");
    }
}
