//! What the solver chooses out of repositories, and what becomes of it.

use igos_format::declaration::{Feature, FeatureKind};

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World, ended};

fn feature(kind: FeatureKind, name: &str) -> Feature {
    Feature::new(kind, name).expect("a name")
}

/// A library with this soname.
fn library(version: &str, soname: &str) -> TestPackage {
    let mut package =
        TestPackage::new("libfoo", version).file(&format!("usr/lib/{soname}"), version, 0o755);
    let provided = feature(FeatureKind::Soname, soname);
    package.manifest.features_provided.insert(provided);
    package
}

/// A program that needs this soname.
fn program(name: &str, version: &str, release: &str, soname: &str) -> TestPackage {
    let mut package =
        TestPackage::new(name, version).file(&format!("usr/bin/{name}"), release, 0o755);
    let required = feature(FeatureKind::Soname, soname);
    package.manifest.features_required.insert(required);
    package.manifest.package.release = release.parse().expect("a release");
    package
}

/// Runs a change that does not ask, and expects it to do this.
pub(crate) fn change(world: &World, arguments: &[&str], stdout: &str) {
    let arguments = [arguments, &["--yes", "--quiet"]].concat();
    assert_eq!(world.pkm(&arguments), ended(0, stdout, ""));
}

#[test]
fn package_of_a_repository_is_installed_with_what_it_needs_and_signed() {
    let world = World::new();
    let app = program("app", "1.0", "1", "libfoo.so.1");
    world.publish(
        "main",
        NOTHING_MORE,
        &[&library("1.0", "libfoo.so.1"), &app],
    );
    world.sync();
    change(
        &world,
        &["install", "app"],
        "installed libfoo 1.0-1\ninstalled app 1.0-1\n",
    );
    assert_eq!(world.read("usr/bin/app"), "1");
    let (_, list) = world.json(&["info", "libfoo"]);
    let info = &list[0];
    assert_eq!(info["repository"], "main");
    assert_eq!(info["reason"], "automatic");
    assert_eq!(info["trust"]["kind"], "key");
    assert_eq!(world.pkm(&["verify"]).code, 0);
    // Asking again changes nothing.
    assert_eq!(
        world.pkm(&["install", "app"]),
        ended(0, "app 1.0-1 is installed already\nnothing to do\n", "")
    );
}

#[test]
fn release_alone_is_an_upgrade_and_versions_of_every_shape_are() {
    let world = World::new();
    let firefox = |release: &str| {
        let mut package =
            TestPackage::new("firefox", "138.0").file("usr/bin/firefox", release, 0o755);
        package.manifest.package.release = release.parse().expect("a release");
        package
    };
    let openssh =
        |version| TestPackage::new("openssh", version).file("usr/bin/ssh", version, 0o755);
    world.publish("main", NOTHING_MORE, &[&firefox("1"), &openssh("9.6p1")]);
    world.sync();
    change(
        &world,
        &["install", "firefox", "openssh"],
        "installed firefox 138.0-1\ninstalled openssh 9.6p1-1\n",
    );
    world.publish("main", NOTHING_MORE, &[&firefox("2"), &openssh("9.9p2")]);
    world.sync();
    change(
        &world,
        &["upgrade"],
        "upgraded firefox 138.0-2 from 138.0-1\nupgraded openssh 9.9p2-1 from 9.6p1-1\n",
    );
    assert_eq!(world.read("usr/bin/firefox"), "2");
    assert_eq!(world.pkm(&["upgrade"]), ended(0, "nothing to do\n", ""));
}

#[test]
fn name_that_begins_like_another_is_not_taken_for_it() {
    let world = World::new();
    let go_task = TestPackage::new("go-task", "3.0").file("usr/bin/task", "#!", 0o755);
    world.publish("main", NOTHING_MORE, &[&go_task]);
    world.archive(&go_task);
    world.sync();
    assert_eq!(
        world.pkm(&["install", "go", "--archives", "archives", "--yes"]),
        ended(
            1,
            "",
            "error[package-not-offered]: cannot install go\n  \
             because: nothing offered is called go\n"
        )
    );
}

#[test]
fn new_soname_brings_the_rebuilt_dependants_along_or_is_refused_naming_the_others() {
    let world = World::new();
    let old = [
        &library("1.0", "libfoo.so.1"),
        &program("app", "1.0", "1", "libfoo.so.1"),
        &program("tool", "3.0", "1", "libfoo.so.1"),
    ];
    world.install(&old);
    world.archive(&library("2.0", "libfoo.so.2"));
    world.archive(&program("app", "1.0", "2", "libfoo.so.2"));
    let upgrade = [
        "upgrade",
        "libfoo",
        "--archives",
        "archives",
        "--allow-unsigned",
    ];
    assert_eq!(
        world.pkm(&[upgrade.as_slice(), &["--yes"]].concat()),
        ended(
            1,
            "",
            "error[no-solution]: cannot upgrade libfoo\n  \
             because: tool 3.0-1 (installed) needs soname:libfoo.so.1, which only libfoo 1.0-1 (installed) has\n  \
             because: nothing newer of tool is offered: it has to be rebuilt\n  \
             hint: remove tool too: `--allow-removals`, which would upgrade app to 1.0-2, upgrade libfoo to 2.0-1, remove tool\n"
        )
    );
    world.archive(&program("tool", "3.0", "2", "libfoo.so.2"));
    change(
        &world,
        &upgrade,
        "upgraded libfoo 2.0-1 from 1.0-1\nupgraded app 1.0-2 from 1.0-1\nupgraded tool 3.0-2 from 3.0-1\n",
    );
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn upgrade_of_everything_tells_what_stays_and_why() {
    let world = World::new();
    world.install(&[
        &library("1.0", "libfoo.so.1"),
        &program("app", "1.0", "1", "libfoo.so.1"),
        &TestPackage::new("linux", "6.11").file("boot/vmlinuz", "6.11", 0o644),
        &TestPackage::new("zlib", "1.2").file("usr/lib/libz.so.1", "1.2", 0o755),
    ]);
    change(&world, &["hold", "linux"], "held linux 6.11-1\n");
    world.archive(&library("2.0", "libfoo.so.2"));
    world.archive(&TestPackage::new("linux", "6.12").file("boot/vmlinuz", "6.12", 0o644));
    world.archive(&TestPackage::new("zlib", "1.3").file("usr/lib/libz.so.1", "1.3", 0o755));
    let upgrade = [
        "upgrade",
        "--archives",
        "archives",
        "--allow-unsigned",
        "--yes",
    ];
    let ended = world.pkm(&upgrade);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "upgraded zlib 1.3-1 from 1.2-1\n")
    );
    let told = "note[package-kept]: libfoo 1.0-1 stays: other packages stand against libfoo 2.0-1\n  \
                hint: learn which: `pkm why-not libfoo`\n\
                note[package-kept]: linux 6.11-1 stays: linux 6.12-1 is not used: linux is held\n";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(
        world.pkm(&["why-not", "libfoo", "--archives", "archives"]),
        crate::world::ended(
            0,
            "cannot upgrade libfoo\n\
             app 1.0-1 (installed) needs soname:libfoo.so.1, which only libfoo 1.0-1 (installed) has\n\
             nothing newer of app is offered: it has to be rebuilt\n\
             hint: remove app too: `--allow-removals`, which would upgrade libfoo to 2.0-1, remove app\n",
            ""
        )
    );
    change(&world, &["unhold", "linux"], "released linux 6.11-1\n");
    assert_eq!(
        world.pkm(&["why-not", "linux", "--archives", "archives"]),
        crate::world::ended(
            1,
            "nothing stands against it; this would come: linux 6.12-1 (archive)\n",
            ""
        )
    );
}

#[test]
fn repository_of_a_higher_priority_keeps_its_names_to_itself() {
    let world = World::new();
    let tool = |version| TestPackage::new("tool", version).file("usr/bin/tool", version, 0o755);
    world.publish("main", "priority = 90\n", &[&tool("1.0")]);
    world.publish("extra", "priority = 10\n", &[&tool("99.0")]);
    world.sync();
    change(&world, &["install", "tool"], "installed tool 1.0-1\n");
    assert_eq!(world.pkm(&["upgrade"]), ended(0, "nothing to do\n", ""));
}

#[test]
fn what_nothing_needs_any_more_goes_and_marks_decide() {
    let world = World::new();
    let app = TestPackage::new("app", "1.0")
        .file("usr/bin/app", "#!", 0o755)
        .depends("lib");
    let lib = TestPackage::new("lib", "1.0")
        .file("usr/lib/lib.so", "l", 0o755)
        .depends("base");
    let base = TestPackage::new("base", "1.0").file("usr/lib/base.so", "b", 0o755);
    world.publish("main", NOTHING_MORE, &[&app, &lib, &base]);
    world.sync();
    change(
        &world,
        &["install", "app"],
        "installed base 1.0-1\ninstalled lib 1.0-1\ninstalled app 1.0-1\n",
    );
    assert_eq!(
        world.pkm(&["why", "base"]),
        ended(0, "app needs lib\nlib needs base\n", "")
    );
    assert_eq!(world.pkm(&["autoremove"]), ended(0, "nothing to do\n", ""));
    change(
        &world,
        &["mark", "automatic", "app"],
        "marked app 1.0-1 as needed by others alone\n",
    );
    assert_eq!(
        world.pkm(&["why", "app"]).stdout,
        "nobody asked for app, and nothing needs it any more\n"
    );
    change(
        &world,
        &["mark", "explicit", "base"],
        "marked base 1.0-1 as asked for\n",
    );
    change(
        &world,
        &["autoremove"],
        "removed app 1.0-1\nremoved lib 1.0-1\n",
    );
    assert!(world.has("usr/lib/base.so") && !world.has("usr/lib/lib.so"));
}

#[test]
fn installing_what_is_there_as_needed_by_others_makes_it_asked_for() {
    let world = World::new();
    let app = TestPackage::new("app", "1.0")
        .file("usr/bin/app", "#!", 0o755)
        .depends("lib");
    let lib = TestPackage::new("lib", "1.0").file("usr/lib/lib.so", "l", 0o755);
    world.archive(&app);
    world.archive(&lib);
    let install = |name| {
        [
            "install",
            name,
            "--archives",
            "archives",
            "--allow-unsigned",
        ]
    };
    change(
        &world,
        &install("app"),
        "installed lib 1.0-1\ninstalled app 1.0-1\n",
    );
    change(&world, &install("lib"), "marked lib 1.0-1 as asked for\n");
    assert_eq!(
        world.pkm(&["why", "lib"]),
        ended(0, "lib was asked for\n", "")
    );
}

#[test]
fn successor_takes_the_place_of_a_renamed_package_in_one_transaction() {
    let world = World::new();
    let mut new = TestPackage::new("iptables", "1.8").file("usr/sbin/iptables", "new", 0o755);
    let old = "iptables-nft";
    new.manifest.supersedes.insert(old.parse().expect("a name"));
    new.manifest
        .provides
        .insert(old.parse().expect("a provided name"));
    world.install(&[&TestPackage::new(old, "1.7").file("usr/sbin/iptables", "old", 0o755)]);
    world.publish("main", NOTHING_MORE, &[&new]);
    world.sync();
    change(
        &world,
        &["upgrade"],
        "installed iptables 1.8-1\nremoved iptables-nft 1.7-1\n",
    );
    assert_eq!(world.read("usr/sbin/iptables"), "new");
    assert_eq!(
        world.pkm(&["why", "iptables"]).stdout,
        "iptables was asked for\n"
    );
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn exit_codes_say_what_became_of_a_request() {
    let world = World::new();
    world.install(&[&TestPackage::new("zlib", "1.3").file("usr/lib/libz.so.1", "z", 0o755)]);
    for (arguments, code) in [
        (["install", "nothing-of-the-kind"].as_slice(), 1),
        (&["install", "a b"], 2),
        (&["install", "zlib>="], 2),
        (&["upgrade", "nothing-of-the-kind"], 1),
        (&["upgrade", "zlib", "--security-only"], 2),
        (&["remove", "nothing-of-the-kind"], 1),
        (&["why", "nothing-of-the-kind"], 1),
        (&["why-not", "nothing-of-the-kind"], 0),
        (&["hold", "nothing-of-the-kind"], 1),
        (&["mark", "needed", "zlib"], 2),
        (&["autoremove"], 0),
        (&["uninstall", "zlib", "--dry-run"], 0),
        (&["deps", "zlib"], 0),
    ] {
        let ended = world.pkm(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn tree_shows_each_package_in_full_once() {
    let world = World::new();
    let package =
        |name: &str| TestPackage::new(name, "1.0").file(&format!("usr/share/{name}"), name, 0o644);
    world.install(&[
        &package("app").depends("left").depends("right"),
        &package("left").depends("base"),
        &package("right").depends("base"),
        &package("base").depends("root"),
        &package("root"),
    ]);
    assert_eq!(
        world.pkm(&["depends", "app", "--tree"]),
        ended(
            0,
            "app\n  left\n    base\n      root\n  right\n    base …\n",
            ""
        )
    );
    assert_eq!(
        world.pkm(&["deps", "root", "--tree", "--reverse"]).stdout,
        "root\n  base\n    left\n      app\n    right\n      app\n"
    );
}

#[test]
fn what_stands_in_the_way_goes_with_the_flag_alone_and_is_told() {
    let world = World::new();
    let mta = |name: &str| {
        TestPackage::new(name, "1.0")
            .file(&format!("usr/sbin/{name}"), name, 0o755)
            .with(|manifest| {
                manifest
                    .provides
                    .insert("mta".parse().expect("a provided name"));
                manifest
                    .conflicts
                    .insert("mta".parse().expect("a dependency"));
            })
    };
    world.install(&[&mta("exim")]);
    world.publish("main", NOTHING_MORE, &[&mta("postfix")]);
    world.sync();
    let refused = world.pkm(&["install", "postfix", "--yes"]);
    assert_eq!(
        refused,
        ended(
            1,
            "",
            "error[no-solution]: cannot install postfix\n  \
             because: postfix 1.0-1 (repository main) conflicts with exim 1.0-1 (installed)\n  \
             because: exim is installed, and nothing else of it is offered\n  \
             hint: remove exim too: `--allow-removals`, which would install postfix 1.0-1, remove exim\n"
        )
    );
    let done = world.pkm(&["install", "postfix", "--allow-removals", "--yes"]);
    assert_eq!(
        (done.code, done.stdout.as_str()),
        (0, "installed postfix 1.0-1\nremoved exim 1.0-1\n")
    );
    let told = "warning[package-goes]: exim 1.0-1 goes: it conflicts with postfix 1.0-1\n";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn upgrade_fetches_only_what_is_not_on_disk() {
    let world = World::new();
    let app = |version: &str| {
        let mut package = TestPackage::new("app", version);
        for number in 0..40 {
            let content = format!("{number} ").repeat(20_000);
            package = package.file(&format!("usr/share/app/{number}"), &content, 0o644);
        }
        package.file("usr/share/app/version", version, 0o644)
    };
    world.publish("main", NOTHING_MORE, &[&app("1.0")]);
    world.sync();
    change(&world, &["install", "app"], "installed app 1.0-1\n");
    world.publish("main", NOTHING_MORE, &[&app("2.0")]);
    world.sync();
    // What is on disk and was changed is fetched after all.
    fs_err::write(world.path("root/usr/share/app/7"), "edited").expect("the root is ours");
    change(&world, &["upgrade"], "upgraded app 2.0-1 from 1.0-1\n");
    assert_eq!(world.read("usr/share/app/version"), "2.0");
    assert_eq!(world.read("usr/share/app/39"), "39 ".repeat(20_000));
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn plan_is_shown_in_groups_with_sizes() {
    let world = World::new();
    world.install(&[
        &TestPackage::new("old-name", "1.0").file("usr/bin/old", "12345", 0o755),
        &TestPackage::new("tool", "1.0").file("usr/bin/tool", "1", 0o755),
    ]);
    world.archive(
        &TestPackage::new("name", "2.0")
            .file("usr/bin/new", "123", 0o755)
            .with(|manifest| {
                let old = "old-name";
                manifest.supersedes.insert(old.parse().expect("a name"));
                manifest.provides.insert(old.parse().expect("a name"));
            }),
    );
    world.archive(&TestPackage::new("tool", "1.1").file("usr/bin/tool", "12", 0o755));
    let arguments = [
        "upgrade",
        "--archives",
        "archives",
        "--allow-unsigned",
        "--dry-run",
    ];
    assert_eq!(
        world.pkm(&arguments),
        ended(
            0,
            "3 packages change, 5 B are written, 5 B are freed:\n  \
             install   name 2.0-1, 3 B, unsigned, takes the place of old-name\n  \
             upgrade   tool 1.1-1 from 1.0-1, 2 B, unsigned\n  \
             remove    old-name 1.0-1, 5 B, name takes its place\n\
             nothing was changed (dry run)\n",
            "note[package-succeeded]: old-name 1.0-1 goes: name takes its place\n"
        )
    );
}
