//! Verification that begins with signatures, and repairs from repositories.

use igos_format::Sha256;

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World};

const RECORD: &str = "var/lib/igos/packages/tool";

fn tool() -> TestPackage {
    TestPackage::new("tool", "1")
        .file("usr/bin/tool", "the tool", 0o755)
        .file("usr/share/tool", "data", 0o644)
}

/// Returns a world with a package from a repository that is trusted.
fn world() -> World {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&tool()]);
    world.sync();
    let ended = world.pkm(&["install", "tool", "--yes", "--quiet"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    world
}

fn findings(world: &World, arguments: &[&str]) -> Vec<String> {
    let (code, report) = world.json(arguments);
    let findings = report["findings"].as_array().expect("a list");
    assert_eq!(code, i32::from(!findings.is_empty()));
    findings
        .iter()
        .map(|finding| {
            let text = |field: &str| finding[field].as_str().unwrap_or_default().to_owned();
            format!("{} {}", text("path"), text("what"))
        })
        .collect()
}

/// Ends a text with its digest.
fn sealed(body: &str) -> String {
    format!("{body}end {}\n", Sha256::of(body.as_bytes()))
}

/// Changes a file and the record with it, as somebody would who has root and knows the formats.
fn forge(world: &World, content: &str) {
    let record = world.read(RECORD);
    let changed = record.replace(
        &Sha256::of(b"the tool").to_string(),
        &Sha256::of(content.as_bytes()).to_string(),
    );
    assert_ne!(changed, record);
    let (head, manifest) = changed.split_once("\nigos-manifest").expect("it is in it");
    let manifest = format!("igos-manifest{manifest}");
    let body = &manifest[..manifest.find("\nend ").expect("the manifest ends") + 1];
    let text = sealed(&format!("{head}\n{}", sealed(body)));
    world.write("usr/bin/tool", content);
    world.write(RECORD, &text);
    world.delete("var/lib/igos/pkm.db");
}

#[test]
fn root_from_a_repository_is_proven_by_its_keys() {
    let world = world();
    assert_eq!(findings(&world, &["verify", "--signed"]), [""; 0]);
    world.write("usr/bin/tool", "not tool");
    assert_eq!(
        findings(&world, &["verify", "--signed"]),
        ["usr/bin/tool content"]
    );
}

#[test]
fn record_that_was_forged_together_with_the_file_is_found() {
    let world = world();
    forge(&world, "not tool");
    let found = findings(&world, &["verify", "--signed"]);
    assert!(
        found
            .iter()
            .any(|finding| finding.contains("record-disagrees")),
        "{found:?}"
    );
    // Without the seal in it, it is as if nobody had vouched for it.
    let world = self::world();
    let record = world.read(RECORD);
    let (head, rest) = record.split_once("seal-text ").expect("it has a seal");
    let (_, manifest) = rest.split_once("\nmanifest ").expect("it has a manifest");
    let manifest = manifest
        .split_once("\nmanifest ")
        .map_or(manifest, |(_, rest)| rest);
    let body = format!("{head}manifest {manifest}");
    let body = &body[..body.rfind("end ").expect("it ends")];
    world.write(RECORD, &sealed(body));
    world.delete("var/lib/igos/pkm.db");
    let found = findings(&world, &["verify", "--signed", "--allow-unsigned"]);
    assert!(
        found.contains(&format!("{RECORD} unsigned")),
        "a key is named, and did not sign: {found:?}"
    );
}

#[test]
fn paths_that_a_forged_record_leaves_out_are_compared_all_the_same() {
    let world = world();
    let record = world.read(RECORD);
    let forged = record.replacen("seal-text ", "excluded usr/bin/**\nseal-text ", 1);
    let body = &forged[..forged.rfind("end ").expect("it ends")];
    world.write(RECORD, &sealed(body));
    world.delete("var/lib/igos/pkm.db");
    world.write("usr/bin/tool", "not tool");
    let found = findings(&world, &["verify", "--signed"]);
    assert!(
        found.contains(&"usr/bin/tool content".to_owned()),
        "{found:?}"
    );
}

#[test]
fn database_that_hides_a_path_is_a_finding_and_hides_nothing() {
    let world = world();
    world.write("usr/bin/tool", "not tool");
    world.write("var/lib/igos/pkm.db", "no database of ours");
    let found = findings(&world, &["verify", "--signed"]);
    assert_eq!(
        found,
        [
            "usr/bin/tool content",
            "var/lib/igos/pkm.db record-disagrees"
        ]
    );
}

#[test]
fn key_that_no_repository_trusts_any_more_is_a_finding() {
    let world = world();
    fs_err::remove_dir_all(world.path("root/etc/igos/repositories.d")).expect("the root is ours");
    assert_eq!(
        findings(&world, &["verify", "--signed", "--allow-unsigned"]),
        [format!("{RECORD} signature")]
    );
}

#[test]
fn repair_fetches_what_the_root_lacks_from_the_repository() {
    let world = world();
    world.write("usr/bin/tool", "trojan");
    world.delete("usr/share/tool");
    let repaired = world.pkm(&["repair", "--yes", "--quiet"]);
    assert_eq!(repaired.code, 0, "{}{}", repaired.stdout, repaired.stderr);
    assert_eq!(world.read("usr/bin/tool"), "the tool");
    assert_eq!(world.read("usr/share/tool"), "data");
    assert_eq!(findings(&world, &["verify", "--signed"]), [""; 0]);
}
