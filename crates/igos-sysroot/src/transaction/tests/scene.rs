//! A root with slots and places, as an interrupted transaction and other people leave them.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use fs_err as fs;
use igos_format::{RelPath, Sha256};
use igos_root::{Directory, Kind, RootDir};

use super::super::journal::{Identity, Location};
use crate::layout;

pub(super) fn path(text: &str) -> RelPath {
    text.parse().expect("a path")
}

pub(super) fn place(text: &str) -> Location {
    Location::Place(path(text))
}

pub(super) fn slot(number: u64) -> Location {
    Location::Slot { staging: 0, number }
}

/// Returns where a slot is.
pub(super) fn slot_path(number: u64) -> String {
    format!("var/lib/igos/staging/{number}")
}

pub(super) struct Scene {
    directory: tempfile::TempDir,
    pub(super) root: RootDir,
    pub(super) state: Directory,
}

impl Scene {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(directory.path().join("var/lib/igos")).expect("directories");
        let root = RootDir::open(directory.path()).expect("it opens");
        let state = root.directory(&layout::state()).expect("it was made");
        let scene = Scene {
            directory,
            root,
            state,
        };
        scene.directory("var/lib/igos/staging", 0o700);
        scene
    }

    pub(super) fn at(&self, at: &str) -> PathBuf {
        self.directory.path().join(at)
    }

    pub(super) fn directory(&self, at: &str, mode: u32) {
        fs::create_dir_all(self.at(at)).expect("directories");
        self.set_mode(at, mode);
    }

    pub(super) fn set_mode(&self, at: &str, mode: u32) {
        let mode = std::fs::Permissions::from_mode(mode);
        fs::set_permissions(self.at(at), mode).expect("it is ours");
    }

    /// Writes a new file; returns what a journal would say of it.
    pub(super) fn file(&self, at: &str, content: &str) -> Identity {
        fs::create_dir_all(self.at(at).parent().expect("it has one")).expect("directories");
        fs::write(self.at(at), content).expect("it can be written");
        Identity {
            kind: Kind::File,
            inode: fs::metadata(self.at(at)).expect("it is there").ino(),
            content: Some(Sha256::of(content.as_bytes())),
        }
    }

    pub(super) fn delete(&self, at: &str) {
        fs::remove_file(self.at(at)).expect("it is there");
    }

    pub(super) fn content(&self, at: &str) -> Option<String> {
        fs::read_to_string(self.at(at)).ok()
    }

    pub(super) fn is_there(&self, at: &str) -> bool {
        self.at(at).symlink_metadata().is_ok()
    }
}

/// Does something as a user who cannot enter a directory of mode 000.
pub(super) fn without_rights<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let act = || {
        if rustix::process::geteuid().is_root() {
            let nobody = rustix::fs::Uid::from_raw(65_534);
            rustix::thread::set_thread_res_uid(nobody, nobody, nobody).expect("root may");
        }
        act()
    };
    // The rights are those of a thread.
    std::thread::scope(|scope| scope.spawn(act).join().expect("no panic"))
}
