//! Archives that are what they say and mean harm all the same: contained as `docs/formats/hostile-archives.md` says.

use std::io::{self, Cursor};

use igos_format::declaration::AlternativeDeclaration;
use igos_report::{Explain, Quiet};
use igos_sysroot::{
    ApplyError, ArchiveSource, Change, PlanError, RepairConfiguration, RepairRequest, Request,
    Unsigned,
};

use crate::refused::snapshot;
use crate::roots::{NOW, TestArchive, TestRoot, apply, path};

/// Returns the codes of what stands in the way of a plan.
fn stopped(root: &TestRoot, archives: &[&TestArchive]) -> Vec<&'static str> {
    match root.plan(archives, archives) {
        Ok(_) => Vec::new(),
        Err(PlanError::Conflicts(conflicts)) => conflicts.iter().map(Explain::code).collect(),
        Err(error) => vec![error.code()],
    }
}

/// A package that makes `opt/door` lead out of the root.
fn door(beside: &TestRoot) -> TestArchive {
    let target = beside.directory.path().to_str().expect("it is UTF-8");
    TestArchive::new("door", "1").symlink("opt/door", target)
}

#[test]
fn link_of_one_archive_is_not_a_way_for_another() {
    let (root, beside) = (TestRoot::new(), TestRoot::new());
    let through = TestArchive::new("through", "1").file("opt/door/evil", b"evil");
    assert_eq!(
        stopped(&root, &[&door(&beside), &through]),
        ["file-in-two-packages"]
    );
    root.install(&[&door(&beside)]);
    assert_eq!(stopped(&root, &[&through]), ["directory-replaced"]);
    assert_eq!(beside.tree(), "");
}

#[test]
fn link_that_leads_to_the_record_is_not_a_way_to_it() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("door", "1").symlink("opt/door", "/var/lib/igos")]);
    let through = TestArchive::new("through", "1").file("opt/door/packages/door", b"evil");
    let before = snapshot(&root);
    assert_eq!(stopped(&root, &[&through]), ["directory-replaced"]);
    assert_eq!(snapshot(&root), before);
}

#[test]
fn merged_directory_that_leads_to_the_record_is_not_a_way_to_it() {
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("var/lib/igos")).expect("the root is ours");
    std::os::unix::fs::symlink("var/lib/igos", root.path("lib")).expect("the root is ours");
    let through = TestArchive::new("through", "1").file("lib/packages/other", b"evil");
    assert_eq!(
        root.plan(&[&through], &[&through])
            .map(drop)
            .map_err(|error| error.code()),
        Err("conflicts")
    );
}

#[test]
fn alternative_does_not_replace_the_record() {
    let root = TestRoot::new();
    let offers = |at: &str| {
        let declared = AlternativeDeclaration {
            path: path(at),
            target: path("usr/bin/evil"),
            priority: 1,
        };
        TestArchive::new("evil", "1")
            .file("usr/bin/evil", b"evil")
            .with(|manifest| {
                manifest.alternatives.insert(declared);
            })
    };
    assert_eq!(stopped(&root, &[&offers("usr/bin/free")]), [""; 0]);
    assert_eq!(
        stopped(&root, &[&offers("var/lib/igos/db")]),
        ["path-reserved"]
    );
    assert_eq!(stopped(&root, &[&offers("usr/.pkm-1")]), ["path-reserved"]);
}

#[test]
fn settings_and_keys_of_the_package_manager_are_not_brought_by_packages() {
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("etc/igos")).expect("the root is ours");
    std::os::unix::fs::symlink("etc/igos", root.path("lib")).expect("the root is ours");
    let through = TestArchive::new("through", "1").file("lib/pkm.toml", b"evil");
    let stopped = root.plan(&[&through], &[&through]).map(drop);
    assert_eq!(stopped.map_err(|error| error.code()), Err("conflicts"));
    for at in ["etc/igos/repositories.d/evil.toml", "etc/igos/pkm.toml"] {
        assert!(igos_format::manifest::is_reserved(&path(at)), "{at}");
    }
}

#[test]
fn archive_for_another_machine_is_refused() {
    let root = TestRoot::new();
    let other = igos_format::Arch::ALL
        .into_iter()
        .find(|arch| *arch != igos_format::Arch::native() && *arch != igos_format::Arch::Any)
        .expect("there are several");
    let first =
        TestArchive::new("first", "1").with(|m| m.package.arch = igos_format::Arch::native());
    root.install(&[&first]);
    let archive = TestArchive::new("other", "1").with(|manifest| manifest.package.arch = other);
    assert_eq!(stopped(&root, &[&archive]), ["wrong-architecture"]);
}

#[test]
fn archive_that_nobody_signed_is_refused_unless_that_is_allowed() {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1").file("usr/bin/a", b"a");
    let mut request: Request = root.request(&[&archive]);
    request.policy.unsigned = Unsigned::Refuse;
    let error = root
        .plan_request(&[&archive], &request)
        .expect_err("it is refused");
    assert_eq!(error.code(), "archive-unsigned");
}

#[test]
fn archive_exchanged_after_it_was_planned_is_refused() {
    let root = TestRoot::new();
    let shown = TestArchive::new("a", "1").file("usr/bin/a", b"shown");
    let evil = TestArchive::new("a", "1").file("usr/bin/a", b"evil");
    let plan = root.plan(&[&shown], &[&shown]).expect("there is a plan");
    let mut sysroot = root.change();
    let open = |_: &Change| -> io::Result<ArchiveSource> {
        Ok(ArchiveSource::Whole(Box::new(Cursor::new(evil.bytes()))))
    };
    let error = sysroot
        .apply(&plan, plan.digest(), &open, NOW, &Quiet)
        .expect_err("it is another archive");
    assert_eq!(error.code(), "archive-changed");
    assert!(!root.exists("usr"));
    // What was confirmed is a digest: another plan has another.
    let other = root.plan(&[&evil], &[&evil]).expect("there is a plan");
    let error = sysroot
        .apply(&plan, other.digest(), &open, NOW, &Quiet)
        .expect_err("another plan was confirmed");
    assert_eq!(error.code(), "plan-not-confirmed");
    drop(sysroot);
    apply(&mut root.change(), &plan, &[&shown]).expect("what was shown goes in");
    assert_eq!(root.content("usr/bin/a"), "shown");
}

/// What a path was planned to be does not count, but where it leads when it is written or deleted.
#[test]
fn package_that_is_led_to_the_record_by_a_later_link_neither_repairs_nor_removes_it() {
    let root = TestRoot::new();
    let other = TestArchive::new("other", "1").file("usr/bin/other", b"other");
    let merged = |version: &str, to: &str| TestArchive::new("merged", version).symlink("lib", to);
    let through = TestArchive::new("through", "1").file("lib/igos/packages/other", b"evil");
    root.install(&[&other, &merged("1", "opt/x"), &through]);
    assert_eq!(
        stopped(&root, &[&merged("2", "var/lib/igos")]),
        ["path-reserved"]
    );
    root.install(&[&merged("2", "var/lib")]);
    let record = root.content("var/lib/igos/packages/other");
    let request = RepairRequest {
        packages: Default::default(),
        paths: Default::default(),
        configuration: RepairConfiguration::Leave,
        ownership: root.ownership,
    };
    let repair = root.read().plan_repair(&request, &Quiet);
    let repair = repair.expect("it can be planned").plan;
    let error = apply(&mut root.change(), &repair, &[&through]).expect_err("it is the record");
    let ApplyError::Refused(refusals) = &error else {
        panic!("{error:?}");
    };
    let codes: Vec<_> = refusals.iter().map(Explain::code).collect();
    assert_eq!((codes, error.exit_code()), (vec!["path-reserved"], 1));
    assert_eq!(root.content("var/lib/igos/packages/other"), record);
    // What goes is the file that was installed, where it was installed.
    root.remove(&["through"]);
    assert_eq!(root.content("var/lib/igos/packages/other"), record);
    assert!(!root.exists("opt/x"));
}
