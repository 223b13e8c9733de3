//! The database is a cache: all it knows comes from texts (E7, E8, E9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fs_err as fs;
use igos_format::PackageName;
use igos_format::declaration::{AlternativeDeclaration, HookDeclaration, HookMoment};
use igos_report::Explain;
use igos_sysroot::{
    ChangeOptions, Confined, Durability, Forget, Hold, HookPolicy, Listed, LockedSysroot,
    OpenError, PlanError, QueryError, Reason, Recovery, Request, Sysroot, Unmanaged,
};

use crate::support::{DATABASE, NOW, TestArchive, TestRoot, apply, dump, name, path};

/// A root in which everything happened that a database knows of.
fn eventful() -> TestRoot {
    let root = TestRoot::new();
    let editor = |package: &str, version: &str, priority: i32| {
        TestArchive::new(package, version)
            .file_with(&format!("usr/bin/{package}"), package.as_bytes(), 0o755)
            .configuration(&format!("etc/{package}.conf"), version.as_bytes())
            .with(|manifest| {
                manifest.alternatives.insert(AlternativeDeclaration {
                    path: path("usr/bin/editor"),
                    target: path(&format!("usr/bin/{package}")),
                    priority,
                });
            })
    };
    let library = TestArchive::new("library", "1")
        .file("usr/lib/liba.so.1", b"library")
        .hard_links(1, &["usr/share/one", "usr/share/two"], b"linked");
    let (vi, ed) = (
        editor("vi", "1", 10).depends("library"),
        editor("ed", "1", 20),
    );
    let automatic = Request {
        install: [
            (library.candidate().seal(), Reason::Automatic),
            (vi.candidate().seal(), Reason::Explicit),
            (ed.candidate().seal(), Reason::Explicit),
        ]
        .into(),
        ..root.request(&[])
    };
    change(&root, &[&library, &vi, &ed], &automatic);
    // An edited configuration file waits for an answer.
    root.put("etc/vi.conf", "mine");
    root.install(&[&editor("vi", "2", 10).depends("library")]);
    // A hook that is not run, a removal, marks and holds.
    let hooked = TestArchive::new("hooked", "1")
        .file_with("usr/share/hooked", b"#!/bin/true", 0o755)
        .with(|manifest| {
            manifest.hooks.insert(HookDeclaration {
                moment: HookMoment::PostInstall,
                run: vec!["/usr/share/hooked".to_owned()],
            });
        });
    change(&root, &[&hooked], &root.request(&[&hooked]));
    root.remove(&["hooked"]);
    let marks = Request {
        reasons: BTreeMap::from([(name("library"), Reason::Explicit)]),
        holds: BTreeMap::from([(name("ed"), Hold::Held)]),
        ..root.request(&[])
    };
    change(&root, &[], &marks);
    root
}

fn change(root: &TestRoot, archives: &[&TestArchive], request: &Request) {
    let mut plan = root.plan_request(archives, request).expect("a plan");
    plan.hooks.policy = HookPolicy::Skip;
    let mut sysroot = root.change_with(ChangeOptions {
        durability: Durability::None,
        hooks: Arc::new(Confined::default()),
        ..ChangeOptions::default()
    });
    apply(&mut sysroot, &plan, archives).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
}

#[test]
fn database_of_an_eventful_root_is_made_again_byte_for_byte_from_texts() {
    let whole = fs::read(eventful().path(DATABASE)).expect("it can be read");
    let damages: [(&str, Option<Vec<u8>>); 5] = [
        ("lost", None),
        ("of no byte", Some(Vec::new())),
        ("truncated", Some(whole[..whole.len() / 2].to_vec())),
        (
            "random",
            Some(whole.iter().map(|byte| byte ^ 0xa5).collect()),
        ),
        (
            "another's",
            Some(b"SQLite format 3\0 and then nothing".to_vec()),
        ),
    ];
    for (label, damage) in damages {
        let root = eventful();
        let before = dump(&root);
        for table in ["packages", "files", "depends", "transactions", "changes"] {
            assert!(before.contains(&format!("CREATE TABLE {table}")), "{table}");
        }
        assert!(before.lines().count() > 60, "{before}");
        match damage {
            None => fs::remove_file(root.path(DATABASE)).expect("it is there"),
            Some(bytes) => fs::write(root.path(DATABASE), bytes).expect("it can be written"),
        }
        let notices = root.change().notices().to_vec();
        assert_eq!(notices[0].code, "database-rebuilt", "{label}");
        assert_eq!(dump(&root), before, "{label}");
        let check = igos_sysroot::check_database(&root.root()).expect("it can be compared");
        assert!(check.is_clean(), "{label}: {:?}", check.differences);
        // Edited configuration is all that differs.
        assert_eq!(root.findings(), ["etc/vi.conf content"], "{label}");
    }
}

#[test]
fn asking_for_a_new_database_gives_the_same_one() {
    let root = eventful();
    let before = dump(&root);
    let old = fs::read(root.path(DATABASE)).expect("it can be read");
    let (sysroot, rebuilt) = root.change().rebuild_database().expect("it can be made");
    assert_eq!((rebuilt.done, rebuilt.damaged), (Vec::new(), Vec::new()));
    drop(sysroot);
    assert_eq!(dump(&root), before);
    // The old one is not destroyed.
    assert_eq!(rebuilt.aside.as_deref(), Some("pkm.db.replaced-1"));
    let aside = fs::read(root.path("var/lib/igos/pkm.db.replaced-1"));
    assert_eq!(aside.expect("it can be read"), old);
}

#[test]
fn every_damaged_record_is_named_and_the_others_go_on() {
    let root = eventful();
    for (package, damage) in [("vi", "nonsense"), ("ed", "")] {
        root.put(&format!("var/lib/igos/packages/{package}"), damage);
    }
    fs::remove_file(root.path(DATABASE)).expect("it is there");
    let sysroot = root.read();
    let named: Vec<_> = sysroot.unknown().each();
    let places: Vec<_> = named
        .iter()
        .map(|found| format!("{:?}", found.place))
        .collect();
    assert_eq!(places.len(), 2, "{places:?}");
    assert!(
        places[0].contains("ed") && places[1].contains("vi"),
        "{places:?}"
    );
    // What does not depend on them is answered, all else is refused: it is not "not installed", and not "nobody's".
    assert_eq!(names(&sysroot.list_known().expect("a list")), ["library"]);
    let owned = sysroot.owner(&path("usr/lib/liba.so.1")).expect("an owner");
    assert_eq!(owned.packages, [name("library")]);
    let refused = [
        sysroot.list().expect_err("two are unknown"),
        sysroot.info(&name("vi")).expect_err("it is unknown"),
        sysroot.files(&name("ed")).expect_err("it is unknown"),
        sysroot
            .owner(&path("usr/bin/vi"))
            .expect_err("it is unknown"),
    ];
    for error in refused {
        assert!(matches!(error, QueryError::Unknown { .. }), "{error:?}");
        assert_eq!(error.exit_code(), 4);
    }
    let error = sysroot
        .plan(&[], &root.request(&[]))
        .expect_err("no ground");
    assert!(matches!(error, PlanError::Unknown { .. }), "{error:?}");
    drop(sysroot);
    let damaged: Vec<String> = root
        .findings()
        .into_iter()
        .filter(|found| found.ends_with("record-disagrees"))
        .collect();
    assert_eq!(
        damaged,
        [
            "var/lib/igos/packages/ed record-disagrees",
            "var/lib/igos/packages/vi record-disagrees"
        ]
    );
}

fn names(listed: &[Listed]) -> Vec<&str> {
    listed
        .iter()
        .map(|listed| listed.package.name.as_str())
        .collect()
}

fn open(root: &TestRoot, forget: &[&str]) -> Result<LockedSysroot, OpenError> {
    let packages: BTreeSet<PackageName> = forget.iter().copied().map(name).collect();
    let options = ChangeOptions {
        durability: Durability::None,
        forget: (!packages.is_empty()).then_some(Forget {
            packages,
            time: NOW,
        }),
        ..ChangeOptions::default()
    };
    LockedSysroot::open(root.root(), options)
}

#[test]
fn no_database_is_made_without_a_package_of_which_is_known_that_it_is_installed() {
    let damages: [(&str, Option<&str>); 3] = [
        ("damaged", Some("nonsense")),
        ("of no byte", Some("")),
        ("gone", None),
    ];
    for (label, damage) in damages {
        let root = eventful();
        let (place, whole) = ("var/lib/igos/packages/vi", dump(&root));
        let text = fs::read(root.path(place)).expect("it can be read");
        match damage {
            Some(damage) => root.put(place, damage),
            None => fs::remove_file(root.path(place)).expect("it is there"),
        }
        fs::remove_file(root.path(DATABASE)).expect("it is there");
        let before = root.records();
        // Again and again, and naming another changes nothing.
        for forget in [&[][..], &[], &["ed"]] {
            let error = open(&root, forget).expect_err("vi is not known");
            assert!(
                matches!(error, OpenError::Records { .. }),
                "{label}: {error:?}"
            );
            assert_eq!(error.exit_code(), 1, "{label}");
            let told = format!("{:?}", error.diagnostics());
            assert!(told.contains("record of vi"), "{label}: {told}");
            assert!(told.contains("--forget vi"), "{label}: {told}");
            assert_eq!(root.records(), before, "{label}");
            assert!(!root.exists(DATABASE), "{label}");
        }
        // Put back, everything is as it was.
        fs::write(root.path(place), text).expect("it can be written");
        drop(root.change());
        assert_eq!(dump(&root), whole, "{label}");
    }
}

#[test]
fn package_is_forgotten_when_it_is_named_and_taken_up_again_from_its_archive() {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1").file("usr/bin/a", b"a");
    let other = TestArchive::new("b", "1").file("usr/bin/b", b"b");
    root.install(&[&archive, &other]);
    root.put("var/lib/igos/packages/a", "nonsense");
    fs::remove_file(root.path(DATABASE)).expect("it is there");
    open(&root, &[]).expect_err("a is not known");
    let sysroot = open(&root, &["a"]).expect("a may be forgotten");
    assert_eq!(sysroot.notices()[0].code, "record-forgotten");
    assert_eq!(names(&sysroot.list().expect("a list")), ["b"]);
    let said = sysroot.history(Some(&name("a"))).expect("a history");
    assert_eq!(
        (said[0].transaction, said[0].changes[0].action.as_str()),
        (2, "remove")
    );
    drop(sysroot);
    // For good, and nothing of it is destroyed.
    assert_eq!(names(&root.read().list().expect("a list")), ["b"]);
    assert!(root.exists("usr/bin/a"));
    let aside = fs::read(root.path("var/lib/igos/forgotten-a-2"));
    assert_eq!(aside.expect("it can be read"), b"nonsense");
    root.install(&[&archive]);
    assert_eq!(names(&root.read().list().expect("a list")), ["a", "b"]);
    assert_eq!(root.findings(), [""; 0]);
}

/// Restores what can be, as `pkm recover` does.
fn recover(root: &TestRoot) -> Result<Vec<String>, OpenError> {
    let mut sysroot = open(root, &[])?;
    let mut done = sysroot.notices().to_vec();
    done.extend(sysroot.restore_texts()?);
    Ok(done.into_iter().map(|notice| notice.code).collect())
}

#[test]
fn texts_that_are_lost_are_restored_byte_for_byte_from_a_database_that_has_them() {
    type Loss = fn(&TestRoot);
    let lose: [(&str, Loss); 6] = [
        ("a record", |root| {
            root.put("var/lib/igos/packages/vi", "nonsense")
        }),
        ("the last transaction", |root| {
            fs::remove_file(root.path("var/lib/igos/history/00000005")).expect("it is there");
        }),
        ("a transaction", |root| {
            root.put("var/lib/igos/history/00000002", "")
        }),
        ("all records", |root| empty(root, "packages")),
        ("the history", |root| empty(root, "history")),
        ("everything", |root| {
            empty(root, "packages");
            empty(root, "history");
        }),
    ];
    for (label, lose) in lose {
        let root = eventful();
        let (before, whole) = (root.records(), dump(&root));
        lose(&root);
        // Readers are not told that nothing is installed either.
        let read = root.read();
        assert_eq!(
            names(&read.list().expect("a list")),
            ["ed", "library", "vi"],
            "{label}"
        );
        drop(read);
        let done = recover(&root).expect("it can be restored");
        assert!(!done.is_empty(), "{label}: it is told");
        assert_eq!(root.records(), before, "{label}");
        assert_eq!(dump(&root), whole, "{label}");
        assert_eq!(recover(&root).expect("nothing is left"), [""; 0], "{label}");
    }
}

fn empty(root: &TestRoot, directory: &str) {
    let at = root.path(&format!("var/lib/igos/{directory}"));
    fs::remove_dir_all(&at).expect("it is there");
    fs::create_dir(&at).expect("it can be made");
}

#[test]
fn database_that_is_ahead_and_texts_that_contradict_it_are_both_left_alone() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("usr/bin/a", b"1")]);
    let old = fs::read(root.path("var/lib/igos/packages/a")).expect("it can be read");
    root.install(&[&TestArchive::new("a", "2").file("usr/bin/a", b"2")]);
    fs::write(root.path("var/lib/igos/packages/a"), old).expect("it can be written");
    fs::remove_file(root.path("var/lib/igos/history/00000002")).expect("it is there");
    let (before, whole) = (root.records(), dump(&root));
    let read = Sysroot::open(root.root(), Unmanaged::Refuse).expect_err("neither is believed");
    let change = open(&root, &[]).expect_err("neither is believed");
    for error in [read, change] {
        assert_eq!(
            (error.code(), error.exit_code()),
            ("record-contradiction", 1)
        );
        assert!(!error.hints().is_empty());
    }
    assert_eq!((root.records(), dump(&root)), (before, whole));
}

#[test]
fn database_of_a_transaction_that_is_undone_restores_nothing() {
    let root = TestRoot::new();
    let (one, two) = (
        TestArchive::new("a", "1").file("usr/bin/a", b"1"),
        TestArchive::new("b", "1").file("usr/bin/b", b"2"),
    );
    root.install(&[&one]);
    let before = root.records();
    let plan = root.plan(&[&two], &[&two]).expect("a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[&two]).expect("it can be applied");
    // In force and not settled; then the disk loses one of its files.
    drop(sysroot);
    fs::remove_file(root.path("usr/bin/b")).expect("it is there");
    let sysroot = root.change();
    assert!(
        matches!(sysroot.recovery(), Recovery::Undone { .. }),
        "{:?}",
        sysroot.recovery()
    );
    assert_eq!(names(&sysroot.list().expect("a list")), ["a"]);
    drop(sysroot);
    assert!(root.exists("var/lib/igos/pkm.db.undone-1"));
    fs::remove_file(root.path("var/lib/igos/pkm.db.undone-1")).expect("it is there");
    assert_eq!(root.records(), before);
}

#[test]
fn without_database_and_records_nothing_is_guessed_and_packages_are_adopted() {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1").file("usr/bin/a", b"a");
    root.install(&[&archive]);
    fs::remove_dir_all(root.path("var/lib/igos")).expect("it is there");
    let error = Sysroot::open(root.root(), Unmanaged::Refuse).expect_err("nothing is known");
    assert!(matches!(error, OpenError::Unmanaged { .. }), "{error:?}");
    assert_eq!(error.exit_code(), 4);
    // Its files are there and as the archive says: they become a package again, and nothing is written.
    let before = root.tree();
    root.install(&[&archive]);
    assert_eq!(root.tree(), before);
    assert_eq!(root.findings(), [""; 0]);
}
