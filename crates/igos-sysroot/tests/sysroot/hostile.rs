//! Roots that are not what a package manager hopes for.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use igos_report::Explain;
use igos_sysroot::{ApplyError, Conflict, PlanError};

use crate::support::{TestArchive, TestRoot, apply, is_root, skipped};

fn archive() -> TestArchive {
    TestArchive::new("a", "1").file("opt/app/file", b"file")
}

fn conflict(root: &TestRoot) -> String {
    let archive = archive();
    match root
        .plan(&[&archive], &[&archive])
        .expect_err("it is refused")
    {
        PlanError::Conflicts(conflicts) => conflicts.iter().map(Conflict::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn link_in_the_way_is_a_conflict_and_nothing_outside_changes() {
    let outside = TestRoot::new();
    for (link, expected) in [
        (
            "opt",
            "cannot install a: opt on the way to opt is a symlink, not a directory",
        ),
        (
            "opt/app",
            "cannot install a: opt/app on the way to opt/app is a symlink, not a directory",
        ),
    ] {
        let root = TestRoot::new();
        let at = root.path(link);
        fs_err::create_dir_all(at.parent().expect("it has one")).expect("directories");
        symlink(outside.directory.path(), at).expect("links");
        assert_eq!(conflict(&root), expected);
        assert_eq!(outside.tree(), "");
    }
}

#[test]
fn pipe_and_directory_in_place_of_a_file_are_conflicts() {
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("opt/app/file")).expect("directories");
    assert_eq!(
        conflict(&root),
        "cannot install a: directory opt/app/file would become a file but holds nothing of a package"
    );
    fs_err::remove_dir(root.path("opt/app/file")).expect("it is empty");
    let pipe = root.path("opt/app/file");
    rustix::fs::mkfifoat(rustix::fs::CWD, pipe, rustix::fs::Mode::RUSR).expect("pipes");
    assert_eq!(
        conflict(&root),
        "cannot install a: opt/app/file is a special file, the package has a file"
    );
}

#[test]
fn links_of_merged_directories_count_only_below_the_root() {
    let outside = TestRoot::new();
    let root = TestRoot::new();
    // An absolute target is below the root, as it is for programs that run inside.
    symlink("/usr/bin", root.path("bin")).expect("links");
    root.install(&[&TestArchive::new("a", "1").file("bin/tool", b"tool")]);
    assert_eq!(root.content("usr/bin/tool"), "tool");
    // One that leads up and out stays inside.
    symlink("../../..", root.path("lib")).expect("links");
    let b = TestArchive::new("b", "1").file("lib/x", b"x");
    assert!(root.plan(&[&b], &[&b]).is_err());
    assert_eq!(outside.tree(), "");
}

#[test]
fn parent_that_becomes_a_link_after_planning_is_refused() {
    let outside = TestRoot::new();
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("opt/app")).expect("directories");
    let archive = archive();
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    fs_err::remove_dir(root.path("opt/app")).expect("it is empty");
    symlink(outside.directory.path(), root.path("opt/app")).expect("links");
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[&archive]).expect_err("it is refused");
    assert!(
        matches!(error, ApplyError::Refused(_) | ApplyError::Stage { .. }),
        "{error:?}"
    );
    assert_eq!(outside.tree(), "");
}

#[test]
fn racing_user_who_swaps_directory_and_link_gains_nothing() {
    let outside = TestRoot::new();
    let root = TestRoot::in_memory();
    fs_err::create_dir_all(root.path("opt/app")).expect("directories");
    symlink(outside.directory.path(), root.path("opt/link")).expect("links");
    let stop = Arc::new(AtomicBool::new(false));
    let swapper = {
        let (app, link) = (root.path("opt/app"), root.path("opt/link"));
        let stop = Arc::clone(&stop);
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let swapped = rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &app,
                    rustix::fs::CWD,
                    &link,
                    rustix::fs::RenameFlags::EXCHANGE,
                );
                assert_eq!(swapped, Ok(()));
            }
        })
    };
    let archive = archive();
    for _ in 0..60 {
        let Ok(plan) = root.plan(&[&archive], &[&archive]) else {
            continue;
        };
        let Ok(mut sysroot) =
            igos_sysroot::LockedSysroot::create_or_open(root.root(), Default::default())
        else {
            continue;
        };
        match apply(&mut sysroot, &plan, &[&archive]) {
            Ok(_) | Err(_) => {}
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().expect("the swapper does not panic");
    assert_eq!(outside.tree(), "");
}

#[test]
fn immutable_file_is_refused_in_pre_flight() {
    let root = TestRoot::new();
    root.install(&[&archive()]);
    let file = fs_err::File::open(root.path("opt/app/file")).expect("it is there");
    let set = |flags| rustix::fs::ioctl_setflags(&file, flags);
    let flags = rustix::fs::ioctl_getflags(&file);
    let Ok(flags) = flags else {
        skipped("this file system has no flags");
        return;
    };
    if set(flags | rustix::fs::IFlags::IMMUTABLE).is_err() {
        skipped("setting the immutable flag needs root");
        return;
    }
    let next = TestArchive::new("a", "2").file("opt/app/file", b"next");
    let plan = root.plan(&[&next], &[&next]).expect("a plan");
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[&next]);
    set(flags).expect("it can be cleared");
    let error = error.expect_err("it is refused");
    assert_eq!(error.code(), "pre-flight-refused");
    let ApplyError::Refused(refusals) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        refusals[0].to_string(),
        "opt/app/file carries the flag immutable"
    );
    assert_eq!(root.content("opt/app/file"), "file");
}

#[test]
fn privileged_mount_point_in_place_of_a_file_is_refused() {
    if !is_root("mounting") {
        return;
    }
    let root = TestRoot::new();
    root.install(&[&archive()]);
    root.put("elsewhere", "mounted");
    let (from, to) = (root.path("elsewhere"), root.path("opt/app/file"));
    if rustix::mount::mount_bind(&from, &to).is_err() {
        skipped("mounting is not allowed here");
        return;
    }
    let next = TestArchive::new("a", "2").file("opt/app/file", b"next");
    let plan = root.plan(&[&next], &[&next]).expect("a plan");
    let mut sysroot = root.change();
    let error = apply(&mut sysroot, &plan, &[&next]);
    rustix::mount::unmount(&to, rustix::mount::UnmountFlags::empty()).expect("it is mounted");
    let error = error.expect_err("it is refused");
    assert_eq!(error.code(), "pre-flight-refused");
    assert_eq!(root.content("elsewhere"), "mounted");
}

#[test]
fn privileged_directories_on_another_mount_are_staged_there() {
    if !is_root("mounting") {
        return;
    }
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("usr/data")).expect("directories");
    let target = root.path("usr/data");
    let mounted = rustix::mount::mount(
        "tmpfs",
        &target,
        "tmpfs",
        rustix::mount::MountFlags::empty(),
        None,
    );
    if mounted.is_err() {
        skipped("mounting is not allowed here");
        return;
    }
    let run = || {
        let archive = TestArchive::new("a", "1")
            .file("usr/data/deep/file", b"there")
            .hard_links(1, &["usr/data/link", "usr/other/link"], b"linked");
        root.install(&[&archive]);
        let found = (root.content("usr/data/deep/file"), root.findings());
        let left = root.exists("usr/data/.igos-staging");
        root.remove(&["a"]);
        (found, left, root.exists("usr/data/deep"))
    };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    rustix::mount::unmount(&target, rustix::mount::UnmountFlags::DETACH).expect("it is mounted");
    let (found, left, stays) = result.expect("nothing panics");
    assert_eq!(found, ("there".to_owned(), Vec::new()));
    assert!(!left && !stays);
}

#[test]
fn read_only_root_is_refused_before_anything_else() {
    if !is_root("mounting") {
        return;
    }
    let root = TestRoot::new();
    root.install(&[&archive()]);
    let at = root.directory.path();
    let flags = rustix::mount::MountFlags::BIND | rustix::mount::MountFlags::RDONLY;
    if rustix::mount::mount_bind(at, at).is_err() {
        skipped("mounting is not allowed here");
        return;
    }
    let result = rustix::mount::mount_remount(at, flags, "").map(|()| {
        let error = igos_sysroot::LockedSysroot::open(root.root(), Default::default())
            .expect_err("it is read-only");
        (error.code(), root.findings())
    });
    rustix::mount::unmount(at, rustix::mount::UnmountFlags::DETACH).expect("it is mounted");
    assert_eq!(result, Ok(("root-read-only", Vec::new())));
}
