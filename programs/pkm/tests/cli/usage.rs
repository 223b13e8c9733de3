//! Command lines and settings that are not understood, and help.

use crate::world::{World, ended};

#[test]
fn command_line_that_is_not_understood_is_exit_code_2() {
    let world = World::new();
    for arguments in [
        &["instal"][..],
        &["install"],
        &["files"],
        &["list", "--explicit", "--automatic"],
        &["owner", ""],
        &["install", "a b"],
    ] {
        let (code, value) = world.json(arguments);
        assert_eq!(
            (code, &value["error"]["exit_code"]),
            (2, &2.into()),
            "{arguments:?}"
        );
    }
}

#[test]
fn settings_that_are_not_understood_are_exit_code_3_with_place_and_suggestion() {
    let world = World::new();
    fs_err::create_dir_all(world.path("root/etc/igos")).expect("the root is ours");
    world.write("etc/igos/pkm.toml", "archive = [\"/srv\"]\n");
    let stderr = "\
error[setting-unknown]: there is no setting `archive`
 --> [WORLD]/root/etc/igos/pkm.toml:1:1
  |
1 | archive = [\"/srv\"]
  | ^^^^^^^
  hint: did you mean `archives`?
";
    assert_eq!(world.pkm(&["settings"]), ended(3, "", stderr));
}

#[test]
fn settings_show_their_origin() {
    let world = World::new();
    fs_err::create_dir_all(world.path("root/etc/igos")).expect("the root is ours");
    world.write("etc/igos/pkm.toml", "archives = [\"/srv\"]\n");
    let stdout = "\
archives = [\"/srv\"]
    Directories of archives in which names and dependencies are looked up
    from: [WORLD]/root/etc/igos/pkm.toml, or IGOS_ARCHIVES
merge-config = false
    Whether what is new is merged into edited configuration files where nothing is in doubt
    from: built-in
undo.transactions = # not set
    How many transactions can be undone; 10 by default, 0 keeps nothing
    from: built-in
undo.bytes = # not set
    How many bytes of replaced files are kept to undo transactions; 4 GiB by default
    from: built-in
jobs = 3
    How many things to work on at a time; by default the number of processors
    from: flag --jobs, or IGOS_JOBS
";
    assert_eq!(
        world.pkm(&["settings", "--origin", "--jobs", "3"]),
        ended(0, stdout, "")
    );
}

#[test]
fn help_teaches_with_examples() {
    let world = World::new();
    for command in [
        "install",
        "remove",
        "reinstall",
        "list",
        "info",
        "files",
        "owner",
        "depends",
        "verify",
        "repair",
        "config",
        "alternatives",
        "db",
        "adopt",
        "import",
        "history",
        "rollback",
        "diff",
        "kernels",
        "recover",
        "settings",
    ] {
        let help = world.pkm(&[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command}");
        assert!(
            help.stdout.contains(&format!("pkm {command}")),
            "{}",
            help.stdout
        );
        assert!(help.stdout.contains("Examples:\n"), "{}", help.stdout);
    }
    assert!(world.pkm(&["--help"]).stdout.contains("  130  interrupted"));
}
