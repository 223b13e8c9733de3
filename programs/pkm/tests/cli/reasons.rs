//! Why a plan changes what it changes, and what stands against what it does not.

use crate::resolve::change;
use crate::world::{TestPackage, World};

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
