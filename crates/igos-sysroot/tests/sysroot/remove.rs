//! Removing packages.

use igos_report::Explain;
use igos_sysroot::{Essential, PlanError};

use crate::support::{TestArchive, TestRoot, name};

fn pair() -> [TestArchive; 2] {
    [
        TestArchive::new("library", "1").file("usr/lib/l", b"l"),
        TestArchive::new("tool", "1")
            .depends("library")
            .file("usr/bin/t", b"t"),
    ]
}

#[test]
fn needed_package_is_refused_naming_who_needs_it() {
    // A seed lost dependencies when it read archives, so that nothing was protected.
    let root = TestRoot::new();
    let [library, tool] = pair();
    root.install(&[&library, &tool]);
    let error = root.plan_remove(&["library"]).expect_err("tool needs it");
    assert!(
        matches!(&error, PlanError::Needed { name: needed, dependants } if *needed == name("library") && *dependants == [name("tool")]),
        "{error:?}"
    );
    assert_eq!(error.exit_code(), 1);
    root.remove(&["library", "tool"]);
    assert!(!root.exists("usr"));
    assert!(!root.exists("var/lib/igos/packages/tool"));
    assert_eq!(root.read().list().expect("a list"), []);
    let history = root.read().history(Some(&name("tool"))).expect("a history");
    assert_eq!(history[0].changes[0].action, "remove");
    assert_eq!(history.len(), 2);
}

#[test]
fn another_provider_lets_a_package_go() {
    let root = TestRoot::new();
    let provider = |package: &str| {
        TestArchive::new(package, "1")
            .with(|manifest| {
                manifest
                    .provides
                    .insert("editor".parse().expect("a provided name"));
            })
            .file(&format!("usr/bin/{package}"), b"x")
    };
    let user = TestArchive::new("user", "1")
        .depends("editor")
        .file("usr/bin/user", b"x");
    root.install(&[&provider("vi"), &provider("ed"), &user]);
    root.remove(&["vi"]);
    let error = root
        .plan_remove(&["ed"])
        .expect_err("now it is the only one");
    assert_eq!(error.code(), "package-needed");
}

#[test]
fn essential_package_goes_only_when_told_so() {
    let root = TestRoot::new();
    let base = TestArchive::new("base", "1")
        .with(|manifest| manifest.is_essential = true)
        .file("usr/bin/base", b"x");
    root.install(&[&base]);
    assert_eq!(
        root.plan_remove(&["base"])
            .expect_err("it is essential")
            .code(),
        "package-essential"
    );
    let mut request = root.request(&[]);
    request.remove = [name("base")].into();
    request.policy.essential = Essential::Remove;
    let plan = root.plan_request(&[], &request).expect("a plan");
    assert_eq!(plan.changes.len(), 1);
}

#[test]
fn absent_package_is_an_error() {
    let root = TestRoot::new();
    let [library, _] = pair();
    root.install(&[&library]);
    let error = root.plan_remove(&["nothing"]).expect_err("it is not there");
    assert_eq!((error.code(), error.exit_code()), ("not-installed", 1));
}

#[test]
fn directory_with_other_things_stays() {
    let root = TestRoot::new();
    let [library, _] = pair();
    root.install(&[
        &library,
        &TestArchive::new("other", "1").file("usr/lib/o", b"o"),
    ]);
    root.put("usr/lib/mine", "mine");
    root.remove(&["library"]);
    assert!(!root.exists("usr/lib/l"));
    assert_eq!(root.content("usr/lib/o"), "o");
    root.remove(&["other"]);
    assert_eq!(root.content("usr/lib/mine"), "mine");
}

#[test]
fn file_that_is_gone_already_does_not_stop_removal() {
    let root = TestRoot::new();
    let [library, _] = pair();
    root.install(&[&library]);
    fs_err::remove_dir_all(root.path("usr/lib")).expect("it is there");
    root.remove(&["library"]);
    assert_eq!(root.read().list().expect("a list"), []);
}
