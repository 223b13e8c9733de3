//! Disks that are full, read-only or broken (E1, E2, E3), and clocks that are wrong (E6).

use std::io::Write;
use std::path::Path;

use fs_err as fs;
use igos_report::{Explain, Quiet};
use igos_sysroot::{ApplyError, Difference, PlanError, Refusal, VerifyRequest};

use crate::mounted::Mounted;
use crate::support::{TestArchive, TestRoot, apply};

/// Bytes that a removal needs for its records.
const ROOM_OF_A_REMOVAL: u64 = 128 * 1024;

fn small() -> TestArchive {
    TestArchive::new("small", "1")
        .file("usr/share/small/one", b"one")
        .file("usr/share/small/two", b"two")
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("it can be made");
    for chunk in [65_536, 4096, 512, 1] {
        let block = vec![7_u8; chunk];
        while file.write_all(&block).is_ok() {}
    }
}

/// Applies a plan that was made before; returns the error, and asserts that nothing is half done.
fn refused(root: &TestRoot, archive: &TestArchive) -> ApplyError {
    let plan = root.plan(&[archive], &[archive]).expect("a plan");
    let before = (root.tree(), root.records());
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[archive]).expect_err("it cannot be done");
    drop(sysroot);
    assert_eq!((root.tree(), root.records()), before);
    assert_eq!(root.findings(), [""; 0]);
    let staged = fs::read_dir(root.path("var/lib/igos/staging")).expect("it is there");
    assert_eq!(staged.count(), 0, "what was staged is gone");
    error
}

#[test]
fn privileged_full_disk_refuses_what_comes_and_lets_go_what_goes() {
    let root = TestRoot::new();
    let Some(_disk) = Mounted::new("tmpfs", root.directory.path(), "size=4m") else {
        return;
    };
    root.install(&[&small()]);
    // Too much by what is signed: nothing is even staged.
    let noise: Vec<u8> = (0..8_u32 << 20)
        .map(|at| (at >> 3) as u8 ^ at as u8)
        .collect();
    let big = TestArchive::new("big", "1").file("usr/share/big", &noise);
    let error = refused(&root, &big);
    assert_eq!((error.code(), error.exit_code()), ("disk-full", 4));
    // To the last byte: not even the record of a removal fits, and nothing has gone.
    fill(&root.path("filler"));
    let plan = root.plan_remove(&["small"]).expect("a plan");
    let before = (root.tree(), root.records());
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[]).expect_err("there is no room");
    assert_eq!(error.exit_code(), 4);
    assert_eq!((root.tree(), root.records()), before);
    drop(sysroot);
    // With next to nothing, it goes.
    let filler = fs::File::options().write(true).open(root.path("filler"));
    let filler = filler.expect("it is there");
    let length = filler.metadata().expect("it is there").len();
    filler
        .set_len(length - ROOM_OF_A_REMOVAL)
        .expect("it can be cut");
    root.remove(&["small"]);
    assert!(!root.exists("usr/share/small/one"));
}

#[test]
fn privileged_small_disk_of_the_record_does_not_stand_against_what_goes_to_another() {
    let root = TestRoot::new();
    fs::create_dir(root.path("var")).expect("directories");
    let Some(_disk) = Mounted::new("tmpfs", &root.path("var"), "size=4m") else {
        return;
    };
    let noise: Vec<u8> = (0..8_u32 << 20).map(|at| (at >> 3) as u8).collect();
    let of_usr = TestArchive::new("big", "1").file("usr/share/big", &noise);
    root.install(&[&of_usr]);
    assert_eq!(root.findings(), [""; 0]);
    // What needs room beside the record is refused as ever.
    let of_var = TestArchive::new("other", "1").file("var/big", &noise);
    let error = refused(&root, &of_var);
    assert!(matches!(error, ApplyError::NoSpace { .. }), "{error:?}");
}

#[test]
fn privileged_disk_that_users_filled_lets_go_what_goes() {
    let root = TestRoot::new();
    let Some(_disk) = Mounted::image(&root.path(""), "ext4") else {
        return;
    };
    root.install(&[&small()]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::create_dir(root.path("home")).expect("directories");
    fs::set_permissions(root.path("home"), open).expect("modes");
    let filler = root.path("home/filler");
    std::thread::spawn(move || {
        become_nobody();
        fill(&filler);
    })
    .join()
    .expect("it fills");
    let free = root.root().top().free_space().expect("it can be measured");
    assert_eq!(free.bytes, 0);
    let archive = TestArchive::new("more", "1").file("usr/share/more", b"more");
    let error = refused(&root, &archive);
    assert_eq!((error.code(), error.exit_code()), ("disk-full", 4));
    // The file system keeps blocks for root: what goes needs a few.
    root.remove(&["small"]);
    assert!(!root.exists("usr/share/small/one"));
    assert_eq!(root.findings(), [""; 0]);
}

/// Gives this thread alone the rights of nobody.
pub(crate) fn become_nobody() {
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(65_534),
        rustix::fs::Gid::from_raw(65_534),
    );
    rustix::thread::set_thread_groups(&[]).expect("root may");
    rustix::thread::set_thread_res_gid(gid, gid, gid).expect("root may");
    rustix::thread::set_thread_res_uid(uid, uid, uid).expect("root may");
}

#[test]
fn privileged_disk_without_inodes_refuses_and_nothing_is_half_done() {
    let root = TestRoot::new();
    let Some(_disk) = Mounted::new("tmpfs", root.directory.path(), "size=16m,nr_inodes=80") else {
        return;
    };
    root.install(&[&small()]);
    let mut many = TestArchive::new("many", "1");
    for number in 0..100 {
        many = many.file(&format!("usr/share/many/{number}"), b"x");
    }
    // By what is signed: nothing is even staged.
    let error = refused(&root, &many);
    assert_eq!((error.code(), error.exit_code()), ("inodes-full", 4));
    let ApplyError::NoInodes { needed, free } = error else {
        panic!("{error:?}");
    };
    // A hundred files and the directory.
    assert_eq!(needed, 101);
    assert!(free < 80, "{free}");
    // What fits by that and not with its record ends while staging.
    let mut rest = TestArchive::new("rest", "1");
    for number in 0..free - 1 {
        rest = rest.file(&format!("usr/share/rest/{number}"), b"x");
    }
    let error = refused(&root, &rest);
    assert_eq!(error.exit_code(), 4);
    assert!(!matches!(error, ApplyError::NoInodes { .. }), "{error:?}");
    // What goes needs none that are counted.
    root.remove(&["small"]);
    assert!(!root.exists("usr/share/small/one"));
}

#[test]
fn privileged_read_only_part_of_a_root_is_refused_by_name_and_can_be_read() {
    let root = TestRoot::new();
    root.install(&[&small()]);
    let usr = root.path("usr");
    let Some(mounted) = Mounted::bind(&usr, &usr) else {
        return;
    };
    mounted.make_read_only();
    let next = TestArchive::new("small", "2").file("usr/share/small/one", b"next");
    let plan = root.plan(&[&next], &[&next]).expect("plans change nothing");
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[&next]).expect_err("it is read-only");
    drop(sysroot);
    match &error {
        ApplyError::Refused(refusals) => assert!(
            refusals
                .iter()
                .all(|refusal| matches!(refusal, Refusal::ReadOnly { .. })),
            "{refusals:?}"
        ),
        ApplyError::Stage { .. } | ApplyError::State { .. } => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(root.content("usr/share/small/one"), "one");
    assert_eq!(root.findings(), [""; 0]);
    assert_eq!(root.read().list().expect("a list").len(), 1);
}

#[test]
fn privileged_read_error_is_named_and_is_neither_drift_nor_fine() {
    let root = TestRoot::new();
    root.install(&[&small().configuration("etc/small.conf", b"as delivered")]);
    // Reading the first page of a process's memory is a true EIO.
    let broken = Path::new("/proc/self/mem");
    let mut held = Vec::new();
    for place in ["usr/share/small/one", "etc/small.conf"] {
        let Some(mounted) = Mounted::bind(broken, &root.path(place)) else {
            return;
        };
        held.push(mounted);
    }
    let report = root.read().verify(&VerifyRequest::all(), &Quiet);
    let report = report.expect("the rest can be verified");
    let unreadable: Vec<_> = report
        .findings
        .iter()
        .filter(|found| found.what == Difference::Unreadable)
        .map(|found| found.path.as_str())
        .collect();
    assert_eq!(unreadable, ["etc/small.conf", "usr/share/small/one"]);
    assert_eq!(report.findings.len(), 2);
    // Whether the configuration was edited cannot be told: nothing is decided.
    let next = TestArchive::new("small", "2").configuration("etc/small.conf", b"next");
    let error = root
        .plan(&[&next], &[&next])
        .expect_err("it cannot be read");
    assert!(matches!(error, PlanError::Read { .. }), "{error:?}");
    assert!(error.exit_code() == 4, "{error:?}");
}

#[test]
fn clocks_before_1970_and_after_2106_change_nothing_but_the_time_that_is_told() {
    let root = TestRoot::new();
    let versions: Vec<TestArchive> = ["1", "2", "3"]
        .iter()
        .map(|version| TestArchive::new("a", version).file("usr/bin/a", version.as_bytes()))
        .collect();
    // Backwards, too: nothing is ordered by it.
    for (archive, time) in versions.iter().zip([8_000_000_000, -86_400, 0]) {
        let plan = root.plan(&[archive], &[archive]).expect("a plan");
        let open = |_: &igos_sysroot::Change| {
            let bytes = std::io::Cursor::new(archive.bytes());
            Ok(igos_sysroot::ArchiveSource::Whole(Box::new(bytes)))
        };
        let mut sysroot = root.change();
        sysroot
            .apply(&plan, plan.digest(), &open, time, &Quiet)
            .expect("it can be applied");
        sysroot.settle().expect("it can be settled");
    }
    assert_eq!(root.content("usr/bin/a"), "3");
    assert_eq!(root.findings(), [""; 0]);
    let history = root.read().history(None).expect("it can be read");
    let mut times: Vec<(u64, i64)> = history
        .iter()
        .map(|entry| (entry.transaction, entry.time))
        .collect();
    times.sort_unstable();
    assert_eq!(times, [(1, 8_000_000_000), (2, -86_400), (3, 0)]);
}
