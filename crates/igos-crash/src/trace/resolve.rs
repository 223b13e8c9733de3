//! Which objects descriptors and names of a stopped thread mean.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use nix::libc;
use nix::unistd::Pid;

use super::event::{Name, Object};
use crate::memory;

/// The objects of the watched directories.
#[derive(Debug, Default)]
pub(super) struct Objects {
    known: HashMap<(u64, u64), Object>,
    pub(super) before: BTreeMap<PathBuf, Object>,
    pub(super) devices: BTreeMap<Object, u64>,
    pub(super) inodes: BTreeMap<Object, u64>,
}

/// What a path means before its last component is looked at.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// The name, if its directory is watched.
    pub(super) name: Option<Name>,
    /// A path of ours that leads to it.
    pub(super) path: PathBuf,
    /// Whether a symbolic link at the end is followed.
    pub(super) follow: bool,
}

impl Objects {
    /// Takes up everything below the watched directories.
    pub(super) fn of(watched: &[PathBuf]) -> io::Result<Self> {
        let mut objects = Objects::default();
        for directory in watched {
            objects.walk(directory)?;
        }
        Ok(objects)
    }

    fn walk(&mut self, path: &Path) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        let object = match self.known.get(&(found.dev(), found.ino())) {
            Some(object) => *object,
            None => self.add(found.dev(), found.ino()),
        };
        self.before.insert(path.to_owned(), object);
        if found.is_dir() {
            for entry in fs::read_dir(path)? {
                self.walk(&entry?.path())?;
            }
        }
        Ok(())
    }

    fn add(&mut self, device: u64, inode: u64) -> Object {
        let object = Object(self.devices.len() as u32);
        self.known.insert((device, inode), object);
        self.devices.insert(object, device);
        self.inodes.insert(object, inode);
        object
    }

    /// Takes up an object that was just made, as a new one whatever had its inode number before.
    pub(super) fn made(&mut self, path: &Path, follow: bool) -> io::Result<Object> {
        let found = match follow {
            true => fs::metadata(path)?,
            false => fs::symlink_metadata(path)?,
        };
        Ok(self.add(found.dev(), found.ino()))
    }

    /// Finds the watched object at a path of ours.
    pub(super) fn at(&self, path: &Path, follow: bool) -> Option<Object> {
        let found = match follow {
            true => fs::metadata(path),
            false => fs::symlink_metadata(path),
        };
        // What is not there is no object.
        let found = found.ok()?;
        self.known.get(&(found.dev(), found.ino())).copied()
    }

    /// Finds the watched object that a descriptor is open for.
    pub(super) fn of_descriptor(&self, thread: Pid, number: u64) -> Option<Object> {
        self.at(&memory::descriptor(thread, number), true)
    }

    /// Resolves a path argument; an empty or absent one means the descriptor itself.
    pub(super) fn target(
        &self,
        thread: Pid,
        descriptor: u64,
        address: u64,
        follow: bool,
    ) -> io::Result<Target> {
        let text = match address {
            0 => Vec::new(),
            _ => memory::string(thread, address)?,
        };
        let path = place(thread, descriptor, &text);
        if text.is_empty() {
            return Ok(Target {
                name: None,
                path,
                follow: true,
            });
        }
        let named = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => self.at(parent, true).map(|directory| Name {
                directory,
                name: name.as_bytes().to_vec(),
            }),
            _ => None,
        };
        Ok(Target {
            name: named,
            path,
            follow,
        })
    }

    pub(super) fn object(&self, target: &Target) -> Option<Object> {
        self.at(&target.path, target.follow)
    }
}

/// Returns a path of ours that leads where `text` leads the thread.
fn place(thread: Pid, descriptor: u64, text: &[u8]) -> PathBuf {
    let own = format!("/proc/{thread}");
    if let Some(rest) = text.strip_prefix(b"/proc/self/") {
        return Path::new(&own).join(OsStr::from_bytes(rest));
    }
    if let Some(rest) = text.strip_prefix(b"/") {
        return Path::new(&own).join("root").join(OsStr::from_bytes(rest));
    }
    let base = match descriptor as i32 {
        libc::AT_FDCWD => Path::new(&own).join("cwd"),
        _ => memory::descriptor(thread, descriptor),
    };
    if text.is_empty() {
        return base;
    }
    base.join(PathBuf::from(std::ffi::OsString::from_vec(text.to_vec())))
}
