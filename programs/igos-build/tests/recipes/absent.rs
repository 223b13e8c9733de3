//! Packages that no recipe has.

use serde_json::json;

use crate::{run, world};

#[test]
fn absent_packages_are_named_before_anything_else_is_looked_for() {
    let world = world();
    for command in ["build", "fetch", "why-rebuild", "shell", "recipe show"] {
        let words = command.split(' ').chain(["zlb"]);
        let arguments: Vec<&str> = ["--recipes", "yml", "--cache", "cache"]
            .into_iter()
            .chain(words)
            .collect();
        let (code, answer, story) = run(world.path(), &arguments);
        assert_eq!(code, 1, "{command}: {story}");
        let diagnostics = answer["error"]["diagnostics"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        assert_eq!(diagnostics.len(), 1, "{command}: {answer:#}");
        assert_eq!(
            (&diagnostics[0]["code"], &diagnostics[0]["message"]),
            (
                &json!("recipe-absent"),
                &json!("there is no recipe of \"zlb\"")
            ),
            "{command}"
        );
        assert_eq!(
            diagnostics[0]["hints"][0],
            json!("did you mean `zlib`?"),
            "{command}"
        );
    }
    assert!(
        !world.path().join("cache").exists(),
        "no cache is made for nothing"
    );
}

#[test]
fn all_absent_packages_are_named_at_once() {
    let world = world();
    let (code, answer, _) = run(
        world.path(),
        &["--recipes", "yml:kiss", "build", "pigzz", "zlib", "nowhere"],
    );
    assert_eq!(code, 1);
    let messages: Vec<_> = answer["error"]["diagnostics"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| (one["message"].clone(), one["hints"][0].clone()))
        .collect();
    let listed = json!("see all with `igos-build recipe list`");
    assert_eq!(
        messages,
        [
            (
                json!("there is no recipe of \"pigzz\""),
                json!("did you mean `pigz`?")
            ),
            (json!("there is no recipe of \"nowhere\""), listed),
        ]
    );
}

#[test]
fn order_and_graph_guess_what_was_meant_too() {
    let world = world();
    for command in ["order", "graph"] {
        let (code, _, story) = run(world.path(), &["--recipes", "kiss", command, "pgiz"]);
        assert_eq!(code, 1, "{command}");
        assert!(
            story.contains("hint: did you mean `pigz`?"),
            "{command}: {story}"
        );
    }
}
