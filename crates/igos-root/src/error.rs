//! What can go wrong below a root.

use std::io;

use igos_report::Explain;

/// An operation below a root failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {path}")]
pub struct RootError {
    operation: &'static str,
    path: String,
    #[source]
    source: io::Error,
}

impl RootError {
    /// Returns the failure of `operation`, a verb phrase such as `open directory`, at the escaped `path`.
    #[must_use]
    pub fn new(operation: &'static str, path: impl Into<String>, source: io::Error) -> Self {
        RootError {
            operation,
            path: path.into(),
            source,
        }
    }

    /// Tells whether there is nothing at the path.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Tells whether something on the way to the path is not a directory: a file or a symbolic link.
    #[must_use]
    pub fn is_way_blocked(&self) -> bool {
        let blocked = [rustix::io::Errno::LOOP, rustix::io::Errno::NOTDIR];
        blocked
            .iter()
            .any(|error| self.errno() == Some(error.raw_os_error()))
    }

    /// Returns the kernel's number for the failure, if it came from the kernel.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }

    /// Returns the cause.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        self.source
    }
}

impl Explain for RootError {
    fn code(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::NotFound => "not-found",
            io::ErrorKind::PermissionDenied => "permission-denied",
            io::ErrorKind::StorageFull => "disk-full",
            io::ErrorKind::ReadOnlyFilesystem => "read-only",
            _ if self.errno() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                "symbolic-link-in-the-way"
            }
            _ => "file-operation-failed",
        }
    }
}
