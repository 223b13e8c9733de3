//! From building to a repository with all sources.

use crate::world::World;

#[test]
fn what_was_built_is_published_with_its_recipes_and_sources() {
    let Some(world) = World::new() else { return };
    let path = |name: &str| world.path().join(name).display().to_string();
    let (archives, keys, repository) = (path("archives"), path("keys"), path("repository"));
    let said = world.run(&["build", "--all", "--output", &archives]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let said = world.run(&["key", "new", &keys]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    // The shell of the toolchain is what scripts of the packages need.
    let toolchains = world.cache().join("toolchains").display().to_string();
    let publish = [
        "publish",
        &repository,
        "--keys",
        &keys,
        "--sources",
        "--allow-imported",
    ];
    let given = ["--archives", &archives, "--archives", &toolchains];
    let said = world.run(&[&publish[..], &given].concat());
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(said.answer["packages"], 10, "{:#}", said.answer);
    let sources = fs_err::read_dir(world.path().join("repository/targets/sources"));
    let mut names: Vec<String> = sources
        .expect("it was published")
        .map(|file| file.expect("it is there").file_name().to_string_lossy()[65..].to_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "alphabet-1.0-1.recipe.tar",
            "book-1.0-1.recipe.tar",
            "greet-1.0-1.recipe.tar",
            "hello-2.1-3.recipe.tar",
            "letters-1.0-1.recipe.tar",
            "lone-1.0-1.recipe.tar",
            "poem-1.0-1.recipe.tar",
            "poem-1.0.tar.gz",
            "word-3-2.recipe.tar",
        ]
    );
    // The same archives as the cache keeps them are nothing new.
    let builds = world.cache().join("builds").display().to_string();
    let said = world.run(&[&publish[..], &["--archives", &builds]].concat());
    assert_eq!(said.answer["state"], "unchanged", "{}", said.story);
}
