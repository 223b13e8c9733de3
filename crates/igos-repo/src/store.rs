//! The store: files under their digests, each verified before it got there.
//!
//! ```text
//! sha256/ab/<64 hexadecimal digits>   the file, mode 0444
//! blake3/<66 hexadecimal digits>      one line: the SHA-256 of the file with this BLAKE3
//! git/<commit id>                     one line: the SHA-256 of `git archive` of this commit
//! unpinned/<SHA-256 of the address>   one line: the SHA-256 of what was last fetched there without a pin
//! partial/                            files on their way in
//! damaged/                            entries that no longer matched, moved aside
//! ```
//!
//! A file is written below `partial`, its content is read back and compared, it is synced and then renamed.
//! [`SourceStore::find`] reads the whole file again before handing it out, so that a disk error or a meddling
//! program is found before a build begins; [`SourceStore::contains`] only looks whether the file is there, for
//! plans that will not use its bytes. The format is normative in `docs/formats/source-store.md`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use igos_format::{Blake3, Digest, Hasher, Sha256};
use igos_report::Explain;

use crate::below::{DirectoryBelow, FileBelow};

/// What the bytes of a file must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Exactly the bytes with this digest.
    Digest(Digest),
    /// Whatever came: the user allowed an unpinned source.
    Anything,
}

/// The content-addressed store of verified sources.
#[derive(Debug, Clone)]
pub struct SourceStore {
    directory: PathBuf,
}

/// A file of the store whose content was compared with its digest by the call that returned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) path: PathBuf,
    pub(crate) sha256: Sha256,
    pub(crate) size: u64,
}

/// What a look into the store found.
#[derive(Debug)]
pub(crate) enum Lookup {
    Found(Stored),
    Absent,
    /// The entry's bytes had changed; it was moved aside.
    Damaged {
        aside: PathBuf,
        actual: Sha256,
    },
}

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or directory of the store cannot be made, read, written or renamed.
    #[error("cannot {action} {} in the source store", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        "source-store-unusable"
    }

    fn hints(&self) -> Vec<String> {
        vec!["check owner, mode and free space of the cache directory, or name another with `--cache DIR`".into()]
    }
}

/// Bytes are not the expected ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) expected: Digest,
    pub(crate) actual: Digest,
    pub(crate) size: u64,
}

/// Why a file was not admitted.
#[derive(Debug)]
pub(crate) enum AdmitError {
    Mismatch(Mismatch),
    Store(StoreError),
}

impl From<StoreError> for AdmitError {
    fn from(error: StoreError) -> Self {
        AdmitError::Store(error)
    }
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io {
        action,
        path: path.to_owned(),
        source,
    }
}

impl SourceStore {
    /// Opens the store in `directory`, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// Returns what could not be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        for part in ["sha256", "blake3", "git", "unpinned", "partial"] {
            let path = directory.join(part);
            fs_err::create_dir_all(&path).map_err(failed("make", &path))?;
        }
        Ok(SourceStore { directory })
    }

    /// Returns the directory of the store.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns where the file with this digest is or would be.
    #[must_use]
    pub fn path_of(&self, sha256: &Sha256) -> PathBuf {
        let text = sha256.to_string();
        self.directory.join("sha256").join(&text[..2]).join(&text)
    }

    /// Tells whether a file with this digest is there, without reading it.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        let sha256 = match digest {
            Digest::Sha256(sha256) => Some(*sha256),
            Digest::Blake3(blake3) => self.read_note(&self.blake3_note(blake3)),
        };
        sha256.is_some_and(|sha256| {
            fs_err::symlink_metadata(self.path_of(&sha256)).is_ok_and(|found| found.is_file())
        })
    }

    /// Looks up a file and compares all its bytes with `digest`; an entry that differs is moved aside.
    pub(crate) fn find(&self, digest: &Digest) -> Result<Lookup, StoreError> {
        let sha256 = match digest {
            Digest::Sha256(sha256) => *sha256,
            Digest::Blake3(blake3) => match self.read_note(&self.blake3_note(blake3)) {
                Some(sha256) => sha256,
                None => return Ok(Lookup::Absent),
            },
        };
        let path = self.path_of(&sha256);
        match fs_err::symlink_metadata(&path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => {
                let aside = self.move_aside(&path)?;
                let actual = Sha256::of(b"");
                return Ok(Lookup::Damaged { aside, actual });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Lookup::Absent),
            Err(error) => return Err(failed("look at", &path)(error)),
        }
        // The digest that was asked for decides, so that a wrong BLAKE3 note cannot hand out other bytes.
        match compare(&path, Expected::Digest(*digest))? {
            Ok(stored) => Ok(Lookup::Found(stored)),
            Err(_) => {
                let actual = hash(&path, Hasher::new())?.sha256();
                if actual == sha256 {
                    // The file is what its name says: only the note was wrong.
                    if let Digest::Blake3(blake3) = digest {
                        let note = self.blake3_note(blake3);
                        fs_err::remove_file(&note).map_err(failed("delete", &note))?;
                    }
                    return Ok(Lookup::Absent);
                }
                let aside = self.move_aside(&path)?;
                Ok(Lookup::Damaged { aside, actual })
            }
        }
    }

    /// Takes the file at `partial`, which must lie below this store's `partial` directory, into the store if its
    /// bytes are the expected ones. This is the only way in, for every provider.
    ///
    /// On a mismatch the file stays where it is.
    pub(crate) fn admit(&self, partial: &Path, expected: Expected) -> Result<Stored, AdmitError> {
        let found = compare(partial, expected)?.map_err(AdmitError::Mismatch)?;
        let path = self.path_of(&found.sha256);
        let parent = path.parent().expect("an entry lies in a directory");
        fs_err::create_dir_all(parent).map_err(failed("make", parent))?;
        fs_err::File::open(partial)
            .and_then(|file| file.sync_all())
            .map_err(failed("sync", partial))?;
        fs_err::rename(partial, &path).map_err(failed("rename", partial))?;
        // Not before: somebody who waits for the same source could not open the partial file then.
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o444))
            .map_err(failed("change the mode of", &path))?;
        sync_directory(parent)?;
        if let Expected::Digest(Digest::Blake3(blake3)) = expected {
            self.write_note(&self.blake3_note(&blake3), &found.sha256)?;
        }
        Ok(Stored { path, ..found })
    }

    /// Returns the file below `partial` where a download of this name is collected.
    pub(crate) fn partial(&self, name: &str) -> Result<FileBelow, StoreError> {
        let path = self.directory.join("partial");
        let directory = DirectoryBelow::make_at(&path).map_err(failed("open", &path))?;
        Ok(directory.file(format!("{name}.part")))
    }

    /// Returns a fresh path below `partial` that no other thread or process uses.
    pub(crate) fn fresh_partial(&self) -> Result<tempfile::TempPath, StoreError> {
        let directory = self.directory.join("partial");
        tempfile::Builder::new()
            .prefix("new-")
            .tempfile_in(&directory)
            .map(tempfile::NamedTempFile::into_temp_path)
            .map_err(failed("make a file in", &directory))
    }

    /// Returns what was noted about a commit or an unpinned address.
    pub(crate) fn noted(&self, note: &Note) -> Option<Sha256> {
        self.read_note(&self.note_path(note))
    }

    /// Notes which file a commit or an unpinned address gave.
    pub(crate) fn note(&self, note: &Note, sha256: &Sha256) -> Result<(), StoreError> {
        self.write_note(&self.note_path(note), sha256)
    }

    fn note_path(&self, note: &Note) -> PathBuf {
        match note {
            Note::Commit(commit) => self.directory.join("git").join(commit),
            Note::Unpinned(location) => self
                .directory
                .join("unpinned")
                .join(Sha256::of(location.as_bytes()).to_string()),
        }
    }

    fn blake3_note(&self, blake3: &Blake3) -> PathBuf {
        self.directory.join("blake3").join(blake3.to_string())
    }

    /// A note that cannot be read or parsed counts as absent: it is a shortcut, and the file is compared anyway.
    fn read_note(&self, path: &Path) -> Option<Sha256> {
        let mut text = String::new();
        let file = fs_err::File::open(path).ok()?;
        file.take(100).read_to_string(&mut text).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    }

    fn write_note(&self, path: &Path, sha256: &Sha256) -> Result<(), StoreError> {
        let partial = self.fresh_partial()?;
        let write = || {
            let mut file = fs_err::File::create(&partial)?;
            writeln!(file, "{sha256}")?;
            file.sync_all()
        };
        write().map_err(failed("write", path))?;
        partial
            .persist(path)
            .map_err(|error| failed("rename", path)(error.error))
    }

    fn move_aside(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let damaged = self.directory.join("damaged");
        fs_err::create_dir_all(&damaged).map_err(failed("make", &damaged))?;
        let name = path.file_name().expect("an entry has a name");
        let aside = damaged.join(name);
        fs_err::rename(path, &aside).map_err(failed("move aside", path))?;
        Ok(aside)
    }
}

/// What a note is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Note {
    /// A git commit, by its full id.
    Commit(String),
    /// A location without a pin.
    Unpinned(String),
}

fn sync_directory(path: &Path) -> Result<(), StoreError> {
    fs_err::File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(failed("sync", path))
}

fn hash(path: &Path, mut hasher: Hasher) -> Result<Hasher, StoreError> {
    let mut file = open_regular(path).map_err(failed("open", path))?;
    io::copy(&mut file, &mut hasher).map_err(failed("read", path))?;
    Ok(hasher)
}

/// Opens a regular file without following a link in its last component and without waiting on a pipe.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ))
    }
}

/// Reads the whole file and compares it: the one place where bytes become a verified source.
fn compare(path: &Path, expected: Expected) -> Result<Result<Stored, Mismatch>, StoreError> {
    let hasher = match expected {
        Expected::Digest(Digest::Blake3(_)) => Hasher::with_blake3(),
        Expected::Digest(Digest::Sha256(_)) | Expected::Anything => Hasher::new(),
    };
    let hasher = hash(path, hasher)?;
    let stored = Stored {
        path: path.to_owned(),
        sha256: hasher.sha256(),
        size: hasher.length(),
    };
    let Expected::Digest(expected) = expected else {
        return Ok(Ok(stored));
    };
    let actual = match (expected, hasher.blake3()) {
        (Digest::Blake3(_), Some(actual)) => Digest::Blake3(actual),
        (Digest::Blake3(_) | Digest::Sha256(_), _) => Digest::Sha256(stored.sha256),
    };
    Ok(if actual == expected {
        Ok(stored)
    } else {
        Err(Mismatch {
            expected,
            actual,
            size: stored.size,
        })
    })
}

/// Returns the size of a file that is there.
pub(crate) fn size_of(path: &Path) -> Option<u64> {
    // Absent and unreadable are the same to those who ask: there is nothing to go on from.
    fs_err::symlink_metadata(path)
        .ok()
        .map(|found| found.size())
}
