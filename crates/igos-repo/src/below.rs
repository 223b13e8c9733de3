//! Files below an open directory: the only way by which this crate touches what it keeps for a root or a user.
//!
//! A [`DirectoryBelow`] is a descriptor and a path below it, which is resolved with no symbolic link followed whenever
//! something is done there. Whoever can write to a root, a hook for instance, may have put links there: they lead
//! nowhere. The one path from outside is that of the directory at the top.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use igos_format::RelPath;
use igos_root::{Directory, DirectoryEntry, Kind, Metadata, RootDir, RootError, set_mode};
use serde::{Serialize, Serializer};

/// Everybody may look at what is kept, whatever the umask: queries are for all users.
const DIRECTORY_MODE: u16 = 0o755;

/// A directory below an open one. It need not be there yet.
#[derive(Debug, Clone)]
pub struct DirectoryBelow {
    top: Arc<RootDir>,
    /// The way to it, `None` for the open directory itself.
    path: Option<RelPath>,
}

/// A file in a [`DirectoryBelow`]. It need not be there.
#[derive(Debug, Clone)]
pub struct FileBelow {
    directory: DirectoryBelow,
    name: String,
}

impl DirectoryBelow {
    /// Returns the directory at `path`, the name that a user or the settings of a program give it; it is made if it is
    /// not there.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer.
    pub fn make_at(path: &Path) -> io::Result<Self> {
        fs_err::create_dir_all(path)?;
        let top = RootDir::open(path).map_err(RootError::into_io)?;
        Ok(DirectoryBelow {
            top: Arc::new(top),
            path: None,
        })
    }

    pub(crate) fn new(top: Arc<RootDir>, path: RelPath) -> Self {
        DirectoryBelow {
            top,
            path: Some(path),
        }
    }

    /// Returns the directory of this name in it.
    pub(crate) fn join(&self, name: &str) -> Self {
        let path = match &self.path {
            Some(path) => format!("{path}/{name}"),
            None => name.to_owned(),
        };
        DirectoryBelow {
            top: Arc::clone(&self.top),
            path: Some(path.parse().expect("our own names are names")),
        }
    }

    /// Returns the file of this name in it.
    pub(crate) fn file(&self, name: impl Into<String>) -> FileBelow {
        FileBelow {
            directory: self.clone(),
            name: name.into(),
        }
    }

    /// Returns its path for messages.
    pub(crate) fn shown(&self) -> PathBuf {
        match &self.path {
            Some(path) => self.top.shown().join(path.to_string()),
            None => self.top.shown().to_owned(),
        }
    }

    /// Opens it, `None` if it is not there.
    pub(crate) fn open(&self) -> io::Result<Option<Directory>> {
        let opened = match &self.path {
            Some(path) => self.top.directory(path).map_err(RootError::into_io),
            None => self.top.top().try_clone(),
        };
        match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens it, and makes it and what is above it where they are not there.
    pub(crate) fn make(&self) -> io::Result<Directory> {
        match &self.path {
            Some(path) => {
                let made = self.top.create_directories(path, DIRECTORY_MODE);
                made.map_err(RootError::into_io)
            }
            None => self.top.top().try_clone(),
        }
    }

    /// Returns what is in it, by name; nothing if it is not there.
    pub(crate) fn entries(&self) -> io::Result<Vec<DirectoryEntry>> {
        match self.open()? {
            Some(directory) => directory.entries(),
            None => Ok(Vec::new()),
        }
    }

    /// Returns the regular files in it, by name; what else is there is none of ours.
    pub(crate) fn files(&self) -> io::Result<Vec<(FileBelow, Metadata)>> {
        let Some(directory) = self.open()? else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        for entry in directory.entries()? {
            // Another process may have deleted it meanwhile.
            let Some(found) = directory.metadata_if_present(&entry.name)? else {
                continue;
            };
            let name = String::from_utf8(entry.name);
            if let (Kind::File, Ok(name)) = (found.kind, name) {
                files.push((self.file(name), found));
            }
        }
        Ok(files)
    }
}

impl FileBelow {
    /// Returns its path for messages; what is opened by it may be another file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.directory.shown().join(&self.name)
    }

    /// Returns the directory that it is in.
    pub(crate) fn directory(&self) -> &DirectoryBelow {
        &self.directory
    }

    /// Returns its name in its directory.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Opens it for reading, if it is a regular file.
    ///
    /// # Errors
    ///
    /// Returns the kernel's answer, or that it is something else.
    pub fn open(&self) -> io::Result<File> {
        match self.directory.open()? {
            Some(directory) => directory.open_file(self.name.as_bytes()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Returns what is there, `None` if nothing is.
    pub(crate) fn look(&self) -> io::Result<Option<Metadata>> {
        match self.directory.open()? {
            Some(directory) => directory.metadata_if_present(self.name.as_bytes()),
            None => Ok(None),
        }
    }

    /// Deletes it; nothing there is nothing to do.
    pub(crate) fn delete(&self) -> io::Result<()> {
        let Some(directory) = self.directory.open()? else {
            return Ok(());
        };
        match directory.delete(self.name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        }
    }

    /// Opens it for reading and writing if it is a file of the caller's with no other name; anything else makes room
    /// for a new one, but for a directory.
    pub(crate) fn open_to_write(&self, directory: &Directory) -> io::Result<File> {
        let name = self.name.as_bytes();
        loop {
            match directory.create_file(name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made,
            }
            match directory.metadata_if_present(name)? {
                None => {}
                Some(found) if is_ours(&found) => return directory.open_or_create_file(name),
                Some(_) => directory.delete(name)?,
            }
        }
    }

    /// Writes it beside its place and renames it there: readers, and who looks after a power cut, see the old bytes or
    /// the new ones.
    pub(crate) fn write(&self, bytes: &[u8], mode: u16) -> io::Result<()> {
        let directory = self.directory.make()?;
        let (beside, mut file) = create_beside(&directory)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| set_mode(&file, mode))
            .and_then(|()| file.sync_all())
            .and_then(|()| directory.rename(&beside, &directory, self.name.as_bytes()));
        if written.is_err() {
            // The first error is the one to tell; what stays behind is cleaned as a part of an archive is.
            directory.delete(&beside).ok();
        }
        written?;
        directory.sync()
    }
}

/// Tells whether nobody else can have opened a file to write to it, as far as its inode says.
fn is_ours(found: &Metadata) -> bool {
    found.kind == Kind::File
        && found.links == 1
        && found.uid == rustix::process::geteuid().as_raw()
        && found.mode & 0o022 == 0
}

/// Makes a file of a name that nothing else has.
fn create_beside(directory: &Directory) -> io::Result<(Vec<u8>, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!(".new-{}-{number}", std::process::id()).into_bytes();
        match directory.create_file(&name) {
            // Left behind by a process that had our number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (name, file)),
        }
    }
}

impl PartialEq for FileBelow {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

impl Eq for FileBelow {}

impl Serialize for FileBelow {
    /// Writes the path.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.path().serialize(serializer)
    }
}
