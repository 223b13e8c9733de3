//! Archives that are to be published: read from their first byte to their last before anything is decided.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use igos_format::archive::{ArchiveReader, CompressionFormat, Head, Part, ReadArchiveError};
use igos_format::index::{ArchiveLocation, FileNameError, IndexEntry};
use igos_format::manifest::Origin;
use igos_format::{Arch, Hasher, PackageId, Sha256};
use igos_report::Explain;

use crate::store::open_regular;

/// What the head of an archive of the caller's says, verified. There may be many, so this is all that is kept of it.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) path: PathBuf,
    pub(super) package: PackageId,
    pub(super) seal: Sha256,
    pub(super) origin: Origin,
    format: CompressionFormat,
}

/// An archive that was verified to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) path: PathBuf,
    pub(super) head: Head,
    pub(super) entry: IndexEntry,
}

/// An archive cannot be published.
#[derive(Debug, thiserror::Error)]
pub enum ReadGivenError {
    /// A file or directory cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is not a sound archive.
    #[error("cannot publish {}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ReadArchiveError,
    },
    /// The package's identity makes no name of a file.
    #[error("cannot publish {}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: FileNameError,
    },
    /// The caller wants to stop.
    #[error("publishing was stopped while archives were read; nothing changed")]
    Stopped,
}

impl Explain for ReadGivenError {
    fn code(&self) -> &'static str {
        match self {
            ReadGivenError::Io { .. } => "publish-archive-unreadable",
            ReadGivenError::Archive { source, .. } => source.code(),
            ReadGivenError::Name { .. } => "publish-file-name",
            ReadGivenError::Stopped => "publish-stopped",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ReadGivenError::Archive { source, .. } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ReadGivenError::Io { .. } => 4,
            ReadGivenError::Archive { source, .. } => source.exit_code(),
            ReadGivenError::Name { .. } => 1,
            ReadGivenError::Stopped => 130,
        }
    }
}

/// Returns the archives that `paths` name: files as they are, and every archive of a directory and those below it,
/// sorted. What lies in a directory under another name than archives have is none of ours.
pub(super) fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, ReadGivenError> {
    let mut found = Vec::new();
    for path in paths {
        let io = |source| ReadGivenError::Io {
            path: path.clone(),
            source,
        };
        if fs_err::metadata(path).map_err(io)?.is_dir() {
            find_below(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn find_below(top: &Path, found: &mut Vec<PathBuf>) -> Result<(), ReadGivenError> {
    let mut left = vec![top.to_owned()];
    while let Some(directory) = left.pop() {
        let io = |source| ReadGivenError::Io {
            path: directory.clone(),
            source,
        };
        for entry in fs_err::read_dir(&directory).map_err(io)? {
            let entry = entry.map_err(io)?;
            let kind = entry.file_type().map_err(io)?;
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() && has_archive_name(&entry.path()) {
                found.push(entry.path());
            }
        }
    }
    Ok(())
}

fn has_archive_name(path: &Path) -> bool {
    let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes);
    CompressionFormat::ALL
        .iter()
        .any(|format| name.is_some_and(|name| name.ends_with(format.suffix().as_bytes())))
}

/// Reads and verifies the head of the archive at `path`.
pub(super) fn read_head(path: &Path) -> Result<Head, ReadGivenError> {
    Head::read(open(path)?).map_err(|source| ReadGivenError::Archive {
        path: path.to_owned(),
        source,
    })
}

impl Given {
    /// Reads the head of the archive at `path`.
    pub(super) fn read(path: PathBuf) -> Result<Self, ReadGivenError> {
        let head = read_head(&path)?;
        Ok(Given {
            path,
            package: head.manifest().package.clone(),
            seal: head.seal_digest(),
            origin: head.manifest().origin,
            format: head.compression(),
        })
    }

    /// Returns what the file should be called.
    pub(super) fn file_name(&self) -> String {
        self.format.file_name(&self.package)
    }

    /// Tells whether the file has the name of another package. Names without a package in them, as of archives that
    /// are kept by digest, are fine.
    pub(super) fn has_other_name(&self) -> bool {
        let Some(name) = self.path.file_name().and_then(std::ffi::OsStr::to_str) else {
            return false;
        };
        let stem = name.strip_suffix(self.format.suffix()).unwrap_or(name);
        let arch = stem.rsplit_once('.').map(|(_, arch)| arch);
        let is_named = arch.is_some_and(|arch| arch.parse::<Arch>().is_ok());
        is_named && name != self.file_name()
    }

    /// Reads the archive to its end.
    pub(super) fn verify(self) -> Result<Whole, ReadGivenError> {
        let path = &self.path;
        let archive = |source| ReadGivenError::Archive {
            path: path.clone(),
            source,
        };
        let mut hashing = Hashing {
            file: open(path)?,
            hasher: Hasher::new(),
        };
        let reader = ArchiveReader::open(&mut hashing).map_err(archive)?;
        let head = reader.head().clone();
        if head.seal_digest() != self.seal {
            return Err(archive(ReadArchiveError::Digest {
                part: Part::Seal,
                expected: self.seal,
                actual: head.seal_digest(),
            }));
        }
        reader.finish().map_err(archive)?;
        let file_name = self.file_name().parse();
        let location = ArchiveLocation {
            file_name: file_name.map_err(|source| ReadGivenError::Name {
                path: path.clone(),
                source,
            })?,
            sha256: hashing.hasher.sha256(),
            size_bytes: hashing.hasher.length(),
            head_sha256: digest_of_start(path, head.length())?,
            head_bytes: head.length(),
        };
        Ok(Whole {
            entry: IndexEntry::of(&head, location),
            path: self.path,
            head,
        })
    }
}

/// Returns the digest of the first `length` bytes of a file.
fn digest_of_start(path: &Path, length: u64) -> Result<Sha256, ReadGivenError> {
    Sha256::read(open(path)?.take(length)).map_err(|source| ReadGivenError::Io {
        path: path.to_owned(),
        source,
    })
}

fn open(path: &Path) -> Result<File, ReadGivenError> {
    open_regular(path).map_err(|source| ReadGivenError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Hashes all that is read.
struct Hashing {
    file: File,
    hasher: Hasher,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Does `work` on every item with `jobs` threads; returns the results in order, or the first error by order.
pub(super) fn in_parallel<T: Send, R: Send, E: Send>(
    items: Vec<T>,
    jobs: NonZeroUsize,
    work: impl Fn(T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let items: Vec<Mutex<Option<T>>> = items.into_iter().map(|i| Mutex::new(Some(i))).collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.get().min(items.len()) {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(slot) = items.get(number) else { break };
                    let item = slot.lock().expect("nobody panics with it").take();
                    let result = work(item.expect("each is taken once"));
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    let mut done = done.lock().expect("nobody panics with it");
                    done.insert(number, result);
                }
            });
        }
    });
    let done = done.into_inner().expect("nobody panics with it");
    done.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::in_parallel;

    #[test]
    fn results_come_in_order_and_an_error_ends_the_work() {
        for jobs in [1, 3, 8] {
            let jobs = NonZeroUsize::new(jobs).expect("not zero");
            let double = |number: usize| Ok::<_, usize>(number * 2);
            let done = in_parallel((0..50).collect(), jobs, double);
            assert_eq!(done, Ok((0..50).map(|number| number * 2).collect()));
            let refuse = |number: usize| if number == 7 { Err(number) } else { Ok(number) };
            assert_eq!(in_parallel((0..50).collect(), jobs, refuse), Err(7));
            assert_eq!(in_parallel(Vec::new(), jobs, refuse), Ok(Vec::new()));
        }
    }
}
