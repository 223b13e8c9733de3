//! `igos-build run` and the root of this machine.

use serde_json::json;

use crate::{run, world};

#[test]
fn the_root_of_this_machine_is_refused_before_anything_is_tried() {
    let world = world();
    for root in ["/", "/usr/.."] {
        let (code, answer, _) = run(world.path(), &["run", "--root", root, "--", "true"]);
        assert_eq!(code, 2, "{root}: {answer:#}");
        let diagnostic = &answer["error"]["diagnostics"][0];
        let message = diagnostic["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("this machine's own root"),
            "{root}: {message}"
        );
        assert_ne!(diagnostic["hints"], json!([]), "{root}");
    }
}
