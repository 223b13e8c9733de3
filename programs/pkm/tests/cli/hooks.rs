//! Hooks and triggers as users see them.

use igos_format::declaration::{HookDeclaration, HookMoment, UserDeclaration};

use crate::world::{TestPackage, World, ended};

fn with_hook(package: TestPackage, moment: HookMoment, run: &[&str]) -> TestPackage {
    let run = run.iter().map(|word| (*word).to_owned()).collect();
    package.with(|manifest| {
        manifest.hooks.insert(HookDeclaration { moment, run });
    })
}

/// A package whose hook fails wherever it is run: its program is not there.
fn failing() -> TestPackage {
    let package = TestPackage::new("db", "1").file("usr/bin/db", "#!", 0o755);
    let user = UserDeclaration {
        name: "db".parse().expect("a name"),
        uid: Some(300),
        group: None,
        home: None,
        shell: None,
        description: None,
    };
    with_hook(
        package,
        HookMoment::PostInstall,
        &["/usr/bin/absent", "two words"],
    )
    .with(|manifest| {
        manifest.users.insert(user);
    })
}

/// Tells whether hooks can be confined here; says so where they cannot.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn can_confine(world: &World) -> bool {
    let probe = with_hook(
        TestPackage::new("probe", "1"),
        HookMoment::PostInstall,
        &["/absent"],
    );
    let file = world.archive(&probe);
    let ended = world.pkm(&["install", &file, "--allow-unsigned", "--yes", "--quiet"]);
    let can = !ended.stderr.contains("hooks-need-sandbox");
    if !can {
        println!("skipped: hooks cannot be confined here: {}", ended.stderr);
    }
    can
}

#[test]
fn plan_shows_everything_that_is_run_and_made() {
    let world = World::new();
    let package = with_hook(
        failing(),
        HookMoment::PreInstall,
        &["/usr/bin/db", "--check"],
    );
    let file = world.archive(&package);
    let plan = "\
1 package changes, 2 B are written:
  install   db 1-1, 2 B, unsigned
users, groups and paths that are made:
  group db (300)
  user db (300)
run before anything changes:
  pre-install of db: /usr/bin/db --check
run afterwards, confined to the root:
  post-install of db: /usr/bin/absent 'two words'
nothing was changed (dry run)
";
    let arguments = ["install", &file, "--allow-unsigned", "--dry-run"];
    assert_eq!(world.pkm(&arguments), ended(0, plan, ""));
    let skipped = plan
        .replace(
            "run before anything changes:\n",
            "not run, because hooks and triggers are turned off:\n",
        )
        .replace("run afterwards, confined to the root:\n", "");
    let arguments = [&arguments[..], &["--no-triggers"]].concat();
    assert_eq!(world.pkm(&arguments), ended(0, &skipped, ""));
}

#[test]
fn failing_hook_after_ends_with_1_with_the_package_installed_and_can_be_run_again() {
    if !can_confine(&World::new()) {
        return;
    }
    let world = World::new();
    let file = world.archive(&failing());
    let installed = world.pkm(&["install", &file, "--allow-unsigned", "--yes", "--quiet"]);
    let failure = "failed: post-install of db: cannot start /usr/bin/absent two words: No such file or directory (os error 2)\n";
    let left = "1 job is left; run it again with `pkm hooks run`\n";
    assert_eq!(
        installed,
        ended(1, &format!("installed db 1-1\n{failure}{left}"), "")
    );
    assert_eq!(world.read("etc/group"), "db:x:300:\n");
    assert_eq!(
        world.read("etc/passwd"),
        "db:!:300:300::/:/usr/sbin/nologin\n"
    );
    let (code, verified) = world.json(&["verify"]);
    assert_eq!(
        (code, verified["findings"].as_array().map(Vec::len)),
        (0, Some(0))
    );

    let (_, history) = world.json(&["history"]);
    assert_eq!(history[0]["hooks"]["jobs"][2][1]["state"], "failed");
    let history = world.pkm(&["history"]).stdout;
    assert!(history.ends_with(&format!("  {failure}")), "{history}");
    let listed = world.pkm(&["hooks", "list"]).stdout;
    assert!(
        listed.starts_with("transaction 1\n  done     group db (300)\n"),
        "{listed}"
    );
    assert_eq!(
        world.pkm(&["hooks", "run", "--quiet"]),
        ended(1, &format!("{failure}{left}"), "")
    );
    // What comes later neither runs it again nor fails because of it.
    let other = world.archive(&TestPackage::new("other", "1").file("usr/bin/other", "#!", 0o755));
    let other = world.pkm(&["install", &other, "--allow-unsigned", "--yes", "--quiet"]);
    assert_eq!(other, ended(0, "installed other 1-1\n", ""));
}

#[test]
fn turned_off_hooks_are_in_the_history_for_good() {
    let world = World::new();
    let file = world.archive(&failing());
    let arguments = [
        "install",
        &file,
        "--allow-unsigned",
        "--yes",
        "--quiet",
        "--no-triggers",
    ];
    assert_eq!(world.pkm(&arguments), ended(0, "installed db 1-1\n", ""));
    let history = world.pkm(&["history"]).stdout;
    assert!(
        history.ends_with("  hooks and triggers were turned off\n"),
        "{history}"
    );
    assert_eq!(
        world.pkm(&["hooks", "run", "--quiet"]),
        ended(0, "nothing is left to be run\n", "")
    );
}

#[test]
fn services_are_looked_at_on_the_running_system_alone() {
    let world = World::new();
    assert_eq!(
        world.pkm(&["restart-services", "--list"]),
        ended(
            2,
            "",
            "error[usage]: [WORLD]/root is not the root of the running system, nothing runs from it\n  \
             hint: leave out `--root`\n"
        )
    );
}
