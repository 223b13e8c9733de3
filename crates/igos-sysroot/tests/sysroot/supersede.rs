//! A package takes over paths of another by declaration.

use igos_sysroot::PathChange;

use crate::support::{TestArchive, TestRoot, name, path};

fn first() -> TestArchive {
    TestArchive::new("first", "1")
        .file("usr/lib/shared", b"first")
        .file("usr/lib/own", b"own")
}

fn second(version: &str) -> TestArchive {
    TestArchive::new("second", version)
        .supersedes("first")
        .file("usr/lib/shared", format!("second {version}").as_bytes())
}

#[test]
fn superseded_path_changes_owner_and_nothing_is_orphaned() {
    let root = TestRoot::new();
    root.install(&[&first()]);
    let plan = root.install(&[&second("1")]);
    let shared = plan
        .paths
        .iter()
        .find(|action| action.path == path("usr/lib/shared"));
    assert_eq!(
        shared.map(|action| &action.change),
        Some(&PathChange::Supersede {
            from: name("first")
        })
    );
    assert_eq!(root.content("usr/lib/shared"), "second 1");
    let owner = |at: &str| root.read().owner(&path(at)).expect("it has one").packages;
    assert_eq!(owner("usr/lib/shared"), [name("second")]);
    assert_eq!(owner("usr/lib/own"), [name("first")]);
    // Both verify, and the first's own file is still looked at.
    assert_eq!(root.findings(), [""; 0]);
    root.put("usr/lib/own", "changed");
    assert_eq!(root.findings(), ["usr/lib/own content"]);
}

#[test]
fn both_can_be_upgraded_and_the_path_stays_with_the_second() {
    let root = TestRoot::new();
    root.install(&[&first()]);
    root.install(&[&second("1")]);
    root.install(&[&second("2")]);
    root.install(&[&TestArchive::new("first", "2")
        .file("usr/lib/shared", b"first 2")
        .file("usr/lib/own", b"own 2")]);
    assert_eq!(root.content("usr/lib/shared"), "second 2");
    assert_eq!(root.content("usr/lib/own"), "own 2");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn order_of_installation_does_not_matter() {
    for archives in [[first(), second("1")], [second("1"), first()]] {
        let together = TestRoot::new();
        together.install(&[&archives[0], &archives[1]]);
        let apart = TestRoot::new();
        apart.install(&[&archives[0]]);
        apart.install(&[&archives[1]]);
        for root in [together, apart] {
            assert_eq!(root.content("usr/lib/shared"), "second 1");
            assert_eq!(root.findings(), [""; 0]);
        }
    }
}

#[test]
fn removing_the_second_says_what_the_first_loses_and_verify_misses_it() {
    let root = TestRoot::new();
    root.install(&[&first()]);
    root.install(&[&second("1")]);
    let plan = root.remove(&["second"]);
    assert_eq!(plan.notices.len(), 1);
    assert_eq!(plan.notices[0].code, "superseded-paths-lost");
    assert_eq!(root.findings(), ["usr/lib/shared missing"]);
    root.install(&[&first()]);
    assert_eq!(root.content("usr/lib/shared"), "first");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn removing_the_first_leaves_what_it_gave() {
    let root = TestRoot::new();
    root.install(&[&first()]);
    root.install(&[&second("1")]);
    root.remove(&["first"]);
    assert_eq!(root.content("usr/lib/shared"), "second 1");
    assert!(!root.exists("usr/lib/own"));
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn database_made_again_from_records_knows_who_has_what() {
    let root = TestRoot::new();
    root.install(&[&first()]);
    root.install(&[&second("1")]);
    fs_err::remove_file(root.path("var/lib/igos/pkm.db")).expect("it is there");
    assert_eq!(
        root.read()
            .owner(&path("usr/lib/shared"))
            .expect("it has one")
            .packages,
        [name("second")]
    );
    drop(root.change());
    assert_eq!(root.findings(), [""; 0]);
}
