//! Conflicts are found before anything is written.

use igos_report::Explain;
use igos_sysroot::{Conflict, PlanError, Unowned};

use crate::support::{TestArchive, TestRoot, name};

/// Returns the codes of everything that stands against installing `archives`.
fn conflicts(root: &TestRoot, archives: &[&TestArchive]) -> Vec<Conflict> {
    let before = root.tree();
    let error = root
        .plan(archives, archives)
        .expect_err("there are conflicts");
    assert_eq!(root.tree(), before);
    assert_eq!(error.exit_code(), 1);
    match error {
        PlanError::Conflicts(conflicts) => conflicts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn path_of_another_package_is_refused_naming_the_owner() {
    // In a seed the second silently overwrote, and its removal deleted the first's file.
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("gzip", "1").file("usr/bin/gzip", b"gzip")]);
    let pigz = TestArchive::new("pigz", "1").file("usr/bin/gzip", b"pigz");
    let found = conflicts(&root, &[&pigz]);
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["cannot install pigz: usr/bin/gzip is owned by gzip"]
    );
    assert_eq!(found[0].code(), "file-owned");
    assert_eq!(found[0].hints()[0], "remove it first: `pkm remove gzip`");
}

#[test]
fn same_content_does_not_make_two_owners() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("usr/share/x", b"same")]);
    let b = TestArchive::new("b", "1").file("usr/share/x", b"same");
    assert_eq!(conflicts(&root, &[&b])[0].code(), "file-owned");
}

#[test]
fn two_new_packages_cannot_bring_one_path() {
    let root = TestRoot::new();
    let a = TestArchive::new("a", "1").file("usr/share/x", b"a");
    let b = TestArchive::new("b", "1").file("usr/share/x", b"b");
    let found = conflicts(&root, &[&a, &b]);
    assert!(matches!(&found[..], [Conflict::Both { .. }]), "{found:?}");
    // Neither can one bring a directory where the other has a file.
    let c = TestArchive::new("c", "1").file("usr/share/x/y", b"c");
    let found = conflicts(&root, &[&a, &c]);
    assert!(matches!(&found[..], [Conflict::Both { .. }]), "{found:?}");
}

#[test]
fn one_path_through_merged_directories_is_one_path() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("base", "1")
        .directory("usr/bin", 0o755)
        .symlink("bin", "usr/bin")]);
    root.install(&[&TestArchive::new("a", "1").file("bin/tool", b"a")]);
    assert_eq!(root.content("usr/bin/tool"), "a");
    assert_eq!(root.findings(), [""; 0]);
    let b = TestArchive::new("b", "1").file("usr/bin/tool", b"b");
    let found = conflicts(&root, &[&b]);
    assert!(
        matches!(&found[..], [Conflict::Owned { owner, .. }] if *owner == name("a")),
        "{found:?}"
    );
    root.remove(&["a"]);
    assert!(!root.exists("usr/bin/tool"));
}

#[test]
fn unowned_file_with_other_content_is_refused_or_backed_up() {
    let mut root = TestRoot::new();
    root.put("usr/bin/tool", "somebody's");
    let archive = TestArchive::new("a", "1").file("usr/bin/tool", b"a");
    let found = conflicts(&root, &[&archive]);
    assert_eq!(found[0].code(), "file-unowned");
    root.unowned = Unowned::Backup;
    root.install(&[&archive]);
    assert_eq!(root.content("usr/bin/tool"), "a");
    assert_eq!(root.content("usr/bin/tool.pkmold"), "somebody's");
    // The name is taken now: a second backup is refused, not overwritten.
    root.remove(&["a"]);
    root.put("usr/bin/tool", "another");
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let mut sysroot = root.change();
    crate::support::apply(&mut sysroot, &plan, &[&archive]).expect_err("the backup exists");
    assert_eq!(root.content("usr/bin/tool.pkmold"), "somebody's");
    assert_eq!(root.content("usr/bin/tool"), "another");
}

#[test]
fn unowned_file_with_the_same_content_is_adopted() {
    let root = TestRoot::new();
    root.put("usr/bin/tool", "a");
    let plan = root.install(&[&TestArchive::new("a", "1").file_with("usr/bin/tool", b"a", 0o755)]);
    let change = &plan
        .paths
        .iter()
        .find(|action| action.path.as_bytes() == b"usr/bin/tool");
    assert_eq!(
        change.map(|action| &action.change),
        Some(&igos_sysroot::PathChange::Adopt)
    );
    assert_eq!(root.mode("usr/bin/tool"), 0o755);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn declared_conflict_names_both() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("vim", "1").file("usr/bin/vim", b"vim")]);
    let emacs = TestArchive::new("emacs", "1")
        .with(|manifest| {
            manifest
                .conflicts
                .insert("vim".parse().expect("a dependency"));
        })
        .file("usr/bin/emacs", b"emacs");
    let found = conflicts(&root, &[&emacs]);
    assert_eq!(
        found[0].to_string(),
        "emacs cannot be installed beside vim: it declares the conflict vim"
    );
}

#[test]
fn directory_with_other_things_does_not_become_a_link() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("opt/tree/own", b"own")]);
    root.put("opt/tree/mine", "mine");
    let next = TestArchive::new("a", "2").symlink("opt/tree", "elsewhere");
    let found = conflicts(&root, &[&next]);
    assert_eq!(
        found[0].to_string(),
        "cannot install a: directory opt/tree would become a symlink but holds mine"
    );
    fs_err::remove_file(root.path("opt/tree/mine")).expect("it is there");
    root.install(&[&next]);
    assert!(root.path("opt/tree").is_symlink());
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn unowned_link_is_adopted_when_it_leads_to_the_same_place_and_in_the_way_otherwise() {
    let root = TestRoot::new();
    root.put("usr/bin/other", "other");
    for name in ["same", "elsewhere"] {
        std::os::unix::fs::symlink("tool", root.path(&format!("usr/bin/{name}"))).expect("links");
    }
    let archive = TestArchive::new("a", "1").symlink("usr/bin/elsewhere", "a");
    assert_eq!(conflicts(&root, &[&archive])[0].code(), "file-unowned");
    root.install(&[&TestArchive::new("a", "1").symlink("usr/bin/same", "tool")]);
    assert_eq!(root.findings(), [""; 0]);
    root.remove(&["a"]);
    assert!(!root.exists("usr/bin/same"));
    assert!(root.exists("usr/bin/elsewhere") && root.exists("usr/bin/other"));
}

#[test]
fn backup_is_planned_under_a_name_that_is_told() {
    let mut root = TestRoot::new();
    root.put("usr/bin/tool", "somebody's");
    root.unowned = Unowned::Backup;
    let archive = TestArchive::new("a", "1").file("usr/bin/tool", b"a");
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let beside = plan.paths.iter().find_map(|action| match &action.change {
        igos_sysroot::PathChange::Backup { beside } => Some(beside.to_string()),
        _ => None,
    });
    assert_eq!(beside.as_deref(), Some("usr/bin/tool.pkmold"));
    // Somebody wrote to it between the plan and now: the plan is not for this.
    root.put("usr/bin/tool", "written to");
    let mut sysroot = root.change();
    crate::support::apply(&mut sysroot, &plan, &[&archive]).expect_err("it changed");
    assert_eq!(root.content("usr/bin/tool"), "written to");
}

#[test]
fn hard_links_whose_names_differ_in_case_are_two_names() {
    // A disk that folds names shows the same inode under both; this one lists both, or does not list one at all.
    let root = TestRoot::new();
    for (name, other) in [("Tool", "tOOL"), ("\u{e9}", "e\u{301}")] {
        root.put(&format!("usr/bin/{name}"), "a");
        let at = |name: &str| root.directory.path().join("usr/bin").join(name);
        fs_err::hard_link(at(name), at(other)).expect("the root is ours");
    }
    root.install(&[&TestArchive::new("a", "1")
        .file_with("usr/bin/Tool", b"a", 0o755)
        .file_with("usr/bin/\u{e9}", b"a", 0o755)]);
    assert_eq!(root.content("usr/bin/tOOL"), "a");
    root.remove(&["a"]);
    assert!(!root.exists("usr/bin/Tool") && !root.exists("usr/bin/\u{e9}"));
    assert!(root.exists("usr/bin/tOOL") && root.exists("usr/bin/e\u{301}"));
}
