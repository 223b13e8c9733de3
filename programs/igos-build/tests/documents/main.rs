//! What `docs/json/igos-build.md` says is what `igos-build --json` prints, field by field.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program under test"
)]

#[path = "../publish/archives.rs"]
mod archives;
#[path = "../factory/toolchain.rs"]
mod toolchain;

mod evidence;
mod outdated;
mod pipeline;
mod publish;
mod shape;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use igos_build::cache::{Cache, CachedOutput, Receipt};
use igos_format::Sha256;
use igos_sandbox::{Limit, Status};
use serde_json::Value;
use shape::Document;

const DOCUMENT: &str = include_str!("../../../../docs/json/igos-build.md");

const CACHED: &str = "format: 1\nname: cached\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: Found\n\
    license: CC0-1.0\nbuild_style: custom\nsource:\n- directory: files\ndependencies: {build: [], host: [], runtime: []}\n";

const CHANGED: &str = "format: 1\nname: changed\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: Built again\n\
    license: CC0-1.0\nbuild_style: custom\nsource:\n- file: text\ndependencies: {build: [], host: [], runtime: []}\n";

const FULL: &str = "format: 2\nname: full\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: Has everything\n\
    license: CC0-1.0\nbuild_style: custom\narch: [x86_64, aarch64]\n\
    source:\n- url: https://example.org/full-1.tar\n  \
    sha256: eb872b4f0e1f0ebe59c9f7bd8c506c4204893ba6a8492de31df416f0d5170fd0\n  alternatives:\n  \
    - debian: full_1.orig.tar\n    sha256: eb872b4f0e1f0ebe59c9f7bd8c506c4204893ba6a8492de31df416f0d5170fd0\n    \
    inner: {path: a, sha256: eb872b4f0e1f0ebe59c9f7bd8c506c4204893ba6a8492de31df416f0d5170fd0}\n\
    dependencies: {build: [changed], host: [cached], runtime: [absent]}\n\
    patches: [a.patch]\noutputs:\n- name: full-doc\n  description: Its documentation\n  paths: [usr/share/doc/**]\n\
    environment: {LANG: C}\nflags:\n  cflags: {append: -g}\nfiles:\n  /usr/bin/full: {mode: 4755}\n\
    users: [{name: full}]\ngroups: [{name: full}]\nservices: [{name: fulld}]\n\
    alternatives:\n- {path: /usr/bin/f, target: /usr/bin/full}\n\
    triggers:\n- {name: full, paths: [usr/**], run: [/usr/bin/full]}\n\
    hooks:\n- {moment: post-install, run: [/usr/bin/full]}\n";

const SCRIPT: &str = "do_install() { mkdir -p \"$DESTDIR/usr\"; }\n";

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().expect("a file has a parent"))
        .expect("a directory can be made");
    fs_err::write(path, text).expect("a file can be written");
}

/// A tree whose recipes have every kind of field, one with a broken recipe, a KISS repository without digests, and a
/// circle.
fn world() -> tempfile::TempDir {
    let world = tempfile::tempdir().expect("a temporary directory can be made");
    let root = world.path();
    for (name, recipe) in [("cached", CACHED), ("changed", CHANGED), ("full", FULL)] {
        write(root, &format!("tree/core/{name}/package.yml"), recipe);
        write(root, &format!("tree/core/{name}/build.sh"), SCRIPT);
    }
    write(root, "tree/core/cached/files/a", "a\n");
    write(root, "tree/core/changed/text", "b\n");
    write(
        root,
        "tree/core/full/a.patch",
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
    );
    write(root, "broken/core/bad/package.yml", "name: bad\n");
    write(root, "kiss/loose/build", "#!/bin/sh\n");
    write(root, "kiss/loose/version", "1 1\n");
    write(
        root,
        "kiss/loose/sources",
        "https://example.org/loose.tar\n",
    );
    for (name, other) in [("x", "y"), ("y", "x")] {
        write(root, &format!("round/{name}/build"), "#!/bin/sh\n");
        write(root, &format!("round/{name}/version"), "1 1\n");
        write(root, &format!("round/{name}/depends"), other);
    }
    world
}

/// Returns the exit code and the JSON value.
fn run(world: &Path, recipes: &str, arguments: &str) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_igos-build"))
        .current_dir(world)
        .env_clear()
        .args(["--json", "--offline", "--cache", "cache"])
        .args(["--recipes", recipes])
        .args(arguments.split(' '))
        .output()
        .expect("the program starts");
    let value = serde_json::from_slice(&output.stdout).expect("standard output is one JSON value");
    (output.status.code().expect("it was not killed"), value)
}

/// Puts a build of `cached` into the cache, under the key that the program says, and a key document of `changed`.
fn fill_cache(root: &Path) {
    let (_, value) = run(root, "tree", "build cached --mode host --dry-run");
    let key = value["packages"][0]["key"]
        .as_str()
        .and_then(|key| key.parse().ok());
    let key = key.unwrap_or_else(|| panic!("no key in {value:#}"));
    let cache =
        Cache::open(&root.join("cache"), igos_sandbox::build_identity()).expect("it is ours");
    write(root, "done/cached.tar", "not read here");
    let name = "cached".parse().expect("a name");
    let mut receipt = Receipt::new(name, "1-1".into(), key);
    receipt.outputs.push(CachedOutput {
        name: "cached".parse().expect("a name"),
        archive: "cached.tar".into(),
        seal: Sha256::of(b"seal"),
        contents: Sha256::of(b"contents"),
        sha256: Sha256::of(b"not read here"),
        size_bytes: 13,
    });
    cache
        .add_build(receipt, &root.join("done"))
        .expect("the cache is ours");
    cache
        .keep_key_document(
            &"changed".parse().expect("a name"),
            "igos build key 1\nflag CFLAGS -O0\n",
        )
        .expect("the cache is ours");
}

/// Commands with their recipes and exit codes; together they print every object of the document.
const COMMANDS: [(&str, &str, &str, i32); 29] = [
    ("Errors", "gone", "recipe list", 4),
    ("Errors", "tree", "recipe show nothing", 1),
    ("Errors", "tree", "frobnicate", 2),
    ("Errors", "tree", "build nothing --mode host", 1),
    ("recipe list", "tree:kiss", "recipe list", 1),
    ("recipe list", "tree", "recipe list", 0),
    ("recipe show", "tree", "recipe show full", 0),
    ("recipe show", "kiss", "recipe show loose", 1),
    ("recipe lint", "broken", "recipe lint", 1),
    ("recipe lint", "tree", "recipe lint cached", 0),
    ("recipe new", "tree", "recipe new fresh --dry-run", 0),
    ("recipe new", "tree", "recipe new fresh", 0),
    ("recipe checksum", "kiss", "recipe checksum loose", 1),
    ("order", "tree", "order full", 1),
    ("order", "tree", "order nothing", 1),
    ("order", "round", "order --all", 1),
    ("graph", "tree", "graph full --format json", 1),
    ("graph", "round", "graph", 1),
    (
        "build",
        "tree",
        "build cached changed --mode host --dry-run",
        0,
    ),
    ("why-rebuild", "tree", "why-rebuild changed --mode host", 0),
    ("why-rebuild", "tree", "why-rebuild cached --mode host", 0),
    ("fetch", "tree", "fetch cached changed", 0),
    ("fetch", "kiss", "fetch loose --allow-unpinned", 4),
    ("cache list", "tree", "cache list", 0),
    ("cache gc", "tree", "cache gc --dry-run", 0),
    ("reference", "tree", "reference --out site", 1),
    ("reference", "broken", "reference --out site --dry-run", 1),
    ("settings", "tree", "settings", 0),
    ("Errors", "tree", "toolchain show nothing", 4),
];

#[test]
fn every_command_prints_exactly_the_documented_fields() {
    let document = Document::parse(DOCUMENT);
    let world = world();
    let root = world.path();
    fill_cache(root);
    let mut seen = BTreeSet::new();
    for (section, recipes, arguments, expected) in COMMANDS {
        let (code, value) = run(root, recipes, arguments);
        assert_eq!(code, expected, "{arguments}: {value:#}");
        document.expect(section, &value, &mut seen);
    }
    let mut named: BTreeSet<String> = COMMANDS.iter().map(|row| row.0.to_owned()).collect();
    // The other tests look at these.
    named.extend(
        [
            "run",
            "shell",
            "toolchain compare",
            "toolchain import",
            "toolchain make",
            "toolchain show",
        ]
        .map(str::to_owned),
    );
    named.extend(evidence::SECTIONS.map(str::to_owned));
    named.extend(outdated::SECTIONS.map(str::to_owned));
    named.extend(pipeline::SECTIONS.map(str::to_owned));
    named.extend(publish::SECTIONS.map(str::to_owned));
    assert_eq!(named, document.sections());
    for (section, ..) in COMMANDS {
        for object in document.objects(section) {
            assert!(
                seen.contains(&object),
                "{section}: nothing printed {{{object}}}"
            );
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn toolchains_are_shown_with_the_documented_fields() {
    if let Some(reason) = toolchain::obstacle() {
        println!("skipped: {reason}");
        return;
    }
    let document = Document::parse(DOCUMENT);
    let world = world();
    toolchain::make(&world.path().join("cache"), "tiny", "first");
    let (code, value) = run(world.path(), "tree", "toolchain show tiny");
    assert_eq!(code, 0, "{value:#}");
    let mut seen = BTreeSet::new();
    document.expect("toolchain show", &value, &mut seen);
    assert_eq!(seen, document.objects("toolchain show"));

    toolchain::make(&world.path().join("cache"), "other", "second");
    let (code, value) = run(world.path(), "tree", "toolchain compare tiny other");
    assert_eq!(code, 1, "{value:#}");
    let mut seen = BTreeSet::new();
    document.expect("toolchain compare", &value, &mut seen);
    assert_eq!(seen, document.objects("toolchain compare"));
}

#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn programs_in_the_sandbox_end_with_the_documented_fields() {
    let document = Document::parse(DOCUMENT);
    let mut seen = BTreeSet::new();
    let limits = [
        Limit::Processes,
        Limit::Memory,
        Limit::Time,
        Limit::Disk,
        Limit::Log,
    ];
    let ended = [Status::Exited(1), Status::Signaled(9), Status::Interrupted];
    for status in ended.into_iter().chain(limits.map(Status::Stopped)) {
        let value = serde_json::to_value(status).expect("a status has a form in JSON");
        document.expect_named("ENDED", &value, &mut seen);
    }
    let world = world();
    let arguments = "shell cached --mode host --command false";
    let (code, value) = run(world.path(), "tree", arguments);
    let obstacle = &value["error"]["diagnostics"][0];
    if obstacle["code"] == "sandbox-feature-missing" {
        println!("skipped: {}", obstacle["message"]);
        return;
    }
    assert_eq!(code, 1, "{value:#}");
    document.expect("shell", &value, &mut seen);
    assert_eq!(seen, document.objects("shell"));
}
