//! Going back to an earlier point of the history.

use igos_format::Sha256;
use igos_report::{Explain, Quiet};
use igos_sysroot::{
    ApplyError, ArchiveSource, Change, ChangeOptions, Durability, Plan, RollbackRequest,
    RunningKernel, UndoError, UndoLimits,
};

use crate::support::{NOW, TestArchive, TestRoot, apply, name};

fn plan_with(
    root: &TestRoot,
    transaction: u64,
    at_hand: &dyn Fn(&Sha256) -> bool,
) -> Result<Plan, UndoError> {
    root.read().plan_rollback(&RollbackRequest {
        transaction,
        kernel: RunningKernel::Ignore,
        ownership: root.ownership,
        at_hand,
    })
}

pub(crate) fn plan(root: &TestRoot, transaction: u64) -> Result<Plan, UndoError> {
    plan_with(root, transaction, &|_| false)
}

fn go_back(root: &TestRoot, transaction: u64) -> Plan {
    let plan = plan(root, transaction).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    plan
}

/// Returns all records, byte for byte.
fn records(root: &TestRoot) -> Vec<(String, String)> {
    let directory = fs_err::read_dir(root.path("var/lib/igos/packages")).expect("a directory");
    let mut records: Vec<_> = directory
        .map(|entry| {
            let entry = entry.expect("an entry");
            let bytes = fs_err::read(entry.path()).expect("it can be read");
            (
                entry.file_name().to_string_lossy().into_owned(),
                Sha256::of(&bytes).to_string(),
            )
        })
        .collect();
    records.sort();
    records
}

/// What has to be the same again: the tree, the records, and what the database answers about packages.
fn state(root: &TestRoot) -> (String, Vec<(String, String)>, String) {
    let sysroot = root.read();
    let mut answers = format!("{:?}", sysroot.list());
    for listed in sysroot.list().expect("a list") {
        answers += &format!("{:?}", sysroot.files(&listed.package.name));
    }
    (root.tree(), records(root), answers)
}

fn tool(version: &str) -> TestArchive {
    let body = |text: &str| format!("{text} {version}").into_bytes();
    TestArchive::new("tool", version)
        .directory("usr/bin", 0o750)
        .file_with("usr/bin/tool", &body("tool"), 0o4755)
        .symlink("usr/bin/alias", &format!("tool-{version}"))
        .hard_links(1, &["usr/lib/one", "usr/lib/two"], &body("linked"))
        .configuration("etc/tool.conf", &body("configuration"))
        .file("usr/share/same", b"the same in all versions")
        .file(
            &format!("usr/share/only-{version}/deep/file"),
            &body("only"),
        )
}

#[test]
fn upgrade_is_undone_and_everything_is_as_it_was() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    let before = state(&root);
    root.install(&[&tool("2")]);
    let after = state(&root);
    assert_ne!(before, after);
    let plan = go_back(&root, 2);
    assert_eq!(plan.rollback_to, Some(1));
    assert_eq!(plan.changes[0].action.as_str(), "downgrade");
    assert_eq!(state(&root), before);
    assert_eq!(root.findings(), [""; 0]);
    let history = root.read().history(None).expect("a history");
    assert_eq!((history.len(), history[0].rollback_to), (3, Some(1)));
    // And forward again.
    go_back(&root, 3);
    assert_eq!(state(&root), after);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn installation_and_removal_are_undone() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("other", "1").file("usr/lib/other", b"other")]);
    let before = state(&root);
    root.install(&[&tool("1")]);
    let with_tool = state(&root);
    root.remove(&["tool"]);
    go_back(&root, 3);
    assert_eq!(state(&root), with_tool);
    go_back(&root, 2);
    assert_eq!(state(&root), before);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn several_transactions_are_undone_at_once_back_to_the_first() {
    let root = TestRoot::new();
    root.install(&[
        &tool("1"),
        &TestArchive::new("gone", "1").file("usr/lib/gone", b"gone"),
    ]);
    let first = state(&root);
    root.install(&[&tool("2")]);
    root.install(&[&TestArchive::new("new", "1").file("usr/lib/new", b"new")]);
    root.remove(&["gone"]);
    root.install(&[&tool("3")]);
    let plan = go_back(&root, 2);
    let actions: Vec<_> = plan
        .changes
        .iter()
        .map(|change| change.action.as_str())
        .collect();
    assert_eq!(actions, ["install", "downgrade", "remove"]);
    assert_eq!(state(&root), first);
    // Before the first there was nothing.
    go_back(&root, 1);
    assert_eq!(root.read().list().expect("a list"), []);
    assert!(!root.exists("usr"));
}

#[test]
fn superseded_paths_and_their_contents_come_back_to_who_gave_them() {
    let root = TestRoot::new();
    let first = TestArchive::new("first", "1")
        .file("usr/lib/shared", b"first")
        .file("usr/lib/own", b"own");
    root.install(&[&first]);
    let before = state(&root);
    let second = TestArchive::new("second", "1")
        .supersedes("first")
        .file("usr/lib/shared", b"second");
    root.install(&[&second]);
    assert_eq!(root.content("usr/lib/shared"), "second");
    go_back(&root, 2);
    assert_eq!(state(&root), before);
    assert_eq!(root.content("usr/lib/shared"), "first");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn edits_made_since_are_kept() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    root.install(&[&tool("2")]);
    root.put("etc/tool.conf", "mine");
    go_back(&root, 2);
    assert_eq!(root.content("etc/tool.conf"), "mine");
    assert!(!root.exists("etc/tool.conf.pkmnew"));
    assert_eq!(root.content("usr/bin/tool"), "tool 1");
    assert_eq!(root.findings(), ["etc/tool.conf content"]);
}

#[test]
fn edits_made_before_are_kept_and_what_was_put_beside_goes() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    root.put("etc/tool.conf", "mine");
    let before = state(&root);
    root.install(&[&tool("2")]);
    assert!(root.exists("etc/tool.conf.pkmnew"));
    go_back(&root, 2);
    assert_eq!(state(&root), before);
    // An edited file that its package left behind is its again, as it is.
    root.remove(&["tool"]);
    assert_eq!(root.content("etc/tool.conf"), "mine");
    go_back(&root, 4);
    assert_eq!(state(&root), before);
}

#[test]
fn marks_and_holds_are_undone() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    let before = state(&root);
    let mut request = igos_sysroot::Request::new(igos_sysroot::Policy {
        ownership: root.ownership,
        ..igos_sysroot::Policy::strict(RunningKernel::Ignore)
    });
    request.holds.insert(name("tool"), igos_sysroot::Hold::Held);
    let held = root.read().plan(&[], &request).expect("a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &held, &[]).expect("it can be applied");
    drop(sysroot);
    assert_ne!(state(&root), before);
    go_back(&root, 2);
    assert_eq!(state(&root), before);
}

#[test]
fn transactions_that_are_not_or_no_longer_known_are_refused_with_the_earliest_that_can_be_undone() {
    let root = TestRoot::new();
    let limits = UndoLimits {
        transactions: 2,
        bytes: u64::MAX,
    };
    for version in ["1", "2", "3", "4"] {
        install_with(&root, &tool(version), limits);
    }
    let kept = fs_err::read_dir(root.path("var/lib/igos/undo")).expect("a directory");
    assert_eq!(kept.count(), 2);
    for (transaction, code) in [
        (0, "transaction-unknown"),
        (5, "transaction-unknown"),
        (2, "transaction-forgotten"),
    ] {
        let error = plan(&root, transaction).expect_err("it is refused");
        assert_eq!((error.code(), error.exit_code()), (code, 1));
    }
    let error = plan(&root, 1).expect_err("it is refused");
    assert!(
        error.hints()[0].contains("pkm rollback 3"),
        "{:?}",
        error.hints()
    );
    go_back(&root, 3);
    assert_eq!(root.content("usr/bin/tool"), "tool 2");
    // Nothing at all is kept where nobody wants it.
    let nothing = UndoLimits {
        transactions: 0,
        bytes: u64::MAX,
    };
    install_with(&root, &tool("5"), nothing);
    let kept = fs_err::read_dir(root.path("var/lib/igos/undo")).expect("a directory");
    assert_eq!(kept.count(), 0);
    let error = plan(&root, 6).expect_err("it is refused");
    assert_eq!(error.code(), "transaction-forgotten");
}

fn install_with(root: &TestRoot, archive: &TestArchive, undo: UndoLimits) {
    let plan = root.plan(&[archive], &[archive]).expect("a plan");
    let mut sysroot = root.change_with(ChangeOptions {
        durability: Durability::None,
        undo,
        ..ChangeOptions::default()
    });
    apply(&mut sysroot, &plan, &[archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
}

#[test]
fn dropped_contents_need_the_archive_and_with_it_the_way_back_is_open() {
    let root = TestRoot::new();
    let old = tool("1");
    root.install(&[&old]);
    let before = state(&root);
    let limits = UndoLimits {
        transactions: 5,
        bytes: 3,
    };
    install_with(&root, &tool("2"), limits);
    let error = plan(&root, 2).expect_err("the contents are gone");
    assert_eq!(error.code(), "contents-dropped");
    assert!(error.to_string().contains("tool 1-1"), "{error}");
    assert!(error.hints()[0].contains("--archives"));
    let seal = old.candidate().seal();
    let plan = plan_with(&root, 2, &|at_hand| *at_hand == seal).expect("a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[&old]).expect("it can be applied");
    drop(sysroot);
    assert_eq!(state(&root), before);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn content_that_was_changed_before_it_was_kept_is_not_brought_back() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    fs_err::write(root.path("usr/bin/tool"), b"drift!").expect("it can be changed");
    root.install(&[&tool("2")]);
    let after = state(&root);
    let plan = plan(&root, 2).expect("it looks possible");
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[]).expect_err("the content is another one");
    assert!(
        matches!(&error, ApplyError::ContentGone { path, .. } if path.as_bytes() == b"usr/bin/tool"),
        "{error:?}"
    );
    drop(sysroot);
    assert_eq!(state(&root), after);
    // With the archive at hand it is taken from there.
    let old = tool("1");
    let open = |_: &Change| {
        let bytes = std::io::Cursor::new(old.bytes());
        Ok(ArchiveSource::Whole(Box::new(bytes)))
    };
    let mut sysroot = root.change();
    sysroot
        .apply(&plan, plan.digest(), &open, NOW, &Quiet)
        .expect("it can be applied");
    drop(sysroot);
    assert_eq!(root.content("usr/bin/tool"), "tool 1");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn kept_files_have_no_special_bits_and_nobody_else_reaches_them() {
    if !crate::support::is_root("setuid bits") {
        return;
    }
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    assert_eq!(root.mode("usr/bin/tool"), 0o4755);
    root.install(&[&tool("2")]);
    assert_eq!(root.mode("var/lib/igos/undo"), 0o700);
    let kept = format!("var/lib/igos/undo/00000002/{}", Sha256::of(b"tool 1"));
    assert_eq!(root.mode(&kept), 0o755);
    go_back(&root, 2);
    assert_eq!(root.mode("usr/bin/tool"), 0o4755);
}

#[test]
fn damaged_text_of_what_was_before_is_as_good_as_none() {
    let root = TestRoot::new();
    root.install(&[&tool("1")]);
    root.install(&[&tool("2")]);
    let text = root.path("var/lib/igos/undo/00000002/before");
    let mut bytes = fs_err::read(&text).expect("it is there");
    bytes[60] ^= 1;
    fs_err::write(&text, bytes).expect("it can be changed");
    let error = plan(&root, 2).expect_err("it is damaged");
    assert_eq!(error.code(), "transaction-forgotten");
    assert!(error.hints().is_empty());
    root.install(&[&tool("3")]);
    go_back(&root, 3);
    assert_eq!(root.content("usr/bin/tool"), "tool 2");
}

#[test]
fn difference_of_two_points_names_packages_and_paths_as_far_as_they_are_kept() {
    use igos_sysroot::PathDiffers;
    let root = TestRoot::new();
    let limits = UndoLimits {
        transactions: 2,
        bytes: u64::MAX,
    };
    let other = TestArchive::new("other", "1").file("usr/lib/other", b"other");
    install_with(&root, &other, limits);
    for version in ["0", "1", "2", "3"] {
        install_with(&root, &tool(version), limits);
    }
    let sysroot = root.read();
    let found = sysroot.difference(4, 5).expect("a difference");
    assert_eq!(found.packages.len(), 1);
    let package = &found.packages[0];
    let versions = (package.from.as_deref(), package.to.as_deref());
    assert_eq!(versions, (Some("2-1"), Some("3-1")));
    let paths: Vec<_> = package.paths.iter().flatten().collect();
    let what = |text: &str| {
        let found = paths
            .iter()
            .find(|found| found.path.as_bytes() == text.as_bytes());
        found.map(|found| found.what)
    };
    assert_eq!(what("usr/bin/tool"), Some(PathDiffers::Changed));
    assert_eq!(
        what("usr/share/only-2/deep/file"),
        Some(PathDiffers::Removed)
    );
    assert_eq!(what("usr/share/only-3/deep/file"), Some(PathDiffers::Added));
    assert_eq!(what("usr/share/same"), None);
    // The other way round.
    let back = sysroot.difference(5, 4).expect("a difference");
    assert_eq!(back.packages[0].to.as_deref(), Some("2-1"));
    assert_eq!(sysroot.difference(5, 5).expect("none").packages, []);
    // Of what is not kept any more the history knows the versions.
    let far = sysroot.difference(1, 5).expect("a difference");
    assert_eq!((&far.packages[0].from, far.packages.len()), (&None, 1));
    let first = sysroot.difference(0, 5).expect("a difference");
    let names: Vec<_> = first
        .packages
        .iter()
        .map(|found| found.name.as_str())
        .collect();
    assert_eq!(names, ["other", "tool"]);
    let old = sysroot.difference(2, 3).expect("a difference");
    assert_eq!(
        (&old.packages[0].paths, old.packages[0].from.as_deref()),
        (&None, Some("0-1"))
    );
    let error = sysroot.difference(0, 6).expect_err("there is none");
    assert_eq!(error.code(), "transaction-unknown");
    let undoable: Vec<_> = sysroot.undoable();
    let numbers: Vec<_> = undoable
        .iter()
        .map(|found| (found.transaction, found.is_complete))
        .collect();
    assert_eq!(numbers, [(5, true), (4, true)]);
    assert!(undoable[0].bytes > 0);
}

#[test]
fn privileged_files_of_another_mount_are_kept_there_and_brought_back() {
    if !crate::support::is_root("mounting") {
        return;
    }
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("usr/data")).expect("directories");
    let target = root.path("usr/data");
    let flags = rustix::mount::MountFlags::empty();
    if rustix::mount::mount("tmpfs", &target, "tmpfs", flags, None).is_err() {
        crate::support::skipped("mounting is not allowed here");
        return;
    }
    let package = |version: &str| {
        TestArchive::new("a", version)
            .file("usr/data/deep/file", version.as_bytes())
            .file("usr/other/file", version.as_bytes())
    };
    let limits = UndoLimits {
        transactions: 1,
        bytes: u64::MAX,
    };
    let run = || {
        root.install(&[&package("1")]);
        let before = state(&root);
        root.install(&[&package("2")]);
        let kept = "usr/data/.igos-undo/00000002";
        let is_kept = root.exists(&format!("{kept}/{}", Sha256::of(b"1")));
        go_back(&root, 2);
        let same = root.content("usr/data/deep/file") == "1" && state(&root).1 == before.1;
        let findings = root.findings();
        install_with(&root, &package("3"), limits);
        (is_kept, same, findings, root.exists(kept))
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    rustix::mount::unmount(&target, rustix::mount::UnmountFlags::DETACH).expect("it is mounted");
    let (is_kept, same, findings, is_left) = result.expect("nothing panics");
    assert!(is_kept && same, "kept {is_kept}, the same {same}");
    assert_eq!(findings, [""; 0]);
    // What is beyond the limits goes there too.
    assert!(!is_left);
}
