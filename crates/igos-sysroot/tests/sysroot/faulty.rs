//! Mutations that stop or fail where a test says so.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use igos_root::Directory;
use igos_sysroot::{Attributes, ChangeOptions, Disk, Durability, Mutations};

/// What happens at the mutation of number `at`, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The process dies: neither this mutation nor any later one happens.
    Dies,
    /// The process dies right after it.
    DiesAfter,
    /// It fails with this error, once.
    Fails(io::ErrorKind),
}

/// Lets mutations through until its number comes.
#[derive(Debug)]
pub(crate) struct Faulty {
    stop: Stop,
    at: u64,
    seen: AtomicU64,
}

impl Faulty {
    pub(crate) fn new(stop: Stop, at: u64) -> Arc<Self> {
        Arc::new(Faulty {
            stop,
            at,
            seen: AtomicU64::new(0),
        })
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }

    fn pass<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let now = self.seen.fetch_add(1, Ordering::SeqCst);
        let dead = || Err(io::Error::other("the process is dead"));
        match self.stop {
            Stop::Dies if now >= self.at => dead(),
            Stop::DiesAfter if now > self.at => dead(),
            Stop::DiesAfter if now == self.at => {
                act()?;
                dead()
            }
            Stop::Fails(kind) if now == self.at => Err(kind.into()),
            _ => act(),
        }
    }
}

impl Mutations for Faulty {
    fn create_directory(&self, at: &Directory, name: &[u8], mode: u16) -> io::Result<Directory> {
        self.pass(|| Disk.create_directory(at, name, mode))
    }
    fn create_file(&self, at: &Directory, name: &[u8]) -> io::Result<File> {
        self.pass(|| Disk.create_file(at, name))
    }
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.write(file, bytes))
    }
    fn create_symlink(&self, at: &Directory, target: &[u8], name: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.create_symlink(at, target, name))
    }
    fn link(&self, from: &Directory, name: &[u8], to: &Directory, other: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.link(from, name, to, other))
    }
    fn set_attributes(&self, file: BorrowedFd<'_>, attributes: &Attributes<'_>) -> io::Result<()> {
        self.pass(|| Disk.set_attributes(file, attributes))
    }
    fn set_mode(&self, file: BorrowedFd<'_>, mode: u16) -> io::Result<()> {
        self.pass(|| Disk.set_mode(file, mode))
    }
    fn set_owner(&self, file: BorrowedFd<'_>, uid: u32, gid: u32) -> io::Result<()> {
        self.pass(|| Disk.set_owner(file, uid, gid))
    }
    fn rename(&self, a: &Directory, name: &[u8], b: &Directory, other: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.rename(a, name, b, other))
    }
    fn rename_new(
        &self,
        a: &Directory,
        name: &[u8],
        b: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        self.pass(|| Disk.rename_new(a, name, b, other))
    }
    fn exchange(&self, a: &Directory, name: &[u8], b: &Directory, other: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.exchange(a, name, b, other))
    }
    fn delete(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.delete(at, name))
    }
    fn delete_directory(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.delete_directory(at, name))
    }
    fn delete_tree(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        self.pass(|| Disk.delete_tree(at, name))
    }
    fn sync_filesystem(&self, at: &Directory) -> io::Result<()> {
        // Counted and refused, but not waited for: nothing cuts the power here.
        self.pass(|| at.own_metadata().map(drop))
    }
    fn sync(&self, at: &Directory) -> io::Result<()> {
        self.pass(|| at.own_metadata().map(drop))
    }
    fn commit_database(&self) -> io::Result<()> {
        self.pass(|| Disk.commit_database())
    }
}

/// Returns options to change a root with these mutations, safe against everything.
pub(crate) fn options(mutations: Arc<dyn Mutations>) -> ChangeOptions {
    ChangeOptions {
        durability: Durability::Full,
        mutations,
        ..ChangeOptions::default()
    }
}
