//! A user who asks to stop (E5): old before the commit point, new from then on, whenever it is.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use igos_report::Explain;
use igos_root::Directory;
use igos_sysroot::{ApplyError, Attributes, ChangeOptions, Disk, Durability, Mutations};

use crate::support::{TestArchive, TestRoot, apply};

/// Sets a flag at the mutation of a number.
#[derive(Debug)]
struct Asking {
    at: u64,
    seen: AtomicU64,
    flag: Arc<AtomicBool>,
}

impl Asking {
    fn count(&self) {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            self.flag.store(true, Ordering::SeqCst);
        }
    }
}

impl Mutations for Asking {
    fn create_file(&self, at: &Directory, name: &[u8]) -> io::Result<std::fs::File> {
        self.count();
        Disk.create_file(at, name)
    }
    fn set_attributes(&self, file: BorrowedFd<'_>, attributes: &Attributes<'_>) -> io::Result<()> {
        self.count();
        Disk.set_attributes(file, attributes)
    }
    fn rename_new(
        &self,
        a: &Directory,
        name: &[u8],
        b: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        self.count();
        Disk.rename_new(a, name, b, other)
    }
    fn exchange(&self, a: &Directory, name: &[u8], b: &Directory, other: &[u8]) -> io::Result<()> {
        self.count();
        Disk.exchange(a, name, b, other)
    }
    fn commit_database(&self) -> io::Result<()> {
        self.count();
        Disk.commit_database()
    }
}

fn version(number: u32) -> TestArchive {
    let mut archive = TestArchive::new("a", &number.to_string());
    for name in ["one", "two", "three", "four"] {
        archive = archive.file(&format!("usr/share/a/{name}"), &[number as u8; 100]);
    }
    archive.configuration("etc/a.conf", &[number as u8])
}

#[test]
#[expect(clippy::print_stdout, reason = "a test tells its figures")]
fn asked_to_stop_at_every_moment_the_root_is_old_or_new_and_says_which() {
    let (mut old, mut new) = (0, 0);
    for at in 0.. {
        let root = TestRoot::in_memory();
        root.install(&[&version(1)]);
        let before = (root.tree(), root.records());
        let next = version(2);
        let plan = root.plan(&[&next], &[&next]).expect("a plan");
        let flag = Arc::new(AtomicBool::new(false));
        let asking = Arc::new(Asking {
            at,
            seen: AtomicU64::new(0),
            flag: Arc::clone(&flag),
        });
        let mut sysroot = root.change_with(ChangeOptions {
            durability: Durability::None,
            mutations: Arc::clone(&asking) as Arc<dyn Mutations>,
            interrupted: Arc::clone(&flag),
            ..ChangeOptions::default()
        });
        let result = apply(&mut sysroot, &plan, &[&next]);
        let is_asked = flag.load(Ordering::SeqCst);
        match result {
            Ok(_) => {
                sysroot.settle().expect("it can be settled");
                assert_eq!(root.content("usr/share/a/one"), "\u{2}".repeat(100));
                new += 1;
            }
            Err(error) => {
                assert!(matches!(error, ApplyError::Stopped), "{error:?}");
                assert_eq!((error.code(), error.exit_code()), ("interrupted", 130));
                assert_eq!((root.tree(), root.records()), before);
                old += 1;
            }
        }
        drop(sysroot);
        assert_eq!(root.findings(), [""; 0]);
        if !is_asked {
            break;
        }
    }
    println!(
        "stopped at each of {} moments: {old} times old, {new} times new",
        old + new
    );
    assert!(old > 5 && new > 5, "{old} {new}");
}
