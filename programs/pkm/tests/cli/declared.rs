//! Declared sets: what a root is to be, and what it is.

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World, ended};

fn app() -> TestPackage {
    TestPackage::new("app", "1.0")
        .file("usr/bin/app", "#!", 0o755)
        .file("usr/share/doc/app/README", "read me", 0o644)
        .depends("lib")
}

fn lib(version: &str) -> TestPackage {
    TestPackage::new("lib", version).file("usr/lib/lib.so", version, 0o755)
}

fn tool() -> TestPackage {
    TestPackage::new("tool", "2.0").file("usr/bin/tool", "#!", 0o755)
}

#[test]
fn root_becomes_what_is_declared_and_doing_it_again_changes_nothing() {
    let world = World::new();
    world.publish("main", NOTHING_MORE, &[&app(), &lib("1.0"), &tool()]);
    world.sync();
    world.install(&[&TestPackage::new("old", "1.0").file("usr/bin/old", "#!", 0o755)]);
    let declared = "format = 1\n\
                    packages = [\n    \"app\",\n    \"tool\",\n]\n\
                    holds = [\n    \"lib\",\n]\n\
                    repositories = [\n    \"main\",\n]\n\
                    exclude = [\n    \"usr/share/doc/**\",\n]\n";
    fs_err::write(world.path("world.toml"), declared).expect("the directory is ours");
    let apply = ["apply", "world.toml", "--yes", "--quiet"];
    let planned = world.pkm(&["apply", "world.toml", "--dry-run", "--quiet"]);
    assert_eq!((planned.code, planned.stderr.as_str()), (0, ""));
    assert!(!world.has("usr/bin/app"));
    assert_eq!(
        world.pkm(&apply),
        ended(
            0,
            "installed lib 1.0-1\ninstalled app 1.0-1\ninstalled tool 2.0-1\nremoved old 1.0-1\n",
            ""
        )
    );
    assert!(world.has("usr/bin/app") && !world.has("usr/share/doc/app/README"));
    assert!(!world.has("usr/bin/old"));
    assert_eq!(world.pkm(&["verify"]).code, 0);
    let printed = world.pkm(&["world"]).stdout;
    let (lists, repositories) = printed
        .split_once("\n[repository.main]\n")
        .expect("one is known");
    assert_eq!(
        lists,
        declared
            .replace("format = 1", "format = 2")
            .replace("repositories = [\n    \"main\",\n]\n", "")
    );
    assert!(
        repositories.starts_with("url = \"[WORLD]/main\"\n"),
        "{repositories}"
    );
    assert_eq!(world.pkm(&apply), ended(0, "nothing to do\n", ""));
    // What is newer does not come by declaring what is there.
    world.publish("main", NOTHING_MORE, &[&lib("1.1")]);
    world.sync();
    assert_eq!(world.pkm(&apply), ended(0, "nothing to do\n", ""));
}

#[test]
fn version_that_is_declared_comes_and_marks_and_holds_follow() {
    let world = World::new();
    world.install(&[&lib("1.0"), &app(), &tool()]);
    world.archive(&lib("1.1"));
    let apply = |text: &str| {
        fs_err::write(world.path("world.toml"), text).expect("the directory is ours");
        let from = ["--archives", "archives", "--allow-unsigned"];
        world.pkm(
            &[
                ["apply", "world.toml", "--yes", "--quiet"].as_slice(),
                &from,
            ]
            .concat(),
        )
    };
    assert_eq!(
        apply("format = 1\npackages = [\"app\", \"lib=1.1\"]\nholds = [\"app\"]\n"),
        ended(
            0,
            "upgraded lib 1.1-1 from 1.0-1\nheld app 1.0-1\nremoved tool 2.0-1\n",
            ""
        )
    );
    assert_eq!(
        apply("format = 1\npackages = [\"app\"]\n"),
        ended(
            0,
            "marked lib 1.1-1 as needed by others alone\nreleased app 1.0-1\n",
            ""
        )
    );
    assert_eq!(
        apply("format = 1\n"),
        ended(0, "removed app 1.0-1\nremoved lib 1.1-1\n", "")
    );
}

#[test]
fn declarations_that_cannot_be_followed_are_told_with_their_place() {
    let world = World::new();
    for (text, error) in [
        (
            "format = 1\nrepositories = [\"main\"]\n",
            "error[world-repository]: world.toml asks for repository main, which this root does not know\n  \
             hint: define it: `[repository.main]`, with format 2\n  \
             hint: or make it known: `pkm repository add main URL --root-key FILE`\n",
        ),
        (
            "format = 3\n",
            "error[world-newer-format]: world.toml has format 3, this program knows 2\n",
        ),
        (
            "format = 1\n[repository.main]\nurl = \"/srv\"\n",
            "error[world-older-format]: world.toml defines repositories, which takes format 2\n  \
             hint: write `format = 2`: repositories that it neither defines nor names then go\n",
        ),
        (
            "format = 2\n[repository.main]\nurl = \"/srv\"\ntrusted-root-file = \"a\"\n",
            "error[world-repository-untrusted]: world.toml does not say whom repository main is believed\n  \
             hint: name the root.json and its digest: `trusted-root-file` and `trusted-root-sha256`\n  \
             hint: or put it there as text: `trusted-root`\n",
        ),
    ] {
        fs_err::write(world.path("world.toml"), text).expect("the directory is ours");
        assert_eq!(world.pkm(&["apply", "world.toml"]), ended(3, "", error));
    }
    fs_err::write(world.path("world.toml"), "format = 1\npackage = 1\n").expect("it is ours");
    let ended = world.pkm(&["apply", "world.toml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""));
    assert!(ended.stderr.contains("world.toml:2:1"), "{}", ended.stderr);
    fs_err::write(
        world.path("world.toml"),
        "format = 1\npackages = [\"none\"]\n",
    )
    .expect("it is ours");
    assert_eq!(world.pkm(&["apply", "world.toml"]).code, 1);
}
