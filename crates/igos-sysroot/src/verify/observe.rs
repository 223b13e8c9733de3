//! Looking at one path.

use std::fs::File;
use std::io::{self, Read};

use igos_format::{Capabilities, EntryKind, FileEntry, Hasher, RelPath, Sha256, Xattrs};
use igos_root::{Directory, Kind, Metadata, RootDir, extended_attribute};

/// Bytes read at a time.
const READ_BYTES: usize = 128 * 1024;

/// How much is read of a file that is longer than it should be, so that its digest can be told, in bytes.
const READ_ANYWAY_BYTES: u64 = 64 * 1024 * 1024;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What the kernel knows.
    pub metadata: Metadata,
    /// Digest of a file's content.
    pub sha256: Option<Sha256>,
    /// Where a symbolic link points.
    pub target: Option<Vec<u8>>,
    /// The declared extended attributes, as far as they are there.
    pub xattrs: Xattrs,
    /// The bytes of the file capabilities.
    pub capabilities: Option<Vec<u8>>,
}

/// Why a path was not observed.
#[derive(Debug)]
pub(crate) enum Unobserved {
    /// Nothing is there.
    Missing,
    /// Something on the way is not a directory.
    WayBlocked,
    /// It cannot be read.
    Unreadable(io::Error),
}

impl From<io::Error> for Unobserved {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Unobserved::Missing
        } else {
            Unobserved::Unreadable(error)
        }
    }
}

/// Looks at `place`, where `entry` should be; hashes it only if it is a file as expected.
pub(crate) fn observe(
    root: &RootDir,
    place: &RelPath,
    entry: &FileEntry,
) -> Result<Observed, Unobserved> {
    let parent = root.parent_of(place).map_err(|error| {
        if error.is_way_blocked() {
            Unobserved::WayBlocked
        } else {
            Unobserved::from(error.into_io())
        }
    })?;
    let name = place.file_name();
    let metadata = parent.metadata(name)?;
    let mut observed = Observed {
        metadata,
        sha256: None,
        target: None,
        xattrs: Xattrs::new(),
        capabilities: None,
    };
    match metadata.kind {
        Kind::Symlink => observed.target = Some(parent.read_link(name)?),
        Kind::File if super::compare::kind_of(entry) == Kind::File => {
            read_file(&parent, name, entry, &mut observed)?;
        }
        Kind::Directory if !entry.xattrs.is_empty() => {
            let directory = parent.open_directory(name)?;
            for attribute in entry.xattrs.keys() {
                if let Some(value) = extended_attribute(&directory, attribute)? {
                    observed.xattrs.insert(attribute.clone(), value);
                }
            }
        }
        _ => {}
    }
    Ok(observed)
}

fn read_file(
    parent: &Directory,
    name: &[u8],
    entry: &FileEntry,
    observed: &mut Observed,
) -> io::Result<()> {
    let mut file = parent.open_file(name)?;
    let recorded = match entry.kind {
        EntryKind::File { size, .. } => size,
        EntryKind::Directory | EntryKind::Symlink { .. } => 0,
    };
    observed.sha256 = hash(&mut file, recorded.max(READ_ANYWAY_BYTES))?;
    observed.capabilities = extended_attribute(&file, Capabilities::XATTR)?;
    for attribute in entry.xattrs.keys() {
        if let Some(value) = extended_attribute(&file, attribute)? {
            observed.xattrs.insert(attribute.clone(), value);
        }
    }
    Ok(())
}

/// Returns the digest of a file, or `None` where it is longer than `limit`: whoever may write in its directory can put one
/// there that takes days to read.
fn hash(file: &mut File, limit: u64) -> io::Result<Option<Sha256>> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; READ_BYTES];
    while hasher.length() <= limit {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hasher.sha256())),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
