//! Why a plan changes what it changes, and what stands against what it does not.

use crate::published::NOTHING_MORE;
use crate::resolve::change;
use crate::world::{TestPackage, World, ended};

#[test]
fn plan_says_of_every_package_why_it_changes_and_of_every_other_why_it_stays() {
    let world = World::new();
    let needing = |name: &str, what: &str| {
        TestPackage::new(name, "1.0")
            .file(&format!("usr/bin/{name}"), name, 0o755)
            .depends(what)
    };
    let mta = |name: &str| {
        needing(name, "base").with(|manifest| {
            let mta = "mta".parse().expect("a provided name");
            manifest.provides.insert(mta);
            manifest
                .conflicts
                .insert("mta".parse().expect("a dependency"));
        })
    };
    let base = TestPackage::new("base", "1.0").file("usr/share/base", "1", 0o644);
    world.install(&[&base, &mta("exim"), &needing("exim-tools", "exim")]);
    world.archive(&mta("postfix").depends("base>=2.0"));
    world.archive(&TestPackage::new("base", "2.0").file("usr/share/base", "2", 0o644));
    let from = [
        "--archives",
        "archives",
        "--allow-unsigned",
        "--dry-run",
        "--quiet",
    ];
    let install = [["install", "postfix", "--allow-removals"].as_slice(), &from].concat();
    let (code, value) = world.json(&install);
    assert_eq!(code, 0);
    let postfix = &value["plan"]["changes"][1]["package"];
    assert_eq!(postfix["name"], "postfix");
    assert_eq!(
        (&value["why"], &value["kept_back"]),
        (
            &serde_json::json!({
                "base": { "kind": "needed", "by": "postfix", "what": "base>=2.0" },
                "exim": { "kind": "conflicts", "with": postfix },
                "exim-tools": { "kind": "lacks", "what": "exim" },
                "postfix": { "kind": "requested" },
            }),
            &serde_json::json!([]),
        )
    );
    assert_eq!(
        world.pkm(&install).stdout,
        "4 packages change, 8 B are written, 14 B are freed:\n  \
         install   postfix 1.0-1, 7 B, unsigned\n  \
         upgrade   base 2.0-1 from 1.0-1, 1 B, unsigned, needed by postfix\n  \
         remove    exim 1.0-1, 4 B, conflicts with postfix 1.0-1\n  \
         remove    exim-tools 1.0-1, 10 B, needs exim, which nothing will have\n\
         nothing was changed (dry run)\n"
    );
    change(&world, &["hold", "base"], "held base 1.0-1\n");
    let (_, value) = world.json(&[["upgrade"].as_slice(), &from].concat());
    assert_eq!(
        (&value["why"], &value["kept_back"][0]["why"]),
        (&serde_json::json!({}), &"is not used: base is held".into())
    );
    change(
        &world,
        &["mark", "automatic", "exim-tools"],
        "marked exim-tools 1.0-1 as needed by others alone\n",
    );
    let (_, value) = world.json(&["autoremove", "--dry-run"]);
    assert_eq!(
        value["why"],
        serde_json::json!({ "exim-tools": { "kind": "orphaned" } })
    );
}

/// A root with repository `main`, which comes first, and `testing`, which may not provide `pinned`.
fn two_repositories() -> World {
    let world = World::new();
    let package = |name: &str, version| {
        TestPackage::new(name, version).file(&format!("usr/bin/{name}"), version, 0o755)
    };
    world.publish("main", NOTHING_MORE, &[&package("app", "1.0")]);
    let needy = package("needy", "1.0").depends("app>=2.0");
    world.publish(
        "testing",
        "priority = 20\npins = [\"app\", \"needy\"]\n",
        &[&package("app", "2.0"), &package("pinned", "1.0"), &needy],
    );
    world.sync();
    world
}

#[test]
fn version_that_a_repository_of_higher_priority_hides_is_told() {
    let world = two_repositories();
    let hidden =
        "app 2.0-1 (repository testing) is not used: repository main has app and comes first\n";
    let hint = "hint: to have app from repository testing, raise `priority` in \
                /etc/igos/repositories.d/testing.toml to that of main\n";
    // Something comes all the same.
    assert_eq!(
        world.pkm(&["why-not", "app"]),
        ended(
            1,
            &format!(
                "{hidden}{hint}nothing stands against it; this would come: app 1.0-1 (repository main)\n"
            ),
            ""
        )
    );
    change(&world, &["install", "app"], "installed app 1.0-1\n");
    assert_eq!(
        world.pkm(&["why-not", "app"]),
        ended(0, &format!("{hidden}{hint}"), "")
    );
    let (code, value) = world.json(&["why-not", "app=1.0"]);
    assert_eq!((code, &value["hidden"]), (1, &serde_json::json!([])));
    let refused = world.pkm(&["install", "app=2.0"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    assert!(
        refused.stderr.contains(&format!("because: {hidden}")) && refused.stderr.contains(hint),
        "{}",
        refused.stderr
    );
    let refused = world.pkm(&["why-not", "needy"]);
    assert_eq!(refused.code, 0);
    assert!(refused.stdout.contains(hidden), "{}", refused.stdout);
}

#[test]
fn package_that_the_pins_of_its_repository_hide_is_told() {
    let world = two_repositories();
    let because = "pinned 1.0-1 (repository testing) is not used: the pins of repository testing do not allow pinned\n";
    let hint = "hint: to have pinned from repository testing, add it to `pins` in /etc/igos/repositories.d/testing.toml\n";
    assert_eq!(
        world.pkm(&["install", "pinned"]),
        ended(
            1,
            "",
            &format!(
                "error[package-not-offered]: cannot install pinned\n  because: {because}  {hint}"
            )
        )
    );
    assert_eq!(
        world.pkm(&["why-not", "pinned"]),
        ended(0, &format!("cannot install pinned\n{because}{hint}"), "")
    );
}
