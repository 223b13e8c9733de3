//! Links that several packages can serve.

use igos_format::declaration::AlternativeDeclaration;
use igos_sysroot::{Conflict, PathChange, PlanError, Unowned};

use crate::support::{TestArchive, TestRoot, name, path};

/// A package with an editor that offers to be `usr/bin/vi`.
fn editor(package: &str, version: &str, priority: i32) -> TestArchive {
    let program = format!("usr/bin/{package}");
    offers(
        TestArchive::new(package, version).file_with(&program, package.as_bytes(), 0o755),
        "usr/bin/vi",
        &program,
        priority,
    )
}

fn offers(archive: TestArchive, at: &str, target: &str, priority: i32) -> TestArchive {
    let declaration = AlternativeDeclaration {
        path: path(at),
        target: path(target),
        priority,
    };
    archive.with(|manifest| {
        manifest.alternatives.insert(declaration);
    })
}

fn leads_to(root: &TestRoot, at: &str) -> String {
    match fs_err::read_link(root.path(at)) {
        Ok(target) => target.display().to_string(),
        Err(error) => format!("<{}>", error.kind()),
    }
}

#[test]
fn highest_priority_serves_the_path_and_the_next_is_promoted_when_it_goes() {
    let root = TestRoot::new();
    root.install(&[&editor("busybox", "1", 10)]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "busybox");
    let plan = root.install(&[&editor("vim", "1", 50)]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "vim");
    let change = plan
        .paths
        .iter()
        .find(|action| action.path == path("usr/bin/vi"));
    assert_eq!(
        change.map(|action| &action.change),
        Some(&PathChange::Link {
            target: b"vim".to_vec()
        })
    );
    root.install(&[&editor("ed", "1", -5)]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "vim");
    assert_eq!(root.findings(), [""; 0]);
    root.remove(&["vim"]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "busybox");
    root.remove(&["busybox"]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "ed");
    assert_eq!(root.findings(), [""; 0]);
    root.remove(&["ed"]);
    assert!(!root.exists("usr"));
}

#[test]
fn links_are_relative_and_their_directories_come_and_go_with_them() {
    let root = TestRoot::new();
    let archive = offers(
        TestArchive::new("jdk", "1").file("opt/jdk/bin/java", b"java"),
        "usr/local/bin/java",
        "opt/jdk/bin/java",
        1,
    );
    root.install(&[&archive]);
    assert_eq!(
        leads_to(&root, "usr/local/bin/java"),
        "../../../opt/jdk/bin/java"
    );
    assert_eq!(root.content("usr/local/bin/java"), "java");
    root.remove(&["jdk"]);
    assert!(!root.exists("usr") && !root.exists("opt"));
}

#[test]
fn two_packages_may_ship_one_path_when_both_declare_it() {
    let root = TestRoot::new();
    let ship = |package: &str, priority| {
        offers(
            TestArchive::new(package, "1").file_with("usr/bin/gzip", package.as_bytes(), 0o755),
            "usr/bin/gzip",
            "usr/bin/gzip",
            priority,
        )
    };
    let (gzip, pigz) = (ship("gzip", 10), ship("pigz", 20));
    root.install(&[&gzip]);
    assert_eq!(root.content("usr/bin/gzip"), "gzip");
    root.install(&[&pigz]);
    assert_eq!(root.content("usr/bin/gzip"), "pigz");
    assert_eq!(root.findings(), [""; 0]);
    fs_err::remove_file(root.path("usr/bin/gzip")).expect("it is there");
    root.install(&[&pigz]);
    assert_eq!(root.content("usr/bin/gzip"), "pigz");
    assert_eq!(root.findings(), [""; 0]);
    root.remove(&["pigz"]);
    assert_eq!(root.content("usr/bin/gzip"), "gzip");
    assert_eq!(root.findings(), [""; 0]);
    // Declared by one alone it is a conflict like any other.
    let plain = TestArchive::new("other", "1").file("usr/bin/gzip", b"other");
    let error = root.plan(&[&plain], &[&plain]).expect_err("it is served");
    let PlanError::Conflicts(found) = error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(&found[..], [Conflict::Owned { owner, .. }] if *owner == name("gzip")),
        "{found:?}"
    );
    root.remove(&["gzip"]);
    assert!(!root.exists("usr"));
}

#[test]
fn path_of_a_package_that_does_not_declare_it_is_not_taken() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("vi", "1").file("usr/bin/vi", b"vi")]);
    let vim = editor("vim", "1", 50);
    let error = root.plan(&[&vim], &[&vim]).expect_err("vi has it");
    let PlanError::Conflicts(found) = error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(&found[..], [Conflict::Owned { owner, .. }] if *owner == name("vi")),
        "{found:?}"
    );
    assert_eq!(root.content("usr/bin/vi"), "vi");
}

#[test]
fn what_nobody_owns_makes_room_for_a_link_only_when_allowed() {
    let mut root = TestRoot::new();
    root.put("usr/bin/vi", "my own");
    let vim = editor("vim", "1", 50);
    root.plan(&[&vim], &[&vim]).expect_err("it is in the way");
    root.unowned = Unowned::Backup;
    root.install(&[&vim]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "vim");
    assert_eq!(root.content("usr/bin/vi.pkmold"), "my own");
}

#[test]
fn link_that_the_administrator_turned_elsewhere_is_respected_and_reported() {
    let root = TestRoot::new();
    root.install(&[&editor("busybox", "1", 10)]);
    fs_err::remove_file(root.path("usr/bin/vi")).expect("it is there");
    std::os::unix::fs::symlink("/opt/vi", root.path("usr/bin/vi")).expect("links");
    assert_eq!(root.findings(), ["usr/bin/vi target"]);
    root.install(&[&editor("vim", "1", 50)]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "/opt/vi");
    root.remove(&["busybox", "vim"]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "/opt/vi");
}

#[test]
fn package_may_drop_the_file_for_the_link_and_the_link_for_the_file() {
    let root = TestRoot::new();
    let plain = |version| TestArchive::new("vim", version).file("usr/bin/vi", b"vi itself");
    root.install(&[&plain("1")]);
    root.install(&[&editor("vim", "2", 50)]);
    assert_eq!(leads_to(&root, "usr/bin/vi"), "vim");
    assert_eq!(root.findings(), [""; 0]);
    root.install(&[&plain("3")]);
    assert_eq!(root.content("usr/bin/vi"), "vi itself");
    assert!(!root.path("usr/bin/vi").is_symlink());
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn missing_link_is_found_and_the_link_is_no_extra_file() {
    let root = TestRoot::new();
    root.install(&[&editor("vim", "1", 50)]);
    let mut request = igos_sysroot::VerifyRequest::all();
    request.extras = igos_sysroot::Extras::PackageDirectories;
    let report = root.read().verify(&request, &igos_report::Quiet);
    assert_eq!(report.expect("it can be verified").findings, []);
    let owned = root.read().owner(&path("usr/bin/vi")).expect("it is owned");
    assert_eq!(owned.packages, [name("vim")]);
    fs_err::remove_file(root.path("usr/bin/vi")).expect("it is there");
    assert_eq!(root.findings(), ["usr/bin/vi missing"]);
    // Reinstalling brings it back.
    root.install(&[&editor("vim", "1", 50)]);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn interpreter_that_is_an_alternative_satisfies_scripts() {
    let root = TestRoot::new();
    let dash = offers(
        TestArchive::new("dash", "1").file_with("usr/bin/dash", b"dash", 0o755),
        "usr/bin/sh",
        "usr/bin/dash",
        1,
    );
    let script = TestArchive::new("script", "1")
        .with(|manifest| {
            manifest
                .features_required
                .insert("path:/usr/bin/sh".parse().expect("a feature"));
        })
        .file("usr/bin/script", b"#!/usr/bin/sh");
    root.install(&[&dash]);
    root.install(&[&script]);
    root.plan_remove(&["dash"])
        .expect_err("script needs the link");
}
