//! Recipes that an earlier repository hides.

use serde_json::json;

use crate::{run, world, write};

#[test]
fn hidden_recipes_and_what_hides_them_are_noted() {
    let world = world();
    let root = world.path();
    write(root, "kiss/zlib/build", "#!/bin/sh\n");
    write(root, "kiss/zlib/version", "1.2 1\n");
    let (code, answer, story) = run(root, &["--recipes", "yml:kiss", "recipe", "list"]);
    assert_eq!((code, &answer[0]["repository"]), (0, &json!("yml")));
    assert_eq!(
        story,
        "note[recipe-shadowed]: zlib of kiss/zlib is not used: yml/core/zlib comes first\n"
    );
}
