//! Sources from elsewhere: alternatives that wrap the real one, and git repositories on loopback.

use igos_format::Sha256;

use crate::repository::Repository;
use crate::world::{Said, World, names, text};

/// Returns a tar file of files at these paths.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_000_000_000);
        archive
            .append_data(&mut header, path, *content)
            .expect("memory has room");
    }
    archive.into_inner().expect("memory has room")
}

/// Gives the poem an alternative that wraps its tarball, takes the tarball off the mirror, and returns the
/// digests of wrapper and tarball.
fn wrap(world: &World, inner: Option<Sha256>) -> (Sha256, Sha256) {
    let mirror = world.path().join("mirror");
    let tarball = mirror.join("poem-1.0.tar.gz");
    let real = fs_err::read(&tarball).expect("tinyworld has it");
    fs_err::remove_file(&tarball).expect("the world is ours");
    let wrapper = tar(&[
        ("wrapped/README", b"not this one\n"),
        ("wrapped/poem.tar.gz", &real),
    ]);
    let (outer, real) = (Sha256::of(&wrapper), Sha256::of(&real));
    fs_err::write(mirror.join("poem-wrapped.tar"), wrapper).expect("the world is ours");
    let inner = inner.unwrap_or(real);
    world.edit(
        "packages/core/poem/package.yml",
        "dependencies:\n",
        &format!(
            "    alternatives:\n      - url: https://other.example/poem-wrapped.tar\n        sha256: {outer}\n        inner:\n          path: wrapped/poem.tar.gz\n          sha256: {inner}\n        repack: wrapped by the archive\ndependencies:\n"
        ),
    );
    (outer, real)
}

#[test]
fn alternative_that_wraps_the_tarball_is_used_and_recorded() {
    let Some(world) = World::new() else { return };
    let (outer, _) = wrap(&world, None);
    let said = world.run(&["build", "poem"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let source = said.provenance("poem")["sources"][0].clone();
    assert_eq!(source["alternative"], 1, "{source:#}");
    assert_eq!(source["sha256"], outer.to_string(), "{source:#}");
    assert_eq!(source["repack"], "wrapped by the archive", "{source:#}");
    let manifest = said.archive("poem").manifest().clone();
    let poem = manifest
        .entries
        .iter()
        .find(|entry| entry.path.to_string() == "usr/share/tinyworld/poem.txt");
    assert!(poem.is_some(), "the poem came out of both archives");
    let other = World::new().expect("there was one before");
    let plain = other.run(&["build", "poem"]);
    let plain_entries = plain.archive("poem").manifest().entries.clone();
    assert_eq!(manifest.entries, plain_entries, "the same files either way");
    assert_eq!(
        plain.provenance("poem")["sources"][0]["alternative"],
        serde_json::Value::Null
    );
}

#[test]
fn alternative_with_another_tarball_inside_is_refused() {
    let Some(world) = World::new() else { return };
    let meant = Sha256::of(b"another tarball");
    let (_, real) = wrap(&world, Some(meant));
    let said = world.run(&["build", "poem"]);
    assert_eq!(said.code, Some(1), "{} {:#}", said.story, said.answer);
    let report = said.package("poem");
    assert_eq!(report["diagnostics"][0]["code"], "source-digest-mismatch");
    let told = said.told("poem");
    assert!(
        told.contains("the file inside an alternative of source"),
        "{told}"
    );
    assert!(told.contains(&meant.to_string()), "{told}");
    assert!(told.contains(&real.to_string()), "{told}");
}

#[test]
fn alternative_that_lacks_the_tarball_fails_with_a_log() {
    let Some(world) = World::new() else { return };
    wrap(&world, None);
    world.edit(
        "packages/core/poem/package.yml",
        "path: wrapped/poem.tar.gz",
        "path: wrapped/prose.tar.gz",
    );
    let said = world.run(&["build", "poem"]);
    assert_eq!(said.code, Some(1), "{} {:#}", said.story, said.answer);
    let told = said.told("poem");
    assert!(told.contains("wrapped/prose.tar.gz"), "{told}");
    assert!(told.contains(&text(&said.package("poem")["log"])), "{told}");
}

/// Writes a KISS recipe of the git source `location`.
fn git_recipe(world: &World, location: &str) {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = "kiss/community/tale";
    world.write(&format!("{directory}/version"), "1 1\n");
    world.write(&format!("{directory}/sources"), &format!("{location}\n"));
    world.write(
        &format!("{directory}/build"),
        "#!/bin/sh -e\nmkdir -p \"$1/usr/share\"\ncp tale.txt \"$1/usr/share/tale.txt\"\ncat tale.txt\n",
    );
    let build = world.path().join(directory).join("build");
    fs_err::set_permissions(build, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
}

fn log(said: &Said, name: &str) -> String {
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    fs_err::read_to_string(text(&said.package(name)["log"])).expect("it is named")
}

#[test]
fn git_source_is_built_at_its_commit() {
    let Some(world) = World::new() else { return };
    let Some(served) = Repository::new(&world) else {
        return;
    };
    let first = served.commit("once\n");
    let second = served.commit("upon a time\n");
    git_recipe(&world, &format!("git+{}#{first}", served.url()));
    let said = world.run_connected(&["build", "tale"]);
    let story = log(&said, "tale");
    assert!(story.contains("\nonce\n"), "{story}");
    let provenance = said.provenance("tale");
    assert_eq!(provenance["weakened"], serde_json::json!([]));
    assert!(
        text(&provenance["sources"][0]["location"]).contains(&first),
        "{provenance:#}"
    );
    // What is in the cache needs no network; another commit does.
    let again = world.run(&["build", "tale"]);
    assert_eq!(again.with_status("cached"), names(&["tale"]));
    git_recipe(&world, &format!("git+{}#{second}", served.url()));
    let said = world.run_connected(&["build", "tale"]);
    assert!(log(&said, "tale").contains("\nupon a time\n"));
}

#[test]
fn git_source_at_a_branch_has_to_be_allowed_and_is_recorded() {
    let Some(world) = World::new() else { return };
    let Some(served) = Repository::new(&world) else {
        return;
    };
    served.commit("once\n");
    git_recipe(&world, &format!("git+{}#main", served.url()));
    let said = world.run_connected(&["build", "tale"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let report = said.package("tale");
    assert_eq!(report["diagnostics"][0]["code"], "source-unpinned");
    assert!(said.told("tale").contains("--allow-unpinned"));
    let said = world.run_connected(&["build", "tale", "--allow-unpinned"]);
    let story = log(&said, "tale");
    assert!(story.contains("\nonce\n"), "{story}");
    assert_eq!(
        said.provenance("tale")["weakened"],
        serde_json::json!(["unpinned-source"])
    );
    assert_eq!(
        said.archive("tale").manifest().origin,
        igos_format::manifest::Origin::BuiltWeakened
    );
}
