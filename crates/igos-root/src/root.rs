//! The capability itself: one directory, and everything below it by [`RelPath`].

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use igos_format::{RelPath, escape};
use rustix::fs::{CWD, Mode, OFlags};

use crate::directory::open_strictly;
use crate::{Directory, Metadata, RootError};

/// A directory that nothing escapes from.
#[derive(Debug)]
pub struct RootDir {
    top: Directory,
    shown: PathBuf,
}

impl RootDir {
    /// Opens the directory at `path`, the only path from outside that this crate takes.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let fail = |source: rustix::io::Errno| {
            RootError::new(
                "open directory",
                escape::escape(path.as_os_str().as_encoded_bytes()),
                source.into(),
            )
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(CWD, path, flags, Mode::empty()).map_err(fail)?;
        Ok(RootDir {
            top: Directory::from_descriptor(opened),
            shown: path.to_owned(),
        })
    }

    /// Returns the root that an open directory is; `shown` is its name in messages.
    #[must_use]
    pub fn from_directory(top: Directory, shown: impl Into<PathBuf>) -> Self {
        RootDir {
            top,
            shown: shown.into(),
        }
    }

    /// Returns a second handle of the same root.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn try_clone(&self) -> Result<RootDir, RootError> {
        Ok(RootDir {
            top: self
                .top
                .try_clone()
                .map_err(|source| RootError::new("open", self.to_string(), source))?,
            shown: self.shown.clone(),
        })
    }

    /// Returns the root as the user named it, for messages alone.
    #[must_use]
    pub fn shown(&self) -> &Path {
        &self.shown
    }

    /// Returns the directory at the top.
    #[must_use]
    pub fn top(&self) -> &Directory {
        &self.top
    }

    /// Opens the directory at `path`.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: `ELOOP` when a symbolic link is in the way.
    pub fn directory(&self, path: &RelPath) -> Result<Directory, RootError> {
        open_strictly(
            self.top.as_fd(),
            path.as_bytes(),
            OFlags::RDONLY | OFlags::DIRECTORY,
            Mode::empty(),
        )
        .map(Directory::from_descriptor)
        .map_err(|source| RootError::new("open directory", path.to_string(), source))
    }

    /// Opens the directory that holds `path`.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer: `ELOOP` when a symbolic link is in the way.
    pub fn parent_of(&self, path: &RelPath) -> Result<Directory, RootError> {
        match path.parent() {
            Some(parent) => self.directory(&parent),
            None => self
                .top
                .try_clone()
                .map_err(|source| RootError::new("open", self.to_string(), source)),
        }
    }

    /// Opens the directory at `path`, making it and its parents with `mode` where they are absent.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn create_directories(&self, path: &RelPath, mode: u16) -> Result<Directory, RootError> {
        let fail = |source| RootError::new("create directory", path.to_string(), source);
        let mut current = self.top.try_clone().map_err(fail)?;
        for name in path.components() {
            current = match current.open_directory(name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    match current.create_directory(name, mode) {
                        // Somebody else made it meanwhile.
                        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                            current.open_directory(name)
                        }
                        other => other,
                    }
                }
                other => other,
            }
            .map_err(fail)?;
        }
        Ok(current)
    }

    /// Returns what is at `path`, never following a symbolic link, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn metadata(&self, path: &RelPath) -> Result<Option<Metadata>, RootError> {
        self.in_parent(path, "look at", |parent, name| {
            parent.metadata_if_present(name)
        })
        .map(Option::flatten)
    }

    /// Returns where the symbolic link at `path` points, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn read_link(&self, path: &RelPath) -> Result<Option<Vec<u8>>, RootError> {
        self.in_parent(path, "read link", |parent, name| parent.read_link(name))
    }

    /// Opens the regular file at `path` for reading, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, or that it is not a regular file.
    pub fn open_file(&self, path: &RelPath) -> Result<Option<File>, RootError> {
        self.in_parent(path, "open", |parent, name| parent.open_file(name))
    }

    /// Returns the content of the regular file at `path`, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, or that it is longer than `limit_bytes`.
    pub fn read_file(
        &self,
        path: &RelPath,
        limit_bytes: u64,
    ) -> Result<Option<Vec<u8>>, RootError> {
        let Some(file) = self.open_file(path)? else {
            return Ok(None);
        };
        read_bounded(file, limit_bytes)
            .map(Some)
            .map_err(|source| RootError::new("read", path.to_string(), source))
    }

    fn in_parent<T>(
        &self,
        path: &RelPath,
        operation: &'static str,
        act: impl FnOnce(&Directory, &[u8]) -> io::Result<T>,
    ) -> Result<Option<T>, RootError> {
        let parent = match self.parent_of(path) {
            Ok(parent) => parent,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        match act(&parent, path.file_name()) {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(RootError::new(operation, path.to_string(), source)),
        }
    }
}

/// Returns what is left in `file`, an error when that is more than `limit_bytes`.
fn read_bounded(file: File, limit_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit_bytes {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is longer than {limit_bytes} bytes"),
        ));
    }
    Ok(bytes)
}

impl std::fmt::Display for RootDir {
    /// Writes the root as the user named it, escaped.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&escape::escape(self.shown.as_os_str().as_encoded_bytes()))
    }
}
