//! Files that are not as recorded become so again.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use fs_err as fs;
use igos_report::{Explain, Quiet};
use igos_sysroot::{ApplyError, PathChange, RepairConfiguration, RepairPlan, RepairRequest, Retry};

use crate::support::{TestArchive, TestRoot, apply, name, path};

fn tool() -> TestArchive {
    TestArchive::new("tool", "1")
        .directory("usr/share/tool", 0o755)
        .file_with("usr/bin/tool", b"tool", 0o755)
        .file("usr/share/tool/one", b"one")
        .file("usr/share/tool/same", b"one")
        .symlink("usr/bin/t", "tool")
        .hard_links(1, &["usr/lib/a", "usr/lib/b"], b"linked")
        .configuration("etc/tool.conf", b"configuration")
}

fn request(root: &TestRoot) -> RepairRequest {
    RepairRequest {
        packages: Default::default(),
        paths: Default::default(),
        configuration: RepairConfiguration::Leave,
        ownership: root.ownership,
    }
}

fn plan(root: &TestRoot, request: &RepairRequest) -> RepairPlan {
    let planned = root.read().plan_repair(request, &Quiet);
    planned.expect("it can be planned")
}

/// Repairs, with these archives at hand; returns the paths that were made anew.
fn repair(root: &TestRoot, request: &RepairRequest, archives: &[&TestArchive]) -> Vec<String> {
    let plan = plan(root, request).plan;
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, archives).expect("it can be repaired");
    sysroot.settle().expect("it can be settled");
    plan.paths
        .iter()
        .map(|action| action.path.to_string())
        .collect()
}

#[test]
fn changed_and_missing_files_are_made_anew_from_the_archive() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    let before = (root.tree(), root.read().list().expect("a list"));
    root.put("usr/bin/tool", "trojan");
    fs::remove_file(root.path("usr/bin/t")).expect("it is there");
    fs::remove_dir_all(root.path("usr/share")).expect("it is there");
    fs::remove_file(root.path("usr/lib/a")).expect("it is there");
    root.put("usr/lib/a", "other");
    assert_eq!(
        repair(&root, &request(&root), &[&tool()]),
        [
            "usr/bin/t",
            "usr/bin/tool",
            "usr/lib/a",
            "usr/lib/b",
            "usr/share",
            "usr/share/tool",
            "usr/share/tool/one",
            "usr/share/tool/same"
        ]
    );
    assert_eq!(root.tree(), before.0);
    assert_eq!(root.findings(), [""; 0]);
    let inode = |at: &str| root.path(at).metadata().expect("it is there").ino();
    assert_eq!(inode("usr/lib/a"), inode("usr/lib/b"));
    // The package is as it was installed; the history tells what happened since.
    assert_eq!(root.read().list().expect("a list"), before.1);
    let history = root.read().history(None).expect("a history");
    assert_eq!(history[0].changes[0].action, "repair");
    assert!(plan(&root, &request(&root)).plan.is_empty());
}

#[test]
fn any_name_is_repaired() {
    let root = TestRoot::new();
    let odd = TestArchive::new("odd", "1").file("usr/share/with space \\ and ü", b"odd");
    root.install(&[&odd]);
    fs::remove_file(root.path("usr/share/with space \\ and ü")).expect("it is there");
    repair(&root, &request(&root), &[&odd]);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn what_the_root_has_is_not_looked_for_elsewhere() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    let mode = std::fs::Permissions::from_mode(0o777);
    fs::set_permissions(root.path("usr/bin/tool"), mode).expect("it is ours");
    fs::remove_file(root.path("usr/share/tool/one")).expect("it is there");
    // The content is there still, under another name; no archive is needed.
    repair(&root, &request(&root), &[]);
    assert_eq!(root.mode("usr/bin/tool"), 0o755);
    assert_eq!(root.content("usr/share/tool/one"), "one");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn content_that_is_nowhere_is_told_and_nothing_changes() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    root.put("usr/bin/tool", "trojan");
    let planned = plan(&root, &request(&root));
    let before = root.tree();
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &planned.plan, &[]).expect_err("nobody has it");
    assert!(matches!(error, ApplyError::ContentGone { .. }), "{error:?}");
    assert_eq!(error.code(), "content-not-on-disk");
    drop(sysroot);
    assert_eq!(root.tree(), before);
}

#[test]
fn configuration_is_repaired_only_when_asked_and_what_was_there_is_kept() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    root.put("etc/tool.conf", "mine");
    assert!(plan(&root, &request(&root)).plan.is_empty());
    let mut asked = request(&root);
    asked.configuration = RepairConfiguration::Restore;
    // The pristine content is in the root.
    assert_eq!(repair(&root, &asked, &[]), ["etc/tool.conf"]);
    assert_eq!(root.content("etc/tool.conf"), "configuration");
    assert_eq!(root.content("etc/tool.conf.pkmold"), "mine");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn only_what_is_named_is_repaired() {
    let root = TestRoot::new();
    let other = TestArchive::new("other", "1").file("usr/bin/other", b"other");
    root.install(&[&tool(), &other]);
    for at in ["usr/bin/tool", "usr/bin/other"] {
        root.put(at, "trojan");
    }
    fs::remove_file(root.path("usr/bin/t")).expect("it is there");
    let mut named = request(&root);
    named.packages.insert(name("other"));
    assert_eq!(repair(&root, &named, &[&other]), ["usr/bin/other"]);
    let mut single = request(&root);
    single.paths.insert(path("usr/bin/t"));
    assert_eq!(repair(&root, &single, &[]), ["usr/bin/t"]);
    assert_eq!(root.findings(), ["usr/bin/tool content"]);
}

#[test]
fn link_of_an_alternative_is_repaired() {
    let root = TestRoot::new();
    let archive = tool().with(|manifest| {
        manifest
            .alternatives
            .insert(igos_format::declaration::AlternativeDeclaration {
                path: path("usr/bin/served"),
                target: path("usr/bin/tool"),
                priority: 1,
            });
    });
    root.install(&[&archive]);
    fs::remove_file(root.path("usr/bin/served")).expect("it is there");
    let planned = plan(&root, &request(&root));
    assert_eq!(
        planned.plan.paths[0].change,
        PathChange::Link {
            target: b"tool".to_vec()
        }
    );
    repair(&root, &request(&root), &[]);
    assert_eq!(root.content("usr/bin/served"), "tool");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn what_cannot_be_replaced_is_left_and_told() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    fs::remove_file(root.path("usr/bin/tool")).expect("it is there");
    fs::create_dir(root.path("usr/bin/tool")).expect("it is ours");
    let planned = plan(&root, &request(&root));
    assert!(planned.plan.is_empty(), "{:?}", planned.plan.paths);
    let left: Vec<String> = planned
        .left
        .iter()
        .map(|finding| format!("{} {}", finding.path, finding.what))
        .collect();
    assert_eq!(left, ["usr/bin/tool type"]);
}

#[test]
fn directories_get_their_modes_and_owners_back_and_keep_what_is_in_them() {
    let root = TestRoot::new();
    root.install(&[
        &tool(),
        &TestArchive::new("other", "1").directory("var/spool/other", 0o750),
    ]);
    root.put("usr/share/tool/strange", "somebody's");
    for directory in ["usr/share/tool", "var/spool/other"] {
        let mode = std::fs::Permissions::from_mode(0o777);
        fs::set_permissions(root.path(directory), mode).expect("it is ours");
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(root.path("usr/share/tool"), Some(12), Some(13)).expect("given");
    }
    let inode = root.path("usr/share/tool").metadata().expect("there").ino();
    let planned = plan(&root, &request(&root));
    assert_eq!((planned.left.len(), planned.plan.paths.len()), (0, 0));
    assert!(!planned.plan.is_empty());
    let mut sysroot = root.change();
    apply(&mut sysroot, &planned.plan, &[]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("our own code needs no sandbox");
    assert_eq!(
        results[0].what,
        "modes and owners of usr/share/tool, var/spool/other"
    );
    assert!(!results[0].is_failed(), "{results:?}");
    assert_eq!(root.findings(), [""; 0]);
    let after = root.path("usr/share/tool").metadata().expect("there");
    assert_eq!(after.ino(), inode);
    assert_eq!(root.content("usr/share/tool/strange"), "somebody's");
    assert!(plan(&root, &request(&root)).plan.is_empty());
}
