//! Repositories that a declared set defines.

use fs_err as fs;
use igos_format::Sha256;

use crate::published::NOTHING_MORE;
use crate::world::{Ended, TestPackage, World, ended};

fn package(name: &str) -> TestPackage {
    TestPackage::new(name, "1.0").file(&format!("usr/bin/{name}"), name, 0o755)
}

/// A world with two repositories, and an empty root `other` that knows neither.
fn world() -> World {
    let world = World::new();
    world.publish(
        "main",
        NOTHING_MORE,
        &[&package("app").depends("lib"), &package("lib")],
    );
    world.publish("testing", "priority = 20\n", &[&package("tool")]);
    fs::create_dir(world.path("other")).expect("the directory is ours");
    world
}

fn apply(world: &World, text: &str, flag: &str) -> Ended {
    fs::write(world.path("world.toml"), text).expect("the directory is ours");
    world.pkm_on("other", &["apply", "world.toml", "--quiet", flag])
}

/// Returns the definition of a repository by the file of its root.
fn definition(world: &World, name: &str, settings: &str) -> String {
    let root = world.path(&format!("{name}/metadata/1.root.json"));
    let digest = Sha256::of(&fs::read(root).expect("it is published"));
    let url = world.path(name);
    format!(
        "[repository.{name}]\nurl = \"{}\"\n{settings}\
         trusted-root-file = \"{name}/metadata/1.root.json\"\ntrusted-root-sha256 = \"{digest}\"\n",
        url.display()
    )
}

#[test]
fn what_a_root_prints_makes_an_empty_root_the_same() {
    let world = world();
    world.sync();
    let lists = "format = 1\npackages = [\"app\", \"tool\"]\nholds = [\"lib\"]\nexclude = [\"usr/share/doc/**\"]\n";
    fs::write(world.path("lists.toml"), lists).expect("the directory is ours");
    assert_eq!(world.pkm(&["apply", "lists.toml", "--yes"]).code, 0);
    let printed = world.pkm(&["world"]).stdout;
    let text = printed.replace(
        "[WORLD]",
        world
            .path("")
            .to_str()
            .expect("UTF-8")
            .trim_end_matches('/'),
    );
    let planned = apply(&world, &text, "--dry-run");
    assert_eq!((planned.code, planned.stderr.as_str()), (0, ""));
    assert!(
        planned.stdout.starts_with(
            "repositories:\n  add       main: [WORLD]/main; trusted by root version 1, which "
        ),
        "{}",
        planned.stdout
    );
    assert!(
        planned
            .stdout
            .contains("\n  install   app 1.0-1, 3 B, from main\n"),
        "{}",
        planned.stdout
    );
    // Nobody agreed: the root knows neither repositories nor packages.
    let known = world.pkm_on("other", &["repository", "list"]);
    assert_eq!(known, ended(0, "", ""));
    assert!(!world.path("other/usr").exists() && !world.path("other/var/lib").exists());
    assert_eq!(
        apply(&world, &text, "--yes"),
        ended(
            0,
            "added repository main\nadded repository testing\n\
             installed lib 1.0-1\ninstalled app 1.0-1\ninstalled tool 1.0-1\n",
            ""
        )
    );
    assert_eq!(world.pkm_on("other", &["world"]).stdout, printed);
    assert_eq!(world.pkm_on("other", &["verify"]).code, 0);
    assert_eq!(
        apply(&world, &text, "--yes"),
        ended(0, "nothing to do\n", "")
    );
}

#[test]
fn repositories_become_those_that_are_defined_and_others_go() {
    let world = world();
    let main = definition(&world, "main", "");
    let declare = |definitions: &[&str]| {
        format!("format = 2\npackages = [\"app\"]\n{}", definitions.concat())
    };
    let both = declare(&[&main, &definition(&world, "testing", "pins = [\"tool\"]\n")]);
    assert_eq!(
        apply(&world, &both, "--yes").stdout,
        "added repository main\nadded repository testing\ninstalled lib 1.0-1\ninstalled app 1.0-1\n"
    );
    assert_eq!(apply(&world, &both, "--yes").stdout, "nothing to do\n");
    let changed = declare(&[&main, &definition(&world, "testing", "priority = 7\n")]);
    assert_eq!(
        apply(&world, &changed, "--dry-run").stdout,
        "repositories:\n  change    testing: priority 7 in place of 50; pins none in place of tool\n\
         nothing was changed (dry run)\n"
    );
    assert_eq!(
        apply(&world, &changed, "--yes"),
        ended(0, "changed repository testing\n", "")
    );
    assert_eq!(
        apply(&world, &declare(&[&main]), "--yes"),
        ended(0, "removed repository testing\n", "")
    );
    let list = world.pkm_on("other", &["repository", "list"]).stdout;
    assert!(list.contains("main") && !list.contains("testing"), "{list}");
    // What came from a repository that goes stays, and a format that defines none leaves all alone.
    let none = "format = 2\npackages = [\"app\"]\n";
    assert_eq!(
        apply(&world, none, "--yes").stdout,
        "removed repository main\n"
    );
    assert!(world.path("other/usr/bin/app").exists());
}

#[test]
fn repository_is_added_with_the_declared_root_or_not_at_all() {
    let world = world();
    let main = definition(&world, "main", "");
    let other = "0".repeat(64);
    let digest = main.rsplit('"').nth(1).expect("it ends with the digest");
    let text = format!("format = 2\n{}", main.replace(digest, &other));
    assert_eq!(
        apply(&world, &text, "--yes"),
        ended(
            3,
            "",
            &format!(
                "error[world-root-digest-mismatch]: the root of repository main, main/metadata/1.root.json, \
                 has digest {digest}, world.toml says {other}\n  \
                 hint: if those who run the repository vouch for this root, write `trusted-root-sha256 = \"{digest}\"`\n"
            )
        )
    );
    let text = "format = 2\n[repository.main]\nurl = \"/srv\"\ntrusted-root = \"{}\"\n";
    assert_eq!(apply(&world, text, "--yes").code, 1);
    // The repository is there, and is not what the declared root vouches for.
    let wrong = definition(&world, "main", "").replace("main/metadata", "testing/metadata");
    let testing = definition(&world, "testing", "");
    let right = testing.rsplit('"').nth(1).expect("it ends with the digest");
    let text = format!(
        "format = 2\npackages = [\"app\"]\n{}",
        wrong.replace(digest, right)
    );
    let refused = apply(&world, &text, "--yes");
    assert_eq!(
        (refused.code, refused.stdout.as_str()),
        (1, ""),
        "{}",
        refused.stderr
    );
    assert!(!world.path("other/etc").exists());
}
