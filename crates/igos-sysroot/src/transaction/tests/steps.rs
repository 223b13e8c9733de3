//! Steps that meet what other people did while a transaction was interrupted.

use std::io;
use std::os::unix::fs::{MetadataExt, symlink};

use fs_err as fs;
use igos_root::Directory;

use super::super::journal::{Identity, Step};
use super::super::staging::Staging;
use super::super::steps::Stepper;
use super::super::{Disk, Mutations};
use super::scene::{Scene, path, place, slot, slot_path, without_rights};

impl Scene {
    fn repeat(&self, step: &Step) -> io::Result<()> {
        self.repeat_with(step, &Disk)
    }

    fn repeat_with(&self, step: &Step, mutations: &dyn Mutations) -> io::Result<()> {
        let staging = Staging::open(&self.root, &self.state, mutations)?;
        Stepper::new(&self.root, &staging, mutations).repeat(step)
    }

    fn take_back(&self, step: &Step) -> io::Result<()> {
        let staging = Staging::open(&self.root, &self.state, &Disk)?;
        Stepper::new(&self.root, &staging, &Disk).take_back(step)
    }
}

fn exchange(new: &Identity, old: &Identity) -> Step {
    Step::Exchange {
        new: new.clone(),
        // What was in place has no digest in a journal.
        old: Identity {
            content: None,
            ..old.clone()
        },
        slot: slot(0),
        place: place("usr/a"),
    }
}

fn delete_directory(at: &str) -> Step {
    Step::DeleteDirectory {
        place: path(at),
        mode: 0o2750,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
    }
}

#[test]
fn new_file_is_put_in_place_where_somebody_deleted_the_old_one_meanwhile() {
    let scene = Scene::new();
    let new = scene.file(&slot_path(0), "new");
    let old = scene.file("usr/a", "old");
    scene.delete("usr/a");
    scene.repeat(&exchange(&new, &old)).expect("it is finished");
    assert_eq!(scene.content("usr/a").as_deref(), Some("new"));
    assert!(!scene.is_there(&slot_path(0)));
}

#[test]
fn old_file_stays_in_place_though_a_new_one_that_is_gone_had_the_same_content() {
    let scene = Scene::new();
    let new = scene.file(&slot_path(0), "same");
    let old = scene.file("usr/a", "same");
    scene.delete(&slot_path(0));
    scene.take_back(&exchange(&new, &old)).expect("taken back");
    assert_eq!(scene.content("usr/a").as_deref(), Some("same"));
}

#[test]
fn new_file_is_taken_back_where_somebody_deleted_the_old_one_meanwhile() {
    let scene = Scene::new();
    let new = scene.file("usr/a", "new");
    let old = scene.file(&slot_path(0), "old");
    scene.delete(&slot_path(0));
    scene.take_back(&exchange(&new, &old)).expect("taken back");
    assert!(!scene.is_there("usr/a"));
    assert_eq!(scene.content(&slot_path(0)).as_deref(), Some("new"));
}

#[test]
fn old_file_comes_back_where_somebody_deleted_the_new_one_meanwhile() {
    let scene = Scene::new();
    let new = scene.file("usr/a", "new");
    let old = scene.file(&slot_path(0), "old");
    scene.delete("usr/a");
    scene.take_back(&exchange(&new, &old)).expect("taken back");
    assert_eq!(scene.content("usr/a").as_deref(), Some("old"));
    assert!(!scene.is_there(&slot_path(0)));
}

#[test]
fn what_somebody_else_put_in_place_of_the_new_file_stays_there() {
    let scene = Scene::new();
    let new = scene.file("usr/a", "new");
    let old = scene.file(&slot_path(0), "old");
    // Made before the other goes, so that it has an inode of its own.
    scene.file("usr/b", "somebody's");
    fs::rename(scene.at("usr/b"), scene.at("usr/a")).expect("it is ours");
    scene.take_back(&exchange(&new, &old)).expect("taken back");
    assert_eq!(scene.content("usr/a").as_deref(), Some("somebody's"));
}

#[test]
fn exchange_of_two_files_that_are_both_gone_is_nothing_to_take_back() {
    let scene = Scene::new();
    let new = scene.file(&slot_path(0), "new");
    let old = scene.file("usr/a", "old");
    scene.delete(&slot_path(0));
    scene.delete("usr/a");
    scene.take_back(&exchange(&new, &old)).expect("taken back");
    assert!(!scene.is_there("usr/a"));
}

/// A directory comes back as it was; who may not give it away says so.
#[test]
fn deleted_directory_comes_back_with_its_owner_or_an_error() {
    let scene = Scene::new();
    scene.directory("usr", 0o755);
    let step = Step::DeleteDirectory {
        place: path("usr/d"),
        mode: 0o2750,
        uid: 12_345,
        gid: 54_321,
    };
    let taken_back = scene.take_back(&step);
    if rustix::process::geteuid().is_root() {
        taken_back.expect("root may");
        let found = fs::metadata(scene.at("usr/d")).expect("it is back");
        assert_eq!((found.uid(), found.gid()), (12_345, 54_321));
        assert_eq!(found.mode() & 0o7777, 0o2750);
    } else {
        let error = taken_back.expect_err("only root may");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn directory_to_which_there_is_no_way_any_more_is_deleted() {
    let scene = Scene::new();
    scene.file("file", "somebody's");
    scene.directory("elsewhere/d/e", 0o755);
    symlink("elsewhere", scene.at("link")).expect("it can be made");
    for gone in ["gone/d", "file/d", "link/d", "link/d/e"] {
        scene.repeat(&delete_directory(gone)).expect(gone);
    }
    assert!(scene.is_there("elsewhere/d/e"));
}

#[test]
fn directory_that_cannot_be_deleted_is_an_error_unless_something_is_in_it() {
    /// Refuses for a reason of its own.
    #[derive(Debug)]
    struct Refuses(io::ErrorKind);
    impl Mutations for Refuses {
        fn delete_directory(&self, _: &Directory, _: &[u8]) -> io::Result<()> {
            Err(self.0.into())
        }
    }
    let scene = Scene::new();
    scene.directory("d", 0o755);
    for (kind, is_done) in [
        (io::ErrorKind::NotFound, true),
        (io::ErrorKind::DirectoryNotEmpty, true),
        (io::ErrorKind::ResourceBusy, true),
        (io::ErrorKind::PermissionDenied, false),
        (io::ErrorKind::ReadOnlyFilesystem, false),
    ] {
        let result = scene.repeat_with(&delete_directory("d"), &Refuses(kind));
        assert_eq!(result.is_ok(), is_done, "{kind}");
    }
}

#[test]
fn file_below_what_is_no_directory_was_never_made() {
    let scene = Scene::new();
    let new = scene.file(&slot_path(0), "new");
    scene.file("file", "an old file");
    symlink("usr", scene.at("link")).expect("it can be made");
    for to in ["gone/new", "file/new", "link/new", "link/d/new"] {
        let step = Step::Move {
            what: new.clone(),
            from: slot(0),
            to: place(to),
        };
        scene.take_back(&step).expect(to);
    }
    assert_eq!(scene.content(&slot_path(0)).as_deref(), Some("new"));
}

#[test]
fn directory_that_cannot_be_entered_is_an_error_and_not_taken_for_absent() {
    let scene = Scene::new();
    let what = scene.file("locked/d/new", "new");
    scene.set_mode("locked", 0o000);
    let staging = Staging::open(&scene.root, &scene.state, &Disk).expect("it is ours");
    let made = Step::Move {
        what,
        from: slot(0),
        to: place("locked/d/new"),
    };
    for step in [made, delete_directory("locked/d/new")] {
        let error = without_rights(|| {
            Stepper::new(&scene.root, &staging, &Disk)
                .repeat(&step)
                .expect_err("it cannot be looked at")
        });
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{step:?}");
    }
    scene.set_mode("locked", 0o755);
}
