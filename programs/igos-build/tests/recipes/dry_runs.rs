//! With `--dry-run` the commands that write recipes say what they would write.

use serde_json::json;

use crate::{run, world, write};

#[test]
fn new_with_dry_run_names_the_files_and_writes_none() {
    let world = world();
    let root = world.path();
    let arguments = [
        "--recipes",
        "yml",
        "recipe",
        "new",
        "fresh",
        "--style",
        "custom",
        "--dry-run",
    ];
    let (code, answer, story) = run(root, &arguments);
    assert_eq!(code, 0, "{story}");
    assert_eq!(
        answer,
        json!({
            "directory": "yml/extra/fresh", "files": ["package.yml", "build.sh"], "is_dry_run": true,
        })
    );
    assert!(!root.join("yml/extra").exists(), "nothing is written");
    write(root, "yml/extra/fresh/package.yml", "name: fresh\n");
    let (code, answer, _) = run(root, &arguments);
    assert_eq!(
        (code, &answer["error"]["diagnostics"][0]["code"]),
        (1, &json!("recipe-exists"))
    );
}

#[test]
fn checksum_with_dry_run_names_the_file_and_leaves_it() {
    let world = world();
    let root = world.path();
    write(root, "files/pigz-2.8.tar.gz?no-extract", "pigz");
    let checksum = |more: &[&str]| {
        let arguments = ["--recipes", "kiss", "recipe", "checksum", "pigz"];
        let all = [&arguments[..], &["--sources", "files"], more].concat();
        run(root, &all)
    };
    let read = || fs_err::read(root.join("kiss/pigz/checksums")).expect("it can be read");
    let before = read();
    let (code, answer, story) = checksum(&["--dry-run"]);
    assert_eq!(code, 0, "{story}");
    assert_eq!(
        answer,
        json!({
            "written": ["kiss/pigz/checksums"], "unchanged": [], "unknown": [], "is_dry_run": true,
        })
    );
    assert_eq!(read(), before, "nothing is written");
    let (code, answer, _) = checksum(&[]);
    assert_eq!((code, &answer["is_dry_run"]), (0, &json!(false)));
    assert_ne!(read(), before);
}
