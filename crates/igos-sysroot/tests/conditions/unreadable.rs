//! Texts and databases that cannot be read (P11, E3): what depends on them is not answered, and nothing is written.

use std::path::Path;

use fs_err as fs;
use igos_report::{Explain, Quiet};
use igos_sysroot::{
    ChangeOptions, Difference, LockedSysroot, OpenError, QueryError, RollbackRequest,
    RunningKernel, Sysroot, Unknown, Unmanaged, VerifyRequest, check_database,
};

use crate::disks::become_nobody;
use crate::mounted::Mounted;
use crate::support::{DATABASE, TestArchive, TestRoot, dump, name, path, skipped};

/// Reading the first page of a process's memory is a true EIO.
const BROKEN: &str = "/proc/self/mem";

const RECORD: &str = "var/lib/igos/packages/a";

fn root() -> TestRoot {
    let root = TestRoot::new();
    root.install(&[
        &TestArchive::new("a", "1").file("usr/bin/a", b"a"),
        &TestArchive::new("b", "1").file("usr/bin/b", b"b"),
    ]);
    root
}

fn open(root: &TestRoot) -> Result<LockedSysroot, OpenError> {
    LockedSysroot::open(root.root(), ChangeOptions::default())
}

/// What every reader says of a root that has no database, and the record of `a` cannot be read.
fn assert_unknown(sysroot: &Sysroot) {
    assert_eq!(sysroot.unknown().why(&name("a")), Some(Unknown::Unreadable));
    let refused = [
        sysroot.list().expect_err("one is unknown"),
        sysroot.info(&name("a")).expect_err("it is unknown"),
        sysroot
            .owner(&path("usr/bin/a"))
            .expect_err("it may be of a"),
    ];
    for error in refused {
        assert!(matches!(error, QueryError::Unknown { .. }), "{error:?}");
        assert_eq!(error.exit_code(), 4);
    }
    let owned = sysroot.owner(&path("usr/bin/b")).expect("an owner");
    assert_eq!(owned.packages, [name("b")]);
}

#[test]
fn record_that_a_user_may_not_read_is_no_package_that_is_not_there() {
    if !rustix::process::geteuid().is_root() {
        skipped("only root can make a file of another user");
        return;
    }
    let root = root();
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(root.path(RECORD), closed).expect("modes");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(root.path(""), open).expect("modes");
    fs::remove_file(root.path(DATABASE)).expect("it is there");
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // Other threads, which read records, inherit from this one.
            become_nobody();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
            pool.expect("a thread").install(|| {
                assert_unknown(&root.read());
                let check = check_database(&root.root()).expect_err("it cannot be compared");
                assert_eq!(check.exit_code(), 4);
            });
        });
        reader.join().expect("it is as it should be");
    });
}

#[test]
fn privileged_record_that_cannot_be_read_is_named_and_nothing_is_made_without_it() {
    let root = root();
    fs::remove_file(root.path(DATABASE)).expect("it is there");
    let Some(_mounted) = Mounted::bind(Path::new(BROKEN), &root.path(RECORD)) else {
        return;
    };
    assert_unknown(&root.read());
    let error = open(&root).expect_err("a is not known");
    assert!(matches!(error, OpenError::Records { .. }), "{error:?}");
    assert_eq!(error.exit_code(), 4);
    let told = format!("{:?}", error.diagnostics());
    assert!(
        told.contains("record of a") && told.contains("os error 5"),
        "{told}"
    );
    assert!(!root.exists(DATABASE));
    let report = root.read().verify(&VerifyRequest::all(), &Quiet);
    let report = report.expect("the rest can be verified");
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|found| (found.path.as_str(), found.what))
        .collect();
    assert_eq!(found, [(RECORD, Difference::Unreadable)]);
    assert_eq!(
        (report.counts.unreadable, report.counts.code_findings),
        (1, 0)
    );
}

#[test]
fn privileged_record_that_cannot_be_read_is_no_drift_beside_a_whole_database() {
    let root = root();
    let before = dump(&root);
    let Some(_mounted) = Mounted::bind(Path::new(BROKEN), &root.path(RECORD)) else {
        return;
    };
    let sysroot = root.read();
    assert_eq!(sysroot.list().expect("the database has it").len(), 2);
    let report = sysroot.verify(&VerifyRequest::all(), &Quiet);
    let report = report.expect("it can be verified");
    assert_eq!((report.counts.unreadable, report.findings.len()), (1, 1));
    drop(sysroot);
    let mut sysroot = open(&root).expect("it can be opened");
    let restored = sysroot.restore_texts().expect_err("it may be whole");
    let rebuilt = sysroot.rebuild_database().expect_err("a would be lost");
    for error in [restored, rebuilt] {
        assert_eq!(error.exit_code(), 4, "{error:?}");
    }
    assert_eq!(dump(&root), before);
}

#[test]
fn privileged_history_and_journal_that_cannot_be_read_end_everything() {
    for place in ["var/lib/igos/history/00000001", "var/lib/igos/journal"] {
        let root = root();
        fs::remove_file(root.path(DATABASE)).expect("it is there");
        if !root.exists(place) {
            root.put(place, "");
        }
        let Some(_mounted) = Mounted::bind(Path::new(BROKEN), &root.path(place)) else {
            return;
        };
        let error = open(&root).expect_err("it cannot be read");
        assert_eq!(error.exit_code(), 4, "{place}: {error:?}");
        let told = format!("{:?}", error.diagnostics());
        assert!(
            told.contains(place) && told.contains("os error 5"),
            "{place}: {told}"
        );
        assert!(!root.exists(DATABASE), "{place}");
        if place.contains("history") {
            let error = Sysroot::open(root.root(), Unmanaged::Refuse).expect_err("no history");
            assert_eq!(error.exit_code(), 4, "{error:?}");
        }
    }
}

#[test]
fn privileged_undo_that_cannot_be_read_is_not_forgotten() {
    let root = root();
    let place = "var/lib/igos/undo/00000001/before";
    let rollback = || {
        let sysroot = root.read();
        let planned = sysroot.plan_rollback(&RollbackRequest {
            transaction: 1,
            kernel: RunningKernel::Ignore,
            ownership: root.ownership,
            at_hand: &|_| false,
        });
        planned.map(|plan| plan.changes.len())
    };
    assert_eq!(rollback().expect("it can be undone"), 2);
    let Some(_mounted) = Mounted::bind(Path::new(BROKEN), &root.path(place)) else {
        return;
    };
    let error = rollback().expect_err("it cannot be read");
    assert_eq!((error.code(), error.exit_code()), ("undo-unreadable", 4));
}

#[test]
fn privileged_database_that_cannot_be_read_is_neither_believed_nor_replaced() {
    let root = root();
    let Some(_mounted) = Mounted::bind(Path::new(BROKEN), &root.path(DATABASE)) else {
        return;
    };
    let sysroot = root.read();
    assert_eq!(sysroot.notices()[0].code, "database-not-used");
    assert_eq!(sysroot.list().expect("the records tell").len(), 2);
    drop(sysroot);
    let error = open(&root).expect_err("it cannot be read");
    assert_eq!(error.exit_code(), 4, "{error:?}");
    let aside = fs::read_dir(root.path("var/lib/igos")).expect("it is there");
    let aside = aside.map(|entry| entry.expect("an entry").file_name());
    assert_eq!(
        aside
            .filter(|name| name.to_string_lossy().contains("pkm.db."))
            .count(),
        0
    );
}
