//! Recipes of format 3: what was not compiled here, the workspace that holds the recipes, and what its lock pins.

use igos_format::Sha256;
use igos_format::manifest::Origin;
use serde_json::json;

use crate::world::{World, names, text};

/// Writes a recipe of format 3 with these lines besides the usual ones.
fn recipe(world: &World, name: &str, more: &str, script: &str) {
    let head = "version: \"1\"\nrelease: 1\ntier: core\ndescription: For a test\nlicense: CC0-1.0\nbuild_style: custom\nsource_date_epoch: 1000000000\n";
    let directory = format!("packages/core/{name}");
    world.write(
        &format!("{directory}/package.yml"),
        &format!("format: 3\nname: {name}\n{head}{more}"),
    );
    world.write(&format!("{directory}/build.sh"), script);
}

const SEED: &str = "do_install() {\n    mkdir -p \"$DESTDIR/usr/share\"\n    echo from elsewhere > \"$DESTDIR/usr/share/seed\"\n}\n";
const REASON: &str = "nobody here can compile it";

fn seed(world: &World) {
    recipe(
        world,
        "seed",
        &format!("imported: {REASON}\nsource: []\n"),
        SEED,
    );
}

#[test]
fn imported_package_and_all_that_is_built_with_it_say_so() {
    let Some(world) = World::new() else { return };
    seed(&world);
    let use_it = "do_install() {\n    mkdir -p \"$DESTDIR/usr/share\"\n    cp /usr/share/seed \"$DESTDIR/usr/share/made\"\n}\n";
    recipe(
        &world,
        "made",
        "source: []\ndependencies: {build: [greet, seed]}\n",
        use_it,
    );
    let said = world.run(&["build", "made", "lone"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let origin = |name: &str| said.archive(name).manifest().origin;
    assert_eq!(
        [origin("seed"), origin("made"), origin("lone")],
        [Origin::Imported, Origin::Built, Origin::Built]
    );
    assert_eq!(said.provenance("seed")["imported"], REASON);
    let made = said.provenance("made");
    assert_eq!(made["imported_dependencies"], json!(["seed"]));
    assert_eq!(made.get("imported"), None);
    // The accounts of others are what they were: the keys are not there.
    for key in ["imported", "imported_dependencies"] {
        assert_eq!(said.provenance("lone").get(key), None, "{key}");
    }

    let statement = |name: &str| {
        let archive = said.archive_file(name).display().to_string();
        let statement = world.run(&["provenance", &archive]);
        assert_eq!(statement.code, Some(0), "{}", statement.story);
        statement.answer["predicate"].clone()
    };
    let materials = statement("made")["buildDefinition"]["resolvedDependencies"].clone();
    let origins: Vec<(String, serde_json::Value)> = materials
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["annotations"]["kind"] == "package")
        .map(|one| (text(&one["name"]), one["annotations"]["origin"].clone()))
        .collect();
    assert!(
        origins.contains(&("seed".to_owned(), json!("imported"))),
        "{origins:?}"
    );
    assert!(
        origins.contains(&("greet".to_owned(), json!(null))),
        "{origins:?}"
    );
    let seed = statement("seed");
    assert_eq!(
        seed["runDetails"]["builder"]["id"],
        "urn:igos:builder:import"
    );
    assert_eq!(
        seed["buildDefinition"]["externalParameters"]["imported"],
        REASON
    );
}

#[test]
fn package_that_wants_more_of_an_imported_one_than_its_build_is_not_built() {
    let Some(world) = World::new() else { return };
    seed(&world);
    for kind in ["host", "runtime"] {
        let needs = format!("source: []\ndependencies: {{{kind}: [seed]}}\n");
        recipe(&world, "made", &needs, "do_install() { :; }\n");
        let said = world.run(&["build", "made"]);
        assert_eq!(said.code, Some(1), "{}", said.story);
        assert!(
            said.story.contains("recipe-imported-needed"),
            "{kind}: {}",
            said.story
        );
    }
}

/// Returns a package of the registry.
fn package() -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::fast(),
    ));
    let mut header = tar::Header::new_ustar();
    let content = b"pub fn one() {}\n";
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(1);
    archive
        .append_data(&mut header, "demo-1.0.0/src/lib.rs", &content[..])
        .expect("memory has room");
    let encoder = archive.into_inner().expect("memory has room");
    encoder.finish().expect("memory has room")
}

#[test]
fn workspace_and_the_packages_of_its_lock_are_sources() {
    let Some(world) = World::new() else { return };
    let bytes = package();
    let sha256 = Sha256::of(&bytes);
    fs_err::write(world.path().join("mirror/demo-1.0.0.crate"), bytes).expect("it is ours");
    world.write(
        "Cargo.lock",
        &format!(
            "version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n[[package]]\nname = \"demo\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{sha256}\"\n"
        ),
    );
    world.write("src/main.rs", "fn main() {}\n");
    world.write("target/CACHEDIR.TAG", "");
    let script = "do_install() {\n    mkdir -p \"$DESTDIR/usr/share\"\n    cp -R . \"$DESTDIR/usr/share/own\"\n}\n";
    recipe(
        &world,
        "own",
        "source:\n- {directory: ../../.., only: [Cargo.lock, src/**]}\n- crates: ../../../Cargo.lock\n",
        script,
    );
    let said = world.run(&["build", "own"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let entries = said.archive("own").manifest().entries.clone();
    let installed: Vec<String> = entries
        .iter()
        .filter_map(|entry| {
            Some(
                entry
                    .path
                    .to_string()
                    .strip_prefix("usr/share/own/")?
                    .to_owned(),
            )
        })
        .filter(|path| !["src", "vendor", "vendor/demo-1.0.0"].contains(&path.as_str()))
        .collect();
    assert_eq!(
        installed,
        [
            "Cargo.lock",
            "src/main.rs",
            "vendor/demo-1.0.0/.cargo-checksum.json",
            "vendor/demo-1.0.0/src",
            "vendor/demo-1.0.0/src/lib.rs"
        ]
    );
    let sources = said.provenance("own")["sources"].clone();
    assert_eq!(sources[0]["location"], "../../..");
    assert_eq!(
        sources[1]["location"],
        "https://static.crates.io/crates/demo/demo-1.0.0.crate"
    );
    assert_eq!(sources[1]["sha256"], sha256.to_string());

    // What is not selected changes nothing; what is, does.
    world.write("README", "other\n");
    let again = world.run(&["build", "own"]);
    assert_eq!(again.with_status("cached"), names(&["own"]));
    world.write("src/main.rs", "fn main() { loop {} }\n");
    let again = world.run(&["build", "own"]);
    assert_eq!(
        again.with_status("built"),
        names(&["own"]),
        "{}",
        again.story
    );
}

#[test]
fn directory_that_does_not_hold_the_tree_is_no_source() {
    let Some(world) = World::new() else { return };
    let more = "source: [{directory: .., only: [\"**\"]}]\n";
    recipe(&world, "own", more, "do_install() { :; }\n");
    let said = world.run(&["build", "own"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let told = said.told("own");
    assert!(told.contains("does not hold the recipe tree"), "{told}");
}
