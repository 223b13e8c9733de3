//! File systems of a test's own.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, UnmountFlags};

use crate::support::skipped;

/// Something mounted, until the value is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts a file system without a device at a directory; says so and returns none where that is not allowed.
    pub(crate) fn new(kind: &str, at: &Path, options: &str) -> Option<Self> {
        let options = std::ffi::CString::new(options).expect("it is a text");
        let mounted = rustix::mount::mount(
            kind,
            at,
            kind,
            MountFlags::empty(),
            Some(options.as_c_str()),
        );
        Self::when(mounted, at, kind)
    }

    /// Mounts a file or directory at another.
    pub(crate) fn bind(from: &Path, at: &Path) -> Option<Self> {
        Self::when(rustix::mount::mount_bind(from, at), at, "bind mounts")
    }

    /// Mounts an image of a few MiB, made on the spot in a file of its own.
    pub(crate) fn image(at: &Path, kind: &str) -> Option<Self> {
        let image = tempfile::NamedTempFile::new().expect("a temporary file");
        image
            .as_file()
            .set_len(24 << 20)
            .expect("it can be made long");
        let is_done = |program: &str, arguments: &[&std::ffi::OsStr]| {
            #[expect(clippy::disallowed_methods, reason = "a test makes a file system")]
            let mut command = std::process::Command::new(program);
            let output = command.args(arguments).output();
            output.is_ok_and(|output| output.status.success())
        };
        let file = image.path().as_os_str();
        let made = is_done(
            &format!("mkfs.{kind}"),
            &["-q".as_ref(), "-F".as_ref(), file],
        );
        // The mount keeps the image when its name is gone.
        if !made
            || !is_done(
                "mount",
                &["-o".as_ref(), "loop".as_ref(), file, at.as_os_str()],
            )
        {
            skipped(&format!("images of {kind} cannot be made and mounted here"));
            return None;
        }
        Some(Mounted(at.to_owned()))
    }

    fn when(mounted: rustix::io::Result<()>, at: &Path, what: &str) -> Option<Self> {
        match mounted {
            Ok(()) => Some(Mounted(at.to_owned())),
            Err(error) => {
                skipped(&format!("{what} cannot be mounted here: {error}"));
                None
            }
        }
    }

    /// Makes it read-only.
    pub(crate) fn make_read_only(&self) {
        rustix::mount::mount_remount(&self.0, MountFlags::BIND | MountFlags::RDONLY, "")
            .expect("what is mounted can be made read-only");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        rustix::mount::unmount(&self.0, UnmountFlags::DETACH).expect("it is mounted");
    }
}
