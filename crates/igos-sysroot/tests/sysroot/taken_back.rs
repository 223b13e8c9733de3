//! Transactions that fail or stop at one chosen place, and what is left of them.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use igos_root::Directory;
use igos_sysroot::{ApplyError, ChangeOptions, Disk, Mutations, Recovery};

use crate::faulty::options;
use crate::support::{TestArchive, TestRoot, apply};

/// The second version makes a directory of a file and replaces another file.
fn version(number: &str) -> TestArchive {
    let archive = TestArchive::new("a", number).file("usr/share/text", number.as_bytes());
    if number == "1" {
        archive.file("usr/share/kind", b"a file")
    } else {
        archive.file("usr/share/kind/inside", b"a tree")
    }
}

fn staged(root: &TestRoot) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(root.path("var/lib/igos/staging")).expect("it is there");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// Carries out the upgrade with these mutations, from beginning to end.
fn upgrade(root: &TestRoot, mutations: Arc<dyn Mutations>) -> Result<(), ApplyError> {
    let next = version("2");
    let plan = root.plan(&[&next], &[&next]).expect("there is a plan");
    let mut sysroot = root.change_with(options(mutations));
    apply(&mut sysroot, &plan, &[&next])?;
    sysroot.settle()
}

/// Refuses to exchange a file, as often as it is asked.
#[derive(Debug)]
struct KeepsFiles;

impl Mutations for KeepsFiles {
    fn exchange(&self, a: &Directory, name: &[u8], b: &Directory, other: &[u8]) -> io::Result<()> {
        if other == b"text" {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Disk.exchange(a, name, b, other)
    }
}

#[test]
fn failed_step_is_taken_back_at_once_without_a_second_opening() {
    let root = TestRoot::in_memory();
    root.install(&[&version("1")]);
    let before = (root.tree(), root.records());
    let error = upgrade(&root, Arc::new(KeepsFiles)).expect_err("a file cannot be exchanged");
    assert!(
        matches!(&error, ApplyError::TakenBack { path, .. } if path == "usr/share/text"),
        "{error:?}"
    );
    assert_eq!((root.tree(), root.records()), before);
    assert!(!root.exists("var/lib/igos/journal"));
    assert_eq!(staged(&root).len(), 0);
}

/// The process dies after the commit point, before anything changes.
#[derive(Debug)]
struct DiesCommitted;

impl Mutations for DiesCommitted {
    fn rename_new(
        &self,
        a: &Directory,
        name: &[u8],
        b: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        if other != b"journal" {
            return Err(io::Error::other("the process is dead"));
        }
        Disk.rename_new(a, name, b, other)
    }
    fn exchange(&self, _: &Directory, _: &[u8], _: &Directory, _: &[u8]) -> io::Result<()> {
        Err(io::Error::other("the process is dead"))
    }
    fn delete(&self, _: &Directory, _: &[u8]) -> io::Result<()> {
        Err(io::Error::other("the process is dead"))
    }
}

/// A file below a directory that was never made cannot be looked at: the way to it ends at the old file.
#[test]
fn transaction_whose_new_directory_is_gone_is_undone_with_all_that_was_to_be_in_it() {
    let root = TestRoot::in_memory();
    root.install(&[&version("1")]);
    let before = (root.tree(), root.records());
    upgrade(&root, Arc::new(DiesCommitted)).expect_err("it stops");
    assert!(root.exists("var/lib/igos/journal"));
    let directories = staged(&root).into_iter().filter(|path| path.is_dir());
    for directory in directories {
        fs_err::remove_dir(directory).expect("nothing is in it");
    }
    let sysroot = root.change();
    assert!(
        matches!(sysroot.recovery(), Recovery::Undone { path, .. } if path == "usr/share/kind"),
        "{:?}",
        sysroot.recovery()
    );
    drop(sysroot);
    assert_eq!((root.tree(), root.records()), before);
}

/// The process dies when the old files were put away, before that is noted.
#[derive(Debug)]
struct DiesKeeping;

impl Mutations for DiesKeeping {
    fn delete(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        if name == b"journal.done" {
            return Err(io::Error::other("the process is dead"));
        }
        Disk.delete(at, name)
    }
}

#[test]
fn putting_old_files_away_is_finished_by_the_next_opening_and_by_the_next_transaction() {
    let root = TestRoot::in_memory();
    root.install(&[&version("1")]);
    upgrade(&root, Arc::new(DiesKeeping)).expect_err("it stops");
    assert!(root.exists("var/lib/igos/journal.done"));
    drop(root.change());
    assert!(!root.exists("var/lib/igos/journal.done"));
    let plan = crate::rollback::plan(&root, 2).expect("there is a plan");
    apply(&mut root.change(), &plan, &[]).expect("nothing is missing");
    assert_eq!(root.content("usr/share/text"), "1");
}

#[test]
fn plan_that_needs_more_than_the_disk_has_is_refused_before_anything_is_staged() {
    /// Lets nothing be staged.
    #[derive(Debug)]
    struct StagesNothing;
    impl Mutations for StagesNothing {
        fn create_file(&self, _: &Directory, name: &[u8]) -> io::Result<File> {
            panic!("{} is made", String::from_utf8_lossy(name));
        }
    }
    let root = TestRoot::in_memory();
    root.install(&[&version("1")]);
    let next = version("2");
    let mut plan = root.plan(&[&next], &[&next]).expect("there is a plan");
    plan.install_bytes = u64::MAX;
    let mut sysroot = root.change_with(ChangeOptions {
        mutations: Arc::new(StagesNothing),
        ..ChangeOptions::default()
    });
    let error = apply(&mut sysroot, &plan, &[&next]).expect_err("no disk has that");
    assert!(
        matches!(error, ApplyError::NoSpace { needed: u64::MAX, free } if free < u64::MAX),
        "{error:?}"
    );
}

/// A disk that takes `NAME` and `name` for one without a flag that says so, as XFS with `ascii-ci`; and others that refuse
/// `name` for reasons of their own.
#[derive(Debug)]
struct Meets {
    is_one_name: bool,
    says: io::ErrorKind,
}

impl Mutations for Meets {
    fn rename_new(
        &self,
        a: &Directory,
        name: &[u8],
        b: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        if other != b"name" {
            return Disk.rename_new(a, name, b, other);
        }
        if self.is_one_name {
            rustix::fs::linkat(b, "NAME", b, "name", rustix::fs::AtFlags::empty())?;
        } else {
            drop(b.create_file(b"name")?);
        }
        Err(self.says.into())
    }
}

#[test]
fn step_that_meets_the_other_name_of_an_earlier_one_names_both_and_every_other_failure_one() {
    let taken = io::ErrorKind::AlreadyExists;
    for (is_one_name, says, other) in [
        (true, taken, Some("usr/share/NAME")),
        (false, taken, None),
        (true, io::ErrorKind::PermissionDenied, None),
    ] {
        let root = TestRoot::in_memory();
        root.install(&[&version("1")]);
        let before = root.records();
        let next = TestArchive::new("b", "1")
            .file("usr/share/NAME", b"one")
            .file("usr/share/name", b"two");
        let plan = root.plan(&[&next], &[&next]).expect("there is a plan");
        let mut sysroot = root.change_with(options(Arc::new(Meets { is_one_name, says })));
        let error = apply(&mut sysroot, &plan, &[&next]).expect_err("it is in the way");
        let (path, found) = match &error {
            ApplyError::Folded { path, other } => (path, Some(other.as_str())),
            ApplyError::TakenBack { path, .. } => (path, None),
            error => panic!("{error:?}"),
        };
        assert_eq!(
            (path.as_str(), found),
            ("usr/share/name", other),
            "{error:?}"
        );
        assert_eq!(root.records(), before);
        assert!(!root.exists("usr/share/NAME"));
    }
}
