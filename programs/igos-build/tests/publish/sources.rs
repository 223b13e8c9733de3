//! Corresponding sources.

use igos_format::Sha256;
use serde_json::json;

use crate::archives::archive;
use crate::{World, codes};

const RECIPE: &str = "format: 1\nname: a\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: For a test\n\
    license: CC0-1.0\nbuild_style: custom\nsource: []\ndependencies: {build: [], host: [], runtime: []}\n";
const SCRIPT: &str = "do_install() { :; }\n";
const SOURCE: &[u8] = b"the source of a\n";

/// A world whose recipe `a` was built from one source that the store has.
fn world() -> World {
    let world = World::new();
    let write = |path: &str, bytes: &[u8]| {
        let path = world.path(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("it is ours");
        fs_err::write(path, bytes).expect("it is ours");
    };
    write("tree/core/a/package.yml", RECIPE.as_bytes());
    write("tree/core/a/build.sh", SCRIPT.as_bytes());
    let sha256 = Sha256::of(SOURCE).to_string();
    write(
        &format!("cache/sources/sha256/{}/{sha256}", &sha256[..2]),
        SOURCE,
    );
    let provenance = json!({
        "format": 1,
        "recipe": {
            "name": "a",
            "version": "1-1",
            "files": {
                "build.sh": Sha256::of(SCRIPT.as_bytes()),
                "package.yml": Sha256::of(RECIPE.as_bytes()),
            },
        },
        "sources": [{ "location": "https://example.org/a-1.tar", "sha256": sha256 }],
        "source_date_epoch": 1_000_000_000,
    });
    for output in ["a 1", "a-doc 1"] {
        archive(
            &world.path("archives"),
            output,
            &provenance.to_string(),
            |_| {},
        );
    }
    world
}

fn published(world: &World) -> Vec<String> {
    let directory = world.path("repository/targets/sources");
    let names = fs_err::read_dir(directory).expect("it is there");
    let mut names: Vec<String> = names
        .map(|file| file.expect("it is there").file_name().to_string_lossy()[65..].to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn recipe_and_sources_are_published_once_for_all_outputs() {
    let world = world();
    let said = world.publish(&["--sources"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(published(&world), ["a-1-1.recipe.tar", "a-1.tar"]);
    assert_eq!(world.publish(&["--sources"]).answer["state"], "unchanged");
}

#[test]
fn sources_can_be_added_to_what_is_published() {
    let world = world();
    assert_eq!(world.publish(&[]).code, Some(0));
    assert_eq!(published(&world), Vec::<String>::new());
    assert_eq!(world.publish(&["--sources"]).answer["state"], "published");
    assert_eq!(published(&world).len(), 2);
}

#[test]
fn recipe_that_changed_since_the_build_is_refused() {
    let world = world();
    fs_err::write(
        world.path("tree/core/a/build.sh"),
        "do_install() { false; }\n",
    )
    .expect("it is ours");
    let said = world.publish(&["--sources"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["publish-recipe-changed"])
    );
}

#[test]
fn source_that_is_absent_from_the_store_or_damaged_in_it_is_refused() {
    let world = world();
    let sha256 = Sha256::of(SOURCE).to_string();
    let path = world.path(&format!("cache/sources/sha256/{}/{sha256}", &sha256[..2]));
    fs_err::write(&path, "something else\n").expect("it is ours");
    let said = world.publish(&["--sources"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["publish-file-changed"])
    );
    fs_err::remove_file(path).expect("it is ours");
    let said = world.publish(&["--sources"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["publish-source-absent"])
    );
    assert!(!world.path("repository/metadata/timestamp.json").exists());
}

#[test]
fn workspace_that_holds_the_recipes_is_published_as_it_was_built_from() {
    let world = world();
    let write = |path: &str, text: &str| {
        let path = world.path(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("it is ours");
        fs_err::write(path, text).expect("it is ours");
    };
    let recipe = RECIPE.replace("format: 1", "format: 3").replace(
        "source: []",
        "source: [{directory: ../../.., only: [src/**]}]",
    );
    write("tree/core/a/package.yml", &recipe);
    write("src/main.rs", "fn main() {}\n");
    write("src/sub/a", "a\n");
    write("other", "not this one\n");
    let lines = format!(
        "src/main.rs file {}\nsrc/sub/a file {}\n",
        Sha256::of(b"fn main() {}\n"),
        Sha256::of(b"a\n")
    );
    let provenance = json!({
        "format": 1,
        "recipe": {
            "name": "a",
            "version": "1-1",
            "files": {
                "build.sh": Sha256::of(SCRIPT.as_bytes()),
                "package.yml": Sha256::of(recipe.as_bytes()),
            },
        },
        "sources": [{ "location": "../../..", "sha256": Sha256::of(lines.as_bytes()) }],
        "source_date_epoch": 1_000_000_000,
    });
    fs_err::remove_dir_all(world.path("archives")).expect("it is ours");
    archive(
        &world.path("archives"),
        "a 1",
        &provenance.to_string(),
        |_| {},
    );
    let said = world.publish(&["--sources"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(published(&world), ["a-1-1.recipe.tar", "a-1-1.source.tar"]);
    let directory = world.path("repository/targets/sources");
    let tar = fs_err::read_dir(directory)
        .expect("it is there")
        .map(|file| file.expect("it is there").path())
        .find(|path| path.to_string_lossy().ends_with("source.tar"))
        .expect("it was listed");
    let mut tar = tar::Archive::new(fs_err::File::open(tar).expect("it is there"));
    let names: Vec<String> = tar
        .entries()
        .expect("it is a tar file")
        .map(|one| {
            one.expect("it is whole")
                .path()
                .expect("a name")
                .display()
                .to_string()
        })
        .collect();
    assert_eq!(
        names,
        ["a-1-1.source/src/main.rs", "a-1-1.source/src/sub/a"]
    );

    write("src/sub/a", "changed\n");
    fs_err::remove_dir_all(world.path("repository")).expect("it is ours");
    let said = world.publish(&["--sources"]);
    assert_eq!(
        (said.code, codes(&said)),
        (Some(1), vec!["publish-recipe-changed"])
    );
}
