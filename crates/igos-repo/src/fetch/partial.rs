//! A download that is not complete, kept so that the next try or the next run can go on from it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_root::{Directory, set_mode};

use crate::below::FileBelow;

/// The bytes collected so far, with a lock that keeps other threads and processes from the same file.
///
/// The file is only ever shortened, never replaced, while the lock is held, because the lock belongs to the file.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    directory: Directory,
    name: String,
    path: PathBuf,
    length: u64,
}

impl Partial {
    /// Opens or makes a file and waits until nobody else works on it.
    pub(crate) fn open(place: &FileBelow) -> io::Result<Self> {
        let directory = place.directory().make()?;
        loop {
            let file = place.open_to_write(&directory)?;
            igos_root::wait_for_lock(&file)?;
            // Whoever held the lock may have finished and moved the file into the store meanwhile. Names of one
            // directory are of one file system, so the inode says which file it is.
            let ours = file.metadata()?;
            let there = directory.metadata_if_present(place.name().as_bytes())?;
            if there.is_some_and(|there| there.inode == ours.ino()) {
                return Ok(Partial {
                    file,
                    directory,
                    name: place.name().to_owned(),
                    path: place.path(),
                    length: ours.len(),
                });
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets everything collected so far.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        Ok(())
    }

    /// Returns the digest of what is collected.
    pub(crate) fn digest(&self) -> io::Result<Sha256> {
        Sha256::read(self.read_from_start()?)
    }

    /// Returns what is collected, to be read.
    pub(crate) fn read_from_start(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// Moves the file to its place, with all its bytes on the disk; it is collected no longer.
    pub(crate) fn place(self, place: &FileBelow, mode: u16) -> io::Result<()> {
        let target = place.directory().make()?;
        self.file.sync_all()?;
        let name = place.name().as_bytes();
        self.directory.rename(self.name.as_bytes(), &target, name)?;
        // Not before: somebody who waits for the same bytes could not open the file then.
        set_mode(&self.file, mode)?;
        target.sync()
    }

    /// Deletes the file if there is nothing in it to go on from, and it was not moved into the store.
    pub(crate) fn close(self) -> io::Result<()> {
        if self.length > 0 {
            return Ok(());
        }
        match self.directory.delete(self.name.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}
