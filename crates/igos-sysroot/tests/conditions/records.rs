//! The database is a cache: all it knows comes from texts (E7, E8, E9).

use std::collections::BTreeMap;
use std::sync::Arc;

use fs_err as fs;
use igos_format::PackageName;
use igos_format::declaration::{AlternativeDeclaration, HookDeclaration, HookMoment};
use igos_report::Explain;
use igos_sysroot::{
    ChangeOptions, Confined, Durability, Hold, HookPolicy, OpenError, Reason, Request, Sysroot,
    Unmanaged,
};

use crate::support::{DATABASE, TestArchive, TestRoot, apply, dump, name, path};

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
    let mut sysroot = root.change();
    assert_eq!(sysroot.rebuild_database().expect("it can be made"), []);
    drop(sysroot);
    assert_eq!(dump(&root), before);
}

#[test]
fn every_damaged_record_is_named_and_the_others_go_on() {
    let root = eventful();
    for (package, damage) in [("vi", "nonsense"), ("ed", "")] {
        let at = format!("var/lib/igos/packages/{package}");
        root.put(&at, damage);
    }
    fs::remove_file(root.path(DATABASE)).expect("it is there");
    let sysroot = root.change();
    let mut named: Vec<String> = sysroot
        .notices()
        .iter()
        .filter(|notice| notice.code.starts_with("record-"))
        .map(|notice| format!("{:?} {}", notice.place, notice.message))
        .collect();
    named.sort_unstable();
    assert_eq!(named.len(), 2, "{:?}", sysroot.notices());
    assert!(
        named[0].contains("ed") && named[1].contains("vi"),
        "{named:?}"
    );
    let listed: Vec<PackageName> = sysroot
        .list()
        .expect("a list")
        .into_iter()
        .map(|listed| listed.package.name)
        .collect();
    assert_eq!(listed, [name("library")]);
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
