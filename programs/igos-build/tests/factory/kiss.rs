//! What differs between the dialects of KISS when packages are built.

use crate::installed::installed_and_removed;
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

#[test]
fn skip_in_place_of_a_digest_is_refused() {
    let Some(world) = World::new() else { return };
    // A mirror has the file, so that only the missing digest is in the way.
    world.write("mirror/data.txt", "data\n");
    let sources = "kiss/community/skipped/sources";
    recipe(&world, "kiss/community", "skipped", "SKIP");
    world.write(sources, "https://tinyworld.example/data.txt\n");
    for dialect in ["kiss-ng", "kiss-community"] {
        let said = world.run(&["build", "skipped", "--dialect", dialect]);
        assert_eq!(said.code, Some(1), "{dialect}: {}", said.story);
        let report = said.package("skipped");
        assert_eq!(
            report["diagnostics"][0]["code"], "source-unpinned",
            "{dialect}: {report:#}"
        );
        assert!(said.told("skipped").contains("recipe checksum skipped"));
    }
    let digest = igos_format::Blake3::of(b"data\n");
    world.write("kiss/community/skipped/checksums", &format!("{digest}\n"));
    let said = world.run(&["build", "skipped", "--dialect", "kiss-ng"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
}

#[test]
fn lint_tells_that_kiss_ng_knows_no_skip() {
    let Some(world) = World::new() else { return };
    recipe(&world, "kiss/community", "skipped", "SKIP");
    let codes = |dialect: &str| -> Vec<String> {
        let said = world.run(&["recipe", "lint", "skipped", "--dialect", dialect]);
        let findings = said.answer["findings"].as_array().cloned();
        let findings = findings.unwrap_or_else(|| panic!("{:#}", said.answer));
        findings.iter().map(|one| text(&one["code"])).collect()
    };
    let code = "kiss-checksum-skip".to_owned();
    assert!(codes("kiss-ng").contains(&code));
    assert!(!codes("kiss-community").contains(&code));
}

#[test]
fn scripts_become_files_of_the_package_and_run_around_its_life() {
    use std::os::unix::fs::PermissionsExt as _;

    let Some(world) = World::new() else { return };
    let sha256 = igos_format::Sha256::of(b"data\n").to_string();
    recipe(&world, "kiss/classic", "hooked", &sha256);
    for (script, text) in [
        ("post-install", "#!/bin/sh\nchmod 4755 /usr/bin/x\n"),
        ("pre-remove", "#!/bin/sh\ntest ! -e /run/x.pid\n"),
    ] {
        let place = format!("kiss/classic/hooked/{script}");
        world.write(&place, text);
        fs_err::set_permissions(
            world.path().join(place),
            std::fs::Permissions::from_mode(0o700),
        )
        .expect("it is ours");
    }
    let said = world.run(&["build", "hooked"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let archive = said.archive("hooked");
    let manifest = archive.manifest();
    let place = "usr/lib/igos/hooks/hooked";
    for script in ["post-install", "pre-remove"] {
        let mode = manifest
            .entries
            .iter()
            .find(|entry| entry.path.to_string() == format!("{place}/{script}"))
            .map(|entry| entry.mode);
        assert_eq!(mode, Some(0o755), "{script}");
    }
    let hooks: Vec<String> = manifest
        .hooks
        .iter()
        .map(|hook| format!("{} {}", hook.moment, hook.run.join(" ")))
        .collect();
    assert_eq!(
        hooks,
        [
            format!("post-install /{place}/post-install"),
            format!("post-upgrade /{place}/post-install"),
            format!("pre-remove /{place}/pre-remove"),
        ]
    );
    let expected = [
        format!("after /{place}/post-install"),
        format!("before /{place}/pre-remove"),
    ];
    assert_eq!(
        installed_and_removed(&said.archive_file("hooked"), &world.toolchain_archive()),
        expected
    );
}
