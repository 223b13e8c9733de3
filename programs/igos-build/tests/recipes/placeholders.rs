//! A digest of zeros stands where one is still to come.

use serde_json::json;

use crate::{run, world, write};

#[test]
fn digests_that_nobody_knows_are_named_and_nothing_is_called_written() {
    let world = world();
    let root = world.path();
    let (code, ..) = run(root, &["--recipes", "yml", "recipe", "new", "fresh"]);
    assert_eq!(code, 0);
    let location = "https://example.org/fresh-1.0.tar.xz";
    let (code, answer, story) = run(root, &["--recipes", "yml", "recipe", "checksum", "fresh"]);
    assert_eq!(
        (code, &answer["unknown"]),
        (1, &json!([{"name": "fresh", "location": location}])),
        "{story}"
    );
    assert_eq!(
        (&answer["written"], &answer["unchanged"]),
        (&json!([]), &json!([]))
    );
    let (code, answer, _) = run(root, &["--recipes", "yml", "recipe", "lint", "fresh"]);
    assert_eq!(code, 1);
    assert_eq!(
        answer["findings"][0]["code"],
        json!("recipe-digest-placeholder")
    );
    write(root, "files/fresh-1.0.tar.xz", "fresh");
    let arguments = ["--recipes", "yml", "recipe", "checksum", "fresh"];
    let (code, answer, _) = run(root, &[&arguments[..], &["--sources", "files"]].concat());
    assert_eq!(
        (code, &answer["written"]),
        (0, &json!(["yml/extra/fresh/package.yml"]))
    );
    let (code, _, story) = run(root, &["--recipes", "yml", "recipe", "list"]);
    assert_eq!((code, story.as_str()), (0, ""));
}

#[test]
fn zeros_are_an_error_in_our_trees_and_a_warning_in_foreign_ones() {
    let world = world();
    let root = world.path();
    let recipe = |format: &str| {
        format!(
            "{format}name: a\nversion: \"1\"\nrelease: 1\nbuild_style: make\ntier: core\nsource:\n\
             - url: https://example.org/a.tar\n  sha256: \"{}\"\n",
            "0".repeat(64)
        )
    };
    write(root, "ours/core/a/package.yml", &recipe("format: 1\n"));
    write(root, "theirs/core/a/package.yml", &recipe(""));
    write(root, "kiss/a/build", "#!/bin/sh\n");
    write(root, "kiss/a/version", "1 1\n");
    write(root, "kiss/a/sources", "https://example.org/a.tar\n");
    write(root, "kiss/a/checksums", &format!("{}\n", "0".repeat(64)));
    for (tree, expected, severity, place) in [
        ("ours", 1, "error", "ours/core/a/package.yml:9:11"),
        ("theirs", 0, "warning", "theirs/core/a/package.yml:8:11"),
        ("kiss", 0, "warning", "kiss/a/checksums:1:1"),
    ] {
        let (code, _, story) = run(root, &["--recipes", tree, "recipe", "list"]);
        assert_eq!(code, expected, "{tree}: {story}");
        let start = format!("{severity}[recipe-digest-placeholder]: ");
        assert!(story.starts_with(&start), "{tree}: {story}");
        assert!(story.contains("placeholder digest"), "{tree}: {story}");
        assert!(story.contains(place), "{tree}: {story}");
    }
}
