//! Staging directories that are not as they should be.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{MetadataExt, symlink};
use std::sync::atomic::{AtomicUsize, Ordering};

use fs_err as fs;

use super::super::staging::{Staging, clear};
use super::super::{Disk, Mutations};
use super::scene::{Scene, path, without_rights};

fn cleared(scene: &Scene) -> io::Result<()> {
    clear(&scene.root, &scene.state, &Disk)
}

#[test]
fn staging_directory_that_others_can_enter_or_have_is_refused() {
    let scene = Scene::new();
    let refused = || {
        let opened = Staging::open(&scene.root, &scene.state, &Disk);
        opened.expect_err("it is not private").kind()
    };
    for mode in [0o710, 0o701, 0o755] {
        scene.set_mode("var/lib/igos/staging", mode);
        assert_eq!(refused(), io::ErrorKind::PermissionDenied, "{mode:o}");
    }
    scene.set_mode("var/lib/igos/staging", 0o700);
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(scene.at("var/lib/igos/staging"), Some(12_345), None)
            .expect("root may");
        assert_eq!(refused(), io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn what_is_no_directory_is_named_as_such_where_the_staging_directory_should_be() {
    let scene = Scene::new();
    fs::remove_dir(scene.at("var/lib/igos/staging")).expect("it is empty");
    scene.file("var/lib/igos/staging", "somebody's");
    let opened = Staging::open(&scene.root, &scene.state, &Disk).map(drop);
    for refused in [opened, cleared(&scene)] {
        let error = refused.expect_err("it is a file");
        assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    }
    assert!(scene.is_there("var/lib/igos/staging"));
}

#[test]
fn directory_that_cannot_be_entered_is_not_taken_for_one_that_will_be_made() {
    let scene = Scene::new();
    scene.directory("locked/d", 0o755);
    scene.set_mode("locked", 0o000);
    let mut staging = Staging::open(&scene.root, &scene.state, &Disk).expect("it is ours");
    let error = without_rights(|| {
        staging
            .for_place(&path("locked/d/file"))
            .expect_err("nobody knows its mount")
    });
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    scene.set_mode("locked", 0o755);
}

#[test]
fn staging_directories_elsewhere_are_emptied_where_there_is_a_way_to_them() {
    let scene = Scene::new();
    scene.file("mounted/.igos-staging/0", "old");
    scene.file("outside/.igos-staging/0", "somebody's");
    scene.file("file", "somebody's");
    symlink("outside", scene.at("link")).expect("it can be made");
    let places: String = ["gone", "file", "link", "mounted"]
        .map(|top| format!("{top}/.igos-staging\n"))
        .concat();
    scene.file("var/lib/igos/staging-places", &places);
    cleared(&scene).expect("what is there can be emptied");
    assert!(!scene.is_there("mounted/.igos-staging"));
    assert!(scene.is_there("outside/.igos-staging/0"));
}

#[test]
fn staging_directories_that_cannot_be_looked_for_are_an_error() {
    let scene = Scene::new();
    scene.directory("locked/d", 0o755);
    scene.set_mode("locked", 0o000);
    scene.file("var/lib/igos/staging-places", "locked/d/.igos-staging\n");
    fs::remove_dir(scene.at("var/lib/igos/staging")).expect("it is empty");
    let error = without_rights(|| cleared(&scene).expect_err("nobody knows what is there"));
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    scene.set_mode("locked", 0o755);
    // Nor is a list that cannot be read an empty one.
    scene.delete("var/lib/igos/staging-places");
    symlink("elsewhere", scene.at("var/lib/igos/staging-places")).expect("it can be made");
    cleared(&scene).expect_err("the list is a link");
}

#[test]
fn parked_file_loses_the_rights_that_another_name_or_a_descriptor_would_give() {
    /// Counts how often rights are taken away.
    #[derive(Debug, Default)]
    struct Counter(AtomicUsize);
    impl Mutations for Counter {
        fn take_rights(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Disk.take_rights(file, mode)
        }
    }
    let scene = Scene::new();
    let mode = |at: &str| fs::metadata(scene.at(at)).expect("it is there").mode() & 0o7777;
    for (slot, kept) in [("0", Some("home/kept")), ("1", None)] {
        let slot = format!("var/lib/igos/staging/{slot}");
        scene.file(&slot, "a program");
        scene.set_mode(&slot, 0o4755);
        if let Some(kept) = kept {
            scene.directory("home", 0o755);
            fs::hard_link(scene.at(&slot), scene.at(kept)).expect("it can be made");
        }
    }
    assert_eq!(mode("home/kept"), 0o4755);
    let held = fs::File::open(scene.at("var/lib/igos/staging/1")).expect("it is there");
    let counter = Counter::default();
    clear(&scene.root, &scene.state, &counter).expect("they are ours");
    assert_eq!(mode("home/kept"), 0o755);
    assert!(!scene.is_there("var/lib/igos/staging/0"));
    assert_eq!(held.metadata().expect("it is open").mode() & 0o7777, 0o755);
    assert_eq!(counter.0.load(Ordering::SeqCst), 2);
}
