//! A transaction stopped at every mutation: afterwards the root is entirely old or entirely new.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use igos_root::Directory;
use igos_sysroot::{ChangeOptions, Disk, Durability, Mutations, Plan, Recovery};

use crate::faulty::{Faulty, Stop, options};
use crate::support::{TestArchive, TestRoot, apply};

/// Three packages of some twenty paths: files, links, hard links, configuration, shared directories.
fn world(version: &str) -> [TestArchive; 3] {
    static MADE: OnceLock<Mutex<BTreeMap<String, [TestArchive; 3]>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().expect("no panic");
    made.entry(version.to_owned())
        .or_insert_with(|| {
            let archives = make_world(version);
            archives.iter().for_each(|archive| drop(archive.bytes()));
            archives
        })
        .clone()
}

fn make_world(version: &str) -> [TestArchive; 3] {
    let body = |text: &str| format!("{text} {version}").into_bytes();
    let library = TestArchive::new("library", version)
        .directory("usr", 0o755)
        .directory("usr/lib", 0o755)
        .file("usr/lib/libx.so.1", &body("library"))
        .symlink("usr/lib/libx.so", "libx.so.1")
        .hard_links(1, &["usr/lib/one", "usr/lib/two"], &body("linked"));
    let tool = TestArchive::new("tool", version)
        .depends("library")
        .directory("usr/bin", 0o750)
        .file_with("usr/bin/tool", &body("tool"), 0o755)
        .configuration("etc/tool.conf", &body("configuration"))
        .configuration("etc/edited.conf", &body("configuration"))
        .file("usr/share/same-one", &body("same"))
        .file("usr/share/same-two", &body("same"))
        .file(
            &format!("usr/share/only-{version}/deep/file"),
            &body("only"),
        );
    let kind = if version == "1" {
        TestArchive::new("kinds", version).file("usr/share/kind", &body("a file"))
    } else {
        TestArchive::new("kinds", version).file("usr/share/kind/inside", &body("a tree"))
    };
    [library, tool, kind]
}

/// One operation on a prepared root.
struct Case {
    prepare: fn(&TestRoot),
    plan: fn(&TestRoot) -> Plan,
    archives: fn() -> Vec<TestArchive>,
}

const CASES: [(&str, Case); 4] = [
    (
        "install",
        Case {
            prepare: |root| {
                root.install(&[&TestArchive::new("other", "1").file("usr/share/other", b"other")]);
            },
            plan: |root| {
                let [a, b, c] = world("1");
                root.plan(&[&a, &b, &c], &[&a, &b, &c]).expect("a plan")
            },
            archives: || world("1").to_vec(),
        },
    ),
    (
        "upgrade",
        Case {
            prepare: |root| {
                let [a, b, c] = world("1");
                root.install(&[&a, &b, &c]);
                root.put("etc/edited.conf", "mine");
            },
            plan: |root| {
                let [a, b, c] = world("2");
                root.plan(&[&a, &b, &c], &[&a, &b, &c]).expect("a plan")
            },
            archives: || world("2").to_vec(),
        },
    ),
    (
        "remove",
        Case {
            prepare: |root| {
                let [a, b, c] = world("1");
                root.install(&[&a, &b, &c]);
                root.put("etc/edited.conf", "mine");
            },
            plan: |root| {
                root.plan_remove(&["tool", "library", "kinds"])
                    .expect("a plan")
            },
            archives: Vec::new,
        },
    ),
    (
        "rollback",
        Case {
            prepare: |root| {
                let [a, b, c] = world("1");
                root.install(&[&a, &b, &c]);
                root.put("etc/edited.conf", "mine");
                let [a, b, c] = world("2");
                root.install(&[&a, &b, &c]);
                root.remove(&["kinds"]);
            },
            plan: |root| crate::rollback::plan(root, 2).expect("a plan"),
            archives: Vec::new,
        },
    ),
];

/// What there is to compare: the tree, the records, and what the database answers.
fn state(root: &TestRoot) -> (String, String, String) {
    let sysroot = root.read();
    assert_eq!(
        sysroot.notices(),
        [],
        "the database is whole and up to date"
    );
    let mut answers = format!("{:?}\n{:?}", sysroot.list(), sysroot.history(None));
    for listed in sysroot.list().expect("a list") {
        answers += &format!("{:?}", sysroot.files(&listed.package.name));
    }
    (root.tree(), root.records(), answers)
}

/// Runs one case with a fault; returns whether it said it succeeded, and how many mutations it came to.
fn run(root: &TestRoot, case: &Case, faulty: &Arc<Faulty>) -> bool {
    let archives = (case.archives)();
    let archives: Vec<_> = archives.iter().collect();
    let plan = (case.plan)(root);
    let opened = igos_sysroot::LockedSysroot::create_or_open(
        root.root(),
        options(Arc::clone(faulty) as Arc<dyn Mutations>),
    );
    let Ok(mut sysroot) = opened else {
        return false;
    };
    let applied = apply(&mut sysroot, &plan, &archives).is_ok();
    if applied {
        // Whether the old files go now or at the next opening is all the same.
        match sysroot.settle() {
            Ok(()) | Err(_) => {}
        }
    }
    applied
}

/// Returns the states before and after, and how many mutations lie between.
fn outcomes(case: &Case) -> ([(String, String, String); 2], u64) {
    let root = TestRoot::in_memory();
    (case.prepare)(&root);
    let old = state(&root);
    let counter = Faulty::new(Stop::Dies, u64::MAX);
    assert!(run(&root, case, &counter));
    assert_eq!(
        root.findings()
            .iter()
            .filter(|found| !found.starts_with("etc/"))
            .count(),
        0
    );
    ([old, state(&root)], counter.seen())
}

/// Undoes the last transaction, wherever it was stopped: whatever it took out of the root was kept.
fn can_be_undone(root: &TestRoot, old: &(String, String, String), at: &str) {
    let last = root.read().history(None).expect("a history")[0].transaction;
    let plan = crate::rollback::plan(root, last).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[]).expect("it can be applied");
    drop(sysroot);
    assert_eq!(root.tree(), old.0, "{at}");
}

#[test]
fn stopped_at_every_mutation_the_root_is_old_or_new_after_reopening() {
    for (label, case) in &CASES {
        let ([old, new], mutations) = outcomes(case);
        assert_ne!(old, new);
        assert!(mutations > 20, "{label} takes {mutations} mutations");
        let (mut olds, mut news) = (0, 0);
        for stop in [Stop::Dies, Stop::DiesAfter] {
            for at in 0..mutations {
                let root = TestRoot::in_memory();
                (case.prepare)(&root);
                let applied = run(&root, case, &Faulty::new(stop, at));
                let recovered = root.change();
                drop(recovered);
                let found = state(&root);
                if found == new {
                    news += 1;
                } else {
                    assert_eq!(found, old, "{label} {stop:?} at {at}");
                    assert!(!applied, "{label} {stop:?} at {at} said it was done");
                    olds += 1;
                }
                let clean =
                    fs_err::read_dir(root.path("var/lib/igos/staging")).expect("it is there");
                assert_eq!(clean.count(), 0, "{label} {stop:?} at {at}");
                if found == new {
                    can_be_undone(&root, &old, &format!("{label} {stop:?} at {at}"));
                }
            }
        }
        assert!(olds > 0 && news > 0, "{label}: {olds} old, {news} new");
    }
}

#[test]
fn failed_once_at_every_mutation_the_root_is_old_with_an_error_or_new_without() {
    for (label, case) in &CASES {
        let ([old, new], mutations) = outcomes(case);
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied] {
            for at in 0..mutations {
                let root = TestRoot::in_memory();
                (case.prepare)(&root);
                let faulty = Faulty::new(Stop::Fails(kind), at);
                let applied = run(&root, case, &faulty);
                // Without the help of recovery, except for what could only be taken back by it.
                let needs_recovery = root.exists("var/lib/igos/journal");
                if needs_recovery {
                    drop(root.change());
                }
                let found = state(&root);
                let expected = if applied { &new } else { &old };
                assert!(
                    found == *expected || (needs_recovery && found == new),
                    "{label} {kind:?} at {at}: applied {applied}, journal {needs_recovery}"
                );
            }
        }
    }
}

#[test]
fn recovery_itself_can_be_stopped_at_every_mutation() {
    let (_, case) = &CASES[1];
    let ([old, new], mutations) = outcomes(case);
    // Stops in the middle of the exchanges, where there is most to recover, and while old files are put away.
    for first in [
        mutations / 2,
        mutations * 2 / 3,
        mutations * 4 / 5,
        mutations - 8,
    ] {
        for second in 0.. {
            let root = TestRoot::in_memory();
            (case.prepare)(&root);
            run(&root, case, &Faulty::new(Stop::Dies, first));
            let faulty = Faulty::new(Stop::Dies, second);
            let reopened = igos_sysroot::LockedSysroot::open(
                root.root(),
                options(Arc::clone(&faulty) as Arc<dyn Mutations>),
            );
            let is_done = reopened.is_ok() && faulty.seen() <= second;
            drop(reopened);
            drop(root.change());
            let found = state(&root);
            assert!(found == new || found == old, "{first} then {second}");
            if is_done {
                break;
            }
        }
    }
}

#[test]
fn transaction_that_cannot_be_finished_is_undone() {
    let (_, case) = &CASES[1];
    let ([old, _], mutations) = outcomes(case);
    // The last stop after the commit point at which nothing was exchanged yet: found by its journal.
    let root = TestRoot::in_memory();
    let at = (0..mutations)
        .find(|at| {
            let root = TestRoot::in_memory();
            (case.prepare)(&root);
            run(&root, case, &Faulty::new(Stop::Dies, *at));
            root.exists("var/lib/igos/journal")
        })
        .expect("there is a commit point");
    (case.prepare)(&root);
    run(&root, case, &Faulty::new(Stop::Dies, at + 2));
    // Somebody takes a staged file away: it can neither be in its slot nor in place.
    let slots = root.path("var/lib/igos/staging");
    let mut names: Vec<_> = fs_err::read_dir(&slots)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    names.sort();
    let content = |path: &std::path::PathBuf| fs_err::read(path).unwrap_or_default();
    let victim = names
        .iter()
        .find(|path| content(path) == b"tool 2")
        .expect("the new tool is staged");
    fs_err::remove_file(victim).expect("it can be deleted");
    let sysroot = root.change();
    assert!(
        matches!(sysroot.recovery(), Recovery::Undone { path, .. } if path == "usr/bin/tool"),
        "{:?}",
        sysroot.recovery()
    );
    assert_eq!(sysroot.notices().len(), 1);
    drop(sysroot);
    assert_eq!(state(&root), old);
}

#[test]
fn install_waits_for_the_disk_twice_at_most_before_it_says_so() {
    #[derive(Debug, Default)]
    struct Counter {
        filesystems: AtomicU64,
        directories: AtomicU64,
    }
    impl Mutations for Counter {
        fn sync_filesystem(&self, at: &Directory) -> io::Result<()> {
            self.filesystems.fetch_add(1, Ordering::SeqCst);
            Disk.sync_filesystem(at)
        }
        fn sync(&self, at: &Directory) -> io::Result<()> {
            self.directories.fetch_add(1, Ordering::SeqCst);
            Disk.sync(at)
        }
    }
    let cases = [
        ("1", Durability::Full, [1, 1, 2, 2]),
        ("1", Durability::None, [0; 4]),
        // Old files are kept, for which the journal gets another name.
        ("2", Durability::Full, [1, 1, 2, 2]),
        ("2", Durability::None, [0; 4]),
    ];
    for (version, durability, expected) in cases {
        let root = TestRoot::in_memory();
        if version == "2" {
            let [a, b, c] = world("1");
            root.install(&[&a, &b, &c]);
        }
        let counter = Arc::new(Counter::default());
        let mut sysroot = root.change_with(ChangeOptions {
            durability,
            mutations: Arc::clone(&counter) as Arc<dyn Mutations>,
            ..ChangeOptions::default()
        });
        let count = || {
            let read = |value: &AtomicU64| value.load(Ordering::SeqCst);
            (read(&counter.filesystems), read(&counter.directories))
        };
        let [a, b, c] = world(version);
        let plan = root.plan(&[&a, &b, &c], &[&a, &b, &c]).expect("a plan");
        apply(&mut sysroot, &plan, &[&a, &b, &c]).expect("it can be applied");
        let applied = count();
        sysroot.settle().expect("it can be settled");
        let settled = count();
        let found = [applied.0, applied.1, settled.0, settled.1];
        assert_eq!(found, expected, "{version} {durability:?}");
    }
}

/// A power cut once brought a journal back after somebody had replaced one of its files, and all of it was undone.
#[test]
fn a_deleted_journal_is_waited_for_before_anybody_can_change_what_it_names() {
    #[derive(Debug, Default)]
    struct Order(Mutex<Vec<String>>);
    impl Order {
        fn push(&self, what: String) {
            self.0.lock().expect("no panic").push(what);
        }
    }
    impl Mutations for Order {
        fn delete(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
            self.push(format!("delete {}", String::from_utf8_lossy(name)));
            Disk.delete(at, name)
        }
        fn sync(&self, at: &Directory) -> io::Result<()> {
            self.push("sync".to_owned());
            Disk.sync(at)
        }
    }
    let root = TestRoot::in_memory();
    let order = Arc::new(Order::default());
    let mut sysroot = root.change_with(ChangeOptions {
        mutations: Arc::clone(&order) as Arc<dyn Mutations>,
        ..ChangeOptions::default()
    });
    let [a, b, c] = world("1");
    let plan = root.plan(&[&a, &b, &c], &[&a, &b, &c]).expect("a plan");
    apply(&mut sysroot, &plan, &[&a, &b, &c]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let order = order.0.lock().expect("no panic");
    let deleted = order.iter().position(|what| what == "delete journal");
    let next = order.get(deleted.expect("it is deleted") + 1);
    assert_eq!(next.map(String::as_str), Some("sync"));
}

#[test]
fn unsettled_transaction_is_settled_by_the_next_opening() {
    let root = TestRoot::in_memory();
    let [a, b, c] = world("1");
    let plan = root.plan(&[&a, &b, &c], &[&a, &b, &c]).expect("a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[&a, &b, &c]).expect("it can be applied");
    drop(sysroot);
    assert!(root.exists("var/lib/igos/journal"));
    assert_eq!(root.read().notices()[0].code, "transaction-unsettled");
    assert_eq!(root.findings(), [""; 0]);
    let sysroot = root.change();
    assert_eq!(*sysroot.recovery(), Recovery::Finished { transaction: 1 });
    drop(sysroot);
    assert!(!root.exists("var/lib/igos/journal"));
}
