//! Configuration files: edits are kept, deletions too.

use crate::support::{TestArchive, TestRoot};

fn daemon(version: &str, configuration: &str) -> TestArchive {
    TestArchive::new("daemon", version)
        .configuration("etc/daemon.conf", configuration.as_bytes())
        .file("usr/bin/daemon", version.as_bytes())
}

#[test]
fn untouched_configuration_file_is_replaced_on_upgrade() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
}

#[test]
fn edited_configuration_file_is_kept_on_upgrade_and_the_new_one_put_beside() {
    // A seed overwrote it when the archive's names began with `./`.
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "two");
    // A later one takes the place of the one beside.
    root.install(&[&daemon("3", "three")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "three");
    let report = root.verify();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].class, igos_sysroot::Class::Configuration);
    assert_eq!(report.counts.configuration_findings, 1);
    assert_eq!(report.counts.code_findings, 0);
}

#[test]
fn edited_file_is_left_alone_when_the_new_version_brings_nothing_new() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "one")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
}

#[test]
fn edit_that_equals_the_new_version_is_adopted() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "two");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn deleted_configuration_file_stays_deleted() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    fs_err::remove_file(root.path("etc/daemon.conf")).expect("it is there");
    root.install(&[&daemon("2", "two")]);
    assert!(!root.exists("etc/daemon.conf"));
    assert_eq!(root.findings(), ["etc/daemon.conf missing"]);
    assert_eq!(root.verify().counts.configuration_findings, 1);
}

#[test]
fn configuration_file_that_became_a_link_is_never_written_through() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/elsewhere", "one");
    fs_err::remove_file(root.path("etc/daemon.conf")).expect("it is there");
    std::os::unix::fs::symlink("elsewhere", root.path("etc/daemon.conf")).expect("links");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/elsewhere"), "one");
    assert!(root.path("etc/daemon.conf").is_symlink());
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "two");
    assert_eq!(root.findings(), ["etc/daemon.conf type"]);
}

#[test]
fn unowned_configuration_file_is_kept_on_first_installation() {
    let root = TestRoot::new();
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("1", "one")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "one");
}

#[test]
fn removal_keeps_edited_configuration_and_takes_the_rest() {
    let root = TestRoot::new();
    let archive = daemon("1", "one").configuration("etc/plain.conf", b"plain");
    root.install(&[&archive]);
    root.put("etc/daemon.conf", "mine");
    root.remove(&["daemon"]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert!(!root.exists("etc/plain.conf"));
    assert!(!root.exists("usr"));
}

#[test]
fn file_edited_between_plan_and_application_is_not_lost() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    let next = daemon("2", "two");
    let plan = root.plan(&[&next], &[&next]).expect("a plan");
    root.put("etc/daemon.conf", "mine");
    let mut sysroot = root.change();
    let error = crate::support::apply(&mut sysroot, &plan, &[&next]).expect_err("it changed");
    assert_eq!(igos_report::Explain::code(&error), "pre-flight-refused");
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("usr/bin/daemon"), "1");
}
