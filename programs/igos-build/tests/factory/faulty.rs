//! Recipes with errors among good ones.

use crate::world::{World, names, text};

/// A recipe that nobody can name, one with an error in it, one that needs each, and a good one.
fn world() -> Option<World> {
    let world = World::new()?;
    fs_err::remove_dir_all(world.path().join("kiss")).expect("the world is ours");
    for repository in ["kiss/classic", "kiss/community"] {
        fs_err::create_dir_all(world.path().join(repository)).expect("the world is ours");
    }
    fs_err::remove_dir_all(world.path().join("packages/core")).expect("the world is ours");
    for (name, needs) in [
        ("nameless", ""),
        ("wrong", ""),
        ("above-nameless", "nameless"),
        ("above-wrong", "wrong"),
        ("good", ""),
    ] {
        world.recipe(name, needs, "do_install() { :; }\n");
    }
    let file = |name: &str| format!("packages/core/{name}/package.yml");
    world.edit(&file("nameless"), "version: \"1\"", "version: \"1 2\"");
    let placeholder = format!(
        "source:\n- url: https://example.org/a.tar.xz\n  sha256: {}",
        "0".repeat(64)
    );
    world.edit(&file("wrong"), "source: []", &placeholder);
    Some(world)
}

#[test]
fn whoever_builds_all_is_told_which_recipes_are_bad_and_nothing_is_built() {
    let Some(world) = world() else { return };
    for more in [&[][..], &["--dry-run"]] {
        let said = world.run(&[&["build", "--all"], more].concat());
        assert_eq!(said.code, Some(1), "{}", said.story);
        let bad: Vec<_> = said.answer["error"]["diagnostics"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| (text(&one["code"]), text(&one["message"])))
            .collect();
        let invalid = |name| {
            (
                "recipe-invalid".to_owned(),
                format!("the recipe of {name} has errors"),
            )
        };
        assert_eq!(
            bad,
            [invalid("nameless"), invalid("wrong")],
            "{:#}",
            said.answer
        );
    }
    assert!(!world.cache().join("builds").exists(), "nothing was built");
}

#[test]
fn whoever_keeps_going_gets_all_that_needs_no_bad_recipe_and_exit_code_1() {
    let Some(world) = world() else { return };
    for (arguments, good) in [
        (
            &["build", "--all", "--keep-going", "--dry-run"][..],
            "planned",
        ),
        (&["build", "--all", "--keep-going"], "built"),
        (&["build", "--all", "--keep-going"], "cached"),
    ] {
        let said = world.run(arguments);
        assert_eq!(said.code, Some(1), "{}", said.story);
        assert_eq!(
            said.with_status(good),
            names(&["good"]),
            "{:#}",
            said.answer
        );
        assert_eq!(
            said.with_status("failed"),
            names(&["above-nameless", "wrong"])
        );
        assert_eq!(said.with_status("skipped"), names(&["above-wrong"]));
        assert_eq!(
            text(&said.package("above-nameless")["reason"]),
            "no recipe makes nameless, which above-nameless needs"
        );
        assert!(
            said.story.contains("packages/core/nameless"),
            "{}",
            said.story
        );
    }
    // What cannot be named is in no list of packages: the exit code tells of it all the same.
    for name in ["wrong", "above-wrong", "above-nameless"] {
        let path = world.path().join("packages/core").join(name);
        fs_err::remove_dir_all(path).expect("the world is ours");
    }
    let said = world.run(&["build", "--all", "--keep-going"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    assert_eq!(said.with_status("cached"), names(&["good"]));
    assert_eq!(world.run(&["build", "good"]).code, Some(0));
}
