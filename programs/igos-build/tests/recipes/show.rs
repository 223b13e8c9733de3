//! `recipe show` leaves out nothing that a recipe says.

use std::process::Command;

use serde_json::{Value, json};

use crate::{SHA256, run, world, write};

const OURS: &str =
    include_str!("../../../../crates/igos-recipe/testdata/recipe/package-yml/ours/package.yml");

fn ours() -> tempfile::TempDir {
    let world = world();
    write(world.path(), "ours/base/ours/package.yml", OURS);
    write(world.path(), "ours/base/ours/files/ours.conf", "a\n");
    world
}

#[test]
fn declarations_alternatives_and_constraints_are_in_the_json_value() {
    let world = ours();
    let (code, answer, story) = run(
        world.path(),
        &["--recipes", "ours", "recipe", "show", "ours"],
    );
    assert_eq!(code, 0, "{story}");
    let expected: [(&str, Value); 9] = [
        (
            "dependencies",
            json!([
                {"name": "meson", "kind": "build", "constraint": ">=1.2"},
                {"name": "ninja", "kind": "build", "constraint": null},
                {"name": "zlib", "kind": "host", "constraint": null},
                {"name": "sh", "kind": "run", "constraint": null},
            ]),
        ),
        (
            "users",
            json!([{
                "name": "ours", "uid": 300, "group": null, "home": "/var/lib/ours", "shell": "/bin/false",
                "description": "Owner of ours",
            }]),
        ),
        ("groups", json!([{"name": "ours", "gid": 300}])),
        ("services", json!([{"name": "oursd", "enabled": true}])),
        (
            "alternatives",
            json!([{"path": "/usr/bin/our", "target": "/usr/bin/ours", "priority": 10}]),
        ),
        (
            "triggers",
            json!([{"name": "ours-cache", "paths": ["usr/share/ours/**"], "run": ["/usr/bin/ours", "--cache"]}]),
        ),
        (
            "triples",
            json!({"build": null, "host": "${arch}-linux-musl", "target": null}),
        ),
        ("source_date_epoch", json!(1_700_000_000_u64)),
        ("supersedes", json!(["old-ours"])),
    ];
    for (key, value) in expected {
        assert_eq!(answer[key], value, "{key}");
    }
    assert_eq!(
        answer["sources"][0]["alternatives"],
        json!([
            {
                "url": "https://mirror.example.org/ours.tar.xz", "debian": null, "sha256": SHA256, "inner": null,
                "repack": null,
            },
            {
                "url": null, "debian": "ours_2.0~rc1.orig.tar.xz", "sha256": SHA256,
                "inner": {"path": "ours/ours.tar.xz", "sha256": SHA256}, "repack": "documentation removed",
            },
        ])
    );
}

#[test]
fn every_key_of_the_recipe_is_in_the_text() {
    let world = ours();
    #[expect(
        clippy::disallowed_methods,
        reason = "these tests start the program under test"
    )]
    let output = Command::new(env!("CARGO_BIN_EXE_igos-build"))
        .current_dir(world.path())
        .env_clear()
        .args(["--recipes", "ours", "recipe", "show", "ours"])
        .output()
        .expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let location = "https://example.org/ours-2.0~rc1.tar.xz";
    let sources = [
        format!("source       {location} (sha256 {SHA256}, unpacked, to src/ours)"),
        format!("  alternative https://mirror.example.org/ours.tar.xz (sha256 {SHA256})"),
        format!(
            "  alternative debian ours_2.0~rc1.orig.tar.xz (sha256 {SHA256}), in it ours/ours.tar.xz (sha256 \
             {SHA256}): documentation removed"
        ),
    ];
    let lines = [
        "arch         x86_64 aarch64",
        "needs        meson>=1.2 (build)",
        "configure    -Dtests=true",
        "provides     our libours=2.0",
        "conflicts    theirs<3",
        "supersedes   old-ours",
        "essential    yes",
        "output       ours-doc: usr/share/doc/** usr/share/man/**",
        "  description Documentation",
        "keeps edits  etc/ours/**",
        "file         /usr/bin/ours mode 4755 owner root:mail",
        "file         /usr/bin/ping capabilities 2000:0:1",
        "user         ours uid 300 home /var/lib/ours shell /bin/false (Owner of ours)",
        "group        ours gid 300",
        "service      oursd (enabled)",
        "alternative  /usr/bin/our is /usr/bin/ours (priority 10)",
        "trigger      ours-cache: /usr/bin/ours --cache after usr/share/ours/**",
        "flags        CFLAGS remove -g append -fno-lto",
        "flags        LDFLAGS replace -Wl,-z,now",
        "environment  OURS_MODE=full",
        "epoch time   1700000000",
        "triple       host ${arch}-linux-musl",
        "tests        no (needs a network)",
        "verifies     /usr/bin/ours",
    ];
    for line in sources.iter().map(String::as_str).chain(lines) {
        assert!(
            text.lines().any(|found| found == line),
            "no {line:?} in:\n{text}"
        );
    }
}
