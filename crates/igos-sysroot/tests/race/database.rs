//! SQLite goes by paths: roots that are exchanged while they are opened must not be taken for each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err as fs;
use igos_format::PackageName;
use igos_root::RootDir;
use igos_sysroot::{Sysroot, Unmanaged};
use rustix::fs::{CWD, RenameFlags};

use crate::support::{TestArchive, TestRoot, path};

#[test]
#[expect(clippy::print_stdout, reason = "a test tells its figures")]
fn database_is_that_of_the_root_that_was_opened_however_roots_are_exchanged() {
    let top = tempfile::tempdir().expect("a temporary directory");
    for package in ["one", "two"] {
        let mut root = TestRoot::in_memory();
        let directory = top.path().join(package);
        fs::create_dir(&directory).expect("directories");
        root.directory = tempfile::tempdir_in(&directory).expect("a temporary directory");
        let archive = TestArchive::new(package, "1").file("marker", package.as_bytes());
        root.install(&[&archive]);
        fs::rename(root.directory.path(), directory.join("root")).expect("it moves");
    }
    let (one, two) = (top.path().join("one"), top.path().join("two"));
    let stop = Arc::new(AtomicBool::new(false));
    let racer = std::thread::spawn({
        let (one, two, stop) = (one.clone(), two.clone(), Arc::clone(&stop));
        move || {
            let mut swaps = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                rustix::fs::renameat_with(CWD, &one, CWD, &two, RenameFlags::EXCHANGE)
                    .expect("both are there");
                swaps += 1;
            }
            swaps
        }
    });
    let (mut opened, mut by_records) = (0, 0);
    for _ in 0..500 {
        let root = RootDir::open(&one.join("root")).expect("one of them is there");
        let marker = root
            .read_file(&path("marker"), 100)
            .expect("it can be read");
        let marker = String::from_utf8(marker.expect("it is there")).expect("it is text");
        let Ok(sysroot) = Sysroot::open(root, Unmanaged::Refuse) else {
            continue;
        };
        opened += 1;
        by_records += u64::from(!sysroot.notices().is_empty());
        let names: Vec<PackageName> = sysroot
            .list()
            .expect("a list")
            .into_iter()
            .map(|listed| listed.package.name)
            .collect();
        assert_eq!(names, [marker.parse().expect("a name")]);
    }
    stop.store(true, Ordering::Relaxed);
    let swaps = racer.join().expect("the racer does not panic");
    println!("{opened} of 500 opened, {by_records} by their records alone, {swaps} swaps");
    assert!(opened > 0);
}
