//! The commands about recipes, from the command line to the exit code.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program under test"
)]

mod absent;
mod dry_runs;
mod placeholders;
mod roots;
mod shadowed;
mod show;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

pub(crate) const SHA256: &str = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23";

pub(crate) fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().expect("a file has a parent"))
        .expect("a directory can be made");
    fs_err::write(&path, text).expect("a file can be written");
    let mode = if name.ends_with("/build") {
        0o755
    } else {
        0o644
    };
    fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        .expect("a mode can be set");
}

/// A `package.yml` tree with a foreign recipe and a KISS repository that needs it.
pub(crate) fn world() -> tempfile::TempDir {
    let world = tempfile::tempdir().expect("a temporary directory can be made");
    let root = world.path();
    write(
        root,
        "yml/core/zlib/package.yml",
        &format!(
            "name: zlib\nversion: 1.30\nrelease: 2\ndescription: Compression\nlicense: Zlib\ntier: core\n\
             build_style: autotools\nsource:\n- url: https://example.org/${{name}}-${{version}}.tar.xz\n  \
             sha256: {SHA256}\ndependencies: {{build: [make], host: [], runtime: [libc]}}\nsupersedes: [zlib-pass1]\n"
        ),
    );
    write(
        root,
        "yml/core/zlib/build.sh",
        "build() { make; }\npost_install() { :; }\n",
    );
    write(root, "kiss/pigz/build", "#!/bin/sh\n");
    write(root, "kiss/pigz/version", "2.8 1\n");
    write(root, "kiss/pigz/depends", "zlib\nmake make\n");
    write(
        root,
        "kiss/pigz/sources",
        "https://example.org/PACKAGE-VERSION.tar.gz?no-extract src\nfiles\n",
    );
    write(root, "kiss/pigz/checksums", &format!("{SHA256}\n"));
    write(root, "kiss/pigz/files/conf", "a\n");
    write(root, "kiss/make/build", "#!/bin/sh\n");
    write(root, "kiss/make/version", "4.4 1\n");
    world
}

/// Returns exit code, JSON answer and standard error.
pub(crate) fn run(world: &Path, arguments: &[&str]) -> (i32, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_igos-build"))
        .current_dir(world)
        .env_clear()
        .args(["--json", "--color", "never"])
        .args(arguments)
        .output()
        .expect("the program starts");
    let answer = serde_json::from_slice(&output.stdout).expect("standard output is one JSON value");
    let code = output.status.code().expect("it was not killed");
    (
        code,
        answer,
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn list_has_one_shape_for_both_families() {
    let world = world();
    let (code, answer, story) = run(world.path(), &["--recipes", "yml:kiss", "recipe", "list"]);
    assert_eq!((code, story.as_str()), (0, ""));
    let zlib = json!({
        "name": "zlib", "repository": "yml", "dialect": "package-yml", "version": "1.30", "release": "2",
        "tier": "core", "description": "Compression", "license": "Zlib",
        "dependencies": [{"name": "make", "kind": "build"}, {"name": "libc", "kind": "run"}],
        "sources": [{
            "location": "https://example.org/zlib-1.30.tar.xz", "kind": "http", "destination": "",
            "cache_name": "zlib-1.30.tar.xz", "extract": true, "digest": {"algorithm": "sha256", "value": SHA256},
        }],
        "hooks": ["post_install"], "supersedes": ["zlib-pass1"],
    });
    let make = json!({
        "name": "make", "repository": "kiss", "dialect": "kiss-classic", "version": "4.4", "release": "1",
        "tier": null, "description": "", "license": "", "dependencies": [], "sources": [], "hooks": [],
        "supersedes": [],
    });
    let pigz = json!({
        "name": "pigz", "repository": "kiss", "dialect": "kiss-classic", "version": "2.8", "release": "1",
        "tier": null, "description": "", "license": "",
        "dependencies": [{"name": "zlib", "kind": "run"}, {"name": "make", "kind": "build"}],
        "sources": [
            {
                "location": "https://example.org/pigz-2.8.tar.gz?no-extract", "kind": "http", "destination": "src",
                "cache_name": "pigz-2.8.tar.gz?no-extract", "extract": false,
                "digest": {"algorithm": "sha256", "value": SHA256},
            },
            {
                "location": "files", "kind": "directory", "destination": "", "cache_name": "", "extract": false,
                "digest": null,
            },
        ],
        "hooks": [], "supersedes": [],
    });
    assert_eq!(answer, json!([zlib, make, pigz]));
}

#[test]
fn order_names_reasons_edges_and_what_is_missing() {
    let world = world();
    let (code, answer, story) = run(world.path(), &["--recipes", "yml:kiss", "order", "pigz"]);
    assert_eq!(
        answer,
        json!({
            "order": [
                {"name": "make", "reason": "implicit", "required_by": "zlib"},
                {"name": "libc", "reason": "implicit", "required_by": "zlib"},
                {"name": "zlib", "reason": "implicit", "required_by": "pigz"},
                {"name": "pigz", "reason": "explicit", "required_by": null},
            ],
            "edges": [
                ["zlib", "make", "build"], ["zlib", "libc", "run"], ["pigz", "zlib", "run"], ["pigz", "make", "build"],
            ],
            "missing": [{"name": "libc", "required_by": "zlib", "kind": "run"}],
            "cycles": [],
        })
    );
    assert_eq!(
        (code, story.as_str()),
        (
            1,
            "error[recipe-absent]: zlib needs libc (run), which no recipe makes\n"
        )
    );
}

#[test]
fn bad_recipes_absent_packages_and_circles_end_with_1_and_print_a_value() {
    let world = world();
    let root = world.path();
    write(
        root,
        "bad/core/a/package.yml",
        "name: a\nversion: 1\nrelease: 1\nbuild_style: make\nverify_path: []\n",
    );
    let (code, answer, story) = run(root, &["--recipes", "bad", "recipe", "list"]);
    assert_eq!((code, answer[0]["name"].as_str()), (1, Some("a")));
    assert!(story.contains("bad/core/a/package.yml:5:1"), "{story}");
    assert!(story.contains("did you mean `verify_paths`?"), "{story}");
    let (code, _, story) = run(root, &["--recipes", "bad", "--lenient", "recipe", "list"]);
    assert_eq!(
        (code, story.starts_with("warning[recipe-key-unknown]")),
        (0, true),
        "{story}"
    );
    let (code, answer, _) = run(root, &["--recipes", "kiss", "recipe", "show", "nothing"]);
    assert_eq!((code, answer["error"]["exit_code"].as_u64()), (1, Some(1)));
    for (name, other) in [("x", "y"), ("y", "x")] {
        write(root, &format!("round/{name}/build"), "");
        write(root, &format!("round/{name}/version"), "1 1\n");
        write(
            root,
            &format!("round/{name}/depends"),
            &format!("{other} make\n"),
        );
    }
    let (code, answer, story) = run(root, &["--recipes", "round", "order", "--all"]);
    assert_eq!((code, &answer["cycles"]), (1, &json!([["x", "y"]])));
    assert!(
        story.contains("recipes need each other: x → y → x"),
        "{story}"
    );
    let (code, answer, _) = run(root, &["--recipes", "gone", "recipe", "list"]);
    assert_eq!((code, answer["error"]["exit_code"].as_u64()), (4, Some(4)));
}

#[test]
fn new_recipes_lack_nothing_but_digests_and_these_can_be_filled_in() {
    let world = world();
    let root = world.path();
    fs_err::create_dir(root.join("fresh")).expect("a directory can be made");
    for style in ["autotools", "custom", "kiss"] {
        let (code, ..) = run(
            root,
            &[
                "--recipes",
                "fresh",
                "recipe",
                "new",
                style,
                "--style",
                style,
            ],
        );
        assert_eq!(code, 0, "{style}");
    }
    let (code, ..) = run(
        root,
        &[
            "--recipes",
            "fresh",
            "recipe",
            "new",
            "custom",
            "--style",
            "custom",
        ],
    );
    assert_eq!(code, 1, "a recipe is not written over");
    let list = [
        "--recipes",
        "fresh",
        "--dialect",
        "package-yml",
        "recipe",
        "list",
    ];
    let (code, answer, story) = run(root, &list);
    assert_eq!(
        (code, answer.as_array().map(Vec::len)),
        (1, Some(2)),
        "{story}"
    );
    let errors: Vec<&str> = story
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    let placeholder = "error[recipe-digest-placeholder]: zeros are a placeholder digest: the source cannot be used";
    assert_eq!(errors, [placeholder; 2], "nothing else is wrong");
    write(root, "files/kiss-1.0.tar.xz", "a");
    fs_err::create_dir(root.join("only")).expect("a directory can be made");
    fs_err::rename(root.join("fresh/kiss"), root.join("only/kiss")).expect("it can be moved");
    let (code, ..) = run(root, &["--recipes", "only", "recipe", "list"]);
    assert_eq!(code, 1, "it has no checksums yet");
    let (code, answer, _) = run(
        root,
        &[
            "--recipes",
            "only",
            "recipe",
            "checksum",
            "kiss",
            "--sources",
            "files",
        ],
    );
    assert_eq!(
        (code, &answer["written"]),
        (0, &json!(["only/kiss/checksums"]))
    );
    let (code, answer, _) = run(root, &["--recipes", "only", "recipe", "list"]);
    assert_eq!(
        (
            code,
            answer[0]["sources"][0]["digest"]["algorithm"].as_str()
        ),
        (0, Some("blake3"))
    );
}

#[test]
fn graph_is_printed_for_graphviz() {
    let world = world();
    let output = Command::new(env!("CARGO_BIN_EXE_igos-build"))
        .current_dir(world.path())
        .env_clear()
        .args(["--recipes", "kiss", "graph", "make"])
        .output()
        .expect("the program starts");
    let expected = "digraph recipes {\n  rankdir=LR;\n  node [shape=box];\n  \"make\";\n}\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(output.status.code(), Some(0));
}
