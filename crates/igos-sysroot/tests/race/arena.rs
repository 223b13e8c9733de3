//! A root, something precious beside it, and a user who owns a directory in the root.

use std::fmt::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use fs_err as fs;
use igos_format::Sha256;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};

use crate::support::TestRoot;

/// The user who is not to be trusted: `nobody` nearly everywhere.
const OTHER: u32 = 65_534;

/// The directory that belongs to the other user.
pub(crate) const THEIRS: &str = "srv/app";

/// What the decoy has links to: names of the package's, and of the careless operations'.
const LINKS: [&str; 6] = ["file", "tool", "sub", "more", "moved", "made"];

/// A root and what is beside it.
pub(crate) struct Arena {
    pub(crate) root: TestRoot,
    outside: tempfile::TempDir,
}

impl Arena {
    pub(crate) fn new() -> Self {
        let root = TestRoot::in_memory();
        let outside = tempfile::tempdir_in(root.directory.path().parent().expect("it has one"))
            .expect("a temporary directory");
        let arena = Arena { root, outside };
        arena.fill();
        fs::create_dir_all(arena.theirs()).expect("directories");
        let decoy = arena.theirs().join("decoy");
        fs::create_dir(&decoy).expect("directories");
        let precious = arena.precious();
        symlink(precious, arena.theirs().join("evil")).expect("links");
        for name in LINKS {
            symlink(precious.join(name), decoy.join(name)).expect("links");
        }
        if rustix::process::geteuid().is_root() {
            for path in [arena.theirs(), decoy] {
                std::os::unix::fs::chown(path, Some(OTHER), Some(OTHER)).expect("owners");
            }
        }
        arena
    }

    /// Makes what is precious: names as in the package, modes and owners that a mistake would change.
    pub(crate) fn fill(&self) {
        let precious = self.precious();
        for entry in fs::read_dir(precious).expect("it can be read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(path).expect("it can go");
            } else {
                fs::remove_file(path).expect("it can go");
            }
        }
        fs::create_dir(precious.join("sub")).expect("directories");
        for name in ["file", "tool", "sub/inner"] {
            fs::write(precious.join(name), format!("precious {name}")).expect("files");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            fs::set_permissions(precious.join(name), mode).expect("modes");
        }
    }

    pub(crate) fn precious(&self) -> &Path {
        self.outside.path()
    }

    pub(crate) fn theirs(&self) -> PathBuf {
        self.root.path(THEIRS)
    }

    /// Returns all that can be told of what is precious: content, mode, owner, times, names, attributes.
    pub(crate) fn digest(&self) -> String {
        let mut text = String::new();
        let mut pending = vec![self.precious().to_owned()];
        while let Some(path) = pending.pop() {
            let found = path.symlink_metadata().expect("it is there");
            write!(
                text,
                "{} {:o} {}:{} {} {} {}.{} {}.{} ",
                path.display(),
                found.mode(),
                found.uid(),
                found.gid(),
                found.nlink(),
                found.size(),
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec()
            )
            .expect("text can be written");
            let mut names = vec![0_u8; 4096];
            // A file system without attributes has none to change.
            let length = rustix::fs::llistxattr(&path, names.as_mut_slice()).unwrap_or(0);
            names.truncate(length);
            text += &String::from_utf8_lossy(&names);
            if found.is_file() {
                text += &Sha256::of(&fs::read(&path).expect("it can be read")).to_string();
            }
            text.push('\n');
            if found.is_dir() {
                let mut below: Vec<PathBuf> = fs::read_dir(&path)
                    .expect("it can be read")
                    .map(|entry| entry.expect("an entry").path())
                    .collect();
                below.sort();
                pending.extend(below);
            }
        }
        text
    }

    /// Lets the other user loose.
    ///
    /// `pause` is the longest time between two strikes, in turns of an empty loop of some nanoseconds each.
    pub(crate) fn race(&self, pause: u64) -> Racer {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let theirs =
            rustix::fs::openat(CWD, self.theirs(), flags, Mode::empty()).expect("it opens");
        let precious = self.precious().to_owned();
        let shared = Arc::new(Shared::default());
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                become_other();
                let mut racing = Racing {
                    theirs,
                    precious,
                    pause,
                    lost: 0,
                };
                racing.run(&shared);
            }
        });
        Racer {
            shared,
            thread: Some(thread),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// The racer is asked to hold still.
    hold: AtomicBool,
    /// It does.
    held: AtomicBool,
    swaps: AtomicU64,
}

/// The other user at work, until the value is dropped.
#[derive(Debug)]
pub(crate) struct Racer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Racer {
    /// Does something while the other user holds still and has put everything back.
    pub(crate) fn without<T>(&self, act: impl FnOnce() -> T) -> T {
        self.shared.hold.store(true, Ordering::SeqCst);
        while !self.shared.held.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        let result = act();
        self.shared.hold.store(false, Ordering::SeqCst);
        while self.shared.held.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        result
    }

    /// Stops, and returns how often something was swapped.
    pub(crate) fn stop(mut self) -> u64 {
        self.shared.stop.store(true, Ordering::SeqCst);
        let thread = self.thread.take().expect("it runs until now");
        thread.join().expect("the racer does not panic");
        self.shared.swaps.load(Ordering::SeqCst)
    }
}

impl Drop for Racer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

/// Gives this thread alone the rights of the other user; an ordinary user races as themselves.
fn become_other() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (uid, gid) = (
        rustix::fs::Uid::from_raw(OTHER),
        rustix::fs::Gid::from_raw(OTHER),
    );
    rustix::thread::set_thread_groups(&[]).expect("root may");
    rustix::thread::set_thread_res_gid(gid, gid, gid).expect("root may");
    rustix::thread::set_thread_res_uid(uid, uid, uid).expect("root may");
}

struct Racing {
    theirs: OwnedFd,
    precious: PathBuf,
    pause: u64,
    lost: u64,
}

impl Racing {
    fn run(&mut self, shared: &Shared) {
        while !shared.stop.load(Ordering::SeqCst) {
            if shared.hold.load(Ordering::SeqCst) {
                self.put_back();
                shared.held.store(true, Ordering::SeqCst);
                while shared.hold.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                shared.held.store(false, Ordering::SeqCst);
            }
            let turn = shared.swaps.fetch_add(1, Ordering::SeqCst);
            self.swap(turn);
        }
        self.put_back();
    }

    fn is_trap(&self, name: &str) -> bool {
        let kind = |name: &str| {
            rustix::fs::statat(&self.theirs, name, AtFlags::SYMLINK_NOFOLLOW)
                .map(|found| rustix::fs::FileType::from_raw_mode(found.st_mode))
        };
        // The decoy alone has a link by this name.
        kind(name).is_ok_and(|kind| kind.is_symlink())
            || kind(&format!("{name}/moved")).is_ok_and(|kind| kind.is_symlink())
    }

    /// Takes what was put in place of the package's directory away, and puts that back if it is anywhere.
    fn put_back(&mut self) {
        if self.is_trap("data") {
            self.vacate("data");
        }
        let theirs = self.theirs.as_fd();
        for other in ["evil", "decoy"] {
            if !self.is_trap(other) {
                // Neither may be there.
                let _ = rustix::fs::renameat_with(
                    theirs,
                    other,
                    theirs,
                    "data",
                    RenameFlags::NOREPLACE,
                );
            }
        }
    }

    /// Puts a link, or a directory full of links, where the package's directory is, and takes it away again.
    fn swap(&mut self, turn: u64) {
        self.restore();
        // Most of the time all is as it should be, or nothing would ever get as far as changing something.
        for _ in 0..turn.wrapping_mul(2_654_435_761) % self.pause {
            std::hint::spin_loop();
        }
        let other = if turn.is_multiple_of(2) {
            "evil"
        } else {
            "decoy"
        };
        let theirs = self.theirs.as_fd();
        let rename = |from: &str, to: &str, flags| {
            rustix::fs::renameat_with(theirs, from, theirs, to, flags)
        };
        if rename("data", other, RenameFlags::EXCHANGE).is_ok() {
            for _ in 0..turn % 64 {
                std::hint::spin_loop();
            }
            // What is there by now is whatever it is: the next turn mends what is not as it should be.
            let _ = rename("data", other, RenameFlags::EXCHANGE);
        } else if rename(other, "data", RenameFlags::NOREPLACE).is_ok() {
            let _ = rename("data", other, RenameFlags::NOREPLACE);
        }
    }

    /// Makes the link and the decoy anew where they were lost.
    fn restore(&mut self) {
        let precious = self.precious.clone();
        if !self.is_trap("evil") && self.vacate("evil") {
            let linked = rustix::fs::symlinkat(&precious, &self.theirs, "evil");
            linked.expect("nobody else makes it");
        }
        if !self.is_trap("decoy") && self.vacate("decoy") {
            rustix::fs::mkdirat(&self.theirs, "decoy", Mode::RWXU | Mode::XOTH)
                .expect("nobody else makes it");
            for name in LINKS {
                rustix::fs::symlinkat(precious.join(name), &self.theirs, format!("decoy/{name}"))
                    .expect("nobody else makes it");
            }
        }
    }

    /// Puts what has a name out of the way; tells whether the name is free.
    fn vacate(&mut self, name: &str) -> bool {
        self.lost += 1;
        let away = format!("lost-{}", self.lost);
        let theirs = self.theirs.as_fd();
        let moved = rustix::fs::renameat_with(theirs, name, theirs, away, RenameFlags::NOREPLACE);
        matches!(moved, Ok(()) | Err(rustix::io::Errno::NOENT))
    }
}
