//! Ways that nobody else can turn aside, for code that cannot work by descriptors (SQLite).

use igos_format::RelPath;
use rustix::fs::AtFlags;

use crate::{Directory, Metadata, RootDir, RootError};

/// Others may write to a directory.
const OTHERS_WRITE: u16 = 0o022;

/// Only who owns a name, or the directory, may rename or delete it.
const STICKY: u16 = 0o1000;

impl RootDir {
    /// Opens the directory at `path`, which nobody but root, the caller and the owner of the root itself can replace:
    /// every directory from the top to it belongs to one of them, and others cannot write there.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, or which directory is in the hands of others.
    pub fn private_directory(&self, path: &RelPath) -> Result<Directory, RootError> {
        let fail = |source| RootError::new("open directory", path.to_string(), source);
        let mut current = self.top().try_clone().map_err(fail)?;
        let top = current.own_metadata().map_err(fail)?;
        let caller = rustix::process::geteuid().as_raw();
        let is_trusted = |uid: u32| uid == 0 || uid == caller || uid == top.uid;
        refuse_open(&top, is_trusted).map_err(|why| fail(refusal(&self.to_string(), &why)))?;
        let mut at = Vec::new();
        for name in path.components() {
            current = current.open_directory(name).map_err(fail)?;
            at.push(name);
            let found = current.own_metadata().map_err(fail)?;
            refuse_open(&found, is_trusted).map_err(|why| {
                let shown = igos_format::escape::escape(&at.join(&b'/'));
                fail(refusal(&shown, &why))
            })?;
        }
        Ok(current)
    }
}

fn refuse_open(found: &Metadata, is_trusted: impl Fn(u32) -> bool) -> Result<(), String> {
    if !is_trusted(found.uid) {
        return Err(format!("belongs to user {}", found.uid));
    }
    if found.mode & OTHERS_WRITE != 0 && found.mode & STICKY == 0 {
        return Err(format!(
            "has mode {:04o}: others can write to it",
            found.mode
        ));
    }
    Ok(())
}

fn refusal(shown: &str, why: &str) -> std::io::Error {
    std::io::Error::new(
        std::io::ErrorKind::PermissionDenied,
        format!("{shown} {why}"),
    )
}

/// Tells whether this process has an open descriptor of the inode that `found` is of: what a library that takes paths
/// has opened is what we looked at, and nothing that was put there meanwhile.
///
/// # Errors
///
/// Returns that the descriptors of this process cannot be listed.
pub fn is_held_open(found: &Metadata) -> std::io::Result<bool> {
    let descriptors = rustix::fs::open(
        "/proc/self/fd",
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    for entry in rustix::fs::Dir::read_from(&descriptors)? {
        let entry = entry?;
        // The links lead to what is open, whatever its name leads to by now. Other threads close descriptors
        // meanwhile, and `.` and `..` are none.
        let Ok(open) = rustix::fs::statat(&descriptors, entry.file_name(), AtFlags::empty()) else {
            continue;
        };
        let device = u64::from(rustix::fs::major(open.st_dev)) << 32
            | u64::from(rustix::fs::minor(open.st_dev));
        if (device, open.st_ino) == (found.device, found.inode) {
            return Ok(true);
        }
    }
    Ok(false)
}
