//! The files of a `.deb`, read strictly and bounded; nothing is unpacked by name.
//!
//! The bytes are those whose digest Debian signed, but they are read as if they were hostile all the same: unknown
//! kinds of entries, paths that leave the root, duplicates and sizes past the limits are refused.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::GzDecoder;
use igos_format::{EntryKind, PathError, RelPath, escape};
use liblzma::read::XzDecoder;
use liblzma::stream::Stream;
use tar::EntryType;

use super::ar::{self, ArError, DataCompression};
use super::list::ToolchainList;
use super::payload::{Payload, plain_entry};

/// Most bytes of all files of one package; the largest package of a toolchain has 200 MB.
const DATA_MAX_BYTES: u64 = 4 << 30;

/// Most entries of one package; `linux-libc-dev` has 2 000, the largest we know of 60 000.
const ENTRIES_MAX: usize = 500_000;

/// Memory that an xz decoder may ask for, in bytes: what level 9 needs, and some.
const XZ_MEMORY_MAX_BYTES: u64 = 256 << 20;

/// Largest window of a zstd stream, as power of two: 128 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// The files of a `.deb` cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The container is not right.
    #[error(transparent)]
    Container(#[from] ArError),
    /// The file cannot be opened, or its content not be kept.
    #[error("its content cannot be kept")]
    Keep(#[source] io::Error),
    /// The data cannot be read: truncated, damaged, or past a limit.
    #[error("its data cannot be read")]
    Data(#[source] io::Error),
    /// A path cannot be in a package.
    #[error("it has a path that no package can have")]
    Path(#[from] PathError),
    /// A path is there twice.
    #[error("it has {path} twice")]
    Twice {
        /// The path, after the merge below `usr`.
        path: RelPath,
    },
    /// An entry is of a kind that no package of a toolchain has.
    #[error("{path} is neither file, directory nor link")]
    Kind {
        /// The path.
        path: RelPath,
    },
    /// A hard link points at something that is not a file before it.
    #[error("{path} is a hard link to {target}, which is not a file before it")]
    Link {
        /// The path.
        path: RelPath,
        /// What it points at, escaped.
        target: String,
    },
    /// There are too many entries.
    #[error("it has more than {ENTRIES_MAX} entries")]
    TooMany,
}

/// What of the package was not taken over as it was.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Changes {
    /// Files and directories whose mode lost setuid or setgid, with the mode they had.
    pub(super) modes: Vec<(RelPath, u32)>,
    /// Paths that did not belong to `root:root`, with whom they belonged to.
    pub(super) owners: Vec<(RelPath, String)>,
    /// How many paths the list drops.
    pub(super) dropped: u64,
}

/// The files of one package, merged below `usr`.
#[derive(Debug)]
pub(super) struct DebFiles {
    pub(super) payload: Payload,
    pub(super) changes: Changes,
    /// The newest time of modification, in seconds since 1970.
    pub(super) epoch: u64,
}

/// Reads the `.deb` at `path`; `list` says what is merged and dropped.
pub(super) fn read_deb(path: &Path, list: &ToolchainList) -> Result<DebFiles, DebError> {
    let mut file = fs_err::File::open(path)
        .map_err(DebError::Keep)?
        .into_parts()
        .0;
    let (compression, size) = ar::find_data(&mut file)?;
    let data = file.take(size);
    let decoder: Box<dyn Read> = match compression {
        DataCompression::None => Box::new(data),
        DataCompression::Gzip => Box::new(GzDecoder::new(data)),
        DataCompression::Xz => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY_MAX_BYTES, 0)
                .map_err(|error| DebError::Data(error.into()))?;
            Box::new(XzDecoder::new_stream(data, stream))
        }
        DataCompression::Zstd => Box::new(zstd(data).map_err(DebError::Data)?),
    };
    read_tar(decoder.take(DATA_MAX_BYTES), list)
}

fn zstd(data: io::Take<File>) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::new(data)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

/// Reads a tar file to its end.
pub(super) fn read_tar(data: impl Read, list: &ToolchainList) -> Result<DebFiles, DebError> {
    let mut files = DebFiles {
        payload: Payload::new().map_err(DebError::Keep)?,
        changes: Changes::default(),
        epoch: 0,
    };
    let mut archive = tar::Archive::new(data);
    for (number, entry) in archive.entries().map_err(DebError::Data)?.enumerate() {
        if number >= ENTRIES_MAX {
            return Err(DebError::TooMany);
        }
        let mut entry = entry.map_err(DebError::Data)?;
        let name = entry.path_bytes().into_owned();
        let name = name.strip_prefix(b"./").unwrap_or(&name);
        let name = name.strip_suffix(b"/").unwrap_or(name);
        if matches!(name, b"" | b".") {
            continue;
        }
        let original = RelPath::from_bytes(name)?;
        let path = merged(&original, list)?;
        if list.drop.iter().any(|pattern| pattern.is_match(&path)) {
            files.changes.dropped += 1;
            continue;
        }
        let mtime = entry.header().mtime().map_err(DebError::Data)?;
        files.epoch = files.epoch.max(mtime);
        add(&mut files, &mut entry, &original, path, list)?;
    }
    Ok(files)
}

fn add<R: Read>(
    files: &mut DebFiles,
    entry: &mut tar::Entry<'_, R>,
    original: &RelPath,
    path: RelPath,
    list: &ToolchainList,
) -> Result<(), DebError> {
    let kind = match entry.header().entry_type() {
        EntryType::Directory => EntryKind::Directory,
        EntryType::Regular => {
            let size = entry.size();
            let (sha256, size) = files
                .payload
                .add_content(entry, size)
                .map_err(DebError::Data)?;
            // Every file gets a group of its own; those of one member are dissolved when the manifest is made.
            let link_group = u32::try_from(files.payload.entries.len())
                .ok()
                .map(|number| number + 1);
            EntryKind::File {
                sha256,
                size,
                link_group,
            }
        }
        EntryType::Symlink => {
            let target = entry.link_name_bytes().unwrap_or_default().into_owned();
            if path != *original && is_merge_link(&path, &target) {
                return Ok(());
            }
            EntryKind::Symlink {
                target: rebase(original, &path, target),
            }
        }
        EntryType::Link => return add_hard_link(files, entry, path, list),
        _ => return Err(DebError::Kind { path }),
    };
    let header = entry.header();
    let written = header.mode().map_err(DebError::Data)?;
    let mode = match kind {
        EntryKind::Symlink { .. } => 0o777,
        // A sticky directory stays one; nothing of a toolchain has to run as somebody else.
        EntryKind::Directory => written & 0o1777,
        EntryKind::File { .. } => written & 0o777,
    };
    if mode != written & 0o7777 && !matches!(kind, EntryKind::Symlink { .. }) {
        files.changes.modes.push((path.clone(), written & 0o7777));
    }
    let (uid, gid) = (
        header.uid().map_err(DebError::Data)?,
        header.gid().map_err(DebError::Data)?,
    );
    if (uid, gid) != (0, 0) {
        let name = |bytes: Option<&[u8]>| escape::escape(bytes.unwrap_or_default());
        let owner = format!(
            "{}:{}",
            name(header.username_bytes()),
            name(header.groupname_bytes())
        );
        files.changes.owners.push((path.clone(), owner));
    }
    insert(files, path, kind, mode as u16)
}

fn insert(files: &mut DebFiles, path: RelPath, kind: EntryKind, mode: u16) -> Result<(), DebError> {
    match files.payload.entries.get(&path) {
        // `lib` and `usr/lib` become one directory.
        Some(there) if there.kind == EntryKind::Directory && kind == EntryKind::Directory => {}
        Some(_) => return Err(DebError::Twice { path }),
        None => {
            files
                .payload
                .entries
                .insert(path.clone(), plain_entry(path, kind, mode));
        }
    }
    Ok(())
}

fn add_hard_link<R: Read>(
    files: &mut DebFiles,
    entry: &tar::Entry<'_, R>,
    path: RelPath,
    list: &ToolchainList,
) -> Result<(), DebError> {
    let target = entry.link_name_bytes().unwrap_or_default().into_owned();
    let name = target.strip_prefix(b"./").unwrap_or(&target);
    let found = merged(&RelPath::from_bytes(name)?, list)?;
    let found = files
        .payload
        .entries
        .get(&found)
        .filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    match found.cloned() {
        Some(first) => insert(files, path, first.kind, first.mode),
        None => Err(DebError::Link {
            path,
            target: escape::escape(&target),
        }),
    }
}

/// Returns where a path lies after the merge below `usr`.
fn merged(path: &RelPath, list: &ToolchainList) -> Result<RelPath, PathError> {
    let first = path.components().next().unwrap_or_default();
    if list
        .usr_merge
        .iter()
        .any(|directory| directory.as_bytes() == first)
    {
        RelPath::from_bytes(&[b"usr/", path.as_bytes()].concat())
    } else {
        Ok(path.clone())
    }
}

/// Tells whether a moved link is the one that the merge itself makes, such as `lib64 -> usr/lib64`.
fn is_merge_link(path: &RelPath, target: &[u8]) -> bool {
    target.strip_prefix(b"/").unwrap_or(target) == path.as_bytes()
}

/// Returns the target of a link that may have moved one directory down: what climbed relative to the old place
/// becomes absolute, everything else stays.
fn rebase(original: &RelPath, path: &RelPath, target: Vec<u8>) -> Vec<u8> {
    if original == path || target.starts_with(b"/") || !target.starts_with(b"..") {
        return target;
    }
    let mut place: Vec<&[u8]> = original.components().collect();
    place.pop();
    for component in target.split(|byte| *byte == b'/') {
        match component {
            b".." => {
                place.pop();
            }
            b"" | b"." => {}
            name => place.push(name),
        }
    }
    let mut absolute = vec![b'/'];
    absolute.extend(place.join(&b'/'));
    absolute
}
