//! The database is a cache: whatever happens to it, the records make it again.

use std::os::unix::fs::PermissionsExt;

use igos_report::Explain;
use igos_sysroot::{ChangeOptions, LockedSysroot, OpenError, Sysroot, Unmanaged, Wait};

use crate::support::{DATABASE, TestArchive, TestRoot, dump};

fn root() -> TestRoot {
    let root = TestRoot::new();
    root.install(&[
        &TestArchive::new("zlib", "1.3").file("usr/lib/libz.so.1", b"z"),
        &TestArchive::new("pigz", "2.8")
            .depends("zlib")
            .file("usr/bin/pigz", b"pigz"),
    ]);
    root.remove(&["pigz"]);
    root.install(&[&TestArchive::new("file", "5").file("usr/bin/file", b"file")]);
    root
}

#[test]
fn lost_truncated_random_and_foreign_databases_are_made_again_exactly() {
    let whole = root();
    let bytes = fs_err::read(whole.path(DATABASE)).expect("it can be read");
    let foreign = {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("foreign.db");
        let connection = rusqlite::Connection::open(&file).expect("it opens");
        connection
            .execute_batch("CREATE TABLE a (b)")
            .expect("tables");
        drop(connection);
        fs_err::read(file).expect("it can be read")
    };
    let mut torn = bytes.clone();
    let middle = torn.len() / 2;
    torn[middle..].fill(0xa5);
    let damages: [(&str, Option<Vec<u8>>); 6] = [
        ("lost", None),
        ("empty", Some(Vec::new())),
        ("truncated", Some(bytes[..bytes.len() / 3].to_vec())),
        (
            "random",
            Some(bytes.iter().map(|byte| byte ^ 0x5a).collect()),
        ),
        ("foreign", Some(foreign)),
        ("torn", Some(torn)),
    ];
    for (label, damage) in damages {
        let root = root();
        let before = dump(&root);
        match damage {
            None => fs_err::remove_file(root.path(DATABASE)).expect("it is there"),
            Some(bytes) => fs_err::write(root.path(DATABASE), bytes).expect("it can be written"),
        }
        // Reading works at once, and says what it reads instead.
        let sysroot = root.read();
        assert_eq!(sysroot.notices()[0].code, "database-not-used", "{label}");
        assert_eq!(sysroot.list().expect("a list").len(), 2, "{label}");
        drop(sysroot);
        let changed = root.change();
        assert_eq!(changed.notices()[0].code, "database-rebuilt", "{label}");
        drop(changed);
        assert_eq!(dump(&root), before, "{label}");
        assert_eq!(
            root.exists(&format!("{DATABASE}.damaged-1")),
            label != "lost"
        );
    }
}

#[test]
fn outdated_database_is_made_again() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("a", b"a")]);
    let old = fs_err::read(root.path(DATABASE)).expect("it can be read");
    root.install(&[&TestArchive::new("b", "1").file("b", b"b")]);
    let before = dump(&root);
    fs_err::write(root.path(DATABASE), old).expect("it can be written");
    assert_eq!(root.read().list().expect("a list").len(), 2);
    assert_eq!(root.change().notices()[0].code, "database-rebuilt");
    assert_eq!(dump(&root), before);
}

#[test]
fn newer_schema_is_refused_and_left_alone() {
    let root = root();
    let connection = rusqlite::Connection::open(root.path(DATABASE)).expect("it opens");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("it can be set");
    drop(connection);
    let before = fs_err::read(root.path(DATABASE)).expect("it can be read");
    let read = Sysroot::open(root.root(), Unmanaged::Refuse).expect_err("it is newer");
    let change =
        LockedSysroot::open(root.root(), ChangeOptions::default()).expect_err("it is newer");
    for error in [read, change] {
        assert_eq!(
            (error.code(), error.exit_code()),
            ("database-newer-schema", 4)
        );
    }
    assert_eq!(
        fs_err::read(root.path(DATABASE)).expect("it can be read"),
        before
    );
}

#[test]
fn record_that_is_gone_is_restored_from_the_database() {
    let root = root();
    let record = root.path("var/lib/igos/packages/zlib");
    let before = fs_err::read(&record).expect("it can be read");
    fs_err::remove_file(&record).expect("it is there");
    assert_eq!(
        root.findings(),
        ["var/lib/igos/packages/zlib record-disagrees"]
    );
    assert_eq!(root.change().notices()[0].code, "record-restored");
    assert_eq!(fs_err::read(&record).expect("it can be read"), before);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn second_changer_is_told_who_holds_the_lock() {
    let root = root();
    let first = root.change();
    let error = LockedSysroot::open(
        root.root(),
        ChangeOptions {
            wait: Wait::GiveUp,
            ..ChangeOptions::default()
        },
    )
    .expect_err("the first holds it");
    assert_eq!((error.code(), error.exit_code()), ("root-locked", 75));
    let OpenError::Lock { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        source.to_string(),
        format!(
            "the root is being changed by process {}",
            std::process::id()
        )
    );
    // Readers do not wait.
    assert_eq!(root.read().list().expect("a list").len(), 2);
    drop(first);
    LockedSysroot::open(root.root(), ChangeOptions::default()).expect("it is free");
    assert!(root.exists("var/lib/igos/lock"));
}

#[test]
fn directory_without_write_permission_can_be_read() {
    let root = root();
    let state = root.path("var/lib/igos");
    fs_err::set_permissions(&state, PermissionsExt::from_mode(0o555)).expect("modes");
    let sysroot = root.read();
    assert_eq!(sysroot.notices(), []);
    assert_eq!(sysroot.list().expect("a list").len(), 2);
    assert_eq!(root.findings(), [""; 0]);
    fs_err::set_permissions(&state, PermissionsExt::from_mode(0o755)).expect("modes");
}

#[test]
fn database_that_is_a_link_is_refused() {
    let root = root();
    let elsewhere = root.path("elsewhere.db");
    fs_err::rename(root.path(DATABASE), &elsewhere).expect("it moves");
    std::os::unix::fs::symlink(&elsewhere, root.path(DATABASE)).expect("links");
    let error = LockedSysroot::open(root.root(), ChangeOptions::default()).expect_err("a link");
    assert_eq!(error.code(), "database-file");
}

/// Returns the differences of the database, as `SIDE TABLE`.
fn differences(root: &TestRoot) -> Vec<String> {
    let check = igos_sysroot::check_database(&root.root()).expect("it can be compared");
    check
        .differences
        .iter()
        .map(|found| format!("{:?} {} {}", found.only_in, found.table, found.row))
        .collect()
}

#[test]
fn every_row_that_does_not_come_from_records_and_history_is_named() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("usr/bin/a", b"a")]);
    assert!(
        igos_sysroot::check_database(&root.root())
            .expect("it can be compared")
            .is_clean()
    );
    let connection = rusqlite::Connection::open(root.path(DATABASE)).expect("it opens");
    connection
        .execute_batch(
            "INSERT INTO files SELECT CAST('usr/bin/evil' AS BLOB), package, path, target, content
                 FROM files WHERE path = CAST('usr/bin/a' AS BLOB);
             UPDATE packages SET trust = 'key somebody';",
        )
        .expect("SQLite does as it is told");
    drop(connection);
    let found = differences(&root);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].contains("Database files") && found[0].contains("usr/bin/evil"));
    assert!(found[1].contains("Database packages") && found[1].contains("key\\x20somebody"));
    assert!(found[2].contains("Records packages") && found[2].contains("unsigned"));
    let (_, rebuilt) = root.change().rebuild_database().expect("it can be made");
    assert_eq!(rebuilt.damaged, []);
    assert_eq!(differences(&root), [""; 0]);
}

#[test]
fn missing_database_damaged_record_and_gap_in_the_history_are_named() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("usr/bin/a", b"a")]);
    root.install(&[&TestArchive::new("b", "1").file("usr/bin/b", b"b")]);
    fs_err::remove_file(root.path(DATABASE)).expect("it is there");
    fs_err::remove_file(root.path("var/lib/igos/history/00000001")).expect("it is there");
    root.put("var/lib/igos/packages/a", "nonsense");
    let check = igos_sysroot::check_database(&root.root()).expect("it can be compared");
    assert_eq!(check.problem.as_deref(), Some("it is missing"));
    let codes: Vec<&str> = check
        .damaged
        .iter()
        .map(|found| found.code.as_str())
        .collect();
    assert_eq!(codes, ["record-unknown-form", "history-gap"]);
}
