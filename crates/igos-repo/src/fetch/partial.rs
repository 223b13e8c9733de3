//! A download that is not complete, kept so that the next try or the next run can go on from it.

use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};

/// The bytes collected so far, with a lock that keeps other threads and processes from the same file.
///
/// The file is only ever shortened, never replaced, while the lock is held, because the lock belongs to the file.
#[derive(Debug)]
pub(crate) struct Partial {
    file: File,
    path: PathBuf,
    length: u64,
}

impl Partial {
    /// Opens or makes the file at `path` and waits until nobody else works on it.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)?;
            crate::lock::wait_for(file.file())?;
            // Whoever held the lock may have finished and moved the file into the store meanwhile.
            let ours = file.metadata()?;
            match fs_err::symlink_metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => {
                    return Ok(Partial {
                        file,
                        path,
                        length: ours.len(),
                    });
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
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
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets everything collected so far.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        Ok(())
    }

    /// Deletes the file if there is nothing in it to go on from, and it was not moved into the store.
    pub(crate) fn close(self) -> io::Result<()> {
        if self.length > 0 {
            return Ok(());
        }
        match fs_err::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }
}
