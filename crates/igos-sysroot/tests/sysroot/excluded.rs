//! Paths that a root is to be without.

use std::collections::BTreeSet;

use igos_sysroot::{Exclusions, Plan, Policy, Reason, Request, RunningKernel, Unsigned};

use crate::support::{TestArchive, TestRoot, apply, name};

fn tool(version: &str) -> TestArchive {
    TestArchive::new("tool", version)
        .file("usr/bin/tool", version.as_bytes())
        .directory("usr/share/doc", 0o755)
        .directory("usr/share/doc/tool", 0o755)
        .file("usr/share/doc/tool/README", version.as_bytes())
        .file("usr/share/man/tool.1", version.as_bytes())
}

fn patterns(texts: &[&str]) -> Exclusions {
    let patterns: BTreeSet<_> = texts
        .iter()
        .map(|text| text.parse().expect("a pattern"))
        .collect();
    Exclusions::new(patterns)
}

fn install(root: &TestRoot, archive: &TestArchive, exclusions: Option<Exclusions>) -> Plan {
    let candidate = archive.candidate();
    let policy = Policy {
        unsigned: Unsigned::Allow,
        exclusions,
        ownership: root.ownership,
        ..Policy::strict(RunningKernel::Ignore)
    };
    let request = Request {
        install: [(candidate.seal(), Reason::Explicit)].into(),
        ..Request::new(policy)
    };
    let plan = igos_sysroot::Sysroot::open(root.root(), igos_sysroot::Unmanaged::Empty)
        .expect("it opens")
        .plan(&[candidate], &request)
        .expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[archive]).expect("the plan can be applied");
    sysroot.settle().expect("it can be settled");
    plan
}

#[test]
fn excluded_paths_do_not_come_and_are_not_missed() {
    let root = TestRoot::new();
    install(&root, &tool("1"), Some(patterns(&["usr/share/doc/**"])));
    assert!(root.exists("usr/share/man/tool.1"));
    assert!(!root.exists("usr/share/doc"));
    assert_eq!(root.findings(), [""; 0]);
    let record = root.read().record(&name("tool")).expect("a record");
    assert_eq!(record.installed.excluded, patterns(&["usr/share/doc/**"]));
    // They stay excluded without being said again, in every package.
    install(&root, &tool("2"), None);
    assert!(!root.exists("usr/share/doc"));
    assert!(
        root.content("var/lib/igos/excluded")
            .contains("excluded usr/share/doc/**\n")
    );
    root.remove(&["tool"]);
    assert!(!root.exists("usr"));
}

#[test]
fn paths_go_when_they_are_excluded_and_come_when_they_no_longer_are() {
    let root = TestRoot::new();
    install(&root, &tool("1"), None);
    assert!(root.exists("usr/share/doc/tool/README"));
    install(&root, &tool("1"), Some(patterns(&["usr/share/**"])));
    assert!(!root.exists("usr/share"));
    assert_eq!(root.findings(), [""; 0]);
    install(&root, &tool("1"), Some(patterns(&[])));
    assert_eq!(root.content("usr/share/doc/tool/README"), "1");
    assert!(!root.exists("var/lib/igos/excluded"));
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn what_lies_at_an_excluded_path_has_to_be_as_the_package_says() {
    let root = TestRoot::new();
    install(&root, &tool("1"), Some(patterns(&["usr/share/doc/**"])));
    root.put("usr/share/doc/tool/README", "trojan");
    assert_eq!(root.findings(), ["usr/share/doc/tool/README content"]);
}
