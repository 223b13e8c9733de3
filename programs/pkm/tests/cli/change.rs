//! Commands that change a root.

use igos_format::Arch;

use crate::world::{TestPackage, World, ended};

fn zlib() -> TestPackage {
    TestPackage::new("zlib", "1.3.1").file("usr/lib/libz.so.1", "compress", 0o755)
}

fn pigz() -> TestPackage {
    TestPackage::new("pigz", "2.8")
        .file("usr/bin/pigz", "#!", 0o755)
        .depends("zlib")
}

#[test]
fn unsigned_archive_is_refused_without_the_flag_and_the_history_names_it_with_it() {
    let world = World::new();
    let file = world.archive(&zlib());
    assert_eq!(
        world.pkm(&["install", &file, "--yes"]),
        ended(
            1,
            "",
            "error[archive-unsigned]: archive of zlib 1.3.1-1 is not signed\n  \
             hint: accept it, which is recorded, with `--allow-unsigned`\n"
        )
    );
    assert!(!world.has("usr"));
    assert_eq!(
        world.pkm(&["install", &file, "--yes", "--quiet", "--allow-unsigned"]),
        ended(0, "installed zlib 1.3.1-1\n", "")
    );
    assert_eq!(world.read("usr/lib/libz.so.1"), "compress");
    let (code, history) = world.json(&["history"]);
    assert_eq!(code, 0);
    assert_eq!(history[0]["changes"][0]["trust"], "unsigned");
}

#[test]
fn plan_is_shown_and_nothing_changes_without_a_yes() {
    let world = World::new();
    let sudo = TestPackage::new("sudo", "1.9").file("usr/bin/sudo", "#!", 0o4755);
    let file = world.archive(&sudo);
    let plan = "\
1 package changes, 2 B are written:
  install   sudo 1.9-1, 2 B, unsigned
paths that give privileges:
  /usr/bin/sudo of sudo: runs as its owner (setuid)
nothing was changed (dry run)
";
    assert_eq!(
        world.pkm(&["install", &file, "--allow-unsigned", "--dry-run"]),
        ended(0, plan, "")
    );
    assert_eq!(
        world.pkm(&["install", &file, "--allow-unsigned"]),
        ended(
            2,
            "",
            "error[consent-needed]: the plan needs a yes, and there is no terminal to ask on\n  \
             hint: look at the plan: `--dry-run`\n  hint: agree to it beforehand: `--yes`\n"
        )
    );
    assert!(!world.has("usr") && !world.has("var"));
}

#[test]
fn dependencies_come_from_the_directory_of_archives() {
    let world = World::new();
    world.archive(&zlib());
    world.archive(&pigz());
    assert_eq!(
        world.pkm(&[
            "install",
            "pigz",
            "--archives",
            "archives",
            "--allow-unsigned",
            "--yes",
            "--quiet"
        ]),
        ended(0, "installed zlib 1.3.1-1\ninstalled pigz 2.8-1\n", "")
    );
    let (_, list) = world.json(&["list"]);
    assert_eq!(
        (&list[0]["package"]["name"], &list[0]["reason"]),
        (&"pigz".into(), &"explicit".into())
    );
    assert_eq!(
        (&list[1]["package"]["name"], &list[1]["reason"]),
        (&"zlib".into(), &"automatic".into())
    );
    assert_eq!(
        world.pkm(&["list", "--automatic"]).stdout,
        "zlib 1.3.1-1  The package zlib\n"
    );
    assert_eq!(
        world.pkm(&[
            "install",
            "pigz",
            "--archives",
            "archives",
            "--allow-unsigned"
        ]),
        ended(0, "pigz 2.8-1 is installed already\nnothing to do\n", "")
    );
}

#[test]
fn missing_dependency_is_named() {
    let world = World::new();
    let file = world.archive(&pigz());
    assert_eq!(
        world.pkm(&["install", &file, "--allow-unsigned", "--yes"]),
        ended(
            1,
            "",
            "error[no-solution]: cannot install pigz\n  \
             because: pigz 2.8-1 (archive) needs zlib, which nothing offered has\n"
        )
    );
}

#[test]
fn damaged_archive_is_refused_and_named() {
    let world = World::new();
    let file = world.archive(&zlib());
    let mut bytes = fs_err::read(&file).expect("it was just written");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&file, bytes).expect("the directory is ours");
    let ended = world.pkm(&["install", &file, "--allow-unsigned", "--yes", "--quiet"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("zlib"), "{}", ended.stderr);
    assert!(!world.has("usr/lib/libz.so.1"));
}

#[test]
fn edited_configuration_file_is_kept_on_upgrade() {
    let world = World::new();
    let ssh = |version: &str, text| {
        TestPackage::new("openssh", version).configuration("etc/sshd_config", text)
    };
    world.install(&[&ssh("9.0", "Port 22\n")]);
    world.write("etc/sshd_config", "Port 2222\n");
    let file = world.archive(&ssh("9.1", "Port 22\nUsePAM yes\n"));
    assert_eq!(
        world.pkm(&["install", &file, "--allow-unsigned", "--yes", "--quiet"]),
        ended(
            0,
            "upgraded openssh 9.1-1 from 9.0-1\n\
             kept your /etc/sshd_config; the new version is /etc/sshd_config.pkmnew\n",
            ""
        )
    );
    assert_eq!(world.read("etc/sshd_config"), "Port 2222\n");
    assert_eq!(
        world.read("etc/sshd_config.pkmnew"),
        "Port 22\nUsePAM yes\n"
    );
}

#[test]
fn file_of_another_package_is_a_conflict() {
    let world = World::new();
    world.install(&[&zlib()]);
    let file = world.archive(&TestPackage::new("zlib-ng", "2.2").file(
        "usr/lib/libz.so.1",
        "faster",
        0o755,
    ));
    let ended = world.pkm(&["install", &file, "--allow-unsigned", "--yes"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(
        ended.stderr.contains(
            "error[file-owned]: cannot install zlib-ng: usr/lib/libz.so.1 is owned by zlib\n  \
             hint: remove it first: `pkm remove zlib`\n"
        ),
        "{}",
        ended.stderr
    );
    assert_eq!(world.read("usr/lib/libz.so.1"), "compress");
}

#[test]
fn older_version_needs_the_flag() {
    let world = World::new();
    world.install(&[&zlib()]);
    let file =
        world.archive(&TestPackage::new("zlib", "1.2").file("usr/lib/libz.so.1", "old", 0o755));
    assert_eq!(
        world
            .pkm(&["install", &file, "--allow-unsigned", "--yes"])
            .code,
        1
    );
    assert_eq!(
        world.pkm(&[
            "install",
            &file,
            "--allow-unsigned",
            "--yes",
            "--quiet",
            "--allow-downgrade"
        ]),
        ended(0, "downgraded zlib 1.2-1 from 1.3.1-1\n", "")
    );
}

#[test]
fn reinstall_brings_back_what_was_deleted() {
    let world = World::new();
    world.install(&[&zlib()]);
    world.delete("usr/lib/libz.so.1");
    assert_eq!(
        world.pkm(&[
            "reinstall",
            "zlib",
            "--archives",
            "archives",
            "--allow-unsigned",
            "--yes",
            "--quiet"
        ]),
        ended(0, "reinstalled zlib 1.3.1-1\n", "")
    );
    assert_eq!(world.read("usr/lib/libz.so.1"), "compress");
    let (code, error) = world.json(&["reinstall", "pigz", "--archives", "archives", "--yes"]);
    assert_eq!(
        (code, &error["error"]["diagnostics"][0]["code"]),
        (1, &"not-installed".into())
    );
}

#[test]
fn package_that_others_need_is_removed_only_with_them() {
    let world = World::new();
    world.install(&[&zlib(), &pigz()]);
    assert_eq!(
        world.pkm(&["remove", "zlib", "--yes"]),
        ended(
            1,
            "",
            "error[package-needed]: cannot remove zlib\n  \
             because: pigz 2.8-1 (installed) needs zlib, which is to go\n  \
             hint: remove pigz too: `--allow-removals`\n"
        )
    );
    let ended = world.pkm(&["remove", "zlib", "pigz", "--yes", "--quiet"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(!world.has("usr/lib/libz.so.1") && !world.has("usr/bin/pigz"));
}

#[test]
fn essential_package_needs_the_flag_to_be_removed() {
    let world = World::new();
    world.install(&[&TestPackage::new("glibc", "2.41")
        .file("usr/lib/libc.so.6", "c", 0o755)
        .essential()]);
    assert_eq!(
        world.pkm(&["remove", "glibc", "--yes"]),
        ended(
            1,
            "",
            "error[package-essential]: cannot remove glibc: it is essential\n  \
             hint: remove it all the same with `--remove-essential`\n"
        )
    );
    assert_eq!(
        world.pkm(&["remove", "glibc", "--yes", "--remove-essential", "--quiet"]),
        ended(0, "removed glibc 2.41-1\n", "")
    );
}

#[test]
fn json_value_of_a_change_has_the_whole_plan() {
    let world = World::new();
    let file = world.archive(&zlib());
    let (code, value) = world.json(&["install", &file, "--allow-unsigned", "--yes"]);
    assert_eq!(code, 0);
    assert_eq!(value["applied"]["transaction"], 1);
    let change = &value["plan"]["changes"][0];
    assert_eq!(change["package"]["arch"], Arch::native().to_string());
    assert_eq!(change["action"], serde_json::json!({ "kind": "install" }));
    let paths = value["plan"]["paths"].as_array().expect("paths are a list");
    let shown: Vec<String> = paths
        .iter()
        .map(|path| format!("{} {}", path["change"]["change"], path["path"]))
        .collect();
    assert_eq!(
        shown,
        [
            "\"create\" \"usr\"",
            "\"create\" \"usr/lib\"",
            "\"create\" \"usr/lib/libz.so.1\""
        ]
    );
}

#[test]
fn locked_root_is_left_alone() {
    let world = World::new();
    world.install(&[&zlib()]);
    let lock = fs_err::File::open(world.path("root/var/lib/igos/lock"))
        .expect("a changed root has a lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive)
        .expect("nobody else has it");
    let (code, error) = world.json(&["remove", "zlib", "--yes"]);
    assert_eq!(
        (code, &error["error"]["diagnostics"][0]["code"]),
        (75, &"root-locked".into())
    );
    drop(lock);
    assert_eq!(
        world.pkm(&["recover"]),
        ended(0, "nothing was interrupted\n", "")
    );
}
